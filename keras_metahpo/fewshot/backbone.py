"""Backbones: networks from examples to embeddings, of images and of texts.

Shapes: i examples, e the size of an embedding, l words a text.
"""

import keras
from keras import layers, ops

from keras_metahpo.errors import FewShotError

NORMALIZATIONS = ("batch", "layer", "none")
# PyTorch's default, with which the published few-shot results were made. Keras's own .99 lags too
# far behind in trainings of a few thousand steps.
BATCH_NORM_MOMENTUM = 0.9


def conv4(
    input_shape: tuple[int, int, int],
    filters: int = 64,
    num_blocks: int = 4,
    normalization: str = "batch",
    dropout: float = 0.0,
    name: str = "conv4",
) -> keras.Model:
    """The image backbone of Vinyals et al. 2016 and Snell et al. 2017.

    Blocks of a 3 x 3 convolution, a normalization, a ReLU and 2 x 2 max pooling; images (i, h, w,
    channels) become flat embeddings (i, e), for 28 pixels and 64 filters e = 64. A map that is
    only one pixel high or wide is not pooled further, so that small images are accepted too.

    Args:
        input_shape: Height, width and channels of an image.
        filters: Of each convolution.
        num_blocks: Blocks, 4 in the papers.
        normalization: `"batch"`; `"layer"`, in which no example sees another; or `"none"`.
        dropout: Rate after each block.
        name: Of the model.
    """
    if normalization not in NORMALIZATIONS or num_blocks < 1:
        raise FewShotError(
            f"Expected a positive num_blocks and a normalization of {NORMALIZATIONS}. "
            f"Received: num_blocks={num_blocks}, normalization={normalization!r}."
        )
    inputs = x = keras.Input(input_shape)
    for _ in range(num_blocks):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=normalization == "none")(x)
        if normalization == "batch":
            x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
        elif normalization == "layer":
            x = layers.LayerNormalization()(x)
        x = layers.ReLU()(x)
        if min(x.shape[1:3]) > 1:
            x = layers.MaxPooling2D()(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Flatten()(x), name=name)


def word_average(
    length: int,
    vocabulary_size: int,
    width: int = 64,
    dropout: float = 0.0,
    name: str = "word_average",
) -> keras.Model:
    """A text backbone: the mean of the words' vectors, through one hidden layer.

    Word numbers (i, l), where 0 pads and does not count, become embeddings (i, width). There is no
    batch normalization, so that no text sees another.

    Args:
        length: Words a text.
        vocabulary_size: Word numbers.
        width: Size of word vectors, hidden layer and embedding.
        dropout: Rate on word vectors and on the mean.
        name: Of the model.
    """
    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(vocabulary_size, width, mask_zero=True)(inputs)
    x = layers.Dropout(dropout)(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(width, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(width)(x), name=name)


def text_cnn(
    length: int,
    vocabulary_size: int,
    width: int = 64,
    filters: int = 64,
    kernel_sizes: tuple[int, ...] = (1, 2, 3),
    dropout: float = 0.0,
    name: str = "text_cnn",
) -> keras.Model:
    """A text backbone: convolutions over words and their maxima (Kim 2014).

    Word numbers (i, l), where 0 pads, become embeddings (i, filters * number of kernel sizes).
    Padding has the vector 0, and a ReLU makes 0 the least a maximum can be.

    Args:
        length: Words a text.
        vocabulary_size: Word numbers.
        width: Size of word vectors.
        filters: Filters of each kernel size.
        kernel_sizes: Words that a filter sees.
        dropout: Rate on word vectors.
        name: Of the model.
    """
    inputs = keras.Input((length,), dtype="int32")
    known = ops.cast(ops.expand_dims(ops.not_equal(inputs, 0), -1), "float32")
    x = layers.Embedding(vocabulary_size, width)(inputs) * known
    x = layers.Dropout(dropout)(x)
    maxima = [
        layers.GlobalMaxPooling1D()(
            layers.Conv1D(filters, size, padding="same", activation="relu", use_bias=False)(x)
        )
        for size in kernel_sizes
    ]
    joined = maxima[0] if len(maxima) == 1 else layers.Concatenate()(maxima)
    return keras.Model(inputs, joined, name=name)
