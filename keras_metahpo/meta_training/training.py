"""Meta-training of a ranker on synthetic and recorded tasks."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from keras_metahpo.meta_training.batches import Batch, TokenizedTask, sample_batch
from keras_metahpo.meta_training.checkpoint import TrainingCheckpoint, TrainingState
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.rankers import InContextRanker, NetworkRanker, Ranker
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.presets import RANKERS

WARMUP_SHARE = 0.05
# Called with (steps done, steps in all, stage).
OnStep = Callable[[int, int, str], None]
# What an evaluation tells beside the families, none of which may be called so.
NOT_FAMILIES = ("step", "loss", "mean")
# Configurations of a synthetic task; a batch draws some of them.
SYNTHETIC_CONFIGURATIONS = 128


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


@dataclass(frozen=True)
class TrainingResult:
    """A trained ranker and how it came about.

    Attributes:
        ranker: The ranker of the best evaluation, or of the last step without validation tasks.
        config: How it was trained.
        curve: One dictionary an evaluation: step, loss and rank correlations by family.
        best_step: Step of the returned weights.
        elapsed_s: Seconds of training, its earlier parts included.
    """

    ranker: NetworkRanker
    config: TrainingConfig
    curve: list[dict[str, float]]
    best_step: int
    elapsed_s: float

    def as_card(self) -> dict:
        """The training facts of a preset's card."""
        return {
            "training": asdict(self.config),
            "curve": self.curve,
            "best_step": self.best_step,
            "training_s": round(self.elapsed_s, 1),
        }


def train_ranker(
    recorded: Sequence[SourceTask],
    validation: Sequence[SourceTask],
    config: TrainingConfig,
    on_step: OnStep = lambda done, total, stage: None,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Trains a ranker and keeps its best weights on the validation tasks.

    Args:
        recorded: Real tasks to learn from; may be empty.
        validation: Real tasks of other families, for early stopping; may be empty.
        config: How to train.
        on_step: Called with (steps done, steps in all, stage) for progress.
        checkpoint: File from which a training that was stopped goes on.
    """
    import keras

    started = time.perf_counter()
    keras.utils.set_random_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    saved = None
    if checkpoint is not None:
        names = {
            "recorded": sorted(task.name for task in recorded),
            "validation": sorted(task.name for task in validation),
        }
        saved = TrainingCheckpoint(checkpoint, asdict(config) | names)
    synthetic = draw_synthetic(config.num_synthetic_tasks, rng, on_step)
    trainer = RankerTrainer(config, synthetic)
    curve, best_step = trainer.train(recorded, validation, rng, on_step, checkpoint=saved)
    elapsed_s = time.perf_counter() - started + (saved.spent_s if saved else 0.0)
    return TrainingResult(trainer.ranker, config, curve, best_step, elapsed_s)


def draw_synthetic(
    num_tasks: int,
    rng: np.random.Generator,
    on_step: OnStep = lambda done, total, stage: None,
) -> list[TokenizedTask]:
    """A pool of synthetic tasks."""
    synthetic = []
    for number in range(num_tasks):
        synthetic.append(TokenizedTask.of(synthetic_task(rng, SYNTHETIC_CONFIGURATIONS)))
        on_step(number + 1, num_tasks, "drawing synthetic tasks")
    return synthetic


class RankerTrainer:
    """One network, compiled once and trained as often as asked, from the same weights each time.

    Args:
        config: How to train.
        synthetic: Pool of synthetic tasks.
        start: A ranker to start from, which stays as it is; random weights without one. With
            one, the weights before the first step take part in early stopping.

    Attributes:
        ranker: The ranker of the latest training; the next training changes it.
    """

    def __init__(
        self,
        config: TrainingConfig,
        synthetic: Sequence[TokenizedTask],
        start: NetworkRanker | None = None,
    ):
        import keras

        from keras_metahpo.rankers.losses import ranking_loss

        kind = type(start) if start else RANKERS[config.kind]
        self.config = config
        self.synthetic = sorted(synthetic, key=lambda task: task.width)
        self.start = start
        form = start.network.get_config() if start else dict(config.network)
        network = built(kind.new_network, form)
        if start:
            network.set_weights(start.network.get_weights())
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=config.num_steps,
            warmup_target=config.learning_rate,
            warmup_steps=max(1, int(WARMUP_SHARE * config.num_steps)),
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay, clipnorm=1.0)
        # Variables that appear in the first step would have it traced twice, for ten seconds.
        optimizer.build(network.trainable_variables)
        # On TensorFlow, XLA takes longer to compile and its steps are no faster.
        jit_compile = "auto" if keras.backend.backend() == "jax" else False
        # The networks of the other surrogates know their losses.
        loss = ranking_loss if kind is InContextRanker else None
        network.compile(optimizer=optimizer, loss=loss, jit_compile=jit_compile)
        self.ranker = kind(network)
        self._initial_weights = network.get_weights()

    def train(
        self,
        recorded: Sequence[SourceTask],
        validation: Sequence[SourceTask],
        rng: np.random.Generator,
        on_step: OnStep = lambda done, total, stage: None,
        *,
        stage: str = "training",
        last_step: int | None = None,
        on_evaluation: Callable[[int], None] = lambda step: None,
        checkpoint: TrainingCheckpoint | None = None,
    ) -> tuple[list[dict[str, float]], int]:
        """Trains `ranker` from the initial weights; it ends with the best ones.

        Args:
            recorded, validation, on_step: As in `train_ranker`.
            rng: All randomness comes from here.
            stage: What the training is called in `on_step`.
            last_step: Where to stop on the schedule of all steps; its end by default.
            on_evaluation: Called with the step of each evaluation, while `ranker` has its weights.
            checkpoint: Written at each evaluation; where there is one, training goes on from it.

        Returns:
            One dictionary an evaluation, and the step of the best weights.
        """
        config, network = self.config, self.ranker.network
        num_steps = config.num_steps if last_step is None else last_step
        network.set_weights(self._initial_weights)
        for variable in network.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        state = None if checkpoint is None else checkpoint.restore(network, rng)
        if state is None:
            state = TrainingState(0, [], (-np.inf, 0, self._initial_weights))
            if self.start is not None:
                state = self._evaluated(state, 0, {}, validation)
                on_evaluation(0)
        for step in range(state.step + 1, num_steps + 1):
            batch = sample_batch(
                self.synthetic,
                recorded,
                rng,
                config.batch_size,
                config.num_configurations,
                config.recorded_share,
            )
            loss = network.train_on_batch(batch.inputs, self._targets(batch))
            if step % config.evaluate_every == 0 or step == num_steps:
                # `train_on_batch` returns the mean since the last reset.
                state = self._evaluated(state, step, {"loss": round(float(loss), 4)}, validation)
                network.reset_metrics()
                on_evaluation(step)
                if checkpoint is not None:
                    checkpoint.save(state, network, rng)
            on_step(step, num_steps, stage)
        network.set_weights(state.best[2])
        return state.curve, state.best[1]

    def _targets(self, batch: Batch) -> np.ndarray:
        if isinstance(self.ranker, InContextRanker):
            return batch.targets
        return batch.score_targets(only_queries=self.ranker.network.form["sees_context"])

    def _evaluated(
        self,
        state: TrainingState,
        step: int,
        facts: dict[str, float],
        validation: Sequence[SourceTask],
    ) -> TrainingState:
        """The state after an evaluation; without validation tasks the latest weights are best."""
        correlations = rank_correlations(self.ranker, validation)
        quality = correlations.get("mean", float(step))
        best = state.best
        if quality > best[0]:
            best = (quality, step, self.ranker.network.get_weights())
        return TrainingState(step, [*state.curve, {"step": step, **facts, **correlations}], best)


def rank_correlations(ranker: Ranker, tasks: Sequence[SourceTask]) -> dict[str, float]:
    """Zero-shot Spearman correlation, mean by family, and the mean of those as `"mean"`."""
    from scipy.stats import spearmanr

    by_family: dict[str, list[float]] = {}
    for task in tasks:
        predicted = ranker.prior_mean(task.space, task.points)
        utilities = np.where(np.isfinite(task.utilities), task.utilities, -np.finfo(float).max)
        correlation = float(np.nan_to_num(spearmanr(predicted, utilities).statistic))
        by_family.setdefault(task.family, []).append(correlation)
    means = {family: round(float(np.mean(values)), 4) for family, values in by_family.items()}
    return means | ({"mean": round(float(np.mean(list(means.values()))), 4)} if means else {})
