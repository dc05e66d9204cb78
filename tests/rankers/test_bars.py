"""Bars describe distributions of normal scores."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_metahpo.rankers.bars import BORDERS, CENTRES, NUM_BARS, bar_of, moments


def test_a_score_lies_in_its_bar():
    bars = bar_of(CENTRES)
    np.testing.assert_array_equal(bars, np.arange(NUM_BARS))
    assert bar_of(np.array([-np.inf, np.inf])).tolist() == [0, NUM_BARS - 1]


def test_bars_of_a_normal_distribution_have_its_moments():
    rng = np.random.default_rng(0)
    counts = np.bincount(bar_of(rng.normal(0.4, 0.7, 200_000)), minlength=NUM_BARS)
    mean, variance = moments(np.log(counts + 1e-9))
    np.testing.assert_allclose([mean, variance], [0.4, 0.49], atol=0.02)


@given(hnp.arrays(float, (3, NUM_BARS), elements=st.floats(-50, 50)))
def test_moments_are_those_of_a_distribution_on_the_bars(logits):
    mean, variance = moments(logits)
    assert np.all((mean >= CENTRES[0] - 1e-9) & (mean <= CENTRES[-1] + 1e-9))
    assert np.all(variance > 0)
    assert len(BORDERS) == NUM_BARS - 1
