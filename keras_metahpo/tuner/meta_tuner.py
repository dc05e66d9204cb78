"""`MetaTuner`: a KerasTuner tuner driven by `MetaOracle`, which sees every epoch."""

import logging
import time
from collections.abc import Mapping

import keras

from keras_metahpo._kerastuner import EPOCHS, FreezingTuner
from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.oracle import MetaOracle
from keras_metahpo.space import SearchSpace
from keras_metahpo.tuner.freezable import why_not_freezable

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
    "max_epochs",
    "max_epochs_total",
    "budget_s",
    "seed",
    "hyperparameters",
    "tune_new_entries",
    "allow_new_entries",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
)


class MetaTuner(FreezingTuner):
    """Tunes Keras models with prior knowledge; a drop-in for `keras_tuner.RandomSearch`.

    Args:
        hypermodel: As in `keras_tuner.Tuner`.
        objective, max_trials: As in `MetaOracle`.
        **kwargs: Further arguments of `MetaOracle` (`max_epochs`, `max_epochs_total`, `budget_s`,
            `ranker`, `history`, `initial_configurations`, `floor`, `candidate_search`, `surrogate`,
            `seed`, ...) and of `keras_tuner.Tuner` (`directory`, `project_name`, `overwrite`,
            `executions_per_trial`, ...).

    With `max_epochs`, most trials are trained for a few epochs only, and promising ones go on
    later, on the same trial, from their last epoch and with the optimizer's state. A hypermodel's
    own `fit` must pass its arguments on to the model's. A trial is trained in one go where it could
    not go on unchanged: if that `fit` or the model's goes its own way, if a callback may remember
    earlier epochs, if the objective is not measured in the last epoch, or if the model cannot be
    saved; the log says why.

    With `executions_per_trial` above 1, the mean curve of the executions is reported, and a
    trial's score is its best epoch.

    Ctrl-C ends a search without an error: `get_best_models` answers, and `search` goes on.

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
        if kwargs.get("max_epochs") is not None and type(self).run_trial is not MetaTuner.run_trial:
            raise ValueError(
                "max_epochs needs the tuner's own `run_trial`, which can go on where a training "
                f"stopped. Received: max_epochs={kwargs['max_epochs']} and {type(self).__name__}, "
                "which defines `run_trial`. Leave max_epochs out, or do not define it."
            )
        oracle_kwargs = {name: kwargs.pop(name) for name in ORACLE_ARGUMENTS if name in kwargs}
        oracle = MetaOracle(objective=objective, max_trials=max_trials, **oracle_kwargs)
        super().__init__(
            oracle=oracle, hypermodel=hypermodel, max_epochs=oracle.max_epochs, **kwargs
        )
        # A worker knows the chief's oracle by a few calls only: it has a clock of its own.
        self._budget = oracle.budget
        self._check_initial_configurations(oracle)
        self._is_waiting = False
        self._epochs: list[tuple[int, dict[str, float]]] = []

    def search(self, *fit_args, **fit_kwargs):
        """Searches; arguments as in `keras_tuner.Tuner.search`, but for `epochs` with `max_epochs`.

        Raises:
            ValueError: if `epochs` or `initial_epoch` contradicts `max_epochs`.
        """
        if self.max_epochs is not None:
            self._prepare_freezing(fit_kwargs)
        try:
            super().search(*fit_args, **fit_kwargs)
        except KeyboardInterrupt:
            if self.is_distributed():
                raise
            logger.warning(
                "The search was interrupted; %d trials have ended. `get_best_models` answers, and "
                "`search` goes on where it was.",
                len(self.oracle.finished_trials()),
            )

    def _prepare_freezing(self, fit_kwargs: dict) -> None:
        max_epochs = self.max_epochs
        for name, legal in (("epochs", max_epochs), ("initial_epoch", 0)):
            if fit_kwargs.get(name, legal) != legal:
                raise ValueError(
                    f"With max_epochs={max_epochs}, the tuner decides how long a trial is trained. "
                    f"Received: {name}={fit_kwargs[name]}. Leave it out."
                )
        reason = why_not_freezable(fit_kwargs.get("callbacks") or ())
        self.may_freeze = reason is None
        if reason:
            logger.warning(
                "Every trial is trained for all %d epochs in one go, because %s.",
                max_epochs,
                reason,
            )

    @property
    def seen_epochs(self):
        return [epoch for epoch, _ in self._epochs]

    def is_out_of_time(self):
        return self._budget.is_out_of_time

    def on_search_begin(self):
        # Without this file, KerasTuner would restart an interrupted search from nothing.
        self.save()
        self._budget.begin()

    def pre_create_trial(self):
        if self._is_waiting:
            time.sleep(IDLE_S)
        self._is_waiting = True

    def on_trial_begin(self, trial):
        self._is_waiting = False
        super().on_trial_begin(trial)

    def on_epoch_begin(self, trial, model, epoch, logs=None):
        if epoch == 0 and EPOCHS not in trial.hyperparameters.values:
            self.training_began = time.perf_counter()

    def on_epoch_end(self, trial, model, epoch, logs=None):
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        elapsed_s = time.perf_counter() - self.training_began
        self._epochs.append((epoch, metrics | {"elapsed_s": elapsed_s}))
        if self.is_out_of_time():
            model.stop_training = True

    def run_trial(self, trial, *args, **kwargs):
        """Trains the trial's model and reports every epoch to the oracle."""
        self._epochs, self.training_began = [], time.perf_counter()
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
