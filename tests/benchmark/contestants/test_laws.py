"""Laws that every contestant obeys, of this package or of a peer."""

import math

import numpy as np
import pytest

from keras_metahpo.benchmark.contestants import (
    NotAvailable,
    Problem,
    get_contestant,
    list_contestants,
)
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

WITH_SGD = Condition("optimizer", ("sgd",))
CONDITIONAL = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-2, 1e-5, 1.0, sampling="log"),
        Hyperparameter("units", "int", 32, 8, 64, step=8),
        Hyperparameter("filters", "int", 8, 8, 128, step=2, sampling="log"),
        Hyperparameter("keep", "float", 0.5, 0.5, 0.999, sampling="reverse_log"),
        Hyperparameter("normalize", "boolean", False, choices=(False, True)),
        Hyperparameter("epochs", "fixed", 3, choices=(3,)),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, 0, 0.99, conditions=(WITH_SGD,)),
    ]
)
# KerasTuner's own oracles lose the values of namesakes.
NAMESAKES = SearchSpace(
    [
        *CONDITIONAL.hyperparameters,
        Hyperparameter("rate", "float", 0.9, 0.0, 0.99, conditions=(WITH_SGD,)),
        Hyperparameter("rate", "int", 2, 1, 9, conditions=(Condition("optimizer", ("adam",)),)),
    ]
)
FLAT = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-2, 1e-5, 1.0, sampling="log"),
        Hyperparameter("units", "int", 32, 8, 512, sampling="log"),
        Hyperparameter("activation", "choice", "relu", choices=("relu", "tanh")),
    ]
)
SPACES = {"conditional": CONDITIONAL, "flat": FLAT}
NUM_TRIALS = 8


def objective(configuration) -> float:
    return abs(math.log10(configuration["learning_rate"]) + 3) + configuration["units"] / 100


def experience(space: SearchSpace) -> list[TrialLog]:
    logs = []
    for number in range(2):
        configurations = space.decode(space.sample(30, np.random.default_rng(number)))
        trials = [
            LoggedTrial(str(n), c, [{"loss": objective(c)}]) for n, c in enumerate(configurations)
        ]
        card = TrialLogCard(f"task {number}", "loss", "min")
        logs.append(TrialLog.from_trials(card, space, trials))
    return logs


def search(name: str, space: SearchSpace, seed: int = 0, fails=lambda step: False) -> list:
    contestant = get_contestant(name)
    if "GP" in name and "Optuna" in name and seed:
        pytest.skip("one search is enough of what takes minutes")
    problem = Problem(f"{name} {len(space)}", space, "min", 9, NUM_TRIALS, experience(space))
    configurations = []
    try:
        contestant.check()
        running = contestant.start(problem, seed)
    except NotAvailable as reason:
        pytest.skip(str(reason))
    with running:
        for step in range(NUM_TRIALS):
            proposal = running.suggest()
            assert proposal is not None
            # Complete, active hyperparameters only, of plain Python types.
            assert space.complete(proposal.configuration) == dict(proposal.configuration)
            assert {type(v) for v in proposal.configuration.values()} <= {bool, int, float, str}
            configurations.append((dict(proposal.configuration), proposal.fidelity))
            value = None if fails(step) else objective(proposal.configuration)
            last = proposal.fidelity or problem.max_fidelity
            # Rises to the value.
            curve = [None if value is None else value + last - 1 - e for e in range(last)]
            running.observe(proposal, value, curve if running.needs_curves else ())
    return configurations


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", list_contestants())
def test_proposes_legal_configurations_and_repeats_itself_with_the_same_seed(name, space):
    first = search(name, SPACES[space])
    if space == "flat" or "Bayesian" not in name:
        # KerasTuner's Bayesian search fills what a condition switches on without a seed.
        assert first == search(name, SPACES[space])


def test_kerastuners_bayesian_search_does_not_leave_the_space_where_large_is_good():
    problem = Problem("large is good", FLAT, "max", num_trials=10)
    proposed = []
    with get_contestant("BayesianOptimization 5 initial").start(problem, 0) as running:
        while (proposal := running.suggest()) is not None:
            proposed.append(proposal.configuration["units"])
            running.observe(proposal, math.log(proposed[-1]))
    assert max(proposed) == 512  # KerasTuner proposes 513.


@pytest.mark.parametrize("name", ["MetaOracle without a ranker", "Optuna TPE", "SMAC", "portfolio"])
def test_a_name_may_occur_in_several_branches(name):
    assert search(name, NAMESAKES) == search(name, NAMESAKES)


@pytest.mark.parametrize("name", list_contestants())
def test_failed_trials_do_not_stop_a_search(name):
    search(name, FLAT, fails=lambda step: step % 2 == 0)


@pytest.mark.parametrize("name", ["RandomSearch", "MetaOracle without a ranker", "Optuna TPE"])
def test_another_seed_is_another_search(name):
    first, second = search(name, FLAT, seed=1), search(name, FLAT, seed=2)
    keys = [{tuple(c.items()) for c, _ in found} for found in (first, second)]
    assert len(keys[0] & keys[1]) <= 1


def test_portfolio_has_to_learn_from_somewhere():
    with pytest.raises(NotAvailable, match="no earlier search"):
        get_contestant("portfolio").start(Problem("new", FLAT, "min"), 0)


@pytest.mark.parametrize("held_out", ["image/mlp_mnist", "image", "glue/sst2"])
def test_preset_trained_on_what_is_held_out_is_refused(held_out):
    problem = Problem("p", FLAT, "min", held_out=frozenset({held_out, "unheard of"}))
    with pytest.raises(NotAvailable, match=held_out):
        get_contestant("MetaOracle").start(problem, 0)
