"""How a ranker is trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keras_metahpo.rankers import InContextRanker

# Called with (steps done, steps in all, stage).
OnStep = Callable[[int, int, str], None]


@dataclass(frozen=True)
class TrainingConfig:
    """How a ranker is trained.

    Attributes:
        num_steps: Gradient steps.
        num_synthetic_tasks: Size of the pool of synthetic tasks.
        batch_size, num_configurations: Tasks a batch and configurations a task.
        recorded_share: Share of recorded tasks in a batch.
        learning_rate, weight_decay: Of AdamW; the rate warms up and then falls as a cosine.
        evaluate_every: Steps between evaluations on the validation tasks.
        seed: Seed of everything.
        kind: What is trained: a name of `keras_metahpo.rankers.presets.RANKERS`.
        network: Configuration of its network.
    """

    num_steps: int = 6000
    num_synthetic_tasks: int = 16_000
    batch_size: int = 8
    num_configurations: int = 40
    recorded_share: float = 0.15
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    evaluate_every: int = 500
    seed: int = 0
    kind: str = InContextRanker.kind
    network: Mapping = field(default_factory=dict)
