"""Two recorded tasks become one: mixup of tasks, and of hyperparameters.

Shapes: n configurations, d hyperparameters, f features.
"""

from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.augmentation.rebuilding import numbered, rebuild, renamed
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.hyperparameter import pick
from keras_metahpo.meta_training.synthetic.space import MAX_HYPERPARAMETERS
from keras_metahpo.space import role_of
from keras_metahpo.space.roles import ALIASES

# Shares of the other task; in a mixture of one search space the task itself prevails.
MOST_MIXED = 0.5
JOINED_SHARES = (0.2, 0.8)
# A configuration tells of another no farther away than this. On 400 synthetic tasks with 200
# configurations the ranks of nearest neighbours correlate .84 at a distance of .1, .73 at .3 and
# .47 at .6.
NEAR = 0.3
# Distance of two different labels, and of active from inactive.
APART = 1.0
# Of hyperparameters whose names collide, this share is given another name of the role; the others
# are numbered.
ALIAS_SHARE = 0.5


def mixable(task: SourceTask, other: SourceTask) -> bool:
    """Whether two tasks have the same search space."""
    return other is not task and task.space.hyperparameters == other.space.hyperparameters


def mix(task: SourceTask, other: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
    """A task between two of the same search space: a weighted mean of both's ranks.

    The other task's utility of a configuration is that of its nearest one, and configurations
    without a near one are left out. Where that leaves fewer than `min_rows`, logs are too thin to
    be mixed, and the task is returned. What failed in the task fails.
    """
    from scipy.spatial import KDTree

    distances, nearest = KDTree(_features(other)).query(_features(task))
    rows = np.flatnonzero(distances <= NEAR)
    if len(rows) < min_rows:
        return task
    share = rng.uniform(0.0, MOST_MIXED)
    utilities = _weighted(task.utilities[rows], ranks(other.utilities)[nearest[rows]], share)
    return replace(task.take(rows), utilities=utilities)


def joinable(task: SourceTask, other: SourceTask) -> bool:
    """Whether two tasks have different search spaces, and together no more than usual."""
    return (
        len(task.space) + len(other.space) <= MAX_HYPERPARAMETERS
        and task.space.hyperparameters != other.space.hyperparameters
    )


def join(task: SourceTask, other: SourceTask, rng: np.random.Generator) -> SourceTask:
    """A task with the hyperparameters of both, as of a model with two parts.

    Its configurations are random pairs of theirs and its utility is a weighted mean of both's
    ranks; where one part fails, all fails.
    """
    size = max(len(task.points), len(other.points))
    # All configurations of the larger one, each of the smaller one about equally often.
    rows, other_rows = (np.resize(rng.permutation(len(t.points)), size) for t in (task, other))
    utilities = _weighted(
        task.utilities[rows], ranks(other.utilities)[other_rows], rng.uniform(*JOINED_SHARES)
    )
    utilities[~np.isfinite(other.utilities[other_rows])] = -np.inf
    if np.isfinite(utilities).sum() < 2:
        return task
    names = _names_beside(task, other, rng)
    hyperparameters = [
        *task.space.hyperparameters,
        *renamed(other.space.hyperparameters, names),
    ]
    numbers = np.concatenate([task.points.numbers[rows], other.points.numbers[other_rows]], axis=1)
    joined = rebuild(task.take(rows), hyperparameters, numbers)
    return replace(joined, name=f"{task.name} and {other.name}", utilities=utilities)


def ranks(utilities: np.ndarray) -> np.ndarray:
    """Ranks from 0 to 1, 1 the best; ties share theirs and failures the worst. Float array (n,)."""
    from scipy.stats import rankdata

    found = rankdata(np.where(np.isfinite(utilities), utilities, -np.inf))
    return (found - 1) / max(len(found) - 1, 1)


def _weighted(utilities: np.ndarray, other_ranks: np.ndarray, share: float) -> np.ndarray:
    """Weighted means of ranks, -inf where the first fails: float array (n,)."""
    mean = (1 - share) * ranks(utilities) + share * other_ranks
    return np.where(np.isfinite(utilities), mean, -np.inf)


def _features(task: SourceTask) -> np.ndarray:
    """Positions whose Euclidean distances compare configurations: float array (n, f)."""
    columns = []
    for column, hp in enumerate(task.space.hyperparameters):
        active = task.points.active[:, column]
        if hp.is_categorical:
            codes = np.nan_to_num(task.points.numbers[:, column]).astype(int)
            one_hot = np.eye(len(hp.choices))[codes] * active[:, None]
            columns += list(one_hot.T * APART / np.sqrt(2))
        else:
            columns.append(task.points.units[:, column])
        if hp.conditions:
            columns.append(APART * active)
    return np.stack(columns, axis=1)


def _names_beside(task: SourceTask, other: SourceTask, rng: np.random.Generator) -> dict[str, str]:
    """New names of the other task's hyperparameters, none of them one of the task's."""
    taken = {*task.space.names, *other.space.names}
    names = {}
    for name in other.space.names:
        names[name] = name
        if name not in task.space.names:
            continue
        free = [alias for alias in ALIASES.get(role_of(name) or "", ()) if alias not in taken]
        is_renamed = free and rng.random() < ALIAS_SHARE
        names[name] = pick(free, rng) if is_renamed else numbered(name, taken)
        taken.add(names[name])
    return names
