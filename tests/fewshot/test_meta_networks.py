"""The parts of Meta Networks."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.autodiff import gradient
from keras_metahpo.fewshot.fast_weights import cross_entropies
from keras_metahpo.fewshot.meta_networks import MetaNetwork

WAYS, SHOTS, INPUTS, WIDTH = 3, 2, 6, 7


@pytest.fixture
def network():
    keras.utils.set_random_seed(2)
    backbone = keras.Sequential([keras.Input((INPUTS,)), layers.Dense(5, activation="tanh")])
    return MetaNetwork(backbone, WAYS, width=WIDTH, meta_width=8)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "support": rng.normal(size=(2, WAYS, SHOTS, INPUTS)).astype("float32"),
        "query": rng.normal(size=(2, 4, INPUTS)).astype("float32"),
    }


def support_features(network, inputs):
    embedded, queries = network.embed(inputs, training=False)
    return ops.reshape(embedded, (2, WAYS * SHOTS, 5)), queries


def test_each_support_example_has_the_gradient_of_its_own_loss(network, inputs):
    network(inputs)
    features, _ = support_features(network, inputs)
    both = network._loss_gradients(network.base, features)
    slow = [ops.copy(w) for w in network.base]
    for example, label in ((0, 0), (3, 1), (5, 2)):

        def loss(weights, example=example, label=label):
            hidden = ops.relu(ops.matmul(features[1, example][None], weights[0]))
            return cross_entropies(ops.matmul(hidden, weights[1]), np.array([label]))[0]

        for found, expected in zip(both, gradient(loss, slow), strict=True):
            np.testing.assert_allclose(found[1, example], expected, atol=1e-6)


def test_a_query_is_classified_with_the_weights_its_attention_reads(network, inputs):
    """The read written out: one weight matrix for each query."""
    logits = ops.convert_to_numpy(network(inputs))
    features, queries = (ops.convert_to_numpy(x) for x in support_features(network, inputs))
    first, second = (ops.convert_to_numpy(w) for w in network.memory(features))
    slow = ops.convert_to_numpy(network.representation[0])
    fast = ops.convert_to_numpy(network.fast_representation(features))
    w1, w2 = (ops.convert_to_numpy(w) for w in network.base)
    for episode in range(2):
        index, key = (x[episode] @ slow + x[episode] @ fast[episode] for x in (features, queries))
        for query in range(4):
            lengths = np.linalg.norm(index, axis=1) * np.linalg.norm(key[query])
            weights = np.exp(10.0 * (index @ key[query]) / lengths)
            weights /= weights.sum()
            fast1 = np.tensordot(weights, first[episode], 1)
            fast2 = np.tensordot(weights, second[episode], 1)
            x = queries[episode, query]
            hidden = np.maximum(x @ w1, 0) + np.maximum(x @ fast1, 0)
            np.testing.assert_allclose(
                logits[episode, query], hidden @ w2 + hidden @ fast2, atol=1e-4
            )


def test_all_weights_are_trained(network, inputs):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    network(inputs)
    before = {v.path: ops.convert_to_numpy(v).copy() for v in network.trainable_variables}
    network.train_on_batch(inputs, np.array([[0, 1, 2, 0]] * 2))
    still = [
        v.path
        for v in network.trainable_variables
        if np.array_equal(before[v.path], ops.convert_to_numpy(v))
    ]
    assert still == []
    assert len(before) == 2 + 3 + 1 + 12


def test_the_order_of_support_examples_does_not_matter(network, inputs):
    turned = {"support": inputs["support"][:, :, ::-1], "query": inputs["query"]}
    np.testing.assert_allclose(
        ops.convert_to_numpy(network(turned)), ops.convert_to_numpy(network(inputs)), atol=1e-5
    )


@pytest.mark.parametrize("argument, value", [("num_ways", 1), ("width", 0), ("meta_width", 0)])
def test_impossible_arguments_are_refused(argument, value):
    backbone = keras.Sequential([keras.Input((INPUTS,)), layers.Dense(5)])
    with pytest.raises(FewShotError, match=f"Received: {argument}={value}"):
        MetaNetwork(backbone, **{argument: value})
