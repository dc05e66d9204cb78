"""Suites: frozen, versioned, and split over data sets."""

import pytest

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks import NEVER_RUN, get_suite, get_task, list_suites, suites

PARTS = ("meta_train", "meta_validation", "meta_test")


@pytest.fixture
def write_suite(tmp_path, monkeypatch):
    """Writes suites into a folder of their own."""
    monkeypatch.setattr(suites, "_directory", lambda: tmp_path)

    def write(name: str, *parts: str) -> None:
        tables = [f"[{part}]\n{text}\n" for part, text in zip(PARTS, parts, strict=False)]
        (tmp_path / f"{name}.toml").write_text("\n".join(tables))

    return write


@pytest.mark.parametrize("name", list_suites())
def test_suite_agrees_with_the_definitions_and_no_data_set_is_in_two_parts(name):
    get_suite(name).verify()


def test_small_suites_hold_what_can_be_run():
    assert {"image-small@1", "text-small@1"} <= set(list_suites())
    names = [n for suite in ("image-small", "text-small") for n in get_suite(suite).task_names]
    assert len(names) == len(set(names)) >= 60
    for name in names:
        assert NEVER_RUN not in get_task(name).tags


@pytest.mark.parametrize(
    ("suite", "held_out"), [("image-small", "digits"), ("text-small", "clinc_oos")]
)
def test_held_out_data_is_in_the_meta_test_part_only(suite, held_out):
    loaded = get_suite(suite)
    tasks = {part: [get_task(n) for n in getattr(loaded, part)] for part in PARTS}
    assert all(tasks.values())
    assert {task.dataset for task in tasks["meta_test"]} == {held_out}
    families = {task.family for part in PARTS for task in tasks[part]}
    assert families == {suite.partition("-")[0]}


def test_latest_version_is_meant_where_none_is_given(write_suite):
    for version in (2, 10, 9):
        write_suite(f"mine@{version}", '"a/b" = "1"', '"c/d" = "1"', '"e/f" = "2"')
    suite = get_suite("mine")
    assert (suite.name, suite.version) == ("mine", "10")
    assert get_suite("mine@2").version == "2"
    assert suite.task_names == ("a/b", "c/d", "e/f")
    assert suite.task_versions == {"a/b": "1", "c/d": "1", "e/f": "2"}
    assert suite.part_of("e/f") == "meta_test"
    assert suite.part_of("g/h") is None


def test_unknown_suite_is_answered_with_close_ones():
    with pytest.raises(TaskError, match=r"No suite is called 'imag-small'.*image-small@1"):
        get_suite("imag-small")


def test_another_version_of_a_task_is_refused(write_suite):
    write_suite("old@1", '"image/mlp_mnist" = "0"', "", "")
    with pytest.raises(TaskError, match="frozen with version 0 of image/mlp_mnist"):
        get_suite("old").verify()


def test_data_set_in_two_parts_is_refused(write_suite):
    write_suite("leaky@1", '"image/mlp_mnist" = "1"', "", '"image_dense/mnist_250" = "1"')
    with pytest.raises(TaskError, match=r"mnist of image_dense/mnist_250 in meta_train and meta_t"):
        get_suite("leaky").verify()


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (("",), "must have the tables meta_train, meta_validation, meta_test"),
        (("= 3", "", ""), "TOMLDecodeError"),
        (('"a/b" = "1"', '"a/b" = "1"', ""), r"list a task once. Received twice: \['a/b'\]"),
    ],
)
def test_broken_file_is_named(write_suite, parts, complaint):
    write_suite("broken@1", *parts)
    with pytest.raises(TaskError, match=complaint) as caught:
        get_suite("broken")
    assert "broken@1.toml" in str(caught.value)
