"""Trials of KerasTuner as the freezing and thawing policy sees them."""

import numpy as np
from keras_tuner.engine.trial import TrialStatus

from keras_metahpo._kerastuner import EPOCHS, IS_OVER, configuration_of
from keras_metahpo.history import TrainingState, seconds_of, utility

ELAPSED_S, NUM_PARAMETERS = "elapsed_s", "num_parameters"


def epochs_of(trial) -> int:
    """Epochs that a trial was trained, as far as it reported them."""
    steps = [o.step for metric in trial.metrics.metrics.values() for o in metric.get_history()]
    return int(max(steps)) + 1 if steps else 0


def state_of(trial, objective, max_epochs: int, is_random: bool) -> TrainingState:
    """What is known of a trial: of one that is training further, what it reached until now.

    Args:
        trial: Of KerasTuner.
        objective: Of the oracle.
        max_epochs: Of a full training.
        is_random: Whether the floor drew it.
    """
    values = trial.hyperparameters.values
    trained = epochs_of(trial)
    is_running = trial.status == TrialStatus.RUNNING
    is_completed = trial.status == TrialStatus.COMPLETED
    # One of a search without freezing says nothing of its epochs.
    is_over = not is_running and (not is_completed or values.get(EPOCHS) != trained)
    curve = np.full(max_epochs if is_over else min(trained, max_epochs), np.nan)
    if (is_completed or is_running) and trial.metrics.exists(objective.name):
        for observation in trial.metrics.get_history(objective.name):
            if observation.step < len(curve):
                curve[observation.step] = utility(float(observation.mean()), objective.direction)
        if len(curve) and curve[-1] == -np.inf:  # It has diverged.
            curve = np.append(curve, np.full(max_epochs - len(curve), np.nan))
    epoch_s, startup_s = trial_seconds(trial)
    return TrainingState(
        configuration_of(trial),
        curve,
        epoch_s,
        startup_s,
        num_parameters=max(_means(trial, NUM_PARAMETERS), default=0.0),
        may_go_on=not is_running and not values.get(IS_OVER, False),
        is_random=is_random,
    )


def trial_seconds(trial) -> tuple[float, float]:
    """Seconds of an epoch, and those that the first one took longer; 0 where nothing is known."""
    return seconds_of(_means(trial, ELAPSED_S))


def _means(trial, metric: str) -> list[float]:
    """What a trial reported of a metric, epoch by epoch."""
    if not trial.metrics.exists(metric):
        return []
    return [float(observation.mean()) for observation in trial.metrics.get_history(metric)]
