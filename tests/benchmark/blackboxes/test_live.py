"""Live tasks: Keras really trains, failures are results, the test split is kept for the end."""

import pickle

import numpy as np
import pytest

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.errors import BenchmarkError

DEFINITION = '''
"""Two blobs and a small dense network, which raises for one activation."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_metahpo.tasks import Task, TaskData


@dataclass(frozen=True)
class Blobs:
    num_classes: int = 2
    dataset: str = "blobs:1.0.0"

    def load(self):
        rng = np.random.default_rng(0)
        labels = np.arange(90) % 2
        inputs = (rng.normal(size=(90, 4)) + 3 * labels[:, None]).astype("float32")
        return TaskData(*((inputs[i : i + 30], labels[i : i + 30]) for i in (0, 30, 60)))

    fake = load


def build(hp):
    activation = hp.Choice("activation", ["relu", "broken"])
    if activation == "broken":
        raise RuntimeError("no such activation")
    outputs = hp.Choice("outputs", [1, 2])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu")])
    model.add(keras.layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax"))
    loss = "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy"
    optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1.0, sampling="log"))
    model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=True)
    return model


TASKS = [Task("tiny/blobs", build, Blobs(), max_fidelity=3, tags=("tiny",), licence="CC0")]
'''


@pytest.fixture(scope="module")
def blackbox(tmp_path_factory):
    file = tmp_path_factory.mktemp("tasks") / "blobs.py"
    file.write_text(DEFINITION)
    (name, factory), *others = open_suite("live", file).blackboxes.items()
    assert (name, others) == ("tiny/blobs", [])
    return pickle.loads(pickle.dumps(factory)).open()


GOOD = {"activation": "relu", "outputs": 2, "learning_rate": 0.1}


def test_card_tells_the_facts(blackbox):
    card = blackbox.card
    assert (card.name, card.family, card.lookup) == ("tiny/blobs", "tiny", "live")
    assert (card.objective, card.direction, card.max_fidelity) == ("val_accuracy", "max", 3)
    assert "blobs" in card.sources
    assert blackbox.reference() is None
    assert blackbox.device


def test_training_yields_metrics_and_seconds(blackbox):
    evaluation = blackbox.evaluate(GOOD)
    assert evaluation.metrics["val_accuracy"] > 0.7
    assert evaluation.elapsed_s > 0
    assert evaluation.message is None


def test_equal_trainings_have_equal_results(blackbox):
    first, second = (blackbox.evaluate(GOOD, 1) for _ in range(2))
    assert first.metrics == second.metrics


def test_failure_is_a_result(blackbox):
    evaluation = blackbox.evaluate(GOOD | {"activation": "broken"})
    assert np.isnan(evaluation.metrics["val_accuracy"])
    assert "no such activation" in evaluation.message


@pytest.mark.parametrize("outputs", [1, 2])
def test_final_metrics_are_those_of_the_test_split(blackbox, outputs):
    metrics = blackbox.final_metrics(GOOD | {"outputs": outputs}, seed=1)
    assert set(metrics) == {"test_accuracy", "test_macro_f1", "test_macro_recall"}
    assert all(0.7 < value <= 1 for value in metrics.values())


def test_tasks_of_the_library_are_chosen_by_name():
    with pytest.raises(BenchmarkError, match="Did you mean 'image/cnn_mnist'"):
        open_suite("live", tasks=["image/cnn_mnits"])
    suite = open_suite("live", tasks=["image/cnn_mnist"])
    assert suite.blackboxes["image/cnn_mnist"].open().card.family == "image"
