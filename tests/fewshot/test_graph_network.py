import keras
import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import conv4
from keras_metahpo.fewshot.graph_network import GraphLayer, GraphNetwork

SHAPE = (8, 8, 1)


def make_learner(num_ways=3, **kwargs) -> GraphNetwork:
    keras.utils.set_random_seed(0)
    backbone = conv4(SHAPE, filters=4, num_blocks=2)
    return GraphNetwork(backbone, num_ways, width=6, edge_widths=(8,), **kwargs)


def make_inputs(num_ways=3, num_shots=2, num_queries=7) -> dict:
    rng = np.random.default_rng(0)
    support = rng.random((2, num_ways, num_shots, *SHAPE), dtype=np.float32)
    return {"support": support, "query": rng.random((2, num_queries, *SHAPE), dtype=np.float32)}


@pytest.mark.parametrize("num_heads", [1, 3])
def test_order_of_support_examples_changes_nothing(num_heads):
    learner, inputs = make_learner(num_heads=num_heads), make_inputs(num_shots=4)
    turned = {**inputs, "support": inputs["support"][:, :, ::-1]}
    np.testing.assert_allclose(learner(turned), learner(inputs), rtol=1e-4, atol=1e-5)


def test_labels_reach_the_logits():
    learner, inputs = make_learner(), make_inputs()
    turned = {**inputs, "support": inputs["support"][:, [2, 0, 1]]}
    assert not np.allclose(learner(turned), learner(inputs), atol=1e-5)


def test_each_query_has_a_graph_of_its_own():
    learner, inputs = make_learner(), make_inputs()
    first = {**inputs, "query": inputs["query"][:, :1]}
    np.testing.assert_allclose(learner(first), learner(inputs)[:, :1], rtol=1e-4, atol=1e-5)


def test_neighbours_have_weights_that_sum_to_one_and_a_node_is_not_its_own():
    layer = GraphLayer(width=5, num_heads=2, edge_widths=(4,), normalize=True)
    nodes = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
    assert layer(nodes).shape == (3, 6, 5)
    adjacency = np.asarray(layer._adjacency(nodes, training=False))
    assert adjacency.shape == (3, 2, 6, 6)
    np.testing.assert_allclose(adjacency.sum(axis=-1), 1.0, rtol=1e-5)
    assert not np.diagonal(adjacency, axis1=2, axis2=3).any()
    assert not np.allclose(adjacency[:, 0], adjacency[:, 1])


def test_nodes_hold_embeddings_and_labels():
    learner = make_learner()
    support = np.arange(2 * 3 * 2 * 16, dtype=np.float32).reshape(2, 3, 2, 16)
    queries = -np.ones((2, 4, 16), dtype=np.float32)
    nodes, (num_episodes, num_queries) = learner._nodes(support, queries)
    nodes = np.asarray(nodes)
    assert (num_episodes, num_queries) == (2, 4)
    assert nodes.shape == (8, 7, 19)
    np.testing.assert_allclose(nodes[:, 0, 16:], 1 / 3, rtol=1e-6)
    np.testing.assert_array_equal(nodes[5, 1:, :16], support[1].reshape(6, 16))
    np.testing.assert_array_equal(nodes[5, 1:, 16:].argmax(axis=-1), [0, 0, 1, 1, 2, 2])


def test_other_ways_are_refused_and_other_shots_are_not():
    learner = make_learner()
    assert learner.predict_on_batch(make_inputs(num_shots=5)).shape == (2, 7, 3)
    with pytest.raises(FewShotError, match="num_ways=4"):
        learner(make_inputs(num_ways=4))


def test_loading_gives_the_same_logits(tmp_path):
    learner, inputs = make_learner(num_heads=2, num_layers=1), make_inputs()
    before = np.asarray(learner(inputs))
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    settings = [{**x.get_config(), "backbone": None} for x in (loaded, learner)]
    assert settings[0] == settings[1]
    np.testing.assert_allclose(loaded(inputs), before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"num_ways": 1}, {"num_heads": 0}, {"num_layers": -1}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(FewShotError, match="at least 2 ways"):
        make_learner(**arguments)
