"""Trials of KerasTuner as the freezing and thawing policy sees them."""

import numpy as np

from keras_metahpo._kerastuner import COMPLETED, EPOCHS, IS_OVER, RUNNING, configuration_of
from keras_metahpo.history import TrainingState, utility

ELAPSED_S = "elapsed_s"


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
    is_running = trial.status == RUNNING
    # One of a search without freezing says nothing of its epochs.
    is_over = not is_running and (trial.status != COMPLETED or values.get(EPOCHS) != trained)
    curve = np.full(max_epochs if is_over else min(trained, max_epochs), np.nan)
    if trial.status in (COMPLETED, RUNNING) and trial.metrics.exists(objective.name):
        for observation in trial.metrics.get_history(objective.name):
            if observation.step < len(curve):
                curve[observation.step] = utility(float(observation.mean()), objective.direction)
        if len(curve) and curve[-1] == -np.inf:  # It has diverged.
            curve = np.append(curve, np.full(max_epochs - len(curve), np.nan))
    epoch_s, startup_s = _seconds(trial)
    return TrainingState(
        configuration_of(trial),
        curve,
        epoch_s,
        startup_s,
        may_go_on=not is_running and not values.get(IS_OVER, False),
        is_random=is_random,
    )


def _seconds(trial) -> tuple[float, float]:
    """Seconds of an epoch, and those that the first one took longer; 0 where nothing is known."""
    if not trial.metrics.exists(ELAPSED_S):
        return 0.0, 0.0
    elapsed = [o.mean() for o in trial.metrics.get_history(ELAPSED_S)]
    spent = np.diff([0.0, *elapsed])
    epoch_s = float(np.median(spent[1:])) if len(spent) > 1 else float(spent[0])
    return max(epoch_s, 0.0), max(float(spent[0]) - epoch_s, 0.0)
