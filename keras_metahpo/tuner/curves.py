"""A tuner whose oracle sees every epoch."""

import math
import time
from collections.abc import Mapping, Sequence

import keras

from keras_metahpo._kerastuner import EPOCHS, FreezingTuner


class CurveTuner(FreezingTuner):
    """Reports the metrics of every epoch and, among them, what the trial costs.

    `elapsed_s` are the seconds since it began, `num_parameters` is the size of its model.
    """

    def __init__(self, *args, **arguments):
        super().__init__(*args, **arguments)
        self._epochs: list[tuple[int, dict[str, float]]] = []

    @property
    def seen_epochs(self):
        return [epoch for epoch, _ in self._epochs]

    def on_epoch_begin(self, trial, model, epoch, logs=None):
        if epoch == 0 and EPOCHS not in trial.hyperparameters.values:
            self.training_began = time.perf_counter()

    def on_epoch_end(self, trial, model, epoch, logs=None):
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["elapsed_s"] = time.perf_counter() - self.training_began
        # `count_params` refuses a model whose class has no `build`.
        metrics["num_parameters"] = float(sum(math.prod(w.shape) for w in model.weights))
        self._epochs.append((epoch, metrics))
        if self.is_out_of_time():
            model.stop_training = True

    def run_trial(self, trial, *args, **kwargs):
        """Trains the trial's model and reports every epoch to the oracle."""
        self._epochs, self.training_began = [], time.perf_counter()
        results = super().run_trial(trial, *args, **kwargs)
        histories = results if isinstance(results, list) else [results]
        # A hypermodel whose `fit` returns a number means that number, not the epochs behind it.
        if all(isinstance(history, keras.callbacks.History) for history in histories):
            self._report(trial, histories)
        return results

    def _report(self, trial, histories: list) -> None:
        for epoch, metrics in self._measurements(histories):
            self.oracle.update_trial(trial.trial_id, metrics, step=epoch)

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

    def report_curve(self, trial, curve: Sequence[Mapping[str, float]]) -> list:
        """Reports a training that was done without `fit`; returns what `fit` would have."""
        history = keras.callbacks.History()
        history.epoch = list(range(len(curve)))
        history.history = {name: [metrics[name] for metrics in curve] for name in curve[0]}
        self._epochs = []
        self._report(trial, [history])
        return [history]
