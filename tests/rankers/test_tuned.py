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
from keras_metahpo.rankers.inputs import network_inputs
from keras_metahpo.rankers.surrogate_networks import KERNEL_START, SMALLEST_NOISE
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter(n, "float", 0.5, low=0.0, high=1.0) for n in ("x", "y")])
KINDS = (RegressionRanker, DeepKernelRanker, RankingEnsembleRanker)


@pytest.fixture(params=KINDS, ids=[ranker.kind for ranker in KINDS])
def new_ranker(request):
    """A function that makes a ranker of random weights."""

    def make(seed: int):
        keras.utils.set_random_seed(seed)
        config = {"width": 16, "embedding": 4}
        if request.param is RankingEnsembleRanker:
            config["num_members"] = 2
        network = built(request.param.new_network, config)
        return request.param(network, num_steps=120, learning_rate=1e-2)

    return make


def context_of(ranker, points):
    utilities = points.units[:, 0] - points.units[:, 1]
    return Context(ranker.tokens(SPACE, points), utilities[None], np.ones((1, len(points)), bool))


def test_a_context_teaches_the_order(new_ranker):
    rng = np.random.default_rng(0)
    observed, asked = SPACE.sample(24, rng), SPACE.sample(40, rng)
    truth = asked.units[:, 0] - asked.units[:, 1]
    correlations = []
    for seed in range(3):
        ranker = new_ranker(seed)
        prediction = ranker.score(context_of(ranker, observed), ranker.tokens(SPACE, asked))
        correlations.append(np.corrcoef(prediction.mean[0], truth)[0, 1])
    # From some random weights, one of six or so, a deep kernel takes all for noise.
    assert np.median(correlations) > 0.8


def test_members_that_are_called_at_once_say_what_each_says_alone():
    keras.utils.set_random_seed(0)
    config = {"width": 16, "embedding": 4}
    together = RankingEnsembleRanker(
        built(RankingEnsembleRanker.new_network, config | {"num_members": 3})
    )
    points = SPACE.sample(9, np.random.default_rng(0))
    inputs = network_inputs(context_of(together, points), together.tokens(SPACE, points))
    outputs = keras.ops.convert_to_numpy(together.network(inputs))
    assert outputs.shape[2:] == (3, 1)
    for member in range(3):
        alone = built(RankingEnsembleRanker.new_network, config | {"num_members": 1})
        alone.set_weights([w[member : member + 1] for w in together.network.get_weights()])
        found = keras.ops.convert_to_numpy(alone(inputs))[:, :, 0]
        np.testing.assert_allclose(found, outputs[:, :, member], atol=1e-5)
    assert np.ptp(outputs, axis=2).min() > 1e-4


def test_one_context_leaves_nothing_behind_for_the_next(new_ranker):
    ranker = new_ranker(1)
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
