"""The commands as a user runs them."""

import json

import numpy as np
import pytest

from keras_metahpo.cli import main
from keras_metahpo.demo import Search, print_table
from keras_metahpo.demo.report import verdict
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.rankers import Preset
from keras_metahpo.space import Hyperparameter, SearchSpace
from keras_metahpo.tasks.suites import get_suite


def test_demo_writes_a_picture_and_what_it_measured(tmp_path, capsys):
    assert main(["demo", "--trials", "2", "--seed", "3", "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [s["tuner"] for s in result["searches"]] == [
        "MetaTuner",
        "RandomSearch",
        "BayesianOptimization",
    ]
    for search in result["searches"]:
        assert search["tuner"] in printed
        assert len(search["values"]) == len(search["seconds"]) == 2
        assert np.all(np.diff(search["seconds"]) > 0)
        assert 0 <= search["test_accuracy"] <= 1
    assert (tmp_path / "out" / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_incumbents_skip_failed_trials():
    search = Search("MetaTuner", [0.5, float("nan"), 0.4, 0.9], [1, 2, 3, 4], 0.9, {})
    assert search.incumbents == [0.5, 0.5, 0.5, 0.9]


@pytest.mark.parametrize(
    ("ours", "expected"), [([0.2, 0.95, 0.95], "after 2 of 3"), ([0.1, 0.2, 0.3], "did not reach")]
)
def test_verdict_tells_wins_and_losses(ours, expected):
    searches = [
        Search("MetaTuner", ours, [1.0, 2.0, 3.0], 0.9, {}),
        Search("RandomSearch", [0.1, 0.9, 0.9], [1.0, 2.0, 3.0], 0.9, {}),
        Search("BayesianOptimization", [0.1, 0.1, 0.5], [1.0, 2.0, 3.0], 0.9, {}),
    ]
    assert expected in verdict(searches)
    assert "RandomSearch" in verdict(searches)


def test_table_shows_the_last_trial(capsys):
    from rich.console import Console

    print_table(
        Console(width=120), [Search("MetaTuner", [0.1] * 6 + [0.7], [1.0] * 7, 0.6, {})] * 2
    )
    assert "7 trials" in capsys.readouterr().out


def test_tasks_lists_the_library(capsys):
    assert main(["tasks", "list"]) == 0
    assert "image/mlp_mnist" in capsys.readouterr().out.split()


@pytest.fixture
def few_checks(monkeypatch):
    """Trained rankers are checked on two synthetic tasks only."""
    monkeypatch.setattr("keras_metahpo.training_report.checking.NUM_TASKS", 2)


def test_train_writes_a_preset_of_the_meta_train_part_of_a_suite(tmp_path, few_checks):
    space = SearchSpace([Hyperparameter("lr", "float", 0.1, low=1e-4, high=1.0, sampling="log")])
    rng = np.random.default_rng(0)
    trials = [
        LoggedTrial(str(i), c, [{"val_accuracy": float(-np.log(c["lr"]))}])
        for i, c in enumerate(space.decode(space.sample(40, rng)))
    ]
    suite = get_suite("image-small")
    names = (suite.meta_train[0], suite.meta_test[0], "x/y")
    for name in names:
        card = TrialLogCard(name, "val_accuracy", "max", features={"tags": "x"})
        TrialLog.from_trials(card, space, trials).write(str(tmp_path / name))
    arguments = ["--suite", "image-small", "--logs", *(str(tmp_path / name) for name in names)]
    arguments += ["--output", str(tmp_path / "preset"), "--steps", "2", "--synthetic", "9"]
    assert main(["train", *arguments]) == 0
    card = Preset(tmp_path / "preset").card
    assert card["training"]["num_steps"] == 2
    assert [entry["name"] for entry in card["trained_on"]] == [suite.meta_train[0]]
    assert "1 recorded and 9 synthetic tasks" in (tmp_path / "preset" / "report.html").read_text()


def test_presets_are_described(tmp_path, few_checks, tiny_preset, capsys):
    assert main(["presets", "describe", tiny_preset, "--output", str(tmp_path)]) == 0
    assert "<h1>tiny</h1>" in (tmp_path / "report.html").read_text()
    assert main(["presets", "describe", "nothing", "--output", str(tmp_path)]) == 1
    assert "name of a bundled preset" in capsys.readouterr().err


def test_errors_are_one_line_and_an_exit_status(tmp_path, capsys):
    assert main(["train", "--logs", str(tmp_path / "no"), "--output", str(tmp_path / "p")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("metahpo: Expected a trial log or a folder of them")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["demo", "tasks", "collect", "train"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"metahpo {command}" in capsys.readouterr().out.split("example:")[1]


@pytest.mark.parametrize(
    ("group", "command"),
    [
        *(("bench", command) for command in ("run", "report", "policies")),
        ("presets", "describe"),
        *(("tasks", command) for command in ("list", "show", "new", "check", "spread")),
    ],
)
def test_help_of_a_group_has_an_example(group, command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([group, command, "--help"])
    assert stopped.value.code == 0
    assert f"metahpo {group} {command}" in capsys.readouterr().out.split("example:")[1]


def test_bench_searches_in_ones_own_log_without_a_study_file(tmp_path, capsys):
    space = SearchSpace([Hyperparameter("x", "float", 0.5, low=0.0, high=1.0)])
    configurations = space.decode(space.sample(30, np.random.default_rng(0)))
    trials = [LoggedTrial(str(i), c, [{"loss": c["x"]}]) for i, c in enumerate(configurations)]
    log = TrialLog.from_trials(TrialLogCard("mine", "loss", "min"), space, trials)
    arguments = ["--log", log.write(str(tmp_path / "log")), "--policies", "RandomSearch"]
    arguments += ["--trials", "3", "--seeds", "2", "--output", str(tmp_path / "out")]
    assert main(["bench", "run", *arguments, "--workers", "1"]) == 0
    assert main(["bench", "report", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_bench_asks_for_something_to_search_in(tmp_path, capsys):
    assert main(["bench", "run", "--output", str(tmp_path)]) == 1
    assert "a study file, or --log or --task" in capsys.readouterr().err


def test_arguments_must_be_positive(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--trials", "0"])
    assert "must be a positive integer. Received: 0" in capsys.readouterr().err
