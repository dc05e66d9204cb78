"""Plans: which configurations a task's collection has, in which groups, with which seeds."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.plan import Group, Plan, is_repeat
from keras_metahpo.history import FAILED_UTILITY, History
from keras_metahpo.space import Hyperparameter, SearchSpace

from ..spaces import CONDITIONAL, NAMESAKES

FEW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
PLAIN = SearchSpace(
    [
        # Unit positions give back neither default but for rounding, nor one beside the grid.
        Hyperparameter("learning_rate", "float", 1e-3, 1e-4, 1e-1, sampling="log"),
        Hyperparameter("dropout", "float", 0.3, 0.0, 0.5, step=0.25),
        Hyperparameter("units", "int", 64, 8, 512, sampling="log"),
        Hyperparameter("optimizer", "choice", "sgd", choices=("adam", "sgd")),
    ]
)
SQUARE = SearchSpace([Hyperparameter(name, "float", 0.9, 0.0, 1.0) for name in ("x", "y")])
SIX = SearchSpace(
    [
        Hyperparameter("units", "choice", 4, choices=(2, 4, 8)),
        Hyperparameter("bias", "boolean", True, choices=(False, True)),
    ]
)


GRID = SearchSpace(
    [
        Hyperparameter("units", "choice", 4, choices=(2, 4, 8)),
        Hyperparameter("patience", "int", 1, 1, 8),
    ]
)


@st.composite
def plan_arguments(draw):
    """A search space, exchangeable names and a configuration; no parent is exchangeable."""
    space = draw(st.sampled_from([PLAIN, CONDITIONAL, NAMESAKES]))
    parents = {condition.parent for hp in space.hyperparameters for condition in hp.conditions}
    exchangeable = draw(st.sets(st.sampled_from(sorted(set(space.names) - parents))))
    config = PlanConfig(
        num_configurations=draw(st.integers(1, 60)),
        group_size=draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 5)),
    )
    return space, sorted(exchangeable), config


def trials_of(groups, with_repeats=True):
    trials = [trial for group in groups for trial in group.trials]
    return [trial for trial in trials if with_repeats or not is_repeat(trial.trial_id)]


def configurations_of(groups):
    return [trial.configuration for trial in trials_of(groups, with_repeats=False)]


def assert_distinct_and_legal(space, configurations):
    assert len(set(space.encode(configurations).keys())) == len(configurations)
    assert all(space.complete(configuration) == configuration for configuration in configurations)


def assert_only_exchangeable_values_differ(groups, exchangeable):
    for group in groups:
        kept = [
            {name: value for name, value in trial.configuration.items() if name not in exchangeable}
            for trial in group.trials
        ]
        assert all(other == kept[0] for other in kept)


def planned_rounds(plan, utility, finished=()):
    """The groups of each round of proposals, each after the results of those before."""
    known, rounds = configurations_of(plan.space_filling()), []
    for round_ in range(plan.config.num_rounds):
        history = History(known, np.array([utility(c) for c in known]))
        rounds.append(plan.proposals(round_, history, finished))
        known = known + configurations_of(rounds[-1])
    return rounds


def failed(configuration):
    return FAILED_UTILITY


@FEW
@given(plan_arguments(), st.integers(0, 60))
def test_larger_plan_begins_with_the_trials_of_a_smaller_one(arguments, num_more):
    space, exchangeable, config = arguments
    larger = dataclasses.replace(config, num_configurations=config.num_configurations + num_more)
    smaller_trials, larger_trials = (
        trials_of(Plan("task", space, exchangeable, c).space_filling()) for c in (config, larger)
    )
    assert larger_trials[: len(smaller_trials)] == smaller_trials


@FEW
@given(plan_arguments())
def test_default_is_first_and_all_are_distinct_legal_and_as_many_as_wanted(arguments):
    space, exchangeable, config = arguments
    configurations = configurations_of(Plan("task", space, exchangeable, config).space_filling())
    assert configurations[0] == space.default_configuration()
    assert_distinct_and_legal(space, configurations)
    assert len(configurations) == config.num_configurations - config.num_proposed


@FEW
@given(plan_arguments())
def test_only_exchangeable_values_differ_within_a_group(arguments):
    space, exchangeable, config = arguments
    plan = Plan("task", space, exchangeable, config)
    rounds = planned_rounds(plan, failed)
    for groups in [plan.space_filling(), *rounds]:
        assert_only_exchangeable_values_differ(groups, exchangeable)
        sizes = [len(configurations_of([group])) for group in groups]
        assert max(sizes, default=1) <= (config.group_size if exchangeable else 1)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_not_exchangeable_is_equal_to_the_last_digit(seed):
    plan = Plan("task", PLAIN, ["units"], PlanConfig(200, seed=seed))
    groups = plan.proposals(0, History(), [])
    assert len(groups) == 4
    assert_only_exchangeable_values_differ(groups, ["units"])


def test_groups_are_full_where_something_is_exchangeable():
    groups = Plan("task", PLAIN, ["learning_rate"], PlanConfig(50)).space_filling()
    assert [len(configurations_of([group])) for group in groups] == [5] * 6
    alone = Plan("task", PLAIN, [], PlanConfig(50)).space_filling()
    assert [len(configurations_of([group])) for group in alone] == [1] * 30


@FEW
@given(plan_arguments())
def test_every_tenth_configuration_has_several_seeds(arguments):
    space, exchangeable, config = arguments
    trials = trials_of(Plan("task", space, exchangeable, config).space_filling())
    assert len({trial.trial_id for trial in trials}) == len(trials)
    assert len({trial.seed for trial in trials}) == len(trials)
    firsts = [trial for trial in trials if not is_repeat(trial.trial_id)]
    repeated = 0
    for first in firsts:
        further = [trial for trial in trials if trial.trial_id.startswith(f"{first.trial_id}-")]
        assert len(further) in (0, config.num_seeds - 1)
        assert all(trial.configuration == first.configuration for trial in further)
        assert further or first is not firsts[0]
        repeated += bool(further)
    assert len(firsts) + repeated * (config.num_seeds - 1) == len(trials)
    assert len(firsts) // 10 <= repeated <= -(-len(firsts) // 10)


@pytest.mark.parametrize(
    ("num_configurations", "group_size"),
    [(10, 1), (10, 5), (20, 1), (50, 3), (50, 5), (100, 3), (200, 1), (200, 5)],
)
def test_whole_plan_has_the_announced_number_of_trials(num_configurations, group_size):
    config = PlanConfig(num_configurations, group_size)
    plan = Plan("task", PLAIN, ["learning_rate"], config)
    groups = [plan.space_filling(), *planned_rounds(plan, failed)]
    trials = trials_of(itertools.chain.from_iterable(groups))
    assert sum(not is_repeat(trial.trial_id) for trial in trials) == num_configurations
    assert len(trials) == config.num_trials
    assert len({trial.trial_id for trial in trials}) == len(trials)


def test_space_is_filled_evenly_in_exchangeable_and_other_directions():
    space = SearchSpace([Hyperparameter(f"x{i}", "float", 0.5, 0.0, 1.0) for i in range(6)])
    groups = Plan("task", space, ["x1", "x3", "x5"], PlanConfig(200)).space_filling()
    units = space.encode(configurations_of(groups)).units
    for column in range(6):
        tenths = np.bincount((units[:, column] * 10).astype(int), minlength=10)
        # Independent points are as even in one plan of 250. What is not exchangeable is equal
        # within a group of 5.
        assert tenths.min() >= (8 if column % 2 else 5)


def test_other_tasks_and_seeds_have_other_configurations_but_the_default():
    def configurations(task_name, seed):
        plan = Plan(task_name, PLAIN, ["learning_rate"], PlanConfig(20, seed=seed))
        return configurations_of(plan.space_filling())

    assert configurations("a", 0) == configurations("a", 0)
    for other in (configurations("b", 0), configurations("a", 1)):
        assert other[0] == configurations("a", 0)[0]
        assert not any(c in configurations("a", 0) for c in other[1:])


@pytest.mark.parametrize("exchangeable", [[], ["units"], ["units", "bias"]])
def test_small_space_is_exhausted_without_duplicates(exchangeable):
    plan = Plan("task", SIX, exchangeable, PlanConfig(100))
    configurations = configurations_of(plan.space_filling())
    assert len(configurations) == 6
    assert_distinct_and_legal(SIX, configurations)
    for history in (
        History(configurations, np.arange(6.0)),
        History(configurations, np.full(6, FAILED_UTILITY)),
    ):
        assert plan.proposals(0, history, []) == []


@pytest.mark.parametrize("exchangeable", [[], ["patience"]])
def test_proposals_end_with_the_space(exchangeable):
    plan = Plan("task", GRID, exchangeable, PlanConfig(26, num_rounds=2))
    groups = [plan.space_filling(), *planned_rounds(plan, lambda c: float(c["units"]))]
    sizes = [len(configurations_of(part)) for part in groups]
    assert sizes == [16, 5, 3]
    assert_distinct_and_legal(GRID, configurations_of(itertools.chain.from_iterable(groups)))


@pytest.mark.parametrize("seed", range(5))
def test_group_of_the_default_has_what_the_default_makes_active(seed):
    hyperparameters = [hp for hp in CONDITIONAL.hyperparameters if hp.name != "optimizer"]
    sgd = Hyperparameter("optimizer", "choice", "sgd", choices=("adam", "sgd"))
    space = SearchSpace([sgd, *hyperparameters])
    plan = Plan("task", space, ["momentum"], PlanConfig(20, seed=seed))
    first = configurations_of(plan.space_filling()[:1])
    assert len({configuration["momentum"] for configuration in first}) == 5


def test_empty_space_has_one_configuration():
    plan = Plan("task", SearchSpace([]), [], PlanConfig(20))
    assert configurations_of(plan.space_filling()) == [{}]
    assert plan.proposals(0, History([{}], np.zeros(1)), []) == []


@pytest.mark.parametrize(
    ("space", "exchangeable"),
    [(PLAIN, ["learning_rate", "units"]), (CONDITIONAL, ["momentum"]), (NAMESAKES, ["rate"])],
    ids=["plain", "conditional", "namesakes"],
)
def test_proposals_are_as_many_as_wanted_distinct_and_legal(space, exchangeable):
    """Also where what is exchangeable is often inactive, so that groups stay small."""
    plan = Plan("task", space, exchangeable, PlanConfig(30, num_rounds=2))
    rounds = planned_rounds(
        plan, lambda c: -abs(c.get("units", 0) - 100) - 50.0 * ("momentum" in c)
    )
    assert [len(configurations_of(groups)) for groups in rounds] == [6, 6]
    everything = [*plan.space_filling(), *itertools.chain.from_iterable(rounds)]
    assert_distinct_and_legal(space, configurations_of(everything))
    assert_only_exchangeable_values_differ(everything, exchangeable)


def test_proposals_are_a_function_of_their_arguments():
    configurations = configurations_of(Plan("t", SQUARE, [], PlanConfig(16)).space_filling())
    history = History(configurations, np.array([-((c["x"] - 0.4) ** 2) for c in configurations]))
    first, again, other_seed, other_round = (
        Plan("t", SQUARE, [], PlanConfig(16, seed=seed)).proposals(round_, history, [])
        for seed, round_ in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert first == again
    assert configurations_of(first) != configurations_of(other_seed)
    assert configurations_of(first) != configurations_of(other_round)


def test_proposals_are_better_than_random_on_average():
    def distance(configuration):
        return (configuration["x"] - 0.3) ** 2 + (configuration["y"] - 0.6) ** 2

    proposed = []
    for seed in range(0, 1000, 125):
        plan = Plan("task", SQUARE, ["x"], PlanConfig(30, group_size=3, num_rounds=2, seed=seed))
        rounds = planned_rounds(plan, lambda c: -distance(c))
        proposed += configurations_of(itertools.chain.from_iterable(rounds))
    assert len(proposed) == 8 * 12
    uniform = 1 / 12 + 0.2**2 + 1 / 12 + 0.1**2
    assert np.mean([distance(c) for c in proposed]) < uniform / 3


def test_what_a_smaller_plan_has_proposed_counts():
    smaller = Plan("task", SQUARE, ["x"], PlanConfig(20))
    finished = [t.trial_id for t in trials_of(smaller.space_filling(), with_repeats=False)]
    for groups in planned_rounds(smaller, failed):
        finished += [trial.trial_id for trial in trials_of(groups, with_repeats=False)]
    larger = Plan("task", SQUARE, ["x"], PlanConfig(50))
    rounds = planned_rounds(larger, failed, finished)
    assert [len(configurations_of(groups)) for groups in rounds] == [3, 3, 3, 3]
    new = [trial.trial_id for groups in rounds for trial in trials_of(groups)]
    assert not set(new) & set(finished)
    # Its own proposals are not a smaller plan's.
    later = larger.proposals(3, History(), [*finished, *new])
    assert len(configurations_of(later)) == 3
    assert planned_rounds(Plan("task", SQUARE, ["x"], PlanConfig(21)), failed, finished) == [[]] * 4


@pytest.mark.parametrize("known", [True, False])
def test_proposals_need_no_success(known):
    plan = Plan("task", CONDITIONAL, ["l2"], PlanConfig(40))
    configurations = configurations_of(plan.space_filling()) if known else []
    history = History(configurations, np.full(len(configurations), FAILED_UTILITY))
    found = configurations_of(plan.proposals(0, history, []))
    assert len(found) == 4
    assert_distinct_and_legal(CONDITIONAL, [*configurations, *found])


def test_groups_survive_json():
    plan = Plan("task", CONDITIONAL, ["l2"], PlanConfig(30))
    for group in [*plan.space_filling(), *plan.proposals(0, History(), [])]:
        assert Group.from_json(json.loads(json.dumps(dataclasses.asdict(group)))) == group


def test_further_seeds_are_told_from_first_ones():
    assert [is_repeat(trial_id) for trial_id in ("s000-0", "t20r0g00-4")] == [False, False]
    assert [is_repeat(trial_id) for trial_id in ("s000-0-1", "t20r0g00-0-2")] == [True, True]
