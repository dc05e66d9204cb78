"""Turns source tasks into training batches of a ranking network.

Shapes: b tasks, n configurations, d hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.meta_training.augmentation import augment, mislead
from keras_metahpo.meta_training.contexts import draw_num_observed, draw_observed, observe
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.hyperparameter import pick
from keras_metahpo.rankers import Tokens, stack, tokenize
from keras_metahpo.rankers.bars import CENTRES, bar_of
from keras_metahpo.rankers.inputs import cost_scores, observation_facts
from keras_metahpo.rankers.tokens import NUM_BUCKETS

# Bar, listwise weight, whether it is a query, whether it failed: as `ranking_loss` takes them.
NUM_TARGETS = 4
DROP_NAME_PROBABILITY = 0.25
DROP_ALL_NAMES_PROBABILITY = 0.2
GARBLED_SHARE = 0.5
# Contexts in which it is known what a trial cost, if the task knows.
COSTS_PROBABILITY = 0.5
# Freezing and cropping leave at least this part of the configurations that are drawn.
LEAST_PART = 4
# Tasks of one batch are drawn from these parts of all, whose spaces are alike in size.
SYNTHETIC_PARTS, RECORDED_PARTS = 8, 4
# Hyperparameters and categorical values are padded to multiples of these: every shape is compiled.
SHAPE_MULTIPLES = (4, 64)


@dataclass(frozen=True)
class Batch:
    """A training batch.

    Attributes:
        tokens: Tokens of b tasks with n configurations each, best first.
        observed: Bool array (b, n). Which of them are the context.
        scores: Float array (b, n). Normal scores of the context among itself.
        variances: Float array (b, n). Of the errors of these.
        costs: Float array (b, n). Normal scores of the context's costs, 0 where unknown.
        targets: Float array (b, n, 4). As `ranking_loss` takes them.
    """

    tokens: Tokens
    observed: np.ndarray
    scores: np.ndarray
    variances: np.ndarray
    costs: np.ndarray
    targets: np.ndarray

    def score_targets(self, only_queries: bool) -> np.ndarray:
        """As a `SurrogateNetwork` takes them: normal scores, as exact as bars are, and a mask.

        Args:
            only_queries: Whether the context is masked, too.
        """
        bars, is_query = self.targets[..., 0].astype(int), self.targets[..., 2] > 0
        mask = is_query if only_queries else is_query | self.observed
        return np.stack([CENTRES[bars], mask], axis=-1).astype(np.float32)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """As a ranking network takes them."""
        facts = observation_facts(self.observed, self.scores, self.variances, self.costs)
        return self.tokens.as_dict() | {"observed": self.observed, "facts": facts}


@dataclass(frozen=True)
class TokenizedTask:
    """A source task whose tokens were made once and are drawn from many times.

    Attributes:
        tokens: Tokens of all its configurations (b = 1).
        scores: Float array (n,). Normal scores among them.
        failed: Bool array (n,).
        early_errors, costs: As of a `SourceTask`.
    """

    tokens: Tokens
    scores: np.ndarray
    failed: np.ndarray
    early_errors: np.ndarray
    costs: np.ndarray

    @property
    def width(self) -> int:
        """Number of hyperparameters."""
        return self.tokens.roles.shape[1]

    @classmethod
    def of(cls, task: SourceTask) -> "TokenizedTask":
        tokens = tokenize(task.space, task.points)
        scores, failed = normal_scores(task.utilities), ~np.isfinite(task.utilities)
        return cls(tokens, scores, failed, task.early_errors, task.costs)


def sample_batch(
    synthetic: Sequence[TokenizedTask],
    recorded: Sequence[SourceTask],
    rng: np.random.Generator,
    batch_size: int,
    num_configurations: int,
    recorded_share: float,
) -> Batch:
    """Draws tasks, augments recorded ones, and draws configurations of each.

    A few tasks with a context mislead: their utilities are negated or shuffled.

    Args:
        synthetic: A pool of source tasks, ordered by their `width`.
        recorded: Real source tasks.
        rng: All randomness comes from here.
        batch_size: Tasks a batch, b.
        num_configurations: Configurations a task, n.
        recorded_share: Share of recorded tasks; a minority, or they are learnt by heart.
    """
    synthetic, recorded = _alike(synthetic, recorded, rng)
    examples = []
    for _ in range(batch_size):
        if recorded and rng.random() < recorded_share:
            chosen = pick(recorded, rng)
            min_rows = num_configurations // LEAST_PART
            task = TokenizedTask.of(augment(chosen, rng, min_rows, recorded))
        else:
            task = pick(synthetic, rng)
        examples.append(_draw(task, rng, num_configurations))
    tokens = stack([example.tokens for example in examples], *SHAPE_MULTIPLES)
    rest = ("observed", "scores", "variances", "costs", "targets")
    return Batch(tokens, *(np.concatenate([getattr(e, name) for e in examples]) for name in rest))


def _alike(
    synthetic: Sequence[TokenizedTask], recorded: Sequence[SourceTask], rng: np.random.Generator
) -> tuple[Sequence[TokenizedTask], Sequence[SourceTask]]:
    """Tasks of about one number of hyperparameters, or half of a batch would be padding."""
    size = max(1, len(synthetic) // SYNTHETIC_PARTS)
    chosen = int(rng.integers(len(synthetic)))
    start = min(max(0, chosen - size // 2), len(synthetic) - size)
    width = synthetic[chosen].width
    nearest = sorted(recorded, key=lambda task: abs(len(task.space) - width))
    return synthetic[start : start + size], nearest[: -(-len(recorded) // RECORDED_PARTS)]


def _draw(task: TokenizedTask, rng: np.random.Generator, num_configurations: int) -> Batch:
    """Some configurations of one task, best first, scored among all of the task's.

    What a task has too few of is padding, neither context nor query: compiled shapes repeat.
    """
    num_available = len(task.scores)
    size = min(num_configurations, num_available)
    rows = rng.choice(num_available, size, replace=False)
    num_observed = draw_num_observed(size, rng)
    task_scores = mislead(task.scores, task.failed, num_observed, rng)
    rows = rows[np.argsort(-task_scores[rows], kind="stable")]
    observed = draw_observed(task_scores[rows], num_observed, rng)
    targets = np.zeros((num_configurations, NUM_TARGETS), np.float32)
    queries = np.flatnonzero(~observed)
    targets[:size, 0] = bar_of(task_scores[rows])
    targets[queries, 1] = listwise_weights(task_scores[rows[queries]])
    targets[queries, 2] = 1.0
    targets[:size, 3] = task.failed[rows]
    seen = np.flatnonzero(observed)
    scores, variances, costs = np.zeros((3, num_configurations), np.float32)
    scores[seen], variances[seen] = observe(
        task_scores[rows[seen]], task.failed[rows[seen]], task.early_errors[rows[seen]], rng
    )
    if rng.random() < COSTS_PROBABILITY:
        costs[seen] = cost_scores(task.costs[rows[seen]])
    rows, observed = np.resize(rows, num_configurations), np.resize(observed, num_configurations)
    observed[size:] = False
    tokens = replace(
        task.tokens,
        cells=task.tokens.cells[:, rows],
        values=task.tokens.values[:, rows],
        active=task.tokens.active[:, rows],
    )
    arrays = (observed, scores, variances, costs, targets)
    return Batch(drop_names(tokens, rng), *(array[None] for array in arrays))


def listwise_weights(scores: np.ndarray) -> np.ndarray:
    """Weight 1 / ln(rank + 1) (deep ranking ensembles, section 4); none for those tied as worst.

    Args:
        scores: Float array (n,), best first.

    Returns:
        Float array (n,).
    """
    weights = 1.0 / np.log(np.arange(len(scores)) + 2.0)
    return np.where(scores > scores.min(), weights, 0.0)


def drop_names(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """Blanks or garbles some names or all, so that a name never seen is nothing new.

    A garbled name has random pieces and no role, like a synonym that no table of aliases knows.
    """
    share = 1.0 if rng.random() < DROP_ALL_NAMES_PROBABILITY else DROP_NAME_PROBABILITY
    dropped = rng.random(tokens.roles.shape) < share
    garbled = dropped & (rng.random(dropped.shape) < GARBLED_SHARE)
    others = rng.integers(1, NUM_BUCKETS, tokens.names.shape) * (tokens.names > 0)
    names = np.where(dropped[..., None], others * garbled[..., None], tokens.names)
    roles = np.where(dropped, 0, tokens.roles)
    return replace(
        tokens, names=names.astype(tokens.names.dtype), roles=roles.astype(tokens.roles.dtype)
    )
