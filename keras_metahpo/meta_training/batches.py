"""Turns source tasks into training batches of a ranking network.

Shapes: b tasks, n configurations, d hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.meta_training.augmentation import augment
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.rankers import Tokens, stack, tokenize

DROP_NAME_PROBABILITY = 0.2
DROP_ALL_NAMES_PROBABILITY = 0.12


@dataclass(frozen=True)
class Batch:
    """A training batch.

    Attributes:
        tokens: Tokens of b tasks with n configurations each, best first.
        targets: Float array (b, n, 2). Normal scores and listwise weights.
    """

    tokens: Tokens
    targets: np.ndarray


def sample_batch(
    synthetic: Sequence[SourceTask],
    recorded: Sequence[SourceTask],
    rng: np.random.Generator,
    batch_size: int,
    num_configurations: int,
    recorded_share: float,
) -> Batch:
    """Draws tasks, augments recorded ones, and draws configurations of each.

    Args:
        synthetic, recorded: Pools of source tasks.
        rng: All randomness comes from here.
        batch_size: Tasks a batch, b.
        num_configurations: Configurations a task, n.
        recorded_share: Share of recorded tasks; a minority, or they are learnt by heart.
    """
    tokens, targets = [], []
    for _ in range(batch_size):
        if recorded and rng.random() < recorded_share:
            task = recorded[rng.integers(len(recorded))]
            task = augment(task, rng, min_rows=num_configurations)
        else:
            task = synthetic[rng.integers(len(synthetic))]
        example = _draw(task, rng, num_configurations)
        tokens.append(example.tokens)
        targets.append(example.targets)
    return Batch(stack(tokens), np.concatenate(targets))


def _draw(task: SourceTask, rng: np.random.Generator, num_configurations: int) -> Batch:
    """Some configurations of one task, best first, scored among all of the task's."""
    scores = normal_scores(task.utilities)
    rows = rng.choice(len(scores), num_configurations, replace=False)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    tokens = _drop_names(tokenize(task.space, task.points[rows]), rng)
    targets = np.stack([scores[rows], listwise_weights(scores[rows])], axis=1)
    return Batch(tokens, targets[None].astype(np.float32))


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
