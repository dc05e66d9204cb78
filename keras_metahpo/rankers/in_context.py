"""The in-context ranker: ranks by what a search space says of itself, and by earlier trials."""

import contextlib
import random
from functools import cached_property

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.rankers.bars import moments
from keras_metahpo.rankers.base import Context, DifferentiableRanker, Prediction, Tokens
from keras_metahpo.rankers.gradient import CellGradient, cell_gradient, cell_slopes
from keras_metahpo.rankers.tokens import (
    join_configurations,
    pad_configurations,
    round_up,
    stack,
    tokenize,
)
from keras_metahpo.space import Points, SearchSpace

# Queries are padded to a multiple of this, so that the compiled network is reused.
QUERY_MULTIPLE = 32


class InContextRanker(DifferentiableRanker):
    """A trained `RankingNetwork`; of a context it knows the order of the utilities alone.

    Without a context its mean is the prior mean of the Gaussian process that decides in a search,
    and whose fitted slope says how far the ranker is to be trusted.

    Args:
        network: A built `RankingNetwork`.
        name: Name of the preset, for messages.
    """

    def __init__(self, network, name: str = "unnamed"):
        self.network = network
        self.name = name

    def tokens(self, space: SearchSpace, points: Points) -> Tokens:
        return stack([tokenize(space, points)])

    def score(self, context: Context | None, query: Tokens) -> Prediction:
        num_queries = query.active.shape[1]
        tokens = query if context is None else join_configurations(query, context.tokens)
        num_tokens = tokens.active.shape[1]
        padded = pad_configurations(tokens, round_up(num_tokens, QUERY_MULTIPLE))
        observed = np.zeros(padded.active.shape[:2], bool)
        scores = np.zeros(padded.active.shape[:2], np.float32)
        if context is not None:
            observed[:, num_queries:num_tokens] = context.mask
            for row, utilities in enumerate(context.utilities):
                scores[row, observed[row]] = normal_scores(utilities[context.mask[row]])
        inputs = padded.as_dict() | {"observed": observed, "scores": scores}
        output = np.asarray(self.network.predict_on_batch(inputs))[:, :num_queries]
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
        tokens = self.tokens(space, points)
        padded = pad_configurations(tokens, round_up(num_points, QUERY_MULTIPLE))
        nothing = np.zeros(padded.active.shape[:2])
        inputs = {"observed": nothing.astype(bool), "scores": nothing.astype(np.float32)}
        gradient = self._cell_gradient(padded.as_dict() | inputs)
        gradient = gradient[0, :num_points, :num_hyperparameters].astype(float)
        return np.where(points.active, (gradient * slopes).sum(axis=-1), 0.0)

    @cached_property
    def _cell_gradient(self) -> CellGradient:
        return cell_gradient(self.network)


def new_network(config: dict | None = None):
    """A built `RankingNetwork` of the given configuration, with random weights."""
    from keras_metahpo.rankers.network import RankingNetwork

    with _python_random_state():
        network = RankingNetwork(**(config or {}))
        space = SearchSpace([])
        tokens = stack([tokenize(space, space.snap(np.zeros((1, 0))))])
        shapes = {name: array.shape for name, array in tokens.as_dict().items()}
        observed = tokens.active.shape[:2]
        network.build(shapes | {"observed": observed, "scores": observed})
    return network


@contextlib.contextmanager
def _python_random_state():
    """Keras draws initialiser seeds from Python's generator; the user's stream must not move."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
