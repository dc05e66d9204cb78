"""The losses of ranking networks, against what their formulas say."""

import numpy as np
from keras import ops

from keras_metahpo.rankers.bars import NUM_BARS
from keras_metahpo.rankers.losses import failure_loss, plackett_luce_loss, ranking_loss


def as_array(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def test_the_listwise_loss_is_the_probability_of_the_order():
    scores = np.array([[1.0, 0.3, -0.5]], np.float32)
    odds = np.exp(scores[0])
    order = odds[0] / odds.sum() * odds[1] / odds[1:].sum()
    loss = plackett_luce_loss(ops.array(scores), ops.ones((1, 3)), ops.ones((1, 3)))
    np.testing.assert_allclose(as_array(loss), [-np.log(order) / 3], rtol=1e-5)


def test_what_is_no_query_has_no_part_in_the_loss():
    rng = np.random.default_rng(0)
    y_true = np.zeros((2, 6, 4), np.float32)
    y_true[..., 0] = rng.integers(NUM_BARS, size=(2, 6))
    y_true[..., 1] = [1.0, 0.7, 0.5, 0.4, 0.3, 0.0]
    y_true[..., 2] = [1, 0, 1, 1, 0, 1]
    y_pred = rng.normal(size=(2, 6, 3, 2 + NUM_BARS)).astype(np.float32)
    other_true, other = y_true.copy(), y_pred.copy()
    other[:, [1, 4]] += 5.0
    other_true[:, [1, 4], 0] = 0
    expected = as_array(ranking_loss(ops.array(y_true), ops.array(y_pred)))
    found = as_array(ranking_loss(ops.array(other_true), ops.array(other)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    other[:, 2] += 5.0
    assert abs(as_array(ranking_loss(ops.array(y_true), ops.array(other))) - expected) > 0.1


def test_each_member_adds_its_own_loss():
    rng = np.random.default_rng(1)
    y_true = np.ones((2, 5, 4), np.float32)
    one, two = rng.normal(size=(2, 2, 5, 1, 2 + NUM_BARS)).astype(np.float32)
    both = np.concatenate([one, two], axis=2)
    losses = [float(as_array(ranking_loss(ops.array(y_true), ops.array(p)))) for p in (one, two)]
    total = float(as_array(ranking_loss(ops.array(y_true), ops.array(both))))
    np.testing.assert_allclose(total, sum(losses), rtol=1e-5)


def test_failures_are_told_by_their_logit():
    failed, mask = ops.array([[1.0, 0.0]]), ops.ones((1, 2))
    right = as_array(failure_loss(ops.array([[4.0, -4.0]]), failed, mask))
    wrong = as_array(failure_loss(ops.array([[-4.0, 4.0]]), failed, mask))
    assert right < 0.05 < 3.9 < wrong
