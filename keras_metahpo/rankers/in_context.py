"""The in-context ranker: ranks by what a search space says of itself, and by earlier trials."""

from functools import cached_property

import numpy as np

from keras_metahpo.rankers.bars import moments
from keras_metahpo.rankers.base import (
    Context,
    DifferentiableRanker,
    NetworkRanker,
    Prediction,
    Tokens,
)
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.gradient import CellGradient, cell_gradient, cell_slopes
from keras_metahpo.rankers.inputs import network_inputs
from keras_metahpo.rankers.numpy_network import NumpyNetwork
from keras_metahpo.space import Points, SearchSpace


class InContextRanker(NetworkRanker, DifferentiableRanker):
    """A trained `RankingNetwork`; of a context it knows the order of the utilities alone.

    Without a context its mean is the prior mean of the Gaussian process that decides in a search,
    and whose fitted slope says how far the ranker is to be trusted.

    Args:
        network: A built `RankingNetwork`.
        name: Name of the preset, for messages.
    """

    kind = "in_context"

    @staticmethod
    def new_network(**config):
        """A `RankingNetwork` that is not built yet."""
        from keras_metahpo.rankers.network import RankingNetwork

        return RankingNetwork(**config)

    def score(self, context: Context | None, query: Tokens) -> Prediction:
        num_queries = query.active.shape[1]
        inputs = network_inputs(context, query)
        output = self._numpy_network(inputs)[:, :num_queries]
        means, variances = moments(output[..., 2:].astype(float))
        return Prediction(
            mean=means.mean(axis=-1),
            # Of the mixture of all members.
            standard_deviation=np.sqrt(variances.mean(axis=-1) + means.var(axis=-1)),
            score=output[..., 0].mean(axis=-1),
            failure=(1.0 / (1.0 + np.exp(-output[..., 1]))).mean(axis=-1),
        )

    def prior_gradient(self, space: SearchSpace, points: Points) -> np.ndarray:
        slopes = cell_slopes(self.tokens, space, points)
        num_points, num_hyperparameters, _ = slopes.shape
        inputs = network_inputs(None, self.tokens(space, points))
        gradient = self._cell_gradient(inputs)[0, :num_points, :num_hyperparameters].astype(float)
        return np.where(points.active, (gradient * slopes).sum(axis=-1), 0.0)

    @cached_property
    def _numpy_network(self) -> NumpyNetwork:
        return NumpyNetwork(self.network)

    @cached_property
    def _cell_gradient(self) -> CellGradient:
        return cell_gradient(self.network)


def new_network(config: dict | None = None):
    """A built `RankingNetwork` of the given configuration, with random weights."""
    return built(InContextRanker.new_network, config)
