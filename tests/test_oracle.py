"""What MetaOracle suggests: objectives, seeds, small spaces, first trials, earlier searches."""

import csv
import logging

import keras_tuner
import numpy as np
import optuna
import pytest

from keras_metahpo import MetaOracle, TrialLog
from keras_metahpo.errors import ProjectError, SearchSpaceError, TrialLogError
from keras_metahpo.history import FAILED_UTILITY, LoggedTrial, TrialLogCard
from keras_metahpo.space import Hyperparameter, SearchSpace
from keras_metahpo.testing import drive, finish, open_project
from keras_metahpo.testing.oracles import OBJECTIVE, grid, mixed_space, smooth


@pytest.fixture
def new_oracle(tmp_path):
    """Makes a MetaOracle over `mixed_space`, each in a project of its own."""
    count = iter(range(100))

    def make(objective=OBJECTIVE, **kwargs):
        defaults = {"max_trials": 8, "ranker": None, "seed": 1, "hyperparameters": mixed_space()}
        return open_project(
            MetaOracle(objective, **(defaults | kwargs)), tmp_path, f"search{next(count)}"
        )

    return make


def line() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    return hp


@pytest.mark.parametrize(
    ("objective", "is_better_high"),
    [
        ("val_accuracy", True),
        ("val_loss", False),
        (keras_tuner.Objective("reward", "max"), True),
        (keras_tuner.Objective("cost", "min"), False),
    ],
)
def test_the_search_moves_towards_the_better_end(new_oracle, objective, is_better_high):
    oracle = new_oracle(objective, hyperparameters=line(), max_trials=12, floor=None)
    tried = [c["x"] for c in drive(oracle, lambda hp: hp.get("x"))]
    best = oracle.get_best_trials()[0].hyperparameters.get("x")
    assert best == (max(tried) if is_better_high else min(tried))
    assert np.median(tried[-6:]) > 0.7 if is_better_high else np.median(tried[-6:]) < 0.3


def test_without_an_objective_the_returned_number_is_minimised(tune):
    tuner = tune(lambda hp: hp.Float("x", 0.0, 1.0), max_trials=10, floor=None)
    tuner.search(verbose=0)
    scores = [trial.score for trial in tuner.oracle.trials.values()]
    assert tuner.oracle.get_best_trials()[0].score == min(scores) < 0.1


def test_several_objectives_become_one_sum(tune):
    def evaluate(hp):
        x = hp.Float("x", 0.0, 1.0)
        return {"cost": x, "reward": 3 * x, "multi_objective": x - 3 * x}

    objectives = [keras_tuner.Objective("cost", "min"), keras_tuner.Objective("reward", "max")]
    tuner = tune(evaluate, objective=objectives, max_trials=10, floor=None)
    tuner.search(verbose=0)
    assert tuner.get_best_hyperparameters()[0].get("x") > 0.9
    assert tuner.oracle.get_best_trials()[0].score < -1.8


@pytest.mark.parametrize("seed", [0, 7, -3])
def test_a_seed_determines_the_search(new_oracle, seed):
    first, second = (drive(new_oracle(seed=seed), smooth) for _ in range(2))
    assert first == second


def test_seeds_differ_and_zero_is_one_of_them(new_oracle):
    searches = [drive(new_oracle(seed=seed, max_trials=4), smooth) for seed in (0, 1, -1, 2)]
    # Without prior knowledge, the first configuration is the space's default.
    for position in range(1, 4):
        assert len({str(configurations[position]) for configurations in searches}) == 4
    assert new_oracle(seed=0).seed == 0


def test_a_small_space_is_tried_out_once_and_the_search_stops(new_oracle):
    oracle = new_oracle(hyperparameters=grid(3, 2), max_trials=20)
    configurations = drive(oracle, lambda hp: float(hp.get("a")))
    assert len({str(c) for c in configurations}) == len(configurations) == 6
    assert oracle.create_trial("tuner0").status == "STOPPED"


@pytest.mark.parametrize("fixed", [False, True])
def test_the_second_worker_waits_for_the_space_to_be_discovered(new_oracle, fixed):
    space = keras_tuner.HyperParameters()
    if fixed:
        space.Fixed("epochs", 3)
    oracle = new_oracle(hyperparameters=space)
    first = oracle.create_trial("tuner0")
    assert first.status == "RUNNING"
    assert [oracle.create_trial("tuner1").status for _ in range(2)] == ["IDLE", "IDLE"]
    first.hyperparameters.Int("units", 1, 100)
    finish(oracle, first, 0.5)
    second = oracle.create_trial("tuner1")
    assert second.status == "RUNNING"
    assert "units" in second.hyperparameters.values


@pytest.mark.parametrize("fixed", [False, True])
def test_a_space_with_nothing_to_tune_is_one_trial(new_oracle, fixed):
    space = keras_tuner.HyperParameters()
    if fixed:
        space.Fixed("epochs", 3)
    oracle = new_oracle(hyperparameters=space)
    assert drive(oracle, lambda hp: 1.0) == [{"epochs": 3} if fixed else {}]


def test_a_new_hyperparameter_is_searched_at_once(new_oracle, quick_ranker):
    oracle = new_oracle(hyperparameters=line(), ranker=quick_ranker, max_trials=10)
    first, second = oracle.create_trial("tuner0"), oracle.create_trial("tuner1")
    first.hyperparameters.Int("appeared", 1, 1000)
    finish(oracle, first, 0.1)
    later = [oracle.create_trial(f"tuner{i}").hyperparameters.values for i in (2, 3, 4)]
    assert len({values["appeared"] for values in later}) > 1
    finish(oracle, second, 0.2)  # It never heard of the hyperparameter.
    assert "appeared" in oracle.create_trial("tuner1").hyperparameters.values


def test_initial_configurations_come_first_and_in_order(new_oracle, quick_ranker):
    given = [{"units": 77, "optimizer": "sgd", "momentum": 0.5}, {"units": 13}, {"layers": 4}]
    oracle = new_oracle(ranker=quick_ranker, initial_configurations=given, floor=2)
    tried = drive(oracle, smooth, 5)
    for configuration, values in zip(given, tried, strict=False):
        assert configuration.items() <= values.items()
    assert tried[1]["learning_rate"] == mixed_space().get("learning_rate")
    assert [oracle.explain(str(i)).expert for i in range(3)] == ["initial configuration"] * 3
    assert "initial" not in oracle.explain("4").expert


def test_illegal_initial_configurations_are_refused_when_the_tuner_is_made(tune):
    with pytest.raises(SearchSpaceError, match=r"initial_configurations.*units.*8.*512.*9999"):
        tune(smooth, hyperparameters=mixed_space(), initial_configurations=[{"units": 9999}])
    with pytest.raises(ValueError, match=r"dictionaries.*Received: 'units=3'"):
        MetaOracle(OBJECTIVE, ranker=None, initial_configurations=["units=3"])


@pytest.mark.parametrize("floor", [2, 3])
def test_every_floor_th_trial_is_random(new_oracle, quick_ranker, floor):
    oracle = new_oracle(ranker=quick_ranker, floor=floor)
    drive(oracle, smooth)
    experts = [oracle.explain(trial_id).expert for trial_id in oracle.start_order]
    is_random = [expert == "random floor" for expert in experts]
    assert is_random == [(number + 1) % floor == 0 for number in range(8)]


def test_without_floor_no_trial_is_random(new_oracle, quick_ranker):
    oracle = new_oracle(ranker=quick_ranker, floor=None)
    drive(oracle, smooth)
    assert not any("random" in oracle.explain(i).expert for i in oracle.start_order)


@pytest.mark.parametrize("floor", [1, 0, -2])
def test_a_floor_below_two_is_refused(floor):
    with pytest.raises(ValueError, match=rf"at least 2.*Received: floor={floor}"):
        MetaOracle(OBJECTIVE, ranker=None, floor=floor)


@pytest.mark.parametrize("kind", ["log", "log directory", "project folder", "table", "study"])
def test_earlier_searches_are_used(new_oracle, tmp_path, kind):
    earlier = new_oracle(max_trials=12)
    drive(earlier, smooth)
    best = earlier.get_best_trials()[0].hyperparameters.values
    if kind == "log":
        entry = earlier.export()
    elif kind == "log directory":
        entry = str(tmp_path / "log")
        earlier.export(entry)
    elif kind == "table":
        entry = tmp_path / "trials.csv"
        write_table(entry, earlier)
    elif kind == "study":
        entry = f"sqlite:///{tmp_path}/study.db"
        write_study(entry, earlier)
    else:
        entry = str(tmp_path / "search0")
    oracle = new_oracle(history=[entry])
    assert drive(oracle, smooth, 1) == [best]
    assert oracle.explain("0").expert == "portfolio"


def write_table(path, oracle) -> None:
    trials = oracle.trials.values()
    rows = [dict(t.hyperparameters.values) | {OBJECTIVE.name: t.score} for t in trials]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_study(url, oracle) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=url, direction=oracle.objective.direction + "imize")
    distribution = {
        float: optuna.distributions.FloatDistribution(0.0, 1.0),
        int: optuna.distributions.IntDistribution(1, 512),
        bool: optuna.distributions.CategoricalDistribution([True, False]),
        str: optuna.distributions.CategoricalDistribution(["adam", "sgd"]),
    }
    for trial in oracle.trials.values():
        values = dict(trial.hyperparameters.values)
        distributions = {name: distribution[type(value)] for name, value in values.items()}
        study.add_trial(
            optuna.create_trial(params=values, distributions=distributions, value=trial.score)
        )


def test_history_of_another_space_counts_by_name(new_oracle, caplog):
    def log(name, hyperparameters, configuration):
        card = TrialLogCard(name, OBJECTIVE.name, "max")
        trials = [LoggedTrial("0", configuration, [{OBJECTIVE.name: 1.0}])]
        return TrialLog.from_trials(card, SearchSpace(hyperparameters), trials)

    x = Hyperparameter("x", "float", 0.5, low=-5.0, high=5.0)
    old = Hyperparameter("old", "int", 1, low=1, high=9)
    known = log("known", [x, old], {"x": 3.0, "old": 4})
    unknown = log("unknown", [old], {"old": 4})
    hp = line()
    hp.Choice("kind", ["a", "b"], default="b")
    oracle = new_oracle(hyperparameters=hp, history=[known, unknown])
    with caplog.at_level(logging.WARNING, logger="keras_metahpo"):
        # Unknown ones are dropped, missing ones take the default, others the nearest legal value.
        assert drive(oracle, lambda hp: 0.0, 1) == [{"x": 1.0, "kind": "b"}]
    assert [r for r in caplog.records if "not used: ['unknown']" in r.getMessage()]


def test_one_earlier_search_needs_no_list(new_oracle, tmp_path):
    earlier = new_oracle()
    drive(earlier, smooth)
    assert new_oracle(history=str(tmp_path / "search0")).history == [str(tmp_path / "search0")]


def test_history_of_another_direction_or_that_is_none_is_refused(new_oracle, tmp_path):
    earlier = new_oracle()
    drive(earlier, smooth)
    with pytest.raises(TrialLogError, match=r"minimised.*direction 'max'"):
        MetaOracle("val_loss", ranker=None, history=[earlier.export()])
    with pytest.raises((TrialLogError, ProjectError), match="nowhere"):
        MetaOracle(OBJECTIVE, ranker=None, history=[str(tmp_path / "nowhere")])


def test_a_trial_is_explained_by_expert_and_hyperparameters(new_oracle, quick_ranker):
    oracle = new_oracle(ranker=quick_ranker, floor=None)
    drive(oracle, smooth, 4)
    explanation = oracle.explain("3")
    active = set(oracle.trials["3"].hyperparameters.values) - {"epochs"}
    assert set(explanation.contributions) == active
    assert explanation.expert in str(explanation)
    assert all(name in str(explanation) for name in active)
    assert 0 <= explanation.reasons["trust_in_prior"] <= 2
    with pytest.raises(KeyError, match=r"trial_id must be one of .*'0'.*Received: '99'"):
        oracle.explain("99")


def test_contributions_have_the_sign_of_what_the_ranker_likes(new_oracle, quick_ranker):
    given = [{"layers": 4, "learning_rate": 1e-5}]
    oracle = new_oracle(ranker=quick_ranker, initial_configurations=given)
    drive(oracle, smooth, 1)
    contributions = oracle.explain("0").contributions
    assert contributions["layers"] > 0 > contributions["learning_rate"]


def test_explanations_survive_a_resume(new_oracle, quick_ranker):
    oracle = new_oracle(ranker=quick_ranker)
    drive(oracle, smooth, 3)
    again = new_oracle(ranker=quick_ranker)
    again._set_project_dir(oracle._directory, oracle._project_name)
    again.reload()
    assert again.explain("2") == oracle.explain("2")


def test_an_exported_search_round_trips_and_serves_as_history(new_oracle, tmp_path):
    oracle = new_oracle(hyperparameters=line())
    results = iter([0.3, float("nan"), 0.9, 0.1])

    def grow(hp):
        if len(oracle.trials) == 3:
            hp.Int("appeared", 1, 9)
        return next(results)

    drive(oracle, grow, 4)
    exported = oracle.export(str(tmp_path / "log"), name="earlier")
    log = TrialLog.open(str(tmp_path / "log"))
    history = log.history()
    assert log.space == exported.space
    assert log.card.name == "earlier"
    assert (log.card.objective, log.card.direction) == ("score", "max")
    assert history.utilities.tolist() == [0.3, FAILED_UTILITY, 0.9, 0.1]
    assert history.configurations[2]["x"] == oracle.trials["2"].hyperparameters.get("x")
    assert "appeared" not in history.configurations[0]
    tried = drive(new_oracle(hyperparameters=line(), history=[log]), lambda hp: 0.0, 1)
    assert tried == [{"x": history.configurations[2]["x"]}]


def test_values_of_names_with_several_branches_are_kept(new_oracle):
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["adam", "sgd"])
    for optimizer, highest in (("adam", 0.1), ("sgd", 1.0)):
        with hp.conditional_scope("optimizer", [optimizer]):
            hp.Float("rate", highest / 10, highest)
    configurations = [{"optimizer": "sgd", "rate": 0.5}, {"optimizer": "adam", "rate": 0.05}]
    oracle = new_oracle(hyperparameters=hp, initial_configurations=configurations)
    assert drive(oracle, lambda hp: hp.get("rate"), max_trials=2) == configurations
    assert [dict(t.hyperparameters.values) for t in oracle.finished_trials()] == configurations
