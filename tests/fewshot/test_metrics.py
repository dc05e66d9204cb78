import keras
import numpy as np
import pytest

from keras_metahpo.fewshot.metrics import FiniteAccuracy
from keras_metahpo.fewshot.prototypical import PrototypicalNetwork
from keras_metahpo.fewshot.training import compile_learner

LABELS = np.array([[0, 1, 2], [2, 0, 0]])


def test_finite_logits_are_counted_as_keras_counts_them():
    logits = np.random.default_rng(0).normal(size=(2, 3, 3)).astype("float32")
    ours, theirs = FiniteAccuracy(), keras.metrics.SparseCategoricalAccuracy()
    for metric in (ours, theirs):
        metric.update_state(LABELS, logits)
    assert float(ours.result()) == pytest.approx(float(theirs.result()))
    ours.update_state(LABELS, keras.ops.one_hot(LABELS, 3))
    theirs.update_state(LABELS, keras.ops.one_hot(LABELS, 3))
    assert float(ours.result()) == pytest.approx(float(theirs.result()))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_logit_that_is_not_finite_is_no_accuracy(value):
    logits = np.zeros((2, 3, 3), "float32")
    logits[1, 0, 2] = value
    metric = FiniteAccuracy()
    metric.update_state(LABELS, logits)
    assert np.isnan(float(metric.result()))


def test_a_learner_that_diverged_has_no_accuracy():
    inputs = keras.Input((4,))
    learner = PrototypicalNetwork(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
    compile_learner(learner)
    episodes = {"support": np.ones((1, 3, 1, 4)), "query": np.ones((1, 3, 4))}
    labels = np.array([[0, 1, 2]])
    assert np.isfinite(learner.evaluate(episodes, labels, verbose=0, return_dict=True)["accuracy"])
    learner.set_weights([np.full_like(w, np.nan) for w in learner.get_weights()])
    assert np.isnan(learner.evaluate(episodes, labels, verbose=0, return_dict=True)["accuracy"])
