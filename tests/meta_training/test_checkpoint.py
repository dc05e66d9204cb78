"""A training that was stopped goes on as if nothing had happened."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_metahpo.errors import PresetError
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.meta_training.training import train_ranker
from keras_metahpo.space import Hyperparameter, SearchSpace

RATE = Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log")
SPACE = SearchSpace([RATE])
CONFIG = TrainingConfig(
    num_steps=12,
    num_synthetic_tasks=20,
    batch_size=2,
    num_configurations=16,
    evaluate_every=4,
    network={"num_members": 1, "width": 8, "num_blocks": 1, "embedding": 4},
)


class Stopped(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int, total: int, stage: str) -> None:
        if stage == "training" and done == step:
            raise Stopped

    return on_step


def set_spent_seconds(file: Path, spent_s: float) -> None:
    """As if the part before the stop had taken so long."""
    with np.load(file) as saved:
        arrays = dict(saved)
    facts = json.loads(str(arrays["facts"])) | {"spent_s": spent_s}
    np.savez(file, **(arrays | {"facts": np.array(json.dumps(facts))}))


def test_a_stopped_training_ends_like_one_that_was_not(tmp_path):
    whole = train_ranker([], [], CONFIG)
    file = tmp_path / "training.npz"
    with pytest.raises(Stopped):
        train_ranker([], [], CONFIG, stop_at(10), file)
    set_spent_seconds(file, 1000.0)
    steps = []
    rest = train_ranker([], [], CONFIG, lambda done, total, stage: steps.append(done), file)
    assert steps[-4:] == [9, 10, 11, 12]
    assert [p["step"] for p in rest.curve] == [4, 8, 12]
    assert 1000.0 < rest.elapsed_s < 2000.0
    points = SPACE.sample(20, np.random.default_rng(0))
    np.testing.assert_allclose(
        rest.ranker.prior_mean(SPACE, points), whole.ranker.prior_mean(SPACE, points), atol=1e-4
    )
    with pytest.raises(PresetError, match=r"another training, with other \['seed'\].*Delete it"):
        train_ranker([], [], replace(CONFIG, seed=1), checkpoint=file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(PresetError, match=r"cannot be read.*Delete it"):
        train_ranker([], [], CONFIG, checkpoint=file)
