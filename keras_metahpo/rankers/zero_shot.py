"""The zero-shot ranker: ranks by what a hyperparameter space says of itself, before any trial."""

import contextlib
import random

import numpy as np

from keras_metahpo.rankers.base import Context, Prediction, Ranker, Tokens
from keras_metahpo.rankers.losses import LOG_STD_RANGE
from keras_metahpo.rankers.tokens import pad_configurations, stack, tokenize
from keras_metahpo.space import Points, SearchSpace

# Queries are padded to a multiple of this, so that the compiled network is reused.
QUERY_MULTIPLE = 32


class ZeroShotRanker(Ranker):
    """A trained `RankingNetwork`, whose answer does not depend on the context.

    What a search observes is the business of the Gaussian process that takes this ranker's mean
    as its prior mean, and whose fitted slope says how far the ranker is to be trusted.

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
        padded = pad_configurations(query, -(-num_queries // QUERY_MULTIPLE) * QUERY_MULTIPLE)
        output = np.asarray(self.network.predict_on_batch(padded.as_dict()))[:, :num_queries]
        variance = np.exp(2 * np.clip(output[..., 2], *LOG_STD_RANGE)).mean(axis=-1)
        return Prediction(
            mean=output[..., 1].mean(axis=-1),
            # Of the mixture of all members.
            standard_deviation=np.sqrt(variance + output[..., 1].var(axis=-1)),
            score=output[..., 0].mean(axis=-1),
        )


def new_network(config: dict | None = None):
    """A built `RankingNetwork` of the given configuration, with random weights."""
    from keras_metahpo.rankers.network import RankingNetwork

    with _python_random_state():
        network = RankingNetwork(**(config or {}))
        space = SearchSpace([])
        tokens = stack([tokenize(space, space.snap(np.zeros((1, 0))))])
        network.build({name: array.shape for name, array in tokens.as_dict().items()})
    return network


@contextlib.contextmanager
def _python_random_state():
    """Keras draws initialiser seeds from Python's generator; the user's stream must not move."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
