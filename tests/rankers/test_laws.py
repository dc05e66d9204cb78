"""Laws that every ranker obeys."""

import copy
import random
from functools import partial

import keras
import numpy as np
import pytest

from keras_metahpo.rankers import (
    Context,
    DeepKernelRanker,
    GaussianProcessRanker,
    InContextRanker,
    Preset,
    RankingEnsembleRanker,
    RegressionRanker,
    save_preset,
    stack,
    tokenize,
)
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.rankers.tokens import pad_configurations
from keras_metahpo.space import Condition, Hyperparameter, Points, SearchSpace

WITH_SGD = Condition("optimizer", ("sgd",))
SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, low=0.0, high=0.99, conditions=(WITH_SGD,)),
        Hyperparameter("units", "int", 32, low=8, high=256, sampling="log"),
        Hyperparameter("batch_norm", "boolean", False, choices=(False, True)),
    ]
)


def in_context():
    config = {"num_members": 2, "width": 16, "num_blocks": 1, "embedding": 4}
    return InContextRanker(new_network(config))


def tuned(ranker):
    config = {"width": 16, "embedding": 4}
    if ranker is RankingEnsembleRanker:
        config["num_members"] = 2
    return ranker(built(ranker.new_network, config), num_steps=3)


RANKERS = {
    "in_context": in_context,
    "gaussian_process": GaussianProcessRanker,
    **{
        ranker.kind: partial(tuned, ranker)
        for ranker in (RegressionRanker, DeepKernelRanker, RankingEnsembleRanker)
    },
}


@pytest.fixture(scope="module", params=list(RANKERS))
def ranker(request):
    keras.utils.set_random_seed(1)
    return RANKERS[request.param]()


@pytest.fixture
def points():
    return SPACE.sample(20, np.random.default_rng(0))


def test_prediction_has_one_distribution_a_query(ranker, points):
    prediction = ranker.score(None, ranker.tokens(SPACE, points))
    assert prediction.mean.shape == prediction.score.shape == (1, 20)
    assert np.all(prediction.standard_deviation > 0)
    assert np.all((prediction.failure > 0) & (prediction.failure < 1))
    assert (prediction.mean.std() > 0) == ranker.has_prior


def test_permuting_queries_permutes_the_answer(ranker, points):
    order = np.random.default_rng(1).permutation(20)
    mean = ranker.prior_mean(SPACE, points)
    np.testing.assert_allclose(ranker.prior_mean(SPACE, points[order]), mean[order], atol=1e-5)


def test_queries_do_not_see_each_other(ranker, points):
    mean = ranker.prior_mean(SPACE, points)
    np.testing.assert_allclose(ranker.prior_mean(SPACE, points[3:4]), mean[3:4], atol=1e-5)


def test_order_of_hyperparameters_changes_nothing(ranker, points):
    order = [3, 1, 4, 0, 2]
    shuffled = SearchSpace([SPACE.hyperparameters[i] for i in order])
    columns = [SPACE.hyperparameters.index(hp) for hp in shuffled.hyperparameters]
    moved = Points(points.units[:, columns], points.numbers[:, columns], points.active[:, columns])
    np.testing.assert_allclose(
        ranker.prior_mean(shuffled, moved), ranker.prior_mean(SPACE, points), atol=1e-5
    )


def test_padding_changes_nothing(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    wide = SearchSpace(
        [Hyperparameter(f"x{i}", "float", 0.0, low=0.0, high=1.0) for i in range(15)]
    )
    rng = np.random.default_rng(0)
    both = stack([tokenize(SPACE, points), tokenize(wide, wide.sample(20, rng))])
    expected = ranker.score(None, tokens).mean[0]
    np.testing.assert_allclose(ranker.score(None, both).mean[0], expected, atol=1e-5)
    longer = pad_configurations(tokens, 100)
    np.testing.assert_allclose(ranker.score(None, longer).mean[0, :20], expected, atol=1e-5)


def test_inactive_hyperparameters_change_nothing(ranker):
    points = SPACE.encode([{"optimizer": "adam", "momentum": m} for m in (0.1, 0.9)])
    first, second = ranker.prior_mean(SPACE, points)
    assert first == pytest.approx(second, abs=1e-6)


def test_context_in_any_order_gives_the_same(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    utilities, mask = np.linspace(-1, 1, 20)[None], np.ones((1, 20), bool)
    order = np.random.default_rng(1).permutation(20)
    variances, costs = np.linspace(0, 0.7, 20)[None], np.linspace(3, 1, 20)[None]
    one = ranker.score(Context(tokens, utilities, mask, variances, costs), tokens)
    moved = ranker.tokens(SPACE, points[order])
    arrays = (array[:, order] for array in (utilities, mask, variances, costs))
    other = ranker.score(Context(moved, *arrays), tokens)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-5)


def test_a_context_changes_the_answer_and_its_padding_does_not(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    few = ranker.tokens(SPACE, points[:4])
    utilities = np.array([[0.3, 0.1, -np.inf, 0.2]])
    context = Context(few, utilities, np.ones((1, 4), bool))
    found = ranker.score(context, tokens)
    assert not np.allclose(found.mean, ranker.score(None, tokens).mean, atol=1e-4)
    padded = Context(tokens, np.resize(utilities, (1, 20)), np.arange(20)[None] < 4)
    np.testing.assert_allclose(ranker.score(padded, tokens).mean, found.mean, atol=1e-5)


def test_a_context_of_nothing_is_no_context(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    nothing = Context(tokens, np.linspace(-1, 1, 20)[None], np.zeros((1, 20), bool))
    expected = ranker.score(None, tokens)
    np.testing.assert_allclose(ranker.score(nothing, tokens).mean, expected.mean, atol=1e-5)


def test_queries_do_not_see_each_other_in_a_context(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    context = Context(tokens, np.linspace(-1, 1, 20)[None], np.ones((1, 20), bool))
    alone = ranker.score(context, ranker.tokens(SPACE, points[7:8]))
    np.testing.assert_allclose(alone.mean, ranker.score(context, tokens).mean[:, 7:8], atol=1e-5)


def test_inputs_stay_untouched(ranker, points):
    tokens = ranker.tokens(SPACE, points)
    before = copy.deepcopy(tokens.as_dict())
    ranker.score(None, tokens)
    utilities = np.linspace(-1, 1, 20)[None]
    ranker.score(Context(tokens, utilities, np.ones((1, 20), bool)), tokens)
    np.testing.assert_array_equal(utilities, np.linspace(-1, 1, 20)[None])
    for name, array in tokens.as_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_saving_and_loading_changes_nothing(ranker, points, tmp_path):
    if not hasattr(ranker, "network"):
        pytest.skip("it learnt nothing that could be saved")
    save_preset(ranker, tmp_path / "preset", {"description": "test"})
    loaded = Preset(tmp_path / "preset").load()
    np.testing.assert_allclose(
        loaded.prior_mean(SPACE, points), ranker.prior_mean(SPACE, points), atol=1e-6
    )


def test_empty_space_and_single_configuration_work(ranker):
    empty = SearchSpace([])
    assert np.isfinite(ranker.prior_mean(empty, empty.encode([{}]))).all()


def test_users_mixed_precision_and_seed_are_left_alone(ranker, points, tmp_path):
    if not hasattr(ranker, "network"):
        pytest.skip("it has no weights")
    save_preset(ranker, tmp_path / "preset", {})
    expected = ranker.prior_mean(SPACE, points)
    keras.utils.set_random_seed(7)
    first = keras.random.normal((3,)), random.random()
    keras.utils.set_random_seed(7)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        found = Preset(tmp_path / "preset").load().prior_mean(SPACE, points)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    second = keras.random.normal((3,)), random.random()
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(first[0]), keras.ops.convert_to_numpy(second[0])
    )
    assert first[1] == second[1]
