"""Rankers of several seeds: each is trained once, and the page compares them."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from keras_metahpo.cli import main
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.meta_training.preset import train_preset
from keras_metahpo.rankers import InContextRanker, Preset, save_preset
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.training_report import command

META_DATASET = Path(__file__).resolve().parents[2] / "meta_dataset"
NETWORK = {"width": 8, "num_members": 1, "num_blocks": 1, "embedding": 4}


@pytest.fixture
def trained(monkeypatch):
    """Seeds that were trained, here without any training."""
    seeds = []

    def train(console, logs, held_out, config, directory):
        seeds.append(config.seed)
        card = {"training": asdict(config), "trained_on": [], "early_stopping_on": []}
        save_preset(InContextRanker(new_network(NETWORK)), directory, card)

    monkeypatch.setattr(command, "_train", train)
    monkeypatch.setattr("keras_metahpo.training_report.checking.NUM_TASKS", 2)
    return seeds


def test_seeds_are_trained_once_each_and_compared(tmp_path, trained, capsys):
    arguments = ["train", "--output", str(tmp_path), "--seed", "3", "--seeds"]
    assert main([*arguments, "2"]) == 0
    assert trained == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {"seed-3", "seed-4", "report.html"}
    assert "2 rankers compared" in (tmp_path / "report.html").read_text()
    (tmp_path / "seed-4" / "training.npz").touch()  # Was stopped in its second training.
    assert main([*arguments, "3"]) == 0
    assert trained == [3, 4, 4, 5]
    assert "seed-3 is trained already" in "".join(capsys.readouterr().out.splitlines())
    assert main([*arguments, "2", "--steps", "7"]) == 0
    assert trained[4:] == [3, 4]


def test_without_the_extra_rankers_are_trained_and_no_page_is_written(
    tmp_path, trained, capsys, monkeypatch
):
    monkeypatch.setattr("keras_metahpo.training_report.writing.EXTRA", ("no_such_package",))
    assert main(["train", "--output", str(tmp_path / "preset")]) == 0
    assert trained == [0]
    assert not (tmp_path / "preset" / "report.html").exists()
    assert "There will be no report" in capsys.readouterr().out
    assert main(["presets", "describe", "base", "--output", str(tmp_path)]) == 1
    assert "keras-metahpo[data]" in capsys.readouterr().err


def test_what_a_collection_leaves_beside_its_logs_is_left_out(tmp_path, trained, capsys):
    (tmp_path / "logs" / "unfinished").mkdir(parents=True)
    shutil.copytree(META_DATASET / "image_linear-digits", tmp_path / "logs" / "digits")
    logs = [str(path) for path in (tmp_path / "logs").iterdir()]
    assert main(["train", "--logs", *logs, "--output", str(tmp_path / "preset")]) == 0
    assert trained == [0]
    assert "no trial log in" in " ".join(capsys.readouterr().out.split())


def test_logs_of_no_task_of_the_suite_are_refused(tmp_path, trained, capsys):
    arguments = ["train", "--output", str(tmp_path / "preset"), "--suite", "image-small@1"]
    assert main([*arguments, "--logs", str(META_DATASET / "text_bag-trec")]) == 1
    assert "Expected --logs with tasks" in (message := capsys.readouterr().err)
    assert "text_bag/trec" in message and "Leave --suite out" in message
    assert main([*arguments, "--logs", str(META_DATASET / "image_dense-mnist_250")]) == 0
    assert trained == [0]


def test_a_real_preset_is_known_by_its_training(tmp_path):
    config = TrainingConfig(num_steps=1, num_synthetic_tasks=8, batch_size=2, network=NETWORK)
    train_preset([], [], config, tmp_path)
    assert Preset(tmp_path).card["training"]["num_steps"] == 1
    assert command._is_trained(tmp_path, [], [], config)
    assert not command._is_trained(tmp_path, [], [], replace(config, num_steps=2))
    assert not command._is_trained(tmp_path / "other", [], [], config)
