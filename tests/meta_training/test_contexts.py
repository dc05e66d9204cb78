"""What a ranker is told, in training, of trials that have ended and of others."""

import numpy as np
import pytest

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.history import VARIANCE_A_DOUBLING
from keras_metahpo.meta_training.contexts import UNFINISHED_PROBABILITY, observe
from keras_metahpo.meta_training.source_task import DOUBLINGS

SIZE = 30
SCORES = normal_scores(np.arange(SIZE))
FAILED = np.arange(SIZE) < 3
UNKNOWN = np.full((SIZE, len(DOUBLINGS)), np.nan)


def observations(early_errors, num_contexts: int = 600):
    rng = np.random.default_rng(0)
    return [observe(SCORES, FAILED, early_errors, rng) for _ in range(num_contexts)]


def test_trials_that_have_ended_are_known_as_they_are():
    found = [scores for scores, variances in observations(UNKNOWN) if not variances.any()]
    assert 1 - UNFINISHED_PROBABILITY - 0.1 < len(found) / 600 < 1 - UNFINISHED_PROBABILITY + 0.15
    for scores in found:
        np.testing.assert_allclose(scores[3:], normal_scores(np.arange(SIZE))[3:])


def test_failures_are_known_as_failures():
    for scores, variances in observations(UNKNOWN):
        assert not variances[FAILED].any()
        assert len(set(scores[FAILED])) == 1 and scores[FAILED][0] < scores[~FAILED].min()


def test_the_earlier_the_more_uncertain_and_the_more_wrong():
    errors: dict[bool, list[float]] = {False: [], True: []}
    for scores, variances in observations(UNKNOWN, 2000):
        if variances.any():
            for is_early in errors:
                rows = ~FAILED & ((variances > 0) == is_early)
                errors[is_early] += ((scores - SCORES)[rows] ** 2).tolist()
        assert variances.max() < 4 * len(DOUBLINGS) * VARIANCE_A_DOUBLING
    assert np.mean(errors[True]) > 2 * np.mean(errors[False]) > 0


def test_recorded_curves_say_how_wrong_early_epochs_are():
    """Here they put the order upside down, all the more the earlier."""
    early_errors = np.outer(-SCORES, 2.0 * np.array(DOUBLINGS))
    for scores, variances in observations(early_errors):
        doublings = np.rint(variances / VARIANCE_A_DOUBLING)
        assert variances == pytest.approx(doublings * VARIANCE_A_DOUBLING)
        expected = np.where(FAILED, -np.inf, SCORES * (1.0 - 2.0 * doublings))
        np.testing.assert_allclose(scores, normal_scores(expected))
