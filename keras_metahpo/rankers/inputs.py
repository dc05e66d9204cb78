"""From tokens and contexts to what networks and processes take.

Shapes: as in `keras_metahpo.rankers.base`.
"""

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.rankers.base import Context, Tokens
from keras_metahpo.rankers.tokens import join_configurations, pad_configurations, round_up

# Queries are padded to a multiple of this, so that compiled networks are reused.
QUERY_MULTIPLE = 32


def network_inputs(context: Context | None, query: Tokens) -> dict[str, np.ndarray]:
    """The queries, then the context, then padding.

    With a context there are `observed`, bool (b, n), and `scores`, float (b, n): the normal scores
    of the observed among themselves.
    """
    tokens = query if context is None else join_configurations(query, context.tokens)
    num_queries, num_tokens = query.active.shape[1], tokens.active.shape[1]
    padded = pad_configurations(tokens, round_up(num_tokens, QUERY_MULTIPLE))
    inputs = padded.as_dict()
    if context is None:
        return inputs
    observed = np.zeros(padded.active.shape[:2], bool)
    scores = np.zeros(padded.active.shape[:2], np.float32)
    observed[:, num_queries:num_tokens] = context.mask
    scores[:, num_queries:num_tokens] = context_scores(context)
    return inputs | {"observed": observed, "scores": scores}


def context_scores(context: Context) -> np.ndarray:
    """Normal scores of each task's observed utilities among themselves: float array (b, c)."""
    scores = np.zeros(context.mask.shape, np.float32)
    for row, mask in enumerate(context.mask):
        scores[row, mask] = normal_scores(context.utilities[row, mask])
    return scores
