"""From tokens and contexts to what networks and processes take.

Shapes: as in `keras_metahpo.rankers.base`.
"""

from collections.abc import Callable

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.rankers.base import Context, Tokens
from keras_metahpo.rankers.tokens import join_configurations, pad_configurations, round_up

# Queries are padded to a multiple of this, so that compiled networks are reused.
QUERY_MULTIPLE = 32
# What is told of an observed trial, and which of it its score is.
NUM_FACTS, SCORE = 5, 1


def network_inputs(context: Context | None, query: Tokens) -> dict[str, np.ndarray]:
    """The queries, then the context, then padding.

    With a context there are `observed`, bool (b, n), and `facts`, float (b, n, 5), as
    `observation_facts` makes them.
    """
    tokens = query if context is None else join_configurations(query, context.tokens)
    num_queries, num_tokens = query.active.shape[1], tokens.active.shape[1]
    padded = pad_configurations(tokens, round_up(num_tokens, QUERY_MULTIPLE))
    inputs = padded.as_dict()
    if context is None:
        return inputs
    observed = np.zeros(padded.active.shape[:2], bool)
    observed[:, num_queries:num_tokens] = context.mask
    costs = np.full(context.mask.shape, np.nan) if context.costs is None else context.costs
    given = {
        "scores": context_scores(context),
        "costs": _by_task(context.mask, costs, cost_scores),
    }
    variances = np.zeros(context.mask.shape) if context.variances is None else context.variances
    given["variances"] = np.where(context.mask, variances, 0.0)
    columns = {name: np.zeros(observed.shape, np.float32) for name in given}
    for name, values in given.items():
        columns[name][:, num_queries:num_tokens] = values
    facts = observation_facts(observed, **columns)
    return inputs | {"observed": observed, "facts": facts}


def observation_facts(
    observed: np.ndarray, scores: np.ndarray, variances: np.ndarray, costs: np.ndarray
) -> np.ndarray:
    """What a ranking network is told of each observed trial: float array (b, n, 5), else 0.

    Args:
        observed: Bool array (b, n).
        scores: Float array (b, n). Normal scores of the observed among themselves.
        variances: Float array (b, n). Of the errors of these, as in `Context`.
        costs: Float array (b, n). Normal scores of the costs among the observed, 0 if unknown.
    """
    columns = [np.ones(scores.shape), scores, scores**2, np.sqrt(variances), costs]
    return (np.stack(columns, axis=-1) * observed[..., None]).astype(np.float32)


def cost_scores(costs: np.ndarray) -> np.ndarray:
    """Normal scores of n costs, the dearest first; 0 where one is unknown (NaN)."""
    scores = np.zeros(len(costs))
    known = np.isfinite(costs)
    scores[known] = normal_scores(costs[known])
    return scores


def context_scores(context: Context) -> np.ndarray:
    """Normal scores of each task's observed utilities among themselves: float array (b, c)."""
    return _by_task(context.mask, context.utilities, normal_scores)


def _by_task(mask: np.ndarray, values: np.ndarray, score: Callable) -> np.ndarray:
    """Scores of each task's values among themselves: float array (b, c), 0 where masked."""
    scores = np.zeros(mask.shape, np.float32)
    for row, columns in enumerate(mask):
        scores[row, columns] = score(values[row, columns])
    return scores
