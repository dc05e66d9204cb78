"""`metahpo tasks list`, `show`, `new`, `check` and `spread` as a user runs them."""

import argparse
import json

import pytest

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks import Spread, get_suite, get_task, list_tasks, spread
from keras_metahpo.tasks.command import add_commands


@pytest.fixture
def run(monkeypatch):
    """Runs one command of the group."""
    monkeypatch.setenv("COLUMNS", "200")

    def add_command(commands, name, function, help_text, example):
        assert example.startswith(f"metahpo tasks {name}")
        command = commands.add_parser(name, help=help_text, epilog=example)
        command.set_defaults(command=function)
        return command

    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True), add_command)

    def run(*arguments):
        options = parser.parse_args([str(argument) for argument in arguments])
        options.command(options)

    return run


def test_list_shows_all_tasks(run, capsys):
    run("list")
    printed = capsys.readouterr().out
    assert f"{len(list_tasks())} tasks" in printed
    assert "never-run" in printed
    assert "image/mlp_mnist" in printed.split()


def test_list_is_filtered_and_readable_by_programs(run, capsys):
    run("list", "--json", "--family", "text")
    cards = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in cards] == list_tasks("text")
    assert cards[0]["licence"]
    run("list", "--suite", "image-small")
    printed = capsys.readouterr().out
    assert "of image-small@1" in printed
    assert "meta-test" in printed
    assert "text_bag" not in printed


def test_unknown_family_is_answered_with_close_ones(run):
    with pytest.raises(TaskError, match=r"No family is called 'imag'.*image"):
        run("list", "--family", "imag")


def test_show_prints_card_space_and_suites(run, capsys):
    run("show", "image_linear/digits")
    printed = capsys.readouterr().out
    for part in ("CC BY 4.0", "image-small@1 (meta_test)", "step_size", "0.0001 to 10 (log)"):
        assert part in printed


def test_new_task_passes_its_check_untouched(run, capsys, tmp_path):
    run("new", "my_images/first", "--output", tmp_path / "mine")
    file = tmp_path / "mine" / "my_images.py"
    assert str(file) in capsys.readouterr().out
    assert get_task(str(file)).name == "my_images/first"
    run("check", file)
    assert "1 tasks in 1 files: no findings" in capsys.readouterr().out
    with pytest.raises(TaskError, match="exists already"):
        run("new", "my_images/second", "--output", tmp_path / "mine")


@pytest.mark.parametrize("name", ["nothing", "Two/Words", "a/b/c", "../a/b"])
def test_new_refuses_names_that_no_file_can_have(run, tmp_path, name):
    with pytest.raises(TaskError, match="FILE_STEM/VARIANT"):
        run("new", name, "--output", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_check_prints_findings_and_fails(run, capsys, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("import keras\n1 / 0\n")
    with pytest.raises(TaskError, match="1 findings in 1 files"):
        run("check", file)
    assert f"{file}:2: " in capsys.readouterr().out


def test_spread_is_printed_kept_and_not_measured_again(run, capsys, tmp_path, monkeypatch):
    measured = []

    def measure(task, num_configurations, num_seeds, rng):
        measured.append(task.name)
        return Spread(task.name, (0.1, 0.5, float("nan")), (0.5, 0.6), (3.0, 1.0, 2.0))

    monkeypatch.setattr(spread, "measure_spread", measure)
    for _ in range(2):
        run("spread", "image_linear/digits", "--output", tmp_path / "out")
        printed = capsys.readouterr().out
        assert "1 of 3" in printed
        assert "below 8: mostly noise" in printed
    assert measured == ["image_linear/digits"]


def test_spread_of_a_suite_takes_its_tasks(run, tmp_path, monkeypatch):
    measured = []

    def measure(task, num_configurations, num_seeds, rng):
        measured.append(task.name)
        return Spread(task.name, (0.1, 0.5), (0.5, 0.6), (1.0,))

    monkeypatch.setattr(spread, "measure_spread", measure)
    run("spread", "--suite", "text-small", "--output", tmp_path)
    assert measured == list(get_suite("text-small").task_names)


def test_spread_needs_a_task(run, tmp_path):
    with pytest.raises(TaskError, match="Name tasks or a --suite"):
        run("spread", "--output", tmp_path)
