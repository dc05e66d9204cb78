"""Every candidate search, and a ranker whose gradient is known."""

import numpy as np
import pytest

from keras_metahpo.policies.candidate_search import CANDIDATE_SEARCHES, new_candidate_search
from keras_metahpo.rankers import DifferentiableRanker


class TowardsARidge(DifferentiableRanker):
    """Likes every ordered hyperparameter at 0.3 of its range."""

    def tokens(self, space, points):
        raise NotImplementedError

    def score(self, context, query):
        raise NotImplementedError

    def prior_mean(self, space, points):
        return -((points.units - 0.3) ** 2).sum(axis=1)

    def prior_gradient(self, space, points):
        return np.where(points.active & ~space.categorical, -2 * (points.units - 0.3), 0.0)


@pytest.fixture(scope="session")
def ridge():
    return TowardsARidge()


@pytest.fixture(scope="session", params=CANDIDATE_SEARCHES)
def candidate_search(request, ridge):
    if request.param in ("genetic", "particle_swarm"):
        pytest.importorskip("pymoo", reason="pymoo is not installed")
    return new_candidate_search(request.param, ridge)
