import keras
import numpy as np
import pytest
from scipy.special import softmax

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import conv4
from keras_metahpo.fewshot.matching import MatchingNetwork

SHAPE = (8, 8, 1)


def make_learner(**kwargs) -> MatchingNetwork:
    keras.utils.set_random_seed(0)
    return MatchingNetwork(conv4(SHAPE, filters=4, num_blocks=2), **kwargs)


def make_inputs(num_ways=3, num_shots=2, num_queries=7) -> dict:
    rng = np.random.default_rng(0)
    support = rng.random((2, num_ways, num_shots, *SHAPE), dtype=np.float32)
    return {"support": support, "query": rng.random((2, num_queries, *SHAPE), dtype=np.float32)}


@pytest.mark.parametrize("scale", [None, 7.0])
def test_probabilities_are_the_attention_on_each_class(scale):
    learner, inputs = make_learner(scale=scale), make_inputs()
    logits = np.asarray(learner(inputs))
    support, query = (
        np.asarray(learner.backbone(x.reshape(-1, *SHAPE)), dtype=float).reshape(2, -1, 16)
        for x in (inputs["support"], inputs["query"])
    )
    support /= np.linalg.norm(support, axis=-1, keepdims=True)
    query /= np.linalg.norm(query, axis=-1, keepdims=True)
    attention = softmax((scale or 1.0) * query @ support.transpose(0, 2, 1), axis=-1)
    expected = attention.reshape(2, 7, 3, 2).sum(axis=-1)
    np.testing.assert_allclose(softmax(logits, axis=-1), expected, atol=1e-5)


@pytest.mark.parametrize("full_context", [False, True])
def test_tests_are_not_transductive(full_context):
    learner, inputs = make_learner(full_context=full_context), make_inputs()
    first = {**inputs, "query": inputs["query"][:, :1]}
    np.testing.assert_allclose(learner(first), learner(inputs)[:, :1], rtol=1e-4, atol=1e-5)


def test_order_of_support_examples_and_classes_only_orders_the_logits():
    learner, inputs = make_learner(), make_inputs(num_shots=3)
    expected = np.asarray(learner(inputs))
    shuffled = {**inputs, "support": inputs["support"][:, :, [2, 0, 1]]}
    np.testing.assert_allclose(learner(shuffled), expected, rtol=1e-4, atol=1e-5)
    turned = {**inputs, "support": inputs["support"][:, [2, 0, 1]]}
    np.testing.assert_allclose(learner(turned), expected[:, :, [2, 0, 1]], rtol=1e-4, atol=1e-5)


def test_full_context_lets_a_class_change_how_the_others_are_seen():
    inputs = make_inputs()
    other = {**inputs, "support": inputs["support"].copy()}
    other["support"][:, 2] = 1.0 - other["support"][:, 2]
    for full_context in (False, True):
        learner = make_learner(full_context=full_context)
        first = [np.asarray(learner(x))[:, :, 0] for x in (inputs, other)]
        assert np.allclose(*first, rtol=1e-4, atol=1e-5) != full_context


@pytest.mark.parametrize("full_context", [False, True])
def test_ways_and_shots_may_change_after_training(full_context):
    learner = make_learner(full_context=full_context)
    for ways, shots in ((3, 2), (6, 1), (2, 5)):
        inputs = make_inputs(num_ways=ways, num_shots=shots)
        assert learner.predict_on_batch(inputs).shape == (2, 7, ways)


@pytest.mark.parametrize("full_context", [False, True])
def test_loading_gives_the_same_logits(full_context, tmp_path):
    learner, inputs = make_learner(full_context=full_context, num_reads=2), make_inputs()
    before = np.asarray(learner(inputs))
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    settings = [{**x.get_config(), "backbone": None} for x in (loaded, learner)]
    assert settings[0] == settings[1]
    np.testing.assert_allclose(loaded(inputs), before, rtol=1e-5, atol=1e-6)


def test_every_weight_has_a_gradient():
    learner, inputs = make_learner(full_context=True), make_inputs()
    learner.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    learner(inputs)
    before = learner.get_weights()
    learner.train_on_batch(inputs, np.zeros((2, 7), dtype=np.int32))
    changed = [np.any(a != b) for a, b in zip(before, learner.get_weights(), strict=True)]
    assert all(changed)


@pytest.mark.parametrize("arguments", [{"scale": 0.0}, {"num_reads": 0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(FewShotError, match="positive"):
        make_learner(**arguments)
