"""Tasks whose utilities are negated or shuffled."""

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.meta_training.augmentation import mislead
from keras_metahpo.meta_training.augmentation.misleading import (
    NEGATE_PROBABILITY,
    SHUFFLE_PROBABILITY,
)

RNG = np.random.default_rng(0)
FAILED = RNG.random(30) < 0.2
UTILITIES = np.where(FAILED, -np.inf, RNG.normal(size=30))
SCORES = normal_scores(UTILITIES)


def test_tasks_without_a_context_never_mislead():
    rng = np.random.default_rng(0)
    for num_observed in (0, 1):
        assert all(mislead(SCORES, FAILED, num_observed, rng) is SCORES for _ in range(500))


def test_a_few_are_negated_and_a_few_are_shuffled_and_failures_stay():
    rng = np.random.default_rng(0)
    before = SCORES.copy()
    negated = normal_scores(np.where(FAILED, -np.inf, -UTILITIES))
    counts = {"kept": 0, "negated": 0, "shuffled": 0}
    for _ in range(3000):
        scores = mislead(SCORES, FAILED, 2, rng)
        assert np.all(scores[FAILED] == SCORES[FAILED])
        np.testing.assert_allclose(np.sort(scores), np.sort(SCORES))
        if scores is SCORES:
            counts["kept"] += 1
        else:
            counts["negated" if np.allclose(scores, negated) else "shuffled"] += 1
    np.testing.assert_array_equal(SCORES, before)
    for name, probability in (("negated", NEGATE_PROBABILITY), ("shuffled", SHUFFLE_PROBABILITY)):
        assert 0.5 * probability < counts[name] / 3000 < 2 * probability
