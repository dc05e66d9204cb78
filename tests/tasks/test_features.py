"""Task features: plain values that say what they say."""

import numpy as np
import pytest

from keras_metahpo.tasks import ArraySource, DigitsSource, Imbalanced, Task, TaskData, task_features


def task(data, **kwargs) -> Task:
    return Task("x/y", lambda hp: None, data, max_fidelity=1, tags=("x",), **kwargs)


def test_features_of_digits():
    features = task_features(task(DigitsSource(), features={"num_ways": 5}))
    assert all(type(value) in (float, str) for value in features.values())
    assert (features["family"], features["dataset"]) == ("x", "digits")
    assert features["num_ways"] == 5.0
    assert (features["num_train"], features["num_validation"]) == (1000.0, 397.0)
    assert (features["num_classes"], features["num_inputs"]) == (10.0, 64.0)
    assert features["input_rank"] == 3.0
    assert features["class_entropy"] > 0.99
    assert features["majority_accuracy"] < 0.2
    for name in ("centroid", "neighbour", "linear"):
        assert features[f"landmark_{name}"] > 0.85
    assert features["landmark_neighbour"] > features["landmark_centroid"]


def test_imbalance_shows():
    balanced, imbalanced = (
        task_features(task(source))["class_entropy"]
        for source in (DigitsSource(), DigitsSource().with_(Imbalanced()))
    )
    assert imbalanced < balanced - 0.05


def test_texts_are_counted_by_word():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    texts = rng.integers(10, 30, (200, 6), dtype=np.int32)
    texts[:, 0] = 2 + labels
    features = task_features(task(ArraySource(texts, labels, "words")))
    assert features["input_rank"] == 1.0
    assert features["landmark_linear"] == pytest.approx(1.0)


def test_nothing_is_loaded_before_it_is_asked_for():
    class Unloadable:
        num_classes = 2

        def load(self):
            raise AssertionError

    assert task(Unloadable()).features == {}


def test_episodes_have_no_landmarks():
    class Episodes:
        num_classes, dataset = 5, "tiny:1.0.0"

        def load(self):
            episodes = ({"support": np.zeros((2, 5, 1, 3))}, np.zeros((2, 5), int))
            return TaskData((np.zeros((9, 3)), np.zeros(9, int)), episodes, episodes)

    assert task_features(task(Episodes())) == {"family": "x", "dataset": "tiny"}
