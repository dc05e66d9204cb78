"""Laws that every policy obeys on every search space and history."""

import copy
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.history import FAILED_UTILITY, History, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.policies import (
    ChosenDefaultPolicy,
    DefaultsPolicy,
    FloorPolicy,
    GaussianProcessPolicy,
    InitialPolicy,
    PortfolioPolicy,
    RandomPolicy,
    SobolPolicy,
    StandbyPolicy,
    SurrogatePolicy,
)
from keras_metahpo.rankers import GaussianProcessRanker, Prediction, Ranker
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
NAMES = ("learning_rate", "units_0", "optimizer", "x", "num_layers")


def other_log():
    """A log of a search space that shares some names with the generated ones."""
    space = SearchSpace(
        [
            Hyperparameter("learning_rate", "float", 0.1, 1e-3, 1.0, sampling="log"),
            Hyperparameter("x", "choice", "a", choices=("a", "b", "c")),
        ]
    )
    configurations = space.decode(space.sample(12, np.random.default_rng(3)))
    trials = [LoggedTrial(str(n), c, [{"loss": float(n)}]) for n, c in enumerate(configurations)]
    return TrialLog.from_trials(TrialLogCard("other", "loss", "min"), space, trials)


def prior(space, points):
    return points.units.sum(axis=1) - 1.0


class LikesLargeUnits(Ranker):
    """Has a prior, and takes every observed utility for evidence of nothing."""

    def score(self, context, query):
        mean = query.cells[..., 0].sum(axis=-1)
        return Prediction(mean, np.ones(mean.shape), mean, np.zeros(mean.shape))


POLICIES = {
    "random": RandomPolicy(),
    "sobol": SobolPolicy(seed=1),
    "defaults": DefaultsPolicy(),
    "gaussian process": GaussianProcessPolicy(num_candidates=64),
    "gaussian process with a prior": GaussianProcessPolicy(prior, num_candidates=64),
    "surrogate": SurrogatePolicy(GaussianProcessRanker("rbf"), num_candidates=64),
    "surrogate with a prior": SurrogatePolicy(LikesLargeUnits(), num_candidates=64),
    "surrogate that improves on the latest": SurrogatePolicy(
        GaussianProcessRanker("matern_12"), improves_on_latest=True, num_candidates=64
    ),
    "portfolio": PortfolioPolicy([other_log(), other_log()], then=RandomPolicy()),
    "floor": FloorPolicy(DefaultsPolicy(), every=2),
    "standby": StandbyPolicy(DefaultsPolicy(), GaussianProcessPolicy(num_candidates=64)),
    "chosen default": ChosenDefaultPolicy(SobolPolicy()),
    "initial": InitialPolicy([{"x": "b"}, {}, {"learning_rate": 1e9}], then=SobolPolicy()),
}


@st.composite
def hyperparameters(draw, name, parents):
    kinds = ["float", "grid", "int", "log_int", "choice", "ordered", "boolean", "fixed"]
    kind = draw(st.sampled_from(kinds))
    conditions = ()
    if parents and draw(st.booleans()):
        parent = draw(st.sampled_from(parents))
        values = draw(st.sets(st.sampled_from(parent.choices), min_size=1))
        conditions = (Condition(parent.name, tuple(values)),)
    made = {
        "float": lambda: ("float", 0.01, 1e-3, 1.0, None, "log"),
        "grid": lambda: ("float", 0.2, 0.0, 0.6, 0.2),
        "int": lambda: ("int", 3, 2, draw(st.integers(3, 9))),
        "log_int": lambda: ("int", 16, 8, 64, 2, "log"),
        "choice": lambda: ("choice", "adam", 0.0, 0.0, None, "linear", ("adam", "sgd", "c")),
        "ordered": lambda: ("choice", 2, 0.0, 0.0, None, "linear", (1, 2, 4, 8), True),
        "boolean": lambda: ("boolean", True, 0.0, 0.0, None, "linear", (False, True)),
        "fixed": lambda: ("fixed", 7, 0.0, 0.0, None, "linear", (7,)),
    }
    return Hyperparameter(name, *made[kind](), conditions=conditions)


@st.composite
def spaces(draw):
    found = []
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        found.append(draw(hyperparameters(name, [hp for hp in found if hp.choices])))
    return SearchSpace(found)


def is_legal(space, configuration):
    on_grid = space.decode(space.snap(space.encode([configuration]).units))[0]
    same = all(
        value == pytest.approx(on_grid[name])
        if isinstance(value, float)
        else value == on_grid[name]
        for name, value in configuration.items()
    )
    plain = all(type(v) in (bool, int, float, str) for v in configuration.values())
    return same and plain and space.complete(configuration) == configuration


def search(policy, space, num_trials, utility, num_pending=0):
    """Suggestions of a whole search, the latest of which stay pending; stops at `None`."""
    tried = []
    for trial in range(num_trials):
        finished = max(len(tried) - num_pending, 0)
        history = History(tried[:finished], np.array([utility(n) for n in range(finished)]))
        rng = np.random.default_rng(trial)
        suggestion = policy.suggest(space, history, tried[finished:], rng)
        if suggestion is None:
            break
        tried.append(dict(suggestion.configuration))
    return tried


def noisy_utility(trial):
    return FAILED_UTILITY if trial % 4 == 1 else float(np.sin(7 * trial))


@pytest.mark.parametrize("name", POLICIES)
@FEW
@given(space=spaces(), num_pending=st.integers(0, 3))
def test_suggestions_are_legal_new_and_end_with_the_space(name, space, num_pending):
    tried = search(POLICIES[name], space, 10, noisy_utility, num_pending)
    assert all(is_legal(space, configuration) for configuration in tried)
    assert len(set(space.encode(tried).keys())) == len(tried)
    assert len(tried) == min(10, space.num_configurations)


@pytest.mark.parametrize("name", POLICIES)
@FEW
@given(space=spaces())
def test_suggestions_are_a_pure_function(name, space):
    rng = np.random.default_rng(0)
    configurations = space.decode(space.sample(5, rng))
    history = History(configurations[:4], np.array([0.1, -np.inf, 0.5, 0.5]))
    pending = configurations[4:]
    before = copy.deepcopy((history.configurations, history.utilities, pending))
    results = [
        POLICIES[name].suggest(space, history, pending, np.random.default_rng(8)) for _ in range(2)
    ]
    assert results[0] == results[1]
    assert before[0] == history.configurations
    np.testing.assert_array_equal(before[1], history.utilities)
    assert before[2] == pending


@pytest.mark.parametrize("name", POLICIES)
@FEW
@given(space=spaces())
def test_failures_alone_stop_no_policy(name, space):
    tried = search(POLICIES[name], space, 6, lambda trial: FAILED_UTILITY)
    assert len(tried) == min(6, space.num_configurations)


@pytest.mark.parametrize("name", POLICIES)
@FEW
@given(space=spaces())
def test_the_space_may_grow_in_mid_search(name, space):
    smaller = SearchSpace([hp for hp in space.hyperparameters if not hp.conditions][:2])
    tried = search(RandomPolicy(), smaller, 4, noisy_utility)
    history = History(tried, np.arange(len(tried), dtype=float))
    suggestion = POLICIES[name].suggest(space, history, [], np.random.default_rng(0))
    keys = set(space.encode(tried).keys())
    if suggestion is None:
        assert len(keys) >= space.num_configurations
    else:
        assert is_legal(space, suggestion.configuration)
        assert space.encode([suggestion.configuration]).keys()[0] not in keys


@pytest.mark.parametrize("name", POLICIES)
def test_a_continuous_child_without_a_possible_parent_ends_the_search(name):
    space = SearchSpace(
        [
            Hyperparameter("optimizer", "choice", "a", choices=("a", "b")),
            Hyperparameter(
                "x", "float", 0.5, 0.0, 1.0, conditions=(Condition("optimizer", ("never",)),)
            ),
        ]
    )
    assert not math.isfinite(space.num_configurations)
    assert len(search(POLICIES[name], space, 5, noisy_utility)) == 2
