"""The gradient of a function of tensors, which Keras itself does not offer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_metahpo.errors import FewShotError


def gradient(function: Callable[[list], Any], tensors: Sequence) -> list:
    """Gradient of a scalar function of a list of tensors, differentiable in turn.

    Args:
        function: Pure function from a list of tensors to a scalar tensor.
        tensors: Tensors (not Keras variables) where the gradient is taken.

    Returns:
        One tensor for each of `tensors`, of its shape; zeros where the function does not depend
        on it.

    Raises:
        FewShotError: on another backend than TensorFlow and JAX.
    """
    tensors = list(tensors)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(tensors)
            value = function(tensors)
        zero = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(value, tensors, unconnected_gradients=zero)
        # The gradient of an embedding table arrives as sparse rows.
        return [tf.convert_to_tensor(g) for g in gradients]
    if backend == "jax":
        import jax

        return jax.grad(function)(tensors)
    raise FewShotError(
        "Learners that adapt by gradient run on the Keras backends 'tensorflow' and 'jax'. "
        f"Received: {backend!r}. Set KERAS_BACKEND before Keras is imported."
    )
