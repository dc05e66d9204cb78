"""Opponents that stop early: which trials they train further, and how far."""

import itertools

import numpy as np
import pytest

from keras_metahpo.benchmark.contestants import NotAvailable, Problem, get_contestant
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter("learning_rate", "float", 1e-2, 1e-5, 1.0, sampling="log")])
MAX_EPOCHS = 54
STOPPING = ("ASHA", "TPE with Hyperband", "Syne Tune BOHB", "Syne Tune ASHA with CQR")


def accuracy(configuration, epochs: int) -> float:
    distance = abs(np.log10(configuration["learning_rate"]) + 3)
    return 1.0 - distance / 10 - 0.1 / epochs


def trainings(name: str, num_steps: int = 120, fails=lambda proposal: False) -> list:
    """Proposals in order, and what became of each."""
    contestant = get_contestant(name)
    try:
        contestant.check()
    except NotAvailable as reason:
        pytest.skip(str(reason))
    steps = []
    with contestant.start(Problem("rungs", SPACE, "max", MAX_EPOCHS, num_steps), 0) as search:
        for _ in range(num_steps):
            proposal = search.suggest()
            value = None
            if not fails(proposal):
                value = accuracy(proposal.configuration, proposal.fidelity)
            search.observe(proposal, value)
            steps.append((proposal, value))
    return steps


@pytest.mark.parametrize("name", STOPPING)
class TestStoppingContestants:
    def test_a_trial_climbs_from_rung_to_rung(self, name):
        rungs = (2, 6, 18, 54)
        for proposal, _ in trainings(name, 40):
            place = rungs.index(proposal.fidelity)
            assert proposal.trained == (0, *rungs)[place]

    def test_what_is_trained_to_the_end_is_better_than_what_is_stopped(self, name):
        steps = trainings(name)
        ended = {p.configuration["learning_rate"] for p, _ in steps if p.fidelity == MAX_EPOCHS}
        first = {p.configuration["learning_rate"]: v for p, v in steps if not p.trained}
        stopped = [value for rate, value in first.items() if rate not in ended]
        assert ended and stopped
        assert np.median([first[rate] for rate in ended]) > np.median(stopped)

    def test_a_failed_trial_does_not_go_on(self, name):
        steps = trainings(name, 30, fails=lambda p: p.configuration["learning_rate"] > 1e-3)
        for (_, value), (following, _) in itertools.pairwise(steps):
            if value is None:
                assert following.trained == 0
