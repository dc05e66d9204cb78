"""The gradient of a function of tensors, on the backend at hand."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.autodiff import gradient


def test_gradient_has_one_tensor_of_equal_shape_for_each_input():
    x, y = ops.convert_to_tensor([1.0, 2.0]), ops.convert_to_tensor([[3.0]])
    by_x, by_y = gradient(lambda t: ops.sum(t[0] ** 2) * ops.sum(t[1]), [x, y])
    np.testing.assert_allclose(by_x, [6.0, 12.0])
    np.testing.assert_allclose(by_y, [[5.0]])


def test_gradient_is_zero_where_the_function_does_not_depend():
    x, y = ops.ones((2,)), ops.ones((3,))
    np.testing.assert_array_equal(gradient(lambda t: ops.sum(t[0]), [x, y])[1], np.zeros(3))


def test_gradient_of_a_gradient():
    def slope(tensors):
        return ops.sum(gradient(lambda t: ops.sum(t[0] ** 3), tensors)[0])

    (second,) = gradient(slope, [ops.convert_to_tensor([2.0, 3.0])])
    np.testing.assert_allclose(second, [12.0, 18.0])


def test_gradient_of_an_embedding_table_is_dense():
    rows = ops.convert_to_tensor([1, 1])
    (table,) = gradient(lambda t: ops.sum(ops.take(t[0], rows, axis=0)), [ops.zeros((3, 2))])
    np.testing.assert_array_equal(table, [[0, 0], [2, 2], [0, 0]])


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(FewShotError, match=r"'tensorflow' and 'jax'.*'torch'"):
        gradient(ops.sum, [ops.ones((1,))])
