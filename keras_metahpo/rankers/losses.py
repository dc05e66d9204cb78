"""Losses of ranking networks.

Shapes: b tasks, n configurations, m members of a network, k bars.
"""

from keras import ops

from keras_metahpo.rankers.encoder import MASKED

# Shares of the loss beside the listwise order.
BARS_WEIGHT, FAILURE_WEIGHT = 0.5, 0.25


def plackett_luce_loss(scores, weights, is_query):
    """Weighted negative log likelihood of the observed order (ListMLE; Xia et al. 2008, eq. 8).

    Args:
        scores: Float tensor (..., n). Configurations ordered from the best to the worst.
        weights: Float tensor (..., n). Weight of each position; zero for the tied worst.
        is_query: Float tensor (..., n). 1 for what takes part, 0 for what does not.

    Returns:
        Float tensor (...).
    """
    scores = scores + (1.0 - is_query) * MASKED
    scores = scores - ops.max(scores, axis=-1, keepdims=True)
    remaining = ops.flip(ops.cumsum(ops.flip(ops.exp(scores), axis=-1), axis=-1), axis=-1)
    log_likelihood = scores - ops.log(remaining + 1e-9)
    weights = weights * is_query
    return -ops.sum(weights * log_likelihood, axis=-1) / (ops.sum(weights, axis=-1) + 1e-9)


def bar_loss(logits, bars, is_query):
    """Cross entropy of the bars, mean over the queries.

    Args:
        logits: Float tensor (..., n, k).
        bars: Float tensor (..., n). The bar of each normal score.
        is_query: Float tensor (..., n).
    """
    truth = ops.one_hot(ops.cast(bars, "int32"), ops.shape(logits)[-1])
    return _mean(-ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1), is_query)


def failure_loss(logits, failed, is_query):
    """Binary cross entropy of failures, mean over the queries; all float tensors (..., n)."""
    return _mean(ops.softplus(logits) - failed * logits, is_query)


def ranking_loss(y_true, y_pred):
    """The training loss: listwise order, bars and failures of the queries.

    Args:
        y_true: Float tensor (b, n, 4), best first: bar of the normal score, listwise weight,
            whether it is a query, whether it failed.
        y_pred: Float tensor (b, n, m, 2 + k). Each member's score, logit of failure and bars.
    """
    bars, weights, is_query, failed = ops.unstack(
        ops.transpose(y_true, (2, 0, 1))[:, :, None], axis=0
    )
    y_pred = ops.transpose(y_pred, (0, 2, 1, 3))
    # Each member's gradient stays the same however many there are.
    each = (
        plackett_luce_loss(y_pred[..., 0], weights, is_query)
        + BARS_WEIGHT * bar_loss(y_pred[..., 2:], bars, is_query)
        + FAILURE_WEIGHT * failure_loss(y_pred[..., 1], failed, is_query)
    )
    return ops.mean(ops.sum(each, axis=-1))


def _mean(losses, is_query):
    return ops.sum(losses * is_query, axis=-1) / (ops.sum(is_query, axis=-1) + 1e-9)
