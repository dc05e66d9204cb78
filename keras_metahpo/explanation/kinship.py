"""Which source tasks of a ranker search what is searched here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_metahpo.role_guessing import Guess
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
    space: SearchSpace,
    importances: Mapping[str, float],
    trained_on: Sequence[Mapping],
    guesses: Mapping[str, Guess] | None = None,
) -> tuple[AlikeTask, ...]:
    """The tasks that are most alike, the most similar first.

    Args:
        space: The search space.
        importances: Of its hyperparameters; all count the same if it is empty.
        trained_on: Entries of a preset's card; those that do not name `hyperparameters` are left
            out.
        guesses: Roles of hyperparameters whose names do not tell.
    """
    meanings = {name: role_of(name) or name for name in space.names}
    meanings |= {name: guess.role for name, guess in (guesses or {}).items()}
    ours = set(meanings.values())
    weights = {name: importances.get(name, 0.0) if importances else 1.0 for name in space.names}
    total = sum(weights.values())
    found = []
    for entry in trained_on:
        theirs = {role_of(name) or name for name in entry.get("hyperparameters", ())}
        if not theirs or not total:
            continue
        shared = sum(w for name, w in weights.items() if meanings[name] in theirs)
        overlap = len(ours & theirs) / len(ours | theirs)
        found.append((shared / total, overlap, str(entry.get("name"))))
    found.sort(key=lambda item: (-item[0], -item[1], item[2]))
    return tuple(AlikeTask(name, share) for share, _, name in found[:NUM_ALIKE] if share > 0)
