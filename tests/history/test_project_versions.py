"""Project folders of every KerasTuner 1.x version, byte for byte in what their sources wrote.

The hyperparameters below were written by the `HyperParameters` and `Trial` classes of 1.0.0,
1.0.4 and 1.1.3 themselves.
"""

import json
import math

import keras_tuner
import pytest

from keras_metahpo.history import FAILED_UTILITY, import_project
from keras_metahpo.history.project_versions import modern_hyperparameters
from keras_metahpo.space import SearchSpace

SGD = {"class_name": "Parent", "config": {"name": "optimizer", "values": ["sgd"]}}
# Booleans are whole numbers there.
NESTEROV = {"class_name": "Parent", "config": {"name": "nesterov", "values": [1]}}
KIND = {"class_name": "Parent", "config": {"name": "head/kind", "values": ["b"]}}

# 1.0.0 and 1.0.1: conditions are parts of names, a Fixed has no default.
SPACE_1_0_0 = [
    {
        "class_name": "Int",
        "config": {
            "name": "units",
            "default": None,
            "min_value": 8,
            "max_value": 512,
            "step": 1,
            "sampling": "log",
        },
    },
    {
        "class_name": "Choice",
        "config": {
            "name": "optimizer",
            "default": "adam",
            "values": ["adam", "sgd"],
            "ordered": False,
        },
    },
    {
        "class_name": "Float",
        "config": {
            "name": "optimizer=sgd/momentum",
            "default": 0.0,
            "min_value": 0.0,
            "max_value": 0.9,
            "step": 0.1,
            "sampling": None,
        },
    },
    {"class_name": "Boolean", "config": {"name": "optimizer=sgd/nesterov", "default": False}},
    {
        "class_name": "Float",
        "config": {
            "name": "optimizer=sgd/nesterov=True/damping",
            "default": 0.1,
            "min_value": 0.1,
            "max_value": 1.0,
            "step": None,
            "sampling": None,
        },
    },
    {"class_name": "Fixed", "config": {"name": "version", "value": 2}},
    {
        "class_name": "Choice",
        "config": {"name": "head/kind", "default": "a", "values": ["a", "b"], "ordered": False},
    },
    {
        "class_name": "Float",
        "config": {
            "name": "head/kind=b/drop",
            "default": 0.0,
            "min_value": 0.0,
            "max_value": 0.5,
            "step": None,
            "sampling": None,
        },
    },
]
# 1.0.2 to 1.1.3: conditions are entries; an Int still has a step of 1 on a logarithmic scale.
SPACE_1_0_4 = [
    {
        "class_name": "Int",
        "config": {
            "name": "units",
            "default": None,
            "conditions": [],
            "min_value": 8,
            "max_value": 512,
            "step": 1,
            "sampling": "log",
        },
    },
    {
        "class_name": "Choice",
        "config": {
            "name": "optimizer",
            "default": "adam",
            "conditions": [],
            "values": ["adam", "sgd"],
            "ordered": False,
        },
    },
    {
        "class_name": "Float",
        "config": {
            "name": "momentum",
            "default": 0.0,
            "conditions": [SGD],
            "min_value": 0.0,
            "max_value": 0.9,
            "step": 0.1,
            "sampling": None,
        },
    },
    {
        "class_name": "Boolean",
        "config": {"name": "nesterov", "default": False, "conditions": [SGD]},
    },
    {
        "class_name": "Float",
        "config": {
            "name": "damping",
            "default": 0.1,
            "conditions": [SGD, NESTEROV],
            "min_value": 0.1,
            "max_value": 1.0,
            "step": None,
            "sampling": None,
        },
    },
    {"class_name": "Fixed", "config": {"name": "version", "conditions": [], "value": 2}},
    {
        "class_name": "Choice",
        "config": {
            "name": "head/kind",
            "default": "a",
            "conditions": [],
            "values": ["a", "b"],
            "ordered": False,
        },
    },
    {
        "class_name": "Float",
        "config": {
            "name": "head/drop",
            "default": 0.0,
            "conditions": [KIND],
            "min_value": 0.0,
            "max_value": 0.5,
            "step": None,
            "sampling": None,
        },
    },
]
# 1.1 with TensorFlow 2.13 and later: Keras adds where a class comes from.
SPACE_1_1_3 = json.loads(
    json.dumps(SPACE_1_0_4).replace(
        '"class_name": "Parent"',
        '"module": "keras_tuner.engine.conditions", "registered_name": "Parent", '
        '"class_name": "Parent"',
    )
)
ADAM = {"units": 64, "optimizer": "adam", "version": 2, "head/kind": "a"}
SGD_ONE = {
    "units": 8,
    "optimizer": "sgd",
    "momentum": 0.3,
    "nesterov": True,
    "damping": 0.5,
    "version": 2,
    "head/kind": "b",
    "head/drop": 0.25,
}
DEFAULTS_1_0_0 = {
    "optimizer=sgd/momentum": 0.0,
    "optimizer=sgd/nesterov": False,
    "optimizer=sgd/nesterov=True/damping": 0.1,
    "head/kind=b/drop": 0.0,
}
NAMES_1_0_0 = {
    "momentum": "optimizer=sgd/momentum",
    "nesterov": "optimizer=sgd/nesterov",
    "damping": "optimizer=sgd/nesterov=True/damping",
    "head/drop": "head/kind=b/drop",
}
EXPECTED = SearchSpace.from_config(
    {
        "space": [
            {**e, "config": {**e["config"], "step": None}} if i == 0 else e
            for i, e in enumerate(SPACE_1_0_4)
        ]
    }
)


def values_1_0_0(values: dict) -> dict:
    """There, inactive hyperparameters have values, too."""
    return DEFAULTS_1_0_0 | {NAMES_1_0_0.get(name, name): value for name, value in values.items()}


def old_state(trial_id: str, space: list, values: dict, score: float | None, **changes) -> dict:
    """The six entries of `trial.json` up to 1.1.3; there is no message."""
    observations = [] if score is None else [{"value": [score], "step": 3}]
    return {
        "trial_id": trial_id,
        "hyperparameters": {"space": space, "values": values},
        "metrics": {
            "metrics": {"val_accuracy": {"direction": "max", "observations": observations}}
        },
        "score": score,
        "best_step": None if score is None else 3,
        "status": "COMPLETED",
    } | changes


def write_project(folder, states: list[dict]):
    for state in states:
        directory = folder / f"trial_{state['trial_id']}"
        directory.mkdir(parents=True)
        (directory / "trial.json").write_text(json.dumps(state))
    # The keys of 1.0.0; 1.0.1 added seed, seed_state and tried_so_far, 1.2 the orders.
    oracle = {"ongoing_trials": {}, "hyperparameters": states[0]["hyperparameters"]}
    (folder / "oracle.json").write_text(json.dumps(oracle))
    return folder


VERSIONS = {
    "1.0.0": (SPACE_1_0_0, values_1_0_0),
    "1.0.4": (SPACE_1_0_4, dict),
    "1.1.3": (SPACE_1_1_3, dict),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_old_folders_are_read_like_new_ones(tmp_path, version):
    space, written = VERSIONS[version]
    states = [
        old_state("2d3f", space, written(ADAM), 0.75),
        old_state("ab01", space, written(SGD_ONE), 0.5),
    ]
    log = import_project(str(write_project(tmp_path / "old", states)))
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    assert log.space == EXPECTED
    assert [trial.configuration for trial in log.trials] == [ADAM, SGD_ONE]
    assert log.history().utilities.tolist() == [0.75, 0.5]
    assert math.isfinite(log.space.encode([ADAM]).units.sum())


def test_what_completed_with_nan_before_1_2_is_a_failure(tmp_path):
    states = [
        old_state("a", SPACE_1_0_4, ADAM, 0.75),
        old_state("b", SPACE_1_0_4, SGD_ONE, float("nan")),
    ]
    log = import_project(str(write_project(tmp_path / "old", states)))
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    assert log.history().utilities.tolist() == [0.75, FAILED_UTILITY]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("COMPLETED", 0.5),
        ("STOPPED", 0.5),
        ("INVALID", FAILED_UTILITY),
        ("FAILED", FAILED_UTILITY),
        ("RUNNING", None),
        ("IDLE", None),
    ],
)
def test_every_status_means_something(tmp_path, status, expected):
    states = [
        old_state("a", SPACE_1_0_4, ADAM, 0.75),
        old_state("b", SPACE_1_0_4, SGD_ONE, 0.5, status=status),
    ]
    skipped = []
    log = import_project(
        str(write_project(tmp_path / "old", states)),
        on_skipped=lambda where, reason: skipped.append(reason),
    )
    assert log.history().utilities.tolist() == [0.75, *([] if expected is None else [expected])]
    assert skipped == ([f"it was left {status}."] if expected is None else [])


def test_old_names_that_only_look_like_conditions_are_kept():
    entries, values = modern_hyperparameters(
        {
            "space": [{"class_name": "Boolean", "config": {"name": "a=b/c", "default": False}}],
            "values": {"a=b/c": True},
        }
    )
    assert [entry["config"]["name"] for entry in entries] == ["a=b/c"]
    assert values == {"a=b/c": True}


def test_todays_hyperparameters_stay_as_they_are():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 512, sampling="log")
    hp.Int("blocks", 2, 32, step=2, sampling="log")
    hp.Float("rate=x", 0.0, 1.0, step=0.1)
    hp.Choice("kind", [1, 2, 4])
    with hp.conditional_scope("kind", [2, 4]):
        hp.Boolean("flag")
    config = hp.get_config()
    entries, values = modern_hyperparameters(config)
    assert entries == config["space"]
    assert values == config["values"]
