"""Turns source tasks into training batches of a ranking network.

Shapes: b tasks, n configurations, d hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.meta_training.augmentation import augment
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.hyperparameter import pick
from keras_metahpo.rankers import Tokens, stack, tokenize

DROP_NAME_PROBABILITY = 0.2
DROP_ALL_NAMES_PROBABILITY = 0.12
# Tasks of one batch are drawn from these parts of all, whose spaces are alike in size.
SYNTHETIC_PARTS, RECORDED_PARTS = 8, 4
# Hyperparameters and categorical values are padded to multiples of these: every shape is compiled.
SHAPE_MULTIPLES = (4, 64)


@dataclass(frozen=True)
class Batch:
    """A training batch.

    Attributes:
        tokens: Tokens of b tasks with n configurations each, best first.
        targets: Float array (b, n, 2). Normal scores and listwise weights.
    """

    tokens: Tokens
    targets: np.ndarray


@dataclass(frozen=True)
class TokenizedTask:
    """A source task whose tokens were made once and are drawn from many times.

    Attributes:
        tokens: Tokens of all its configurations (b = 1).
        scores: Float array (n,). Normal scores among them.
    """

    tokens: Tokens
    scores: np.ndarray

    @property
    def width(self) -> int:
        """Number of hyperparameters."""
        return self.tokens.roles.shape[1]

    @classmethod
    def of(cls, task: SourceTask) -> "TokenizedTask":
        return cls(tokenize(task.space, task.points), normal_scores(task.utilities))


def sample_batch(
    synthetic: Sequence[TokenizedTask],
    recorded: Sequence[SourceTask],
    rng: np.random.Generator,
    batch_size: int,
    num_configurations: int,
    recorded_share: float,
) -> Batch:
    """Draws tasks, augments recorded ones, and draws configurations of each.

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
            task = TokenizedTask.of(augment(chosen, rng, min_rows=num_configurations))
        else:
            task = pick(synthetic, rng)
        examples.append(_draw(task, rng, num_configurations))
    tokens = stack([example.tokens for example in examples], *SHAPE_MULTIPLES)
    return Batch(tokens, np.concatenate([example.targets for example in examples]))


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

    Those of a task that has fewer come several times: compiled shapes repeat.
    """
    num_available = len(task.scores)
    size = min(num_configurations, num_available)
    rows = np.resize(rng.choice(num_available, size, replace=False), num_configurations)
    rows = rows[np.argsort(-task.scores[rows], kind="stable")]
    scores, tokens = task.scores[rows], task.tokens
    drawn = replace(
        tokens,
        cells=tokens.cells[:, rows],
        values=tokens.values[:, rows],
        active=tokens.active[:, rows],
    )
    targets = np.stack([scores, listwise_weights(scores)], axis=1)
    return Batch(_drop_names(drawn, rng), targets[None].astype(np.float32))


def listwise_weights(scores: np.ndarray) -> np.ndarray:
    """Weight 1 / ln(rank + 1) (deep ranking ensembles, section 4); none for those tied as worst.

    Args:
        scores: Float array (n,), best first.

    Returns:
        Float array (n,).
    """
    weights = 1.0 / np.log(np.arange(len(scores)) + 2.0)
    return np.where(scores > scores.min(), weights, 0.0)


def _drop_names(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """Blanks some names or all, so that a name never seen is nothing new."""
    share = 1.0 if rng.random() < DROP_ALL_NAMES_PROBABILITY else DROP_NAME_PROBABILITY
    kept = rng.random(tokens.roles.shape) >= share
    return replace(
        tokens, names=tokens.names * kept[..., None], roles=(tokens.roles * kept).astype(np.int32)
    )
