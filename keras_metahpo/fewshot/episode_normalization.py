"""Batch normalization by the statistics of one batch, exact in its second derivatives too."""

import keras
from keras import ops

from keras_metahpo.errors import FewShotError


@keras.saving.register_keras_serializable("keras_metahpo")
class EpisodeNormalization(keras.layers.BatchNormalization):
    """Batch normalization without averages over batches, as MAML has it (Finn et al. 2017).

    With `training` inputs are normalised by their own statistics, which are then kept in
    `moving_mean` and `moving_variance`; otherwise by those that were kept.

    Keras computes the variance on TensorFlow by `tf.nn.moments`, which holds the mean constant in
    it: right for a gradient, wrong for the gradient of a gradient. Here both are right.
    (`LayerNormalization` and `GroupNormalization` of Keras remain as they are.) Masks are refused
    with FewShotError.
    """

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            raise FewShotError(
                "Batch normalization adapted by gradient takes no mask. Received: a mask, in "
                f"{self.name}. Normalise after pooling the steps, or use LayerNormalization."
            )
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            channel = self.axis % len(inputs.shape)
            axes = [axis for axis in range(len(inputs.shape)) if axis != channel]
            mean = ops.mean(inputs, axis=axes, keepdims=True)
            variance = ops.squeeze(
                ops.mean(ops.square(inputs - mean), axis=axes, keepdims=True), axes
            )
            mean = ops.squeeze(mean, axes)
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
        return ops.batch_normalization(
            inputs,
            mean,
            variance,
            axis=self.axis,
            offset=self.beta if self.center else None,
            scale=self.gamma if self.scale else None,
            epsilon=self.epsilon,
        )


def with_episode_normalization(backbone: keras.Model) -> keras.Model:
    """The backbone itself if it has no `BatchNormalization`, else a copy that normalises so.

    Raises:
        FewShotError: if the backbone is not built, has layers that draw random numbers, or cannot
            be copied because it is neither functional nor sequential.
    """
    if not backbone.built or any("seed_generator" in v.path for v in backbone.variables):
        raise FewShotError(
            "A backbone adapted by gradient must be built and not random: give it a "
            "`keras.Input`, and no Dropout or other random layer. "
            f"Received: {backbone.name}, built={backbone.built}, layers "
            f"{[type(layer).__name__ for layer in backbone.layers]}."
        )
    if not any(type(layer) is keras.layers.BatchNormalization for layer in _all_layers(backbone)):
        return backbone
    try:
        copy = keras.models.clone_model(backbone, clone_function=_copied, recursive=True)
    except ValueError as error:
        raise FewShotError(
            "A backbone with BatchNormalization must be a functional or sequential model. "
            f"Received: {type(backbone).__name__} {backbone.name!r}."
        ) from error
    copy.set_weights(backbone.get_weights())
    return copy


def _copied(layer: keras.Layer) -> keras.Layer:
    kind = type(layer)
    if kind is keras.layers.BatchNormalization:
        kind = EpisodeNormalization
    return kind.from_config(layer.get_config())


def _all_layers(model: keras.Model) -> list[keras.Layer]:
    nested = (_all_layers(layer) for layer in model.layers if isinstance(layer, keras.Model))
    return [*model.layers, *(layer for layers in nested for layer in layers)]
