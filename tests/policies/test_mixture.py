"""Policies that share the trials with others."""

import logging

import numpy as np
import pytest

from keras_metahpo.history import History, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.policies import (
    CHOSEN_DEFAULT,
    STANDBY,
    ChosenDefaultPolicy,
    DefaultsPolicy,
    FloorPolicy,
    GaussianProcessPolicy,
    InitialPolicy,
    Policy,
    StandbyPolicy,
    Suggestion,
    build_policy,
)
from keras_metahpo.space import Hyperparameter, SearchSpace

LINE = SearchSpace([Hyperparameter("x", "float", 0.5, 0.0, 1.0)])
CHOSEN = SearchSpace([Hyperparameter("x", "float", 0.2, 0.0, 1.0)])


class Stubborn(Policy):
    """Always suggests the left end."""

    name = "stubborn"

    def suggest(self, space, history, pending, rng):
        return Suggestion({"x": 0.0}, self.name)


def experts(policy, num_trials, num_pending=0):
    names = []
    for trial in range(num_trials):
        configurations = [{"x": (n + 1) / 100} for n in range(trial)]
        finished = max(trial - num_pending, 0)
        history = History(configurations[:finished], np.zeros(finished))
        pending = configurations[finished:]
        names.append(policy.suggest(LINE, history, pending, np.random.default_rng(0)).expert)
    return names


@pytest.mark.parametrize("num_pending", [0, 2])
@pytest.mark.parametrize("every", [1, 3, 8])
def test_floor_trials_occur_exactly_every_so_often(every, num_pending):
    names = experts(FloorPolicy(Stubborn(), every), 17, num_pending)
    floor = [number for number, name in enumerate(names, start=1) if name == "random floor"]
    assert floor == list(range(every, 18, every))


def test_no_floor():
    assert experts(FloorPolicy(Stubborn(), None), 9) == ["stubborn"] * 9


def test_floor_trials_do_not_depend_on_the_main_policy():
    history = History([{"x": 0.3}] * 7, np.zeros(7))
    suggestions = [
        FloorPolicy(main).suggest(LINE, history, [], np.random.default_rng(4))
        for main in (Stubborn(), DefaultsPolicy())
    ]
    assert suggestions[0] == suggestions[1]


@pytest.mark.parametrize("num_pending", [0, 2])
def test_the_standby_decides_for_every_fourth_trial_after_the_twelfth(num_pending):
    names = experts(StandbyPolicy(Stubborn(), DefaultsPolicy()), 27, num_pending)
    standby = [number for number, name in enumerate(names, start=1) if name == STANDBY]
    assert standby == [14, 18, 22, 26]
    assert set(names) == {STANDBY, "stubborn"}


@pytest.mark.parametrize("prior", [lambda space, points: points.units[:, 0], None])
@pytest.mark.parametrize("has_standby", [True, False])
def test_only_a_process_with_a_prior_has_a_standby(prior, has_standby):
    policy = build_policy(GaussianProcessPolicy(prior), floor=8, has_standby=has_standby)
    hedged = prior is not None and has_standby
    assert (STANDBY in experts(policy, 14)) == hedged


def test_the_standby_is_not_told_what_the_prior_says():
    # Where nothing differs, a process with the prior goes where the prior says.
    history = History([{"x": x} for x in np.linspace(0.3, 0.4, 13)], np.linspace(0, 1, 13))
    low, high = (
        build_policy(GaussianProcessPolicy(lambda _, points, s=sign: s * points.units[:, 0]))
        for sign in (-9.0, 9.0)
    )
    chosen = [p.suggest(LINE, history, [], np.random.default_rng(0)) for p in (low, high)]
    assert chosen[0] == chosen[1]
    assert "prior_score" not in chosen[0].reasons


@pytest.mark.parametrize("num_pending", [0, 1])
def test_a_chosen_default_is_tried_second(num_pending):
    policy = ChosenDefaultPolicy(Stubborn())
    tried = [{"x": 0.9}, {"x": 0.2}, {"x": 0.0}]
    found = []
    for trial in range(4):
        finished = max(trial - num_pending, 0)
        history = History(tried[:finished], np.zeros(finished))
        given = (history, tried[finished:trial], np.random.default_rng(0))
        found.append(policy.suggest(CHOSEN, *given))
    assert [s.configuration["x"] for s in found] == [0.0, 0.2, 0.0, 0.0]
    assert [s.expert for s in found] == ["stubborn", CHOSEN_DEFAULT, "stubborn", "stubborn"]


def test_a_default_that_was_tried_is_not_tried_again():
    given = (History([{"x": 0.2}], np.zeros(1)), [], np.random.default_rng(0))
    assert ChosenDefaultPolicy(Stubborn()).suggest(CHOSEN, *given).expert == "stubborn"


def test_a_default_that_nobody_chose_is_not_tried():
    assert experts(ChosenDefaultPolicy(Stubborn()), 4) == ["stubborn"] * 4


def test_searches_without_a_history_try_the_default():
    trials = [LoggedTrial(str(n), {"x": n / 9}, [{"loss": n}]) for n in range(5)]
    log = TrialLog.from_trials(TrialLogCard("earlier", "loss", "min"), CHOSEN, trials)
    given = (CHOSEN, History([{"x": 0.9}], np.zeros(1)), [], np.random.default_rng(0))
    for logs, expert in (([], CHOSEN_DEFAULT), ([log], "portfolio")):
        policy = build_policy(GaussianProcessPolicy(), logs, floor=8)
        assert policy.suggest(*given).expert == expert


def test_an_impossible_floor_is_refused():
    with pytest.raises(ValueError, match=r"positive number of trials.*every=0"):
        FloorPolicy(Stubborn(), 0)


def test_initial_configurations_are_taken_in_order_and_hand_over():
    policy = InitialPolicy([{"x": 0.3}, {}, {"x": 0.3}, {"x": 0.9}], then=Stubborn())
    tried = []
    for trial in range(4):
        history = History(tried, np.zeros(trial))
        suggestion = policy.suggest(LINE, history, [], np.random.default_rng(0))
        tried.append(suggestion.configuration)
    assert [c["x"] for c in tried] == [0.3, 0.5, 0.9, 0.0]


@pytest.mark.parametrize("illegal", [{"x": 7.0}, {"x": "much"}, {"y": 1.0}])
def test_illegal_initial_configurations_are_skipped_with_one_warning(illegal, caplog):
    policy = InitialPolicy([illegal, {"x": 0.9}], then=Stubborn())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            suggestion = policy.suggest(LINE, History(), [], np.random.default_rng(0))
    assert suggestion.configuration == {"x": 0.9}
    assert len(caplog.records) == 1
    assert "Initial configuration 1 is skipped" in caplog.text
