"""What a ranker cost, in searches."""

import pytest

from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.meta_training.break_even import SAVED_TRIALS, break_even
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter("x", "float", 0.5, low=0.0, high=1.0)])


def log_of(seconds: list[float | None]) -> TrialLog:
    """Trials of two epochs, the second of which ends after so many seconds."""
    trials = [
        LoggedTrial(
            str(number),
            {"x": 0.5},
            [{"loss": 1.0}, {"loss": 0.5} | ({} if s is None else {"elapsed_s": s})],
        )
        for number, s in enumerate(seconds)
    ]
    return TrialLog.from_trials(TrialLogCard("a/b", "loss", "min", max_fidelity=2), SPACE, trials)


def test_searches_with_trials_as_long_as_the_recorded_ones_earn_it_back():
    found = break_even([log_of([2.0, 4.0]), log_of([6.0, None])], training_s=1000.0)
    assert found["collecting_s"] == 12.0 and found["trial_s"] == 4.0
    saved_s = SAVED_TRIALS * 4.0
    assert (found["searches"] - 1) * saved_s < 1012.0 <= found["searches"] * saved_s


@pytest.mark.parametrize("logs", [[], [log_of([None, None])]])
def test_trials_without_times_tell_no_number(logs):
    assert break_even(logs, 10.0) == {"collecting_s": 0.0, "saved_trials": SAVED_TRIALS}
