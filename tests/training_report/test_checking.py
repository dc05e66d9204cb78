"""A ranker's check on synthetic tasks."""

import numpy as np
import pytest

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.rankers import Prediction, Ranker
from keras_metahpo.training_report.checking import (
    LEVELS,
    NUM_OBSERVED,
    NUM_QUERIES,
    Check,
    check_ranker,
    check_tasks,
)


class Oracle(Ranker):
    """Knows the truth up to noise of a given size, and claims a deviation."""

    def __init__(self, tasks, noise: float, claimed: float, knows_trials: bool = False):
        self.tasks, self.noise, self.claimed, self.knows_trials = (
            tasks,
            noise,
            claimed,
            knows_trials,
        )
        self.rng = np.random.default_rng(0)
        self.tokenized = 0

    def tokens(self, space, points):
        from keras_metahpo.rankers import tokenize

        return tokenize(space, points)

    def score(self, context, query):
        truth = np.stack([normal_scores(t.utilities)[NUM_OBSERVED:] for t in self.tasks])
        mean = truth + self.noise * self.rng.normal(size=truth.shape)
        if self.knows_trials and context is None:
            mean = self.rng.normal(size=truth.shape)
        deviation = np.full(truth.shape, self.claimed)
        return Prediction(mean=mean, standard_deviation=deviation, score=mean, failure=0 * mean)


@pytest.fixture(scope="module")
def tasks():
    return check_tasks()[:8]


def test_tasks_are_the_same_each_time(tasks):
    again = check_tasks()
    assert [task.name for task in again[:8]] == [task.name for task in tasks]
    assert {len(task.utilities) for task in again} == {NUM_OBSERVED + NUM_QUERIES}


def test_honest_deviations_cover_what_they_claim(tasks):
    for claimed, scale in ((0.3, 1.0), (0.1, 3.0), (0.9, 1 / 3)):
        zero_shot, _ = check_ranker(Oracle(tasks, 0.3, claimed), tasks)
        assert zero_shot.error_scale == pytest.approx(scale, rel=0.15)
        if scale == 1.0:
            np.testing.assert_allclose(zero_shot.coverage, LEVELS, atol=0.07)
        else:
            assert np.all((zero_shot.coverage < LEVELS) == (scale > 1))


def test_what_trials_tell_is_seen_after_trials(tasks):
    done = []
    zero_shot, in_context = check_ranker(Oracle(tasks, 0.1, 1.0, True), tasks, done.append)
    assert (zero_shot.num_observed, in_context.num_observed) == (0, NUM_OBSERVED)
    assert zero_shot.correlations.shape == in_context.correlations.shape == (8,)
    assert abs(zero_shot.median_correlation) < 0.3 < 0.8 < in_context.median_correlation
    assert sum(done) == 8


def test_coverage_grows_with_the_interval():
    check = Check(0, np.zeros(1), np.random.default_rng(0).normal(size=500))
    assert np.all(np.diff(check.coverage) >= 0)
