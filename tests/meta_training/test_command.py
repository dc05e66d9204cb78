"""`metahpo learn`, as a user runs it."""

import json

import numpy as np
import optuna
import pytest

from keras_metahpo.cli import main
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.rankers import Preset
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("lr", "float", 0.1, low=1e-4, high=1.0, sampling="log"),
        Hyperparameter("units", "int", 8, low=8, high=64, step=8),
    ]
)


def write_log(path, name: str, seed: int, num_trials: int = 12) -> str:
    rng = np.random.default_rng(seed)
    trials = [
        LoggedTrial(str(n), c, [{"acc": float(-np.log(c["lr"]))}])
        for n, c in enumerate(SPACE.decode(SPACE.sample(num_trials, rng)))
    ]
    return TrialLog.from_trials(TrialLogCard(name, "acc", "max"), SPACE, trials).write(str(path))


def write_table(path, num_trials: int = 12) -> str:
    rows = [f"{0.001 * (n + 1)},{8 * (n % 8 + 1)},{0.01 * n}" for n in range(num_trials)]
    path.write_text("lr,units,acc\n" + "\n".join(rows) + "\n")
    return str(path)


def write_project(folder, num_trials: int = 12) -> str:
    for n in range(num_trials):
        configuration = {"lr": 0.001 * (n + 1), "units": 8}
        observations = [{"value": [0.01 * n], "step": 0}]
        state = {
            "trial_id": str(n),
            "hyperparameters": {**SPACE.get_config(), "values": configuration},
            "metrics": {"metrics": {"acc": {"direction": "max", "observations": observations}}},
            "score": 0.01 * n,
            "status": "COMPLETED",
        }
        (folder / f"trial_{n}").mkdir(parents=True)
        (folder / f"trial_{n}" / "trial.json").write_text(json.dumps(state))
    return str(folder)


def write_study(path, num_trials: int = 6) -> str:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="../a/study")
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-4, 1.0, log=True), num_trials)
    return str(path)


def learn(*arguments) -> int:
    return main(["learn", *map(str, arguments)])


def test_sources_of_every_kind_are_imported(tmp_path, capsys):
    project = write_project(tmp_path / "project")
    sources = [
        write_log(tmp_path / "log", "image/own", 0),
        write_table(tmp_path / "table.csv"),
        project,
        project + "/",
        write_study(tmp_path / "study.db"),
    ]
    out = tmp_path / "out"
    options = ["--objective", "acc", "--direction", "max", "--dataset", "mnist"]
    assert learn(*sources, "--output", out, "--no-training", *options) == 0
    logs = {p.name: TrialLog.open(str(p)) for p in (out / "logs").iterdir()}
    assert set(logs) == {"image-own", "table", "project", "a-study"}
    assert [len(logs[n].trials) for n in ("image-own", "table", "project", "a-study")] == [
        *(12, 12, 12, 6),
    ]
    assert {log.card.features["dataset"] for log in logs.values()} == {"mnist"}
    assert logs["a-study"].card.direction == "min"
    assert not (out / "preset").exists()
    assert "Searches: 4, trials: 42, skipped: 0" in capsys.readouterr().out


def test_searches_of_one_name_get_folders_of_their_own(tmp_path):
    sources = [write_project(tmp_path / n / "untitled_project") for n in "abc"]
    assert learn(*sources, "--output", tmp_path / "out", "--no-training") == 0
    names = {p.name for p in (tmp_path / "out" / "logs").iterdir()}
    assert names == {"untitled_project", "untitled_project_2", "untitled_project_3"}
    log = TrialLog.open(str(tmp_path / "out" / "logs" / "untitled_project_2"))
    assert log.card.name == "untitled_project_2"


def test_what_is_skipped_is_named_and_counted(tmp_path, capsys):
    project = write_project(tmp_path / "project")
    damaged = tmp_path / "project" / "trial_3" / "trial.json"
    damaged.write_text("{")
    assert learn(project, "--output", tmp_path / "out", "--no-training") == 0
    printed = capsys.readouterr().out
    assert f"skipping {damaged}: " in printed
    assert "trials: 11, skipped: 1" in printed


def test_a_space_is_read_from_a_file(tmp_path):
    (tmp_path / "space.json").write_text(json.dumps(SPACE.get_config()))
    space = SearchSpace.from_config(SPACE.get_config())
    table = write_table(tmp_path / "table.csv")
    options = ["--objective", "acc", "--direction", "max", "--space", tmp_path / "space.json"]
    assert learn(table, "--output", tmp_path / "out", "--no-training", *options) == 0
    assert TrialLog.open(str(tmp_path / "out" / "logs" / "table")).space == space


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("empty", "empty, which is none of them"),
        ("nowhere", "nowhere, which does not exist"),
        ("table.csv", "table.csv does not say what was optimised"),
        ("damaged", "damaged, which has none"),
        ("bad.db", "bad.db, which cannot be read"),
    ],
)
def test_a_source_with_nothing_usable_is_an_error_and_nothing_is_written(
    tmp_path, capsys, bad, complaint
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged" / "trial_0").mkdir(parents=True)
    (tmp_path / "damaged" / "trial_0" / "trial.json").write_text("{")
    (tmp_path / "bad.db").write_text("text " * 1000)
    write_table(tmp_path / "table.csv")
    good = write_log(tmp_path / "log", "good", 0)
    assert learn(good, tmp_path / bad, "--output", tmp_path / "out") == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--preset", "nothing"], "name of a bundled preset"),
        (["--space", "no.json"], "--space no.json cannot be read"),
        (["--output", __file__], "must be a folder"),
    ],
)
def test_bad_options_are_errors_before_anything_is_written(tmp_path, capsys, options, complaint):
    good = write_log(tmp_path / "log", "good", 0)
    assert learn(good, "--output", tmp_path / "out", *options) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_searches_too_small_to_learn_from_are_not_trained_on(tmp_path, capsys):
    small = write_log(tmp_path / "log", "small", 0, num_trials=3)
    assert learn(small, "--output", tmp_path / "out") == 1
    assert "5 completed trials that differ. Received: ['small']" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert learn(small, "--output", tmp_path / "out", "--no-training") == 0
    assert (tmp_path / "out" / "logs" / "small").exists()


def test_one_search_gives_a_preset_without_a_claim(tmp_path, capsys, tiny_preset):
    log = write_log(tmp_path / "log", "own", 0)
    options = ["--preset", tiny_preset, "--steps", 2, "--synthetic", 8, "--seed", 3]
    assert learn(log, "--output", tmp_path / "out", *options) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "What fine-tuning gains cannot be told" in printed
    assert "On synthetic tasks:" in printed
    preset = Preset(tmp_path / "out" / "preset")
    assert [entry["name"] for entry in preset.card["trained_on"]] == ["own"]
    assert preset.card["training"]["seed"] == 3
    assert preset.card["best_step"] == 2
    preset.load()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["learn", "--help"])
    assert stopped.value.code == 0
    assert "metahpo learn" in capsys.readouterr().out.split("example:")[1]
