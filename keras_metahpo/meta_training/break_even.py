"""What a ranker cost to make, and how many searches it takes to earn that back."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from keras_metahpo.history import TrialLog

# Really trained beside KerasTuner's own tuners of 30 trials, `MetaTuner` had the final result of
# the best of them after a sixth of their time (`benchmarks/wall_clock.py`, median of six tasks).
SAVED_TRIALS = 25


def break_even(logs: Sequence[TrialLog], training_s: float) -> Mapping[str, float]:
    """The break-even number of searches, with what it was computed from.

    Args:
        logs: What the ranker was trained on.
        training_s: Seconds of its training.

    Returns:
        `collecting_s`, the seconds of all trials that are timed; `trial_s`, their median;
        `saved_trials` of a search; and `searches`, the number of searches with trials as long as
        these after which more seconds are saved than were spent. Without `trial_s` and `searches`
        where no trial is timed.
    """
    seconds = np.array([trial.elapsed_s for log in logs for trial in log.trials])
    seconds = seconds[seconds > 0]
    facts = {"collecting_s": round(float(seconds.sum()), 1), "saved_trials": SAVED_TRIALS}
    if not len(seconds):
        return facts
    trial_s = float(np.median(seconds))
    searches = (facts["collecting_s"] + training_s) / (SAVED_TRIALS * trial_s)
    return facts | {"trial_s": round(trial_s, 2), "searches": math.ceil(searches)}
