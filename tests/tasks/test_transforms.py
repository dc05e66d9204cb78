"""Transforms: deterministic, they change what they say and nothing else."""

import numpy as np
import pytest

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks import (
    ArraySource,
    CoarseLabels,
    DigitsSource,
    FewExamples,
    ImageSource,
    Imbalanced,
    Inverted,
    Noisy,
    Occluded,
    PermutedPixels,
    Rotated,
    Shrunk,
    TextSource,
)
from keras_metahpo.tasks.sources import base

SPLITS = ("train", "validation", "test")
IMAGE_TRANSFORMS = [
    Rotated(),
    Noisy(),
    Inverted(),
    Occluded(),
    Shrunk(4),
    Shrunk(5),
    PermutedPixels(),
]
DIGITS = DigitsSource()


@pytest.mark.parametrize("transform", IMAGE_TRANSFORMS, ids=repr)
def test_images_change_in_all_splits_and_labels_in_none(transform):
    before, after = DIGITS.load(), DIGITS.with_(transform).load()
    for split in SPLITS:
        (images, labels), (changed, same) = getattr(before, split), getattr(after, split)
        assert np.array_equal(labels, same)
        assert changed.dtype == np.float32
        assert -1e-6 <= changed.min() <= changed.max() <= 1.0 + 1e-6
        assert changed.shape == (len(labels), *DIGITS.with_(transform).input_shape)
        assert changed.shape != images.shape or not np.allclose(images, changed)
    assert np.array_equal(before.train[0], DIGITS.load().train[0])  # Nothing in place.


@pytest.mark.parametrize(
    "transform",
    [*IMAGE_TRANSFORMS, FewExamples(50), Imbalanced(), CoarseLabels(3)],
    ids=repr,
)
def test_transforms_are_functions_of_their_attributes(transform):
    first, again = (DIGITS.with_(transform).load() for _ in range(2))
    for split in SPLITS:
        for part in (0, 1):
            assert np.array_equal(getattr(first, split)[part], getattr(again, split)[part])


@pytest.mark.parametrize("kind", [Rotated, Noisy, Occluded, PermutedPixels])
def test_another_seed_draws_something_else(kind):
    first, second = (DIGITS.with_(kind(seed=seed)).load().train[0] for seed in (0, 1))
    assert not np.allclose(first, second)


def test_splits_have_draws_of_their_own():
    images = np.zeros((30, 6, 6, 1), np.float32)
    data = ArraySource(images, np.arange(30) % 3).with_(Noisy()).load()
    assert not np.allclose(data.validation[0], data.test[0])


def test_each_transform_does_what_it_says():
    digits = DIGITS.load().train[0]
    assert np.allclose(DIGITS.with_(Inverted()).load().train[0], 1.0 - digits)
    assert np.allclose(DIGITS.with_(Rotated(0.0)).load().train[0], digits, atol=1e-6)
    halves = DIGITS.with_(Shrunk(4)).load().train[0]
    assert np.allclose(halves, digits.reshape(-1, 4, 2, 4, 2, 1).mean(axis=(2, 4)), atol=1e-6)
    # Averaging areas keeps the mean, whatever the sizes.
    fifths = DIGITS.with_(Shrunk(5)).load().train[0]
    assert np.allclose(fifths.mean(axis=(1, 2)), digits.mean(axis=(1, 2)), atol=1e-6)
    permuted = DIGITS.with_(PermutedPixels()).load()
    assert np.allclose(np.sort(permuted.train[0].reshape(-1, 64)), np.sort(digits.reshape(-1, 64)))
    white = ArraySource(np.ones((30, 10, 10, 1)), np.arange(30) % 3)
    occluded = white.with_(Occluded(0.3)).load().train[0]
    assert np.all((occluded == 0).sum(axis=(1, 2, 3)) == 9)


def test_permutation_is_the_same_for_every_image():
    ramp = np.broadcast_to(np.arange(36.0).reshape(1, 6, 6, 1) / 36, (30, 6, 6, 1))
    data = ArraySource(ramp, np.arange(30) % 3).with_(PermutedPixels()).load()
    assert np.ptp(np.concatenate([data.train[0], data.test[0]]), axis=0).max() == 0


def test_few_examples_are_even_and_of_the_training_split_only():
    before, after = DIGITS.load(), DIGITS.with_(FewExamples(55)).load()
    assert np.array_equal(before.validation[0], after.validation[0])
    assert np.array_equal(before.test[0], after.test[0])
    counts = np.bincount(after.train[1])
    assert counts.sum() == 55 == DIGITS.with_(FewExamples(55)).num_train
    assert set(counts) == {5, 6}
    known = {image.tobytes() for image in before.train[0]}
    assert {image.tobytes() for image in after.train[0]} <= known


def test_more_examples_than_there_are_keep_all():
    assert len(DIGITS.with_(FewExamples(10_000)).load().train[1]) == 1000


def test_imbalance_falls_exponentially_and_keeps_every_class():
    source = DIGITS.with_(Imbalanced(16.0))
    data = source.load()
    before, after = np.bincount(DIGITS.load().train[1]), np.bincount(data.train[1])
    assert after[0] == before[0]
    assert after[9] / before[9] == pytest.approx(1 / 16, abs=0.01)
    assert after.min() >= 1
    assert len(data.train[1]) == pytest.approx(source.num_train, rel=0.15)
    assert len(data.validation[1]) == 397


def test_coarse_labels_join_neighbours_everywhere():
    source = DIGITS.with_(CoarseLabels(5))
    before, after = DIGITS.load(), source.load()
    assert source.num_classes == 5
    for split in SPLITS:
        assert np.array_equal(getattr(after, split)[1], getattr(before, split)[1] // 2)
        assert np.array_equal(getattr(after, split)[0], getattr(before, split)[0])


def test_transforms_compose_in_order():
    source = DIGITS.with_(CoarseLabels(5), Shrunk(4)).with_(FewExamples(20))
    assert (source.num_classes, source.input_shape, source.num_train) == (5, (4, 4, 1), 20)
    data = source.load()
    assert data.train[0].shape == (20, 4, 4, 1)
    assert np.bincount(data.train[1]).tolist() == [4] * 5
    assert source.dataset == "digits"
    assert source == DIGITS.with_(CoarseLabels(5), Shrunk(4), FewExamples(20))


def test_image_transform_of_texts_is_refused():
    texts = TextSource("tiny:1.0.0", "text", "label", 2)
    with pytest.raises(TaskError, match=r"Rotated changes images .* Received: train inputs"):
        texts.with_(Rotated()).fake()
    assert texts.with_(FewExamples(5)).vocabulary_size == 5000
    assert len(texts.with_(FewExamples(5)).fake().train[1]) == 5


def test_transformed_data_are_cached_by_all_attributes(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_METAHPO_CACHE", str(tmp_path))
    source, calls = ImageSource("tiny:1.0.0", 3, size=6), []

    def prepare(self):
        calls.append(self)
        return self.fake()

    monkeypatch.setattr(ImageSource, "_prepare", prepare)
    variants = [(Noisy(0.1),), (Noisy(0.2),), (Noisy(0.1, seed=1),), (Noisy(0.1), Rotated())]
    first = [source.with_(*variant).load().train[0] for variant in variants]
    assert len({array.tobytes() for array in first}) == len(variants)
    assert len(calls) == 1
    assert len(list(tmp_path.iterdir())) == 1 + len(variants)
    monkeypatch.setattr(base.TransformedSource, "_prepare", None)  # Only the cache is left.
    for variant, array in zip(variants, first, strict=True):
        assert np.array_equal(source.with_(*variant).load().train[0], array)
