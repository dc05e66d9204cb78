"""Keras pieces of the task library: values, saving, padding."""

import keras
import numpy as np
import pytest

from keras_metahpo.tasks import CappedVocabulary, MaskedMean, SmoothedCrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_smoothed_cross_entropy_is_kerass_on_smoothed_labels(smoothing, shape):
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(4, size=6), rng.normal(size=(6, 4)).astype("float32")
    ours = SmoothedCrossEntropy(smoothing)(labels.reshape(shape), logits)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    assert float(ours) == pytest.approx(float(theirs(np.eye(4)[labels], logits)), rel=1e-5)


def test_smaller_vocabulary_makes_rare_words_unknown():
    words = np.array([[2, 3, 4, 0]], "int32")
    assert np.asarray(CappedVocabulary(4)(words)).tolist() == [[2, 3, 1, 0]]


def test_mean_ignores_padding():
    vectors = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]], [[5.0] * 2] * 3], "float32")
    words = np.array([[2, 1, 0], [0, 0, 0]], "int32")
    assert np.asarray(MaskedMean()(vectors, words)).tolist() == [[2.0, 3.0], [0.0, 0.0]]


def test_models_with_them_are_saved_and_loaded(tmp_path):
    words = keras.Input((3,), dtype="int32")
    kept = CappedVocabulary(4)(words)
    outputs = MaskedMean()(keras.layers.Embedding(5, 2)(kept), kept)
    model = keras.Model(words, outputs)
    model.compile("sgd", SmoothedCrossEntropy(0.2))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    texts = np.array([[2, 4, 0], [1, 3, 2]], "int32")
    assert np.allclose(model(texts), loaded(texts))
    assert loaded.loss.smoothing == 0.2
