import keras
import numpy as np
import pytest
from scipy.special import logsumexp

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import conv4
from keras_metahpo.fewshot.prototypical import PrototypicalNetwork

SHAPE = (8, 8, 1)
DISTANCES = ["squared_euclidean", "cosine"]


def make_learner(distance="squared_euclidean", **kwargs) -> PrototypicalNetwork:
    keras.utils.set_random_seed(0)
    return PrototypicalNetwork(conv4(SHAPE, filters=4, num_blocks=2, **kwargs), distance)


def make_inputs(num_episodes=2, num_ways=3, num_shots=2, num_queries=7, seed=0) -> dict:
    rng = np.random.default_rng(seed)
    support = rng.random((num_episodes, num_ways, num_shots, *SHAPE), dtype=np.float32)
    query = rng.random((num_episodes, num_queries, *SHAPE), dtype=np.float32)
    return {"support": support, "query": query}


def embeddings(learner, inputs) -> tuple[np.ndarray, np.ndarray]:
    """Support embeddings (b, n, k, e) and query embeddings (b, m, e), without the learner."""
    support, query = inputs["support"], inputs["query"]
    embedded = [
        np.asarray(learner.backbone(x.reshape(-1, *SHAPE)), dtype=float) for x in (support, query)
    ]
    return embedded[0].reshape(*support.shape[:3], -1), embedded[1].reshape(*query.shape[:2], -1)


def test_logits_are_negative_squared_distances_to_class_means():
    learner, inputs = make_learner(), make_inputs()
    support, query = embeddings(learner, inputs)
    differences = query[:, :, None] - support.mean(axis=2)[:, None]
    expected = -np.square(differences).sum(axis=-1)
    np.testing.assert_allclose(learner(inputs), expected, rtol=1e-4, atol=1e-5)


def test_cosine_logits_are_scaled_cosines_to_class_means():
    learner, inputs = make_learner("cosine"), make_inputs()
    logits = np.asarray(learner(inputs))
    support, query = embeddings(learner, inputs)
    means = support.mean(axis=2)
    means /= np.linalg.norm(means, axis=-1, keepdims=True)
    query /= np.linalg.norm(query, axis=-1, keepdims=True)
    np.testing.assert_allclose(logits, 10 * query @ means.transpose(0, 2, 1), atol=1e-4)
    assert len(learner.trainable_variables) == len(learner.backbone.trainable_variables) + 1


@pytest.mark.parametrize("distance", DISTANCES)
def test_order_of_support_examples_changes_nothing(distance):
    learner, inputs = make_learner(distance), make_inputs(num_shots=4)
    turned = {**inputs, "support": inputs["support"][:, :, ::-1]}
    np.testing.assert_allclose(learner(turned), learner(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_order_of_classes_orders_the_logits(distance):
    learner, inputs = make_learner(distance), make_inputs()
    order = [2, 0, 1]
    turned = {**inputs, "support": inputs["support"][:, order]}
    expected = np.asarray(learner(inputs))[:, :, order]
    np.testing.assert_allclose(learner(turned), expected, rtol=1e-4, atol=1e-5)


def test_tests_are_not_transductive():
    learner, inputs = make_learner(), make_inputs()
    first = {**inputs, "query": inputs["query"][:, :1]}
    np.testing.assert_allclose(learner(first), learner(inputs)[:, :1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_ways_and_shots_may_change_after_training(distance):
    learner = make_learner(distance)
    for ways, shots in ((3, 2), (6, 1), (2, 5)):
        inputs = make_inputs(num_ways=ways, num_shots=shots)
        assert learner.predict_on_batch(inputs).shape == (2, 7, ways)


@pytest.mark.parametrize("distance", DISTANCES)
def test_loading_gives_the_same_logits(distance, tmp_path):
    learner, inputs = make_learner(distance), make_inputs()
    before = np.asarray(learner(inputs))
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    assert loaded.distance == distance
    np.testing.assert_allclose(loaded(inputs), before, rtol=1e-5, atol=1e-6)


def test_adapt_classifies_by_the_given_labels():
    learner, inputs = make_learner(), make_inputs(num_episodes=1, num_ways=2, num_shots=1)
    examples = inputs["support"].reshape(-1, *SHAPE)
    classify = learner.adapt(examples, np.array(["ox", "hen"]))
    assert classify(examples).tolist() == ["ox", "hen"]


def test_large_embeddings_keep_logits_finite():
    learner = make_learner(normalization="none")
    inputs = {name: 1e4 * array for name, array in make_inputs().items()}
    logits = np.asarray(learner(inputs))
    assert np.isfinite(logits).all()
    assert np.isfinite(logsumexp(logits, axis=-1)).all()


def test_unknown_distance_is_refused():
    with pytest.raises(FewShotError, match="distance='manhattan'"):
        make_learner("manhattan")
