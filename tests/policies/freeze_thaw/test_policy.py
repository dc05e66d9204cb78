"""Freezing and thawing on made-up curves."""

import numpy as np
import pytest

from keras_metahpo.history import History, TrainingState
from keras_metahpo.policies import (
    CHOSEN_DEFAULT,
    FLOOR,
    ChosenDefaultPolicy,
    FreezeThawPolicy,
    GaussianProcessPolicy,
)
from keras_metahpo.policies.freeze_thaw.policy import milestones_of
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter(name, "float", 0.1, 0.0, 1.0) for name in "xyz"])
MAX_EPOCHS = 27
NUM_SEEDS = 10


def curve(configuration) -> np.ndarray:
    """Rises from 0 to a height by a power law, faster where z is large."""
    x, y, z = (configuration[name] for name in "xyz")
    height = 1 - (x - 0.7) ** 2 - (y - 0.2) ** 2
    return height * (1 - np.arange(1, MAX_EPOCHS + 1) ** -(0.5 + z))


def search(policy: FreezeThawPolicy, num_epochs: int, seed: int, of=curve):
    """All (trial, from epoch, to epoch, expert) of a search, and its trials."""
    trials, steps, spent = [], [], 0
    while spent < num_epochs:
        rng = np.random.default_rng([seed, len(steps)])
        step = policy.suggest(SPACE, trials, (), rng)
        begun = 0 if step.trial is None else trials[step.trial].epochs
        number = len(trials) if step.trial is None else step.trial
        utilities = of(step.configuration)[: step.epochs]
        if policy.max_epochs == 1:
            utilities = of(step.configuration)[-1:]
        trial = TrainingState(step.configuration, utilities, is_random=step.expert == FLOOR)
        trials[number : number + 1] = [trial]
        steps.append((number, begun, step.epochs, step.expert))
        spent += step.epochs - begun
    return steps, trials


def new_policy(max_epochs: int = MAX_EPOCHS, floor: int | None = None) -> FreezeThawPolicy:
    model = GaussianProcessPolicy(num_initial=3, num_candidates=64)
    return FreezeThawPolicy(model, model, max_epochs, floor)


@pytest.mark.parametrize(
    "max_epochs, expected",
    [
        (1, [1]),
        (2, [2]),
        (3, [2, 3]),
        (10, [2, 3, 5, 10]),
        (16, [2, 4, 8, 16]),
        (27, [2, 4, 7, 14, 27]),
        (100, [7, 13, 25, 50, 100]),
    ],
)
def test_milestones_are_halvings_and_never_the_first_epoch(max_epochs, expected):
    assert milestones_of(max_epochs).tolist() == expected


def test_with_one_fidelity_the_policy_is_the_full_fidelity_policy():
    policy = new_policy(max_epochs=1)
    configurations, utilities = [], []
    for trial in range(10):
        rng = np.random.default_rng(trial)
        expected = policy.main.suggest(SPACE, History(configurations, np.array(utilities)), (), rng)
        states = [
            TrainingState(c, np.array([u])) for c, u in zip(configurations, utilities, strict=True)
        ]
        step = policy.suggest(SPACE, states, (), np.random.default_rng(trial))
        assert (step.trial, step.epochs, step.expert) == (None, 1, expected.expert)
        assert step.configuration == expected.configuration
        configurations.append(step.configuration)
        utilities.append(curve(step.configuration)[-1])


def test_trainings_go_on_and_are_never_judged_at_the_first_epoch():
    steps, trials = search(new_policy(), 8 * MAX_EPOCHS, seed=0)
    assert {until for _, _, until, _ in steps} <= set(milestones_of(MAX_EPOCHS).tolist())
    assert any(begun > 0 for _, begun, _, _ in steps)
    for number, begun, until, _ in steps:
        assert begun < until <= trials[number].epochs
    assert len(trials) > 12  # More than eight full trainings could have looked at.


def test_more_is_found_with_the_same_epochs():
    frozen, full = [], []
    for seed in range(NUM_SEEDS):
        frozen.append(max(t.utility for t in search(new_policy(), 6 * MAX_EPOCHS, seed)[1]))
        full.append(max(t.utility for t in search(new_policy(1), 6, seed)[1]))
    assert np.median(frozen) > np.median(full)


def test_a_chosen_default_is_begun_though_the_model_expects_nothing_of_it():
    model = GaussianProcessPolicy(lambda _, points: 9.0 * points.units[:, 0], num_candidates=64)
    policy = FreezeThawPolicy(ChosenDefaultPolicy(model), model, MAX_EPOCHS)
    steps, trials = search(policy, 10, seed=0, of=lambda c: np.full(MAX_EPOCHS, c["x"]))
    assert trials[0].configuration["x"] > 0.9
    assert steps[1] == (1, 0, policy.milestones[0], CHOSEN_DEFAULT)
    assert trials[1].configuration == SPACE.default_configuration()
    assert [expert for *_, expert in steps].count(CHOSEN_DEFAULT) == 1


def test_the_floor_gets_its_share_of_the_epochs():
    for seed in range(3):
        steps, trials = search(new_policy(floor=4), 12 * MAX_EPOCHS, seed)
        spent = sum(until - begun for _, begun, until, _ in steps)
        random = [trial for trial in trials if trial.is_random]
        assert all(trial.epochs == MAX_EPOCHS for trial in random)
        assert len(random) >= spent // (4 * MAX_EPOCHS)
        assert len(random) <= 1 + spent // (4 * MAX_EPOCHS)


def test_the_floor_of_one_fidelity_is_every_so_many_trials():
    steps, _ = search(new_policy(1, floor=4), 12, seed=1)
    assert [n for n, (*_, expert) in enumerate(steps, 1) if expert == FLOOR] == [4, 8, 12]


def test_when_no_trial_may_begin_only_hope_goes_on():
    policy = new_policy()
    full = TrainingState({"x": 0.5, "y": 0.5, "z": 0.5}, np.linspace(0, 1, MAX_EPOCHS))
    worse = TrainingState({"x": 0.1, "y": 0.5, "z": 0.5}, np.linspace(-3, -2.9, 4))
    better = TrainingState({"x": 0.6, "y": 0.5, "z": 0.5}, np.linspace(0.5, 0.9, 4))
    rng = np.random.default_rng(0)
    assert policy.suggest(SPACE, [full, worse], (), rng, may_begin=False) is None
    step = policy.suggest(SPACE, [full, worse, better], (), rng, may_begin=False)
    assert step.trial == 2 and step.configuration == better.configuration


def test_what_cannot_go_on_does_not():
    policy = new_policy()
    states = [
        TrainingState({"x": 0.6, "y": 0.5, "z": 0.5}, np.ones(4), may_go_on=False),
        TrainingState({"x": 0.4, "y": 0.5, "z": 0.5}, np.full(4, np.nan)),
    ]
    assert policy.frozen(states) == []
    step = policy.suggest(SPACE, states, (), np.random.default_rng(0))
    assert step.trial is None


def test_a_search_of_failures_goes_on():
    def failing(configuration):
        return np.full(MAX_EPOCHS, np.nan)

    steps, trials = search(new_policy(), 40, seed=0, of=failing)
    assert all(begun == 0 for _, begun, _, _ in steps) and len(trials) == len(steps)
