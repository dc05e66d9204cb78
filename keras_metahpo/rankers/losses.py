"""Losses of ranking networks.

Shapes: b tasks, n configurations, m members of a network.
"""

from keras import ops

# Keeps a Gaussian's width within what normal scores can need.
LOG_STD_RANGE = (-2.5, 1.0)


def plackett_luce_loss(scores, weights):
    """Weighted negative log likelihood of the observed order (ListMLE; Xia et al. 2008, eq. 8).

    Args:
        scores: Float tensor (..., n). Configurations ordered from the best to the worst.
        weights: Float tensor (..., n). Weight of each position; zero for the tied worst.

    Returns:
        Float tensor (...).
    """
    scores = scores - ops.max(scores, axis=-1, keepdims=True)
    remaining = ops.flip(ops.cumsum(ops.flip(ops.exp(scores), axis=-1), axis=-1), axis=-1)
    log_likelihood = scores - ops.log(remaining + 1e-9)
    return -ops.sum(weights * log_likelihood, axis=-1) / (ops.sum(weights, axis=-1) + 1e-9)


def gaussian_loss(targets, mean, log_std):
    """Negative log likelihood of normal scores, without its constant: float tensor (...)."""
    log_std = ops.clip(log_std, *LOG_STD_RANGE)
    standardised = (targets - mean) * ops.exp(-log_std)
    return ops.mean(0.5 * standardised**2 + log_std, axis=-1)


def ranking_loss(y_true, y_pred):
    """The training loss: listwise order plus Gaussian likelihood, equally weighted.

    Args:
        y_true: Float tensor (b, n, 2). Normal scores and listwise weights, best first.
        y_pred: Float tensor (b, n, m, 3). Each member's score, mean and log standard deviation.
    """
    targets, weights = ops.unstack(ops.transpose(y_true, (2, 0, 1))[:, :, None], axis=0)
    score, mean, log_std = ops.unstack(ops.transpose(y_pred, (3, 0, 2, 1)), axis=0)
    # Each member's gradient stays the same however many there are.
    each = plackett_luce_loss(score, weights) + gaussian_loss(targets, mean, log_std)
    return ops.mean(ops.sum(each, axis=-1))
