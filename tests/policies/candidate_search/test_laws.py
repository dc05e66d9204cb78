"""Laws that every candidate search obeys on every search space."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.history import History
from keras_metahpo.policies import GaussianProcessPolicy
from keras_metahpo.policies.base import untried
from keras_metahpo.policies.candidate_search import AcquisitionProblem
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
MIXED = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 0.1, 1e-4, 1.0, sampling="log"),
        Hyperparameter("n", "int", 3, 1, 500, sampling="log"),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd", "rmsprop")),
        Hyperparameter("once", "fixed", 1, choices=(1,)),
        Hyperparameter(
            "momentum", "float", 0.9, 0.0, 1.0, conditions=(Condition("optimizer", ("sgd",)),)
        ),
    ]
)
NEVER = SearchSpace(
    [
        Hyperparameter("optimizer", "choice", "a", choices=("a", "b")),
        Hyperparameter(
            "x", "float", 0.5, 0.0, 1.0, conditions=(Condition("optimizer", ("never",)),)
        ),
    ]
)
SPACES = {
    "mixed": MIXED,
    "categories": SearchSpace(
        [Hyperparameter(f"op{n}", "choice", "a", choices=tuple("abcde")) for n in range(6)]
    ),
    "grid": SearchSpace(
        [Hyperparameter(f"x{n}", "float", 0.0, 0.0, 1.0, step=0.1) for n in range(4)]
    ),
    "line": SearchSpace([Hyperparameter("x", "float", 0.5, 0.0, 1.0)]),
    "small": SearchSpace([Hyperparameter("n", "int", 1, 1, 5)]),
    "one point": SearchSpace([Hyperparameter("once", "fixed", 1, choices=(1,))]),
    "nothing": SearchSpace([]),
    "no possible parent": NEVER,
}
# Two of the facts of a policy's acquisition.
WIDTH = 2


def problem_of(space, num_tried=4, num_candidates=64, peak=0.3):
    """A quadratic with its maximum at a point of the space, best incumbents first."""
    rng = np.random.default_rng(5)
    centre = space.snap(np.full((1, len(space)), peak))

    def score(points):
        assert len(points) > 0
        distances = np.abs(points.units - centre.units) + (points.active != centre.active)
        return np.stack([-(distances**2).sum(axis=1), distances.sum(axis=1)], axis=1)

    tried = space.sample(num_tried, rng)
    order = np.argsort(-score(tried)[:, 0]) if num_tried else []
    return AcquisitionProblem(space, score, tried[order], set(tried.keys()), num_candidates)


@pytest.mark.parametrize("name", SPACES)
@FEW
@given(seed=st.integers(0, 2**32), num_tried=st.integers(0, 6))
def test_points_are_legal_distinct_untried_and_have_their_facts(
    candidate_search, name, seed, num_tried
):
    space = SPACES[name]
    problem = problem_of(space, num_tried)
    before = problem.incumbents.units.copy(), set(problem.tried)
    points, facts = candidate_search.search(problem, np.random.default_rng(seed))
    keys = points.keys()
    assert keys == space.encode(space.decode(points)).keys()
    assert len(set(keys)) == len(keys)
    assert not set(keys) & problem.tried
    if len(points):
        np.testing.assert_array_equal(facts, problem.score_function(points))
    else:
        assert len(facts) == 0
        assert not len(untried(space.sample(100, np.random.default_rng(0)), problem.tried))
    np.testing.assert_array_equal(problem.incumbents.units, before[0])
    assert problem.tried == before[1]


@pytest.mark.parametrize("name", ["mixed", "categories", "grid", "line"])
def test_the_same_generator_finds_the_same_points(candidate_search, name):
    problem = problem_of(SPACES[name])
    first, second, other = (
        candidate_search.search(problem, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first[0].numbers, second[0].numbers)
    np.testing.assert_array_equal(first[1], second[1])
    assert first[0].keys() != other[0].keys()


@pytest.mark.parametrize("name", ["mixed", "categories", "grid", "line"])
def test_the_budget_is_kept(candidate_search, name):
    problem = problem_of(SPACES[name], num_candidates=128)
    points, _ = candidate_search.search(problem, np.random.default_rng(0))
    # The default adds the space's own default and the one by names.
    assert 100 <= len(points) <= problem.budget + 2


@pytest.mark.parametrize("peak", [0.05, 0.42, 0.9])
@pytest.mark.parametrize("name", ["mixed", "grid", "line"])
def test_a_simple_maximum_is_found(candidate_search, name, peak):
    problem = problem_of(SPACES[name], num_candidates=256, peak=peak)
    _, facts = candidate_search.search(problem, np.random.default_rng(0))
    # Far from the score's maximum, ascents lead nowhere and mutations have to suffice.
    assert facts[:, 0].max() > -0.01


@pytest.mark.parametrize("num_pending", [0, 2])
def test_a_policy_searches_with_it(candidate_search, num_pending):
    policy = GaussianProcessPolicy(num_initial=2, candidate_search=candidate_search)
    tried: list = []
    for trial in range(6):
        num_finished = max(len(tried) - num_pending, 0)
        history = History(tried[:num_finished], np.sin(7.0 * np.arange(num_finished)))
        pending, rng = tried[num_finished:], np.random.default_rng(trial)
        tried.append(dict(policy.suggest(MIXED, history, pending, rng).configuration))
    assert len(set(MIXED.encode(tried).keys())) == 6


def test_a_small_space_is_compared_as_a_whole(candidate_search):
    policy = GaussianProcessPolicy(num_initial=0, candidate_search=candidate_search)
    space = SearchSpace([Hyperparameter("n", "int", 1, 1, 1500)])
    suggestion = policy.suggest(
        space, History([{"n": 5}], np.zeros(1)), [], np.random.default_rng(0)
    )
    assert suggestion.reasons["num_candidates"] == 1499
