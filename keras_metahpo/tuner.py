"""`MetaTuner`: a KerasTuner tuner driven by `MetaOracle`, which sees every epoch."""

import logging
import time
from collections.abc import Mapping

import keras

from keras_metahpo._kerastuner import ReportingTuner
from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.oracle import MetaOracle
from keras_metahpo.space import SearchSpace

logger = logging.getLogger(__name__)

# A worker that has nothing to do asks again after this many seconds.
IDLE_S = 0.5

ORACLE_ARGUMENTS = (
    "ranker",
    "history",
    "initial_configurations",
    "floor",
    "candidate_search",
    "surrogate",
    "seed",
    "hyperparameters",
    "tune_new_entries",
    "allow_new_entries",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
)


class MetaTuner(ReportingTuner):
    """Tunes Keras models with prior knowledge; a drop-in for `keras_tuner.RandomSearch`.

    Args:
        hypermodel: As in `keras_tuner.Tuner`.
        objective, max_trials: As in `MetaOracle`.
        **kwargs: Further arguments of `MetaOracle` (`ranker`, `history`,
            `initial_configurations`, `floor`, `candidate_search`, `surrogate`, `seed`, ...) and of
            `keras_tuner.Tuner` (`directory`, `project_name`, `overwrite`,
            `executions_per_trial`, ...).

    With `executions_per_trial` above 1, the mean curve of the executions is reported, and a
    trial's score is its best epoch.

    Raises:
        SearchSpaceError: if an initial configuration has an illegal value.

    Example:

    ```python
    tuner = keras_metahpo.MetaTuner(build_model, objective="val_accuracy", max_trials=20)
    tuner.search(x, y, validation_data=(x_val, y_val), epochs=10)
    model = tuner.get_best_models()[0]
    ```
    """

    def __init__(self, hypermodel=None, objective=None, max_trials: int | None = 10, **kwargs):
        if hypermodel is None and type(self).run_trial is MetaTuner.run_trial:
            raise ValueError(
                "hypermodel must be a `HyperModel` or a function that builds a model, unless a "
                "subclass defines `run_trial`. Received: hypermodel=None."
            )
        oracle_kwargs = {name: kwargs.pop(name) for name in ORACLE_ARGUMENTS if name in kwargs}
        oracle = MetaOracle(objective=objective, max_trials=max_trials, **oracle_kwargs)
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
        self._check_initial_configurations(oracle)
        self._is_waiting = False
        self._epochs: list[tuple[int, dict[str, float]]] = []
        self._fit_began = 0.0

    def on_search_begin(self):
        # Without this file, KerasTuner would restart an interrupted search from nothing.
        self.save()

    def pre_create_trial(self):
        if self._is_waiting:
            time.sleep(IDLE_S)
        self._is_waiting = True

    def on_trial_begin(self, trial):
        self._is_waiting = False
        super().on_trial_begin(trial)

    def on_epoch_begin(self, trial, model, epoch, logs=None):
        if epoch == 0:
            self._fit_began = time.perf_counter()

    def on_epoch_end(self, trial, model, epoch, logs=None):
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        elapsed_s = time.perf_counter() - self._fit_began
        self._epochs.append((epoch, metrics | {"elapsed_s": elapsed_s}))

    def run_trial(self, trial, *args, **kwargs):
        """Trains the trial's model and reports every epoch to the oracle."""
        self._epochs, self._fit_began = [], time.perf_counter()
        results = super().run_trial(trial, *args, **kwargs)
        histories = results if isinstance(results, list) else [results]
        # A hypermodel whose `fit` returns a number means that number, not the epochs behind it.
        if all(isinstance(history, keras.callbacks.History) for history in histories):
            for epoch, metrics in self._measurements(histories):
                self.oracle.update_trial(trial.trial_id, metrics, step=epoch)
        return results

    def _measurements(self, histories: list) -> list[tuple[int, Mapping[str, float]]]:
        """(epoch, metrics) of all executions, only where the objective was measured."""
        epochs = self._epochs
        if len(epochs) != sum(len(history.epoch) for history in histories):
            # The hypermodel fits several times or without our callback: believe what it returned.
            epochs = [
                (epoch, {k: float(v[i]) for k, v in history.history.items() if i < len(v)})
                for history in histories
                for i, epoch in enumerate(history.epoch)
            ]
        objective = self.oracle.objective
        return [
            (epoch, {**metrics, objective.name: objective.get_value(metrics)})
            for epoch, metrics in epochs
            if objective.has_value(metrics)
        ]

    def _check_initial_configurations(self, oracle: MetaOracle) -> None:
        space = SearchSpace.from_keras_tuner(oracle.hyperparameters)
        for configuration in oracle.initial_configurations:
            known = {k: v for k, v in configuration.items() if k in space.names}
            try:
                space.complete(known)
            except SearchSpaceError as error:
                raise SearchSpaceError(f"initial_configurations: {error}") from error
            if unknown := sorted(set(configuration) - set(known)):
                # They may appear in mid-search, so this is not an error.
                logger.warning(
                    "initial_configurations name %s, which the search space %s does not have yet.",
                    unknown,
                    space.names,
                )
