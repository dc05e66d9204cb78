"""Meta-trained surrogates learn from the context, always from the same weights."""

import keras
import numpy as np
import pytest

from keras_metahpo.rankers import (
    Context,
    DeepKernelRanker,
    RankingEnsembleRanker,
    RegressionRanker,
)
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.surrogate_networks import KERNEL_START, SMALLEST_NOISE
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter(n, "float", 0.5, low=0.0, high=1.0) for n in ("x", "y")])
KINDS = (RegressionRanker, DeepKernelRanker, RankingEnsembleRanker)


@pytest.fixture(params=KINDS, ids=[ranker.kind for ranker in KINDS])
def ranker(request):
    keras.utils.set_random_seed(1)
    config = {"width": 16, "embedding": 4}
    if request.param is RankingEnsembleRanker:
        config["num_members"] = 2
    return request.param(
        built(request.param.new_network, config), num_steps=120, learning_rate=1e-2
    )


def context_of(ranker, points):
    utilities = points.units[:, 0] - points.units[:, 1]
    return Context(ranker.tokens(SPACE, points), utilities[None], np.ones((1, len(points)), bool))


def test_a_context_teaches_the_order(ranker):
    rng = np.random.default_rng(0)
    observed, asked = SPACE.sample(24, rng), SPACE.sample(40, rng)
    prediction = ranker.score(context_of(ranker, observed), ranker.tokens(SPACE, asked))
    truth = asked.units[:, 0] - asked.units[:, 1]
    assert np.corrcoef(prediction.mean[0], truth)[0, 1] > 0.8


def test_one_context_leaves_nothing_behind_for_the_next(ranker):
    ranker.num_steps = 5
    rng = np.random.default_rng(0)
    first, second, asked = (SPACE.sample(9, rng) for _ in range(3))
    query = ranker.tokens(SPACE, asked)
    expected = ranker.score(context_of(ranker, first), query).mean
    weights = [array.copy() for array in ranker.network.get_weights()]
    ranker.score(context_of(ranker, second), query)
    np.testing.assert_allclose(
        ranker.score(context_of(ranker, first), query).mean, expected, atol=1e-5
    )
    for before, after in zip(weights, ranker.network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_deep_kernel_s_loss_is_the_marginal_likelihood():
    from scipy.stats import multivariate_normal

    keras.utils.set_random_seed(1)
    network = built(DeepKernelRanker.new_network, {"width": 8, "embedding": 4})
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(1, 7, 1, 3)).astype(np.float32)
    scores, mask = rng.normal(size=(1, 7)).astype(np.float32), np.ones((1, 7), np.float32)
    mask[0, 5:] = 0.0
    features = outputs[0, :5, 0].astype(float)
    scale, signal, noise = np.exp(KERNEL_START)
    distances = np.sqrt(((features[:, None] - features[None]) ** 2).sum(-1))
    scaled = np.sqrt(5.0) * distances / scale
    covariance = signal * (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled)
    covariance += (noise + SMALLEST_NOISE) * np.eye(5)
    expected = -multivariate_normal(np.zeros(5), covariance).logpdf(scores[0, :5])
    found = keras.ops.convert_to_numpy(network.loss_of(outputs, scores, mask))[0]
    assert found == pytest.approx((expected - 5 * np.log(2 * np.pi) / 2) / 5, rel=1e-3)


def test_the_ensemble_s_loss_falls_with_the_right_order():
    network = built(RankingEnsembleRanker.new_network, {"width": 8, "num_members": 2})
    scores = np.array([[0.3, -1.0, 1.2, 0.0]], np.float32)
    mask = np.array([[1.0, 1.0, 1.0, 0.0]], np.float32)
    right = np.repeat(3.0 * scores[..., None, None], 2, axis=2)
    losses = [
        keras.ops.convert_to_numpy(network.loss_of(outputs, scores, mask)).mean()
        for outputs in (right, 0.0 * right, -right)
    ]
    assert losses[0] < losses[1] < losses[2]
    # What is masked does not matter.
    garbled = right.copy()
    garbled[0, 3] = 9.0
    assert keras.ops.convert_to_numpy(
        network.loss_of(garbled, scores, mask)
    ).mean() == pytest.approx(losses[0], abs=1e-5)
