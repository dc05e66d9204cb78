"""Members of a population resemble their leader, differ from each other, and are worth training."""

import numpy as np
import pytest

from keras_metahpo.history import History
from keras_metahpo.policies import GaussianProcessPolicy, propose_members, random_members
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

SGD = (Condition("optimizer", ("sgd",)),)
SPACE = SearchSpace(
    [
        Hyperparameter("units", "int", 64, 8, 512, sampling="log"),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, 0.1, 0.99, conditions=SGD),
        Hyperparameter("learning_rate", "float", 1e-3, 1e-4, 1e-1, sampling="log"),
        Hyperparameter("dropout", "float", 0.0, 0.0, 0.5, step=0.1),
    ]
)
NAMES = ["momentum", "learning_rate", "dropout"]
LEADER = {"units": 101, "optimizer": "sgd", "momentum": 0.5, "learning_rate": 0.02, "dropout": 0.1}


def quality(configuration):
    return -abs(np.log10(configuration["learning_rate"]) + 2.5) - configuration["dropout"]


def history(num_trials):
    configurations = SPACE.decode(SPACE.sample(num_trials, np.random.default_rng(0)))
    return History(configurations, np.array([quality(c) for c in configurations]))


def proposed(num_trials, num_members=16, pending=(LEADER,), leader=LEADER):
    rng = np.random.default_rng(1)
    policy = GaussianProcessPolicy()
    return propose_members(
        policy, SPACE, history(num_trials), pending, leader, NAMES, num_members, rng
    )


@pytest.mark.parametrize("num_trials", [0, 30])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_members_differ_in_what_may_differ_only(num_trials, optimizer):
    leader = SPACE.complete({**LEADER, "optimizer": optimizer})
    members = [dict(s.configuration) for s in proposed(num_trials, 16, [leader], leader)]
    assert len(members) == 16
    for member in members:
        assert SPACE.complete(member) == member
        assert [member[n] for n in ("units", "optimizer")] == [101, optimizer]
    assert len(set(SPACE.encode([leader, *members]).keys())) == 17


def test_members_are_spread_and_better_than_random_ones():
    members = [s.configuration for s in proposed(40)]
    rng = np.random.default_rng(2)
    others = random_members(SPACE, history(40), [LEADER], LEADER, NAMES, 200, rng)
    drawn = np.median([quality(s.configuration) for s in others])
    assert np.median([quality(m) for m in members]) > drawn + 0.2
    # What does not matter as far as it is known is tried at other values.
    assert np.ptp([m["momentum"] for m in members]) > 0.3


def test_fewer_members_where_there_are_no_more():
    space = SearchSpace([hp for hp in SPACE.hyperparameters if hp.name in ("units", "dropout")])
    leader = {"units": 64, "dropout": 0.2}
    tried = History([{"units": 64, "dropout": 0.0}], np.zeros(1))
    rng = np.random.default_rng(0)
    model = GaussianProcessPolicy(num_initial=0)
    found = propose_members(model, space, tried, [leader], leader, ["dropout"], 16, rng)
    values = sorted(round(s.configuration["dropout"], 1) for s in found)
    assert values == [0.1, 0.3, 0.4, 0.5]
    none_left = propose_members(model, space, tried, [leader], leader, [], 16, rng)
    assert none_left == []
