"""Checks a ranker on freshly drawn synthetic tasks: does it rank them, and are its bars honest?

Shapes: k tasks, q queries a task, c observed configurations a task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.space import MAX_HYPERPARAMETERS
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.rankers import Context, Ranker, Tokens, stack

# No training draws its pool from this seed, so that none has seen these tasks.
CHECK_SEED = 9_007_199_254_740_881
NUM_TASKS = 128
NUM_OBSERVED, NUM_QUERIES = 16, 64
# Tasks ranked at once, all padded to one shape: the network is compiled twice, and no more.
BATCH = 16
VOCABULARY_MULTIPLE = 64
# Probabilities of central intervals, and how often the truth should lie inside.
LEVELS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True)
class Check:
    """How a ranker does on synthetic tasks with a given number of observed trials.

    Attributes:
        num_observed: Trials of each task in the context.
        correlations: Float array (k,). Rank correlation of the predicted means of q queries with
            their utilities, which are noisy: 1 cannot be reached.
        errors: Float array (k q,). (truth - mean) / standard deviation, in normal scores.
    """

    num_observed: int
    correlations: np.ndarray
    errors: np.ndarray

    @property
    def median_correlation(self) -> float:
        return float(np.median(self.correlations))

    @property
    def coverage(self) -> np.ndarray:
        """Share of the truths inside the central intervals of `LEVELS`: float array (19,)."""
        from scipy.special import ndtri

        half_widths = ndtri((1.0 + LEVELS) / 2.0)
        return (np.abs(self.errors)[:, None] <= half_widths).mean(axis=0)

    @property
    def error_scale(self) -> float:
        """Root mean square of the errors: 1 where deviations are right, more where too small."""
        return float(np.sqrt(np.mean(self.errors**2)))


def check_tasks() -> list[SourceTask]:
    """The synthetic tasks every ranker is checked on; always the same ones."""
    rng = np.random.default_rng(CHECK_SEED)
    return [synthetic_task(rng, NUM_OBSERVED + NUM_QUERIES) for _ in range(NUM_TASKS)]


def check_ranker(
    ranker: Ranker,
    tasks: Sequence[SourceTask],
    on_task: Callable[[int], None] = lambda num_tasks: None,
) -> tuple[Check, Check]:
    """Checks a ranker before any trial, and after some.

    Args:
        ranker: Any.
        tasks: k tasks of c + q configurations each; the first c are observed.
        on_task: Called with the number of tasks that were checked since the last call.
    """
    found: dict[int, list[tuple[list[float], np.ndarray]]] = {0: [], NUM_OBSERVED: []}
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        query = _tokens(ranker, batch, slice(NUM_OBSERVED, None))
        seen = _tokens(ranker, batch, slice(NUM_OBSERVED))
        utilities = np.stack([task.utilities[:NUM_OBSERVED] for task in batch])
        context = Context(seen, utilities, np.ones(utilities.shape, bool))
        for num_observed, given in ((0, None), (NUM_OBSERVED, context)):
            found[num_observed].append(_compare(ranker.score(given, query), batch))
        on_task(len(batch))
    zero_shot, in_context = (
        Check(
            num_observed,
            np.concatenate([correlations for correlations, _ in parts]),
            np.concatenate([errors for _, errors in parts]),
        )
        for num_observed, parts in found.items()
    )
    return zero_shot, in_context


def _tokens(ranker: Ranker, tasks: Sequence[SourceTask], rows: slice) -> Tokens:
    tokens = [ranker.tokens(task.space, task.points[rows]) for task in tasks]
    return stack(tokens, MAX_HYPERPARAMETERS, VOCABULARY_MULTIPLE)


def _compare(prediction, tasks: Sequence[SourceTask]) -> tuple[list[float], np.ndarray]:
    """Rank correlations of the tasks, and the errors of all queries: float array (k q,)."""
    from scipy.stats import spearmanr

    # A normal score compares with all configurations of a task, not only with the queries.
    truth = np.stack([normal_scores(task.utilities)[NUM_OBSERVED:] for task in tasks])
    correlations = [
        float(np.nan_to_num(spearmanr(*pair).statistic))
        for pair in zip(prediction.mean, truth, strict=True)
    ]
    return correlations, ((truth - prediction.mean) / prediction.standard_deviation).ravel()
