"""What unfinished trainings are expected to reach, and how sure that is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_metahpo.history import FAILED_UTILITY, TrainingState
from keras_metahpo.policies.freeze_thaw.extrapolation import (
    GAIN_SCALE,
    VARIANCE_A_DOUBLING,
    look_ahead,
)

MAX_EPOCHS = 16


def state(*utilities: float) -> TrainingState:
    return TrainingState({}, np.array(utilities, dtype=float))


def rising(start: float, step: float, epochs: int) -> TrainingState:
    return state(*(start + step * epoch for epoch in range(epochs)))


def test_a_full_training_is_what_it_is():
    outlook = look_ahead([rising(0.0, 1.0, MAX_EPOCHS), rising(3.0, 0.1, MAX_EPOCHS)], MAX_EPOCHS)
    assert outlook.utilities.tolist() == pytest.approx([15.0, 4.5])
    assert outlook.variance(np.array([MAX_EPOCHS])) == 0


def test_the_best_epoch_counts_and_not_the_last():
    assert look_ahead([state(*[1.0] * 15, 0.2)], MAX_EPOCHS).utilities.tolist() == [1.0]


def test_the_gains_of_those_who_went_before_are_expected_of_the_others():
    full = [
        rising(0.0, 0.1, MAX_EPOCHS),
        rising(1.0, 0.2, MAX_EPOCHS),
        rising(2.0, 0.3, MAX_EPOCHS),
    ]
    young = rising(5.0, 9.0, 4)
    outlook = look_ahead([*full, young], MAX_EPOCHS)
    assert outlook.utilities[3] == pytest.approx(5.0 + 27.0 + 12 * 0.2)  # The median gain.


def test_the_way_is_put_together_from_ages():
    trials = [rising(0.0, 1.0, MAX_EPOCHS), rising(0.0, 0.5, 8), rising(0.0, 0.25, 4)]
    outlook = look_ahead(trials, MAX_EPOCHS)
    to_8 = np.median([4.0, 2.0])
    assert outlook.utilities[2] == pytest.approx(0.75 + to_8 + 8.0)


def test_without_older_trials_the_last_doubling_tells():
    outlook = look_ahead([rising(0.0, 1.0, 8), rising(1.0, 1.0, 8)], MAX_EPOCHS)
    assert outlook.utilities.tolist() == pytest.approx([7 + 4 * GAIN_SCALE, 8 + 4 * GAIN_SCALE])


def test_failures_stay_failures_and_teach_nothing():
    failed = TrainingState({}, np.full(4, np.nan))
    outlook = look_ahead([failed, rising(0.0, 1.0, 8)], MAX_EPOCHS)
    alone = look_ahead([rising(0.0, 1.0, 8)], MAX_EPOCHS)
    assert outlook.utilities[0] == FAILED_UTILITY
    assert outlook.utilities[1] == alone.utilities[0]
    assert look_ahead([failed], MAX_EPOCHS).utilities.tolist() == [FAILED_UTILITY]
    assert look_ahead([], MAX_EPOCHS).utilities.tolist() == []


def test_uncertainty_grows_with_the_doublings_to_come():
    variances = look_ahead([], MAX_EPOCHS).variance(np.array([2, 4, 8, 16]))
    assert variances.tolist() == pytest.approx(
        [3 * VARIANCE_A_DOUBLING, 2 * VARIANCE_A_DOUBLING, VARIANCE_A_DOUBLING, 0.0]
    )


def test_a_search_in_which_early_ranks_misled_trusts_them_less():
    """Between 4 and 16 epochs, ranks were kept or turned round."""
    starts = np.linspace(0, 1, 8)
    kept = [state(*np.linspace(s, s + 1, 4), *np.linspace(s + 1, s + 2, 12)) for s in starts]
    turned = [state(*np.linspace(s, s + 1, 4), *np.linspace(s + 1, 4 - s, 12)) for s in starts]
    young = rising(0.0, 0.1, 4)
    sure = look_ahead([*kept, young], MAX_EPOCHS).variance_a_doubling
    unsure = look_ahead([*turned, young], MAX_EPOCHS).variance_a_doubling
    assert sure < VARIANCE_A_DOUBLING < unsure


CURVES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=MAX_EPOCHS)


@given(st.lists(CURVES, max_size=8))
def test_nobody_is_expected_to_lose_and_trials_of_one_age_keep_their_order(curves):
    trials = [state(*curve) for curve in curves]
    outlook = look_ahead(trials, MAX_EPOCHS)
    reached = np.array([trial.utility for trial in trials])
    assert np.isfinite(outlook.utilities).all()
    assert (outlook.utilities >= reached).all()
    assert outlook.variance_a_doubling > 0
    for age in {trial.epochs for trial in trials}:
        rows = [row for row, trial in enumerate(trials) if trial.epochs == age]
        gains = outlook.utilities[rows] - reached[rows]
        assert np.ptp(gains) <= 1e-9 * max(1.0, np.abs(outlook.utilities).max())
