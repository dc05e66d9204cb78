"""Which source tasks of a ranker search what is searched here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_metahpo.space import SearchSpace, role_of

NUM_ALIKE = 3


@dataclass(frozen=True)
class AlikeTask:
    """A source task.

    Attributes:
        name: Its name.
        similarity: From 0 to 1. How much of the importance lies in hyperparameters of roles that
            the task searches, too.
    """

    name: str
    similarity: float


def alike_tasks(
    space: SearchSpace, importances: Mapping[str, float], trained_on: Sequence[Mapping]
) -> tuple[AlikeTask, ...]:
    """The tasks that are most alike, the most similar first.

    Args:
        space: The search space.
        importances: Of its hyperparameters; all count the same if it is empty.
        trained_on: Entries of a preset's card; those that do not name `hyperparameters` are left
            out.
    """
    weights = {name: importances.get(name, 0.0) if importances else 1.0 for name in space.names}
    total = sum(weights.values())
    found = []
    for entry in trained_on:
        theirs = {_meaning(name) for name in entry.get("hyperparameters", ())}
        if not theirs or not total:
            continue
        shared = sum(w for name, w in weights.items() if _meaning(name) in theirs)
        ours = {_meaning(name) for name in space.names}
        overlap = len(ours & theirs) / len(ours | theirs)
        found.append((shared / total, overlap, str(entry.get("name"))))
    found.sort(key=lambda item: (-item[0], -item[1], item[2]))
    return tuple(AlikeTask(name, share) for share, _, name in found[:NUM_ALIKE] if share > 0)


def _meaning(name: str) -> str:
    return role_of(name) or name
