"""Explanations: importances, source tasks that are alike, and the picture."""

import json

import keras_tuner
import numpy as np
import pytest

from keras_metahpo import MetaOracle
from keras_metahpo.explanation import Explanation, explain_configuration
from keras_metahpo.explanation.importance import importances_of
from keras_metahpo.explanation.kinship import alike_tasks
from keras_metahpo.rankers import Preset, list_presets
from keras_metahpo.rankers.presets import CARD, presets_directory
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("units", "int", 32, low=8, high=64),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter(
            "momentum",
            "float",
            0.9,
            low=0.0,
            high=1.0,
            conditions=(Condition("optimizer", ("sgd",)),),
        ),
    ]
)


def test_the_planted_hyperparameter_matters_and_no_other():
    found = importances_of(SPACE, lambda points: np.sin(3 * points.units[:, 0]))
    assert found["learning_rate"] == pytest.approx(1.0, abs=0.05)
    assert max(v for name, v in found.items() if name != "learning_rate") < 0.05


def test_shares_follow_the_variances_and_interactions_count_for_both():
    additive = importances_of(SPACE, lambda p: 2 * p.units[:, 0] + p.units[:, 1])
    assert additive["learning_rate"] == pytest.approx(0.8, abs=0.08)
    assert additive["units"] == pytest.approx(0.2, abs=0.08)
    product = importances_of(SPACE, lambda p: (p.units[:, 0] - 0.5) * (p.units[:, 1] - 0.5))
    assert product["learning_rate"] > 0.8
    assert product["units"] > 0.8


def test_a_condition_matters_through_its_child():
    found = importances_of(SPACE, lambda p: np.where(p.active[:, 3], p.units[:, 3], 0.0))
    assert found["momentum"] > 0.1
    assert found["optimizer"] > 0.3
    assert found["units"] < 0.05


def test_nothing_is_said_where_all_is_equal_or_empty():
    assert importances_of(SPACE, lambda points: np.zeros(len(points))) == {}
    assert importances_of(SearchSpace([]), lambda points: np.zeros(len(points))) == {}


def test_alike_tasks_search_what_matters():
    cards = [
        {"name": "rate only", "hyperparameters": ["lr"]},
        {"name": "all", "hyperparameters": ["lr", "hidden_units", "opt", "momentum"]},
        {"name": "nothing", "hyperparameters": ["kernel_size"]},
        {"name": "says nothing"},
    ]
    found = alike_tasks(SPACE, {"learning_rate": 0.9, "units": 0.1}, cards)
    assert [task.name for task in found] == ["all", "rate only"]
    assert [task.similarity for task in found] == pytest.approx([1.0, 0.9])
    assert [task.name for task in alike_tasks(SPACE, {}, cards)] == ["all", "rate only"]
    assert alike_tasks(SPACE, {}, []) == ()


def test_guessed_roles_are_told_and_count_as_such():
    space = SearchSpace([Hyperparameter("neuron_number", "int", 32, low=8, high=256)])
    explanation = explain_configuration(
        "3",
        space,
        {"neuron_number": 64},
        "gaussian process",
        {},
        Preset("base").load(),
        trained_on=[{"name": "widths", "hyperparameters": ["units"]}],
    )
    assert explanation.guesses["neuron_number"].role == "width"
    assert "takes neuron_number for: width" in str(explanation)
    assert [task.name for task in explanation.alike] == ["widths"]
    assert explain_configuration("3", SPACE, {}, "default", {}, None).guesses == {}


def test_a_search_recovers_what_its_objective_depends_on():
    hp = keras_tuner.HyperParameters()
    for name in ("alpha", "beta", "gamma"):
        hp.Float(name, 0.0, 1.0)
    objective = keras_tuner.Objective("score", "max")
    rng = np.random.default_rng(0)
    evenly = [
        dict(zip(("alpha", "beta", "gamma"), row, strict=True)) for row in rng.random((20, 3))
    ]
    oracle = MetaOracle(
        objective, 20, ranker=None, initial_configurations=evenly, hyperparameters=hp, seed=3
    )
    oracle._set_project_dir("unused", "unused")
    oracle.save = oracle._save_trial = lambda *_: None
    for _ in range(20):
        trial = oracle.create_trial("tuner0")
        score = -((trial.hyperparameters.get("beta") - 0.4) ** 2)
        oracle.update_trial(trial.trial_id, {"score": score})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    explanation = oracle.explain(trial.trial_id)
    assert explanation.importances["beta"] > 0.8
    others = max(explanation.importances["alpha"], explanation.importances["gamma"])
    assert explanation.importances["beta"] > 2 * others
    assert "beta" in str(explanation)


def test_bundled_cards_say_what_their_tasks_search():
    for name in list_presets():
        card = json.loads((presets_directory() / name / CARD).read_text())
        assert all(entry["hyperparameters"] for entry in card["trained_on"])


def test_the_picture_shows_values_and_shares(tmp_path):
    explanation = explain_configuration(
        "7",
        SPACE,
        {"learning_rate": 1e-3, "units": 16, "optimizer": "adam"},
        "gaussian process",
        {},
        None,
        mean=lambda points: points.units[:, 0],
    )
    figure = explanation.figure()
    left, right = figure.axes
    assert [text.get_text() for text in left.texts] == ["nothing known"]
    assert "learning_rate" in [label.get_text() for label in right.get_yticklabels()]
    figure.savefig(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 1000
    Explanation("0", {}, "default").figure().savefig(tmp_path / "empty.png")
