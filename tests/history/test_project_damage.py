"""Damaged trials of a project are skipped and named; what is whole is kept."""

import copy
import json

import keras_tuner
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.errors import ProjectError
from keras_metahpo.history import import_project


def hyperparameters(units: int) -> dict:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 64, step=8)
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Choice("kind", ["a", "b"])
    hp.values["units"] = units
    return hp.get_config()


def state(number: int) -> dict:
    observations = [{"value": [0.1 * number], "step": 0}]
    return {
        "trial_id": f"{number:04d}",
        "hyperparameters": hyperparameters(8 * number),
        "metrics": {
            "metrics": {"val_accuracy": {"direction": "max", "observations": observations}}
        },
        "score": 0.1 * number,
        "best_step": 0,
        "status": "COMPLETED",
        "message": None,
    }


def write(folder, number: int, content: str | bytes) -> str:
    directory = folder / f"trial_{number:04d}"
    directory.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    (directory / "trial.json").write_bytes(data)
    return str(directory / "trial.json")


@pytest.fixture
def project(tmp_path):
    for number in (1, 2, 3):
        write(tmp_path / "project", number, json.dumps(state(number)))
    return tmp_path / "project"


def assert_is_named(project, file: str) -> None:
    skipped = {}
    log = import_project(str(project), on_skipped=lambda w, reason: skipped.update({w: reason}))
    assert [trial.trial_id for trial in log.trials] == ["0001", "0002", "0003"]
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    assert list(skipped) == [file]
    assert skipped[file]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"3", b"\xff\xfe\x00", json.dumps(state(4))[:-40].encode()],
)
def test_a_file_that_is_no_state_is_named(project, content):
    assert_is_named(project, write(project, 4, content))


@pytest.mark.parametrize("key", ["trial_id", "hyperparameters", "metrics", "status"])
def test_a_missing_entry_is_named(project, key):
    content = state(4)
    del content[key]
    assert_is_named(project, write(project, 4, json.dumps(content)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status",), "DONE"),
        (("status",), None),
        (("score",), "high"),
        (("hyperparameters",), []),
        (("hyperparameters", "values"), [1]),
        (("hyperparameters", "values", "units"), "many"),
        (("hyperparameters", "values", "units"), 9999),
        (("hyperparameters", "values", "units"), None),
        (("hyperparameters", "values", "kind"), ["a"]),
        (("hyperparameters", "space"), None),
        (("hyperparameters", "space"), [3]),
        (("hyperparameters", "space", 0, "class_name"), "Integer"),
        (("hyperparameters", "space", 0, "config"), {}),
        (("hyperparameters", "space", 0, "config", "min_value"), "8"),
        (("hyperparameters", "space", 0, "config", "max_value"), 1),
        (("hyperparameters", "space", 0, "config", "step"), 0),
        (("hyperparameters", "space", 0, "config", "conditions"), 5),
        (("hyperparameters", "space", 1, "config", "min_value"), -1.0),
        (("hyperparameters", "space", 1, "config", "sampling"), "cubic"),
        (("hyperparameters", "space", 2, "config", "values"), []),
        (("metrics",), None),
        (("metrics", "metrics"), []),
        (("metrics", "metrics", "val_accuracy"), 0.5),
        (("metrics", "metrics", "val_accuracy", "observations"), "many"),
        (("metrics", "metrics", "val_accuracy", "observations", 0), {}),
        (("metrics", "metrics", "val_accuracy", "observations", 0, "step"), "first"),
        (("metrics", "metrics", "val_accuracy", "observations", 0, "value"), ["good"]),
        (("metrics", "metrics", "val_accuracy", "observations", 0, "value"), []),
        (("metrics", "metrics", "val_accuracy", "observations", 0, "value"), None),
    ],
)
def test_a_wrong_type_is_named(project, path, value):
    assert_is_named(project, write(project, 4, json.dumps(changed(state(4), path, value))))


def changed(content: dict, path: tuple, value) -> dict:
    content = copy.deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


def test_the_same_trial_twice_is_named(project):
    assert_is_named(project, write(project, 4, json.dumps(state(2))))


def test_a_damaged_trial_that_comes_first_spoils_no_other(project):
    bad = changed(state(1), ("hyperparameters", "space", 0, "config", "max_value"), 1)
    assert_is_named(project, write(project, 0, json.dumps(bad | {"trial_id": "0000"})))


def test_a_folder_without_a_whole_trial_is_an_error_that_names_it(tmp_path):
    write(tmp_path, 1, "{")
    with pytest.raises(
        ProjectError, match=rf"Received: {tmp_path}, which has none. Check the path"
    ):
        import_project(str(tmp_path), on_skipped=lambda where, reason: None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=5,
)


def places(content, path=()) -> list[tuple]:
    keys = range(len(content)) if isinstance(content, list) else content
    below = (
        [p for k in keys for p in places(content[k], (*path, k))]
        if (isinstance(content, (dict, list)))
        else []
    )
    return [path, *below] if path else below


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(places(state(4))), value=JSON)
def test_whatever_stands_in_a_file_the_other_trials_are_read(project, place, value):
    write(project, 4, json.dumps(changed(state(4), place, value)))
    log = import_project(str(project), "val_accuracy", "max", lambda where, reason: None)
    assert {"0001", "0002", "0003"} <= {trial.trial_id for trial in log.trials}
    log.space.encode([trial.configuration for trial in log.trials])
