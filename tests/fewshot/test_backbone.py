import keras
import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import conv4, text_cnn, word_average

RNG = np.random.default_rng(0)


def test_conv4_of_28_pixels_has_the_published_size():
    backbone = conv4((28, 28, 1))
    assert backbone.output_shape == (None, 64)
    weights = 9 * 64 + 3 * 9 * 64 * 64  # Without biases, which batch normalization takes over.
    assert backbone.count_params() == weights + 4 * 4 * 64


@pytest.mark.parametrize(("size", "width"), [(14, 8), (20, 8), (64, 128)])
def test_conv4_takes_other_sizes(size, width):
    assert conv4((size, size, 3), filters=8).output_shape == (None, width)


@pytest.mark.parametrize("normalization", ["layer", "none"])
def test_without_batch_normalization_no_example_sees_another(normalization):
    backbone = conv4((8, 8, 1), filters=4, num_blocks=2, normalization=normalization)
    images = RNG.random((5, 8, 8, 1), dtype=np.float32)
    alone = backbone(images[:1], training=True)
    among = backbone(images, training=True)[:1]
    np.testing.assert_allclose(alone, among, atol=1e-5)


def test_unknown_normalization_is_refused():
    with pytest.raises(FewShotError, match="normalization='group'"):
        conv4((8, 8, 1), normalization="group")


@pytest.mark.parametrize("make", [word_average, text_cnn])
def test_padding_changes_no_text(make):
    keras.utils.set_random_seed(0)
    short = make(length=4, vocabulary_size=10, width=8)
    long = make(length=9, vocabulary_size=10, width=8)
    long.set_weights(short.get_weights())
    texts = np.array([[3, 4, 0, 0], [5, 3, 4, 0]], dtype=np.int32)
    padded = np.pad(texts, ((0, 0), (0, 5)))
    np.testing.assert_allclose(short(texts), long(padded), atol=1e-6)


@pytest.mark.parametrize("make", [word_average, text_cnn])
def test_text_backbones_tell_words_apart(make):
    keras.utils.set_random_seed(0)
    embeddings = np.asarray(make(length=3, vocabulary_size=10)(np.array([[2, 3, 0], [4, 5, 0]])))
    assert np.isfinite(embeddings).all()
    assert not np.allclose(embeddings[0], embeddings[1])
