"""Observations of searches and the format in which they are kept."""

from keras_metahpo.history.finding import find_logs
from keras_metahpo.history.loading import load_logs, read_logs
from keras_metahpo.history.projects import import_project, is_project, trial_from_state
from keras_metahpo.history.records import FAILED_UTILITY, History, best_utility, utility
from keras_metahpo.history.training_state import (
    FEWEST_EPOCHS,
    VARIANCE_A_DOUBLING,
    TrainingState,
    seconds_of,
)
from keras_metahpo.history.trial_log import TrialLog
from keras_metahpo.history.trial_log_card import TrialLogCard
from keras_metahpo.history.trial_table import LoggedTrial

__all__ = [
    "FAILED_UTILITY",
    "FEWEST_EPOCHS",
    "VARIANCE_A_DOUBLING",
    "History",
    "LoggedTrial",
    "TrainingState",
    "TrialLog",
    "TrialLogCard",
    "best_utility",
    "find_logs",
    "import_project",
    "is_project",
    "load_logs",
    "read_logs",
    "seconds_of",
    "trial_from_state",
    "utility",
]
