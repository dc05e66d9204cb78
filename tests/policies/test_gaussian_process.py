"""The Gaussian-process policy: searches well, explains itself and stays fast."""

import numpy as np
import pytest

from keras_metahpo.history import History
from keras_metahpo.policies import GaussianProcessPolicy, RandomPolicy
from keras_metahpo.policies.improvement import MOST_TRIALS, informative_trials
from keras_metahpo.space import Hyperparameter, SearchSpace

NUM_SEEDS = 24
FLOATS = [Hyperparameter(name, "float", 0.1, 0.0, 1.0) for name in "xyz"]
CUBE = SearchSpace(FLOATS)
MIXED = SearchSpace([*FLOATS[:2], Hyperparameter("z", "choice", "a", choices=("a", "b", "c"))])


def bowl(c):
    return -((c["x"] - 0.4) ** 2) - (c["y"] - 0.8) ** 2 - 0.2 * (c["z"] - 0.6) ** 2


def valley(c):
    return -abs(c["x"] + c["y"] - 1.1) - 0.3 * (c["x"] - 0.3) ** 2


def steps(c):
    """Rounded, as accuracies are, and broken by a diverging corner."""
    return -np.inf if c["x"] > 0.9 else round(bowl(c), 2)


def categories(c):
    return {"a": 0.0, "b": 0.5, "c": 0.2}[c["z"]] - (c["x"] - 0.7) ** 2 - (c["y"] - 0.3) ** 2


def search(policy, space, function, num_trials, seed):
    configurations, utilities = [], []
    for trial in range(num_trials):
        history = History(configurations, np.array(utilities))
        rng = np.random.default_rng([7, seed, trial])
        configurations.append(policy.suggest(space, history, [], rng).configuration)
        utilities.append(function(configurations[-1]))
    return max(utilities)


STUCK = pytest.mark.xfail(
    strict=True,
    reason="without a prior mean, too few trials tell that categories differ at all: it refines "
    "the first good one (mean .35 against random search's .43 in 12 trials)",
)


@pytest.mark.parametrize(
    "space, function",
    [(CUBE, bowl), (CUBE, valley), (CUBE, steps), pytest.param(MIXED, categories, marks=STUCK)],
)
def test_beats_random_search(space, function):
    policy = GaussianProcessPolicy(num_candidates=128)
    ours = [search(policy, space, function, 12, seed) for seed in range(NUM_SEEDS)]
    random = [search(RandomPolicy(), space, function, 12, seed) for seed in range(NUM_SEEDS)]
    assert np.mean(ours) > np.mean(random)


def believing(mean):
    """A prior mean that depends on unit positions."""
    return lambda space, points: mean(points.units)


def test_a_good_prior_mean_decides_the_first_trial_and_is_trusted():
    policy = GaussianProcessPolicy(believing(lambda units: -10 * np.abs(units[:, 0] - 0.3)))
    rng = np.random.default_rng(0)
    first = policy.suggest(CUBE, History(), [], rng)
    assert first.configuration["x"] == pytest.approx(0.3, abs=0.02)
    assert first.reasons["trust_in_prior"] == pytest.approx(0.7)


def test_trust_in_the_prior_mean_follows_the_trials():
    policy = GaussianProcessPolicy(believing(lambda units: 1 - 4 * np.abs(units[:, 0] - 0.3)))
    configurations = CUBE.decode(CUBE.sample(30, np.random.default_rng(0)))
    distances = np.array([abs(c["x"] - 0.3) for c in configurations])
    helpful, misleading = (
        policy.suggest(CUBE, History(configurations, utilities), [], np.random.default_rng(0))
        for utilities in (-distances, distances)
    )
    assert helpful.reasons["trust_in_prior"] > 0.7
    assert misleading.reasons["trust_in_prior"] < 0.2


def test_a_misleading_prior_mean_is_overcome():
    policy = GaussianProcessPolicy(believing(lambda units: 1 - 2 * units[:, 0]), num_candidates=128)
    results = [search(policy, CUBE, lambda c: c["x"], 15, seed) for seed in range(5)]
    assert np.median(results) > 0.95


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prior_mean_that_is_not_finite_is_refused(value):
    policy = GaussianProcessPolicy(believing(lambda units: np.full(len(units), value)))
    with pytest.raises(ValueError, match="finite numbers"):
        policy.suggest(CUBE, History(), [], np.random.default_rng(0))


def test_the_space_s_default_comes_first_without_a_prior():
    suggestion = GaussianProcessPolicy().suggest(CUBE, History(), [], np.random.default_rng(0))
    assert suggestion.configuration == CUBE.default_configuration()


def test_parallel_suggestions_spread():
    rng = np.random.default_rng(0)
    configurations = CUBE.decode(CUBE.sample(15, rng))
    history = History(configurations, np.array([bowl(c) for c in configurations]))
    policy = GaussianProcessPolicy()
    pending = [dict(policy.suggest(CUBE, history, [], rng).configuration)]
    second = policy.suggest(CUBE, history, pending, rng).configuration
    assert max(abs(second[name] - pending[0][name]) for name in "xyz") > 0.02


def test_reasons_are_plain_numbers():
    history = History([{"x": 0.1, "y": 0.2, "z": 0.3}], np.array([1.0]))
    policy = GaussianProcessPolicy(num_initial=1)
    suggestion = policy.suggest(CUBE, history, [], np.random.default_rng(0))
    names = {"predicted_score", "spread", "num_candidates", "expected_improvement"}
    assert set(suggestion.reasons) == names
    assert {type(value) for value in suggestion.reasons.values()} == {float, int}


def test_the_order_of_the_history_does_not_matter():
    configurations = CUBE.decode(CUBE.sample(10, np.random.default_rng(0)))
    utilities = np.array([bowl(c) for c in configurations])
    predicted = [
        GaussianProcessPolicy()
        .suggest(
            CUBE,
            History([configurations[n] for n in order], utilities[order]),
            [],
            np.random.default_rng(1),
        )
        .reasons["predicted_score"]
        for order in (np.arange(10), np.random.default_rng(2).permutation(10))
    ]
    assert predicted[0] == pytest.approx(predicted[1], abs=1e-3)


def test_long_searches_keep_their_best_and_latest_trials():
    utilities = np.random.default_rng(0).normal(size=500)
    rows = informative_trials(History([{}] * 500, utilities))
    assert len(rows) == len(set(rows)) == MOST_TRIALS
    assert rows == sorted(rows)
    assert set(range(450, 500)) <= set(rows)
    assert set(np.argsort(-utilities)[:50]) <= set(rows)


def test_a_pool_is_all_that_is_suggested_from():
    rng = np.random.default_rng(0)
    pool = CUBE.sample(6, rng)
    policy = GaussianProcessPolicy(believing(lambda units: units[:, 0]), pool=pool)
    configurations: list = []
    for _ in range(6):
        history = History(configurations, np.arange(len(configurations), dtype=float))
        configurations.append(policy.suggest(CUBE, history, [], rng).configuration)
    found = CUBE.encode(configurations)
    assert sorted(found.keys()) == sorted(pool.keys())
    assert found.units[0, 0] == pool.units[:, 0].max()
