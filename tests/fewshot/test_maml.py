"""MAML's meta-gradient, judged by finite differences."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_metahpo.fewshot.autodiff import gradient
from keras_metahpo.fewshot.fast_weights import cross_entropies
from keras_metahpo.fewshot.maml import MAML

WAYS, SHOTS, QUERIES = 3, 2, 2
LABELS = np.repeat(np.arange(WAYS), QUERIES)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def new_maml(**kwargs):
    """A small smooth network, batch normalization included."""
    keras.utils.set_random_seed(3)
    backbone = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(4, activation="tanh"),
        ]
    )
    learner = MAML(backbone, **({"num_ways": WAYS, "inner_learning_rate": 0.5} | kwargs))
    learner.compile(keras.optimizers.SGD(1.0), LOSS, run_eagerly=True)
    return learner


def episodes(num_episodes=2, seed=0):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(num_episodes, WAYS, 1, 4))
    support = means + 0.3 * rng.normal(size=(num_episodes, WAYS, SHOTS, 4))
    query = means + 0.3 * rng.normal(size=(num_episodes, WAYS, QUERIES, 4))
    inputs = {"support": support, "query": query.reshape(num_episodes, WAYS * QUERIES, 4)}
    return {k: v.astype("float32") for k, v in inputs.items()}, np.tile(LABELS, (num_episodes, 1))


def flat(variables):
    return np.concatenate([np.ravel(ops.convert_to_numpy(v)) for v in variables])


def meta_gradient(learner, inputs, labels):
    """What `fit` subtracts with plain gradient descent of rate 1; the weights stay as they were."""
    learner(inputs)
    before = [ops.convert_to_numpy(v).copy() for v in learner.trainable_variables]
    learner.train_on_batch(inputs, labels)
    after = flat(learner.trainable_variables)
    for variable, value in zip(learner.trainable_variables, before, strict=True):
        variable.assign(value)
    return flat(before) - after


def query_loss(learner, inputs, labels, shift):
    """Loss after adapting, with all weights moved by `shift`."""
    before = [ops.convert_to_numpy(v).copy() for v in learner.trainable_variables]
    start = 0
    for variable, value in zip(learner.trainable_variables, before, strict=True):
        variable.assign(value + shift[start : start + value.size].reshape(value.shape))
        start += value.size
    loss = float(LOSS(labels, learner(inputs, training=True)))
    for variable, value in zip(learner.trainable_variables, before, strict=True):
        variable.assign(value)
    return loss


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"inner_steps": 3, "inner_learning_rate": 0.2},
        {"num_ways": None, "inner_steps": 2},
        {"transductive": False},
        {"learn_inner_learning_rates": True},
    ],
    ids=lambda kwargs: ", ".join(kwargs) or "plain",
)
def test_second_order_gradient_agrees_with_finite_differences(kwargs):
    learner = new_maml(**kwargs)
    inputs, labels = episodes()
    slope = meta_gradient(learner, inputs, labels)
    rng = np.random.default_rng(1)
    size = np.linalg.norm(slope)
    for direction in (slope / size, slope / size + 0.2 * rng.normal(size=slope.size)):

        def difference(step, direction=direction):
            ends = (
                query_loss(learner, inputs, labels, sign * step * direction) for sign in (1, -1)
            )
            return (next(ends) - next(ends)) / (2.0 * step)

        # Richardson extrapolation, which lets float32 take steps well above its rounding.
        estimate = (4.0 * difference(0.01) - difference(0.02)) / 3.0
        assert estimate == pytest.approx(slope @ direction, rel=1e-3)


def test_first_order_gradient_is_that_at_the_adapted_weights():
    learner = new_maml(first_order=True)
    inputs, labels = episodes(num_episodes=1)
    slope = meta_gradient(learner, inputs, labels)
    support, query = (ops.convert_to_tensor(inputs[k][0]) for k in ("support", "query"))
    adapted = learner.adapted_weights(support, 1)
    expected = gradient(
        lambda weights: ops.mean(cross_entropies(learner.logits(weights, query), LABELS)), adapted
    )
    *of_backbone, of_kernel, of_bias = expected
    # Keras lists a model's own weights before those of its layers.
    np.testing.assert_allclose(
        slope, flat([of_kernel, of_bias, *of_backbone]), rtol=1e-3, atol=1e-6
    )


def test_second_order_differs_from_first_order():
    inputs, labels = episodes()
    first, second = (
        meta_gradient(new_maml(first_order=order), inputs, labels) for order in (True, False)
    )
    assert np.linalg.norm(second - first) > 0.05 * np.linalg.norm(second)


def test_more_steps_are_taken_at_test():
    learner = new_maml(inner_steps=1, eval_steps=2)
    inputs, _ = episodes(num_episodes=1)
    learner(inputs)
    support, query = (ops.convert_to_tensor(inputs[k][0]) for k in ("support", "query"))
    for training, num_steps in ((True, 1), (False, 2)):
        adapted = learner.adapted_weights(support, num_steps)
        np.testing.assert_allclose(
            ops.convert_to_numpy(learner(inputs, training=training))[0],
            ops.convert_to_numpy(learner.logits(adapted, query)),
            atol=1e-5,
        )


def test_inner_learning_rates_are_learned():
    learner = new_maml(learn_inner_learning_rates=True)
    inputs, labels = episodes()
    learner.train_on_batch(inputs, labels)
    rates = ops.convert_to_numpy(learner.inner_learning_rates)
    assert rates.shape == (8,)
    assert np.ptp(rates) > 0


def test_texts_are_adapted_to_through_their_embedding():
    backbone = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(20, 4),
            layers.GlobalAveragePooling1D(),
        ]
    )
    learner = MAML(backbone, inner_steps=2)
    learner.compile(keras.optimizers.Adam(0.01), LOSS, run_eagerly=True)
    words = np.random.default_rng(0).integers(0, 20, (2, WAYS, SHOTS + QUERIES, 6), dtype=np.int32)
    inputs = {
        "support": words[:, :, :SHOTS],
        "query": words[:, :, SHOTS:].reshape(2, WAYS * QUERIES, 6),
    }
    labels = np.tile(LABELS, (2, 1))
    losses = [float(learner.train_on_batch(inputs, labels)) for _ in range(20)]
    assert losses[-1] < losses[0]
