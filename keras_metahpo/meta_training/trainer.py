"""A ranking network, trained step by step and judged on validation tasks."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_metahpo.meta_training.batches import Batch, TokenizedTask, sample_batch
from keras_metahpo.meta_training.checkpoint import TrainingCheckpoint, TrainingState
from keras_metahpo.meta_training.config import OnStep, TrainingConfig
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.rankers import InContextRanker, NetworkRanker, Ranker
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.presets import RANKERS

WARMUP_SHARE = 0.05
# What an evaluation tells beside the families, none of which may be called so.
NOT_FAMILIES = ("step", "loss", "mean")


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
        learnt = frozenset(name for task in recorded for name in task.space.names)
        self.ranker.known_names = learnt.union(self.start.known_names if self.start else ())
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
