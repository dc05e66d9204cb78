"""Reptile's update, judged by a loop written out in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.reptile import Reptile

WAYS, SHOTS, QUERIES, INPUTS, FEATURES = 3, 1, 3, 4, 5
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def new_reptile(optimizer=None, **kwargs):
    keras.utils.set_random_seed(4)
    backbone = keras.Sequential([keras.Input((INPUTS,)), layers.Dense(FEATURES)])
    learner = Reptile(
        backbone,
        **(
            {"num_ways": WAYS, "inner_steps": 3, "inner_learning_rate": 0.1, "eval_steps": 2}
            | kwargs
        ),
    )
    optimizer = keras.optimizers.SGD(1.0) if optimizer is None else optimizer
    learner.compile(optimizer, LOSS, metrics=["accuracy"], run_eagerly=True)
    return learner


def weights_of(learner):
    """The variables in the order of `slopes`."""
    return [*learner.backbone.trainable_variables, *learner.head]


def episodes(num_episodes=2):
    rng = np.random.default_rng(0)
    examples = rng.normal(size=(num_episodes, WAYS, SHOTS + QUERIES, INPUTS)).astype("float32")
    query = examples[:, :, SHOTS:].reshape(num_episodes, WAYS * QUERIES, INPUTS)
    labels = np.tile(np.repeat(np.arange(WAYS), QUERIES), (num_episodes, 1))
    return {"support": examples[:, :, :SHOTS], "query": query}, labels, examples


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def slopes(weights, x, labels):
    """Gradient of the mean cross-entropy of the linear network, worked out by hand."""
    w, b, kernel, bias = weights
    features = x @ w + b
    error = (softmax(features @ kernel + bias) - np.eye(WAYS)[labels]) / len(x)
    by_features = error @ kernel.T
    return [x.T @ by_features, by_features.sum(0), features.T @ error, error.sum(0)]


def adapted_by_hand(weights, examples, adam, num_steps=3, rate=0.1, size=2):
    """Steps on mini-batches of `size` examples a class, in turn, of examples (n, s, x)."""
    weights = [w.astype("float64") for w in weights]
    second_moments = [np.zeros_like(w) for w in weights]
    for step in range(num_steps):
        shots = np.arange(step * size, (step + 1) * size) % (SHOTS + QUERIES)
        x, labels = examples[:, shots].reshape(-1, INPUTS), np.repeat(np.arange(WAYS), size)
        gradients = slopes(weights, x, labels)
        if adam:
            for i, g in enumerate(gradients):
                second_moments[i] = 0.999 * second_moments[i] + 0.001 * g**2
                corrected = second_moments[i] / (1 - 0.999 ** (step + 1))
                gradients[i] = g / (np.sqrt(corrected) + 1e-8)
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
    return weights


@pytest.mark.parametrize("inner_optimizer", ["sgd", "adam"])
def test_fit_moves_the_weights_to_the_mean_of_the_adapted_ones(inner_optimizer):
    learner = new_reptile(inner_optimizer=inner_optimizer)
    inputs, labels, examples = episodes()
    learner(inputs)
    before = [ops.convert_to_numpy(v).copy() for v in weights_of(learner)]
    expected = [
        np.mean(values, axis=0)
        for values in zip(
            *(adapted_by_hand(before, e, inner_optimizer == "adam") for e in examples), strict=True
        )
    ]
    learner.train_on_batch(inputs, labels)
    for variable, value in zip(weights_of(learner), expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(variable), value, atol=1e-5)


def test_the_step_of_the_optimizer_scales_the_movement():
    inputs, labels, _ = episodes()
    moved = []
    for epsilon in (1.0, 0.25):
        learner = new_reptile(keras.optimizers.SGD(epsilon))
        learner(inputs)
        before = ops.convert_to_numpy(learner.backbone.trainable_variables[0]).copy()
        learner.train_on_batch(inputs, labels)
        moved.append(ops.convert_to_numpy(learner.backbone.trainable_variables[0]).copy() - before)
    np.testing.assert_allclose(moved[1], 0.25 * moved[0], atol=1e-6)


def test_the_update_does_not_depend_on_the_order_of_classes_among_queries():
    inputs, labels, _ = episodes()
    order = np.argsort(np.tile(np.arange(QUERIES), WAYS), kind="stable")
    turned = {"support": inputs["support"], "query": inputs["query"][:, order]}
    results = []
    for x, y in ((inputs, labels), (turned, labels[:, order])):
        learner = new_reptile(batch_shots=SHOTS + QUERIES)
        learner.train_on_batch(x, y)
        results.append(ops.convert_to_numpy(learner.backbone.trainable_variables[0]).copy())
    np.testing.assert_allclose(results[0], results[1], atol=1e-5)


def test_the_reported_loss_is_that_of_queries_after_adapting_to_the_support_set():
    learner = new_reptile()
    inputs, labels, _ = episodes()
    expected = float(LOSS(labels, learner(inputs, training=True)))
    history = learner.fit(inputs, labels, batch_size=2, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_queries_must_be_equally_many_of_each_class():
    inputs, labels, _ = episodes()
    cut = {"support": inputs["support"], "query": inputs["query"][:, :-1]}
    with pytest.raises(FewShotError, match="8 queries of 3 classes"):
        new_reptile().train_on_batch(cut, labels[:, :-1])


@pytest.mark.parametrize("argument, value", [("inner_optimizer", "lbfgs"), ("batch_shots", 0)])
def test_impossible_arguments_are_refused(argument, value):
    with pytest.raises(FewShotError, match=f"Received: {argument}="):
        new_reptile(**{argument: value})
