"""`metahpo data describe` as a user runs it."""

import json
import sys

import pytest

from keras_metahpo.cli import main

from .conftest import description_of


@pytest.fixture
def folder(logs, tmp_path):
    for number, log in enumerate(logs[1:3]):
        log.write(str(tmp_path / "logs" / str(number)))
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_describe_prints_and_writes(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    paths = [str(folder / name) for name in ("logs", "empty", "out")]
    assert main(["data", "describe", *paths[:2], "--output", paths[2]]) == 0
    printed = capsys.readouterr().out
    for text in ("one/<b>", "learning_rate", "every trial failed", "left out", "describe.html"):
        assert text in printed
    assert len(json.loads((folder / "out" / "describe.json").read_text())["tasks"]) == 2


def test_without_logs_there_is_an_error_and_no_traceback(folder, capsys):
    assert main(["data", "describe", str(folder / "empty")]) == 1
    assert "Expected trial logs" in capsys.readouterr().err


def test_without_the_extra_nothing_is_begun(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["data", "describe", str(folder / "logs")]) == 1
    assert "keras-metahpo[data]" in capsys.readouterr().err


def test_many_tasks_are_printed_in_a_narrow_terminal(capsys):
    from rich.console import Console

    from keras_metahpo.data.printing import print_description

    print_description(Console(width=100), description_of(90))
    printed = capsys.readouterr().out
    assert "quite_a_long_name_89" in printed
    assert "and 4 more" in printed or "and 3 more" in printed
