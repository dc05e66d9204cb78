"""Data sources: preparation, splits, cache and what is said when data is missing."""

import os

import numpy as np
import pytest

from keras_metahpo.datasets import cache_directory
from keras_metahpo.errors import DatasetError, TaskError
from keras_metahpo.tasks import (
    ArraySource,
    DigitsSource,
    EmotionSource,
    ImageSource,
    OmniglotAlphabetSource,
    TextSource,
)
from keras_metahpo.tasks.sources.texts import EMOTION_GROUPS

SPLITS = ("train", "validation", "test")
needs_tfds_data = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ,
    reason="set TFDS_DATA_DIR to a directory with TFDS's prepared data or downloads",
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache directory."""
    monkeypatch.setenv("KERAS_METAHPO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tfds_load(monkeypatch):
    """Serves arrays in place of `tensorflow_datasets.load`; lists the calls."""
    import tensorflow_datasets

    calls = []

    def install(answer):
        def load(name, split, **kwargs):
            calls.append((name, split))
            return answer(split)

        monkeypatch.setattr(tensorflow_datasets, "load", load)
        return calls

    return install


def stop_of(split: str) -> int:
    return int(split.partition(":")[2].rstrip("]"))


def bright_images(split):
    """Example i is an image of grey value i, with label i % 10; test examples start at 100."""
    numbers = np.arange(stop_of(split)) + (100 if split.startswith("test") else 0)
    images = np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None], (len(numbers), 8, 8, 3))
    return {"image": images, "label": numbers % 10}


IMAGES = ImageSource("tiny:1.0.0", 10, num_train=6, num_validation=4, num_test=3, size=4)


def test_image_splits_are_disjoint_grey_and_scaled(tfds_load):
    calls = tfds_load(bright_images)
    data = IMAGES.load()
    assert calls == [("tiny:1.0.0", "train[:10]"), ("tiny:1.0.0", "test[:3]")]
    for split, numbers in zip(
        SPLITS, ([0, 1, 2, 3, 4, 5], [6, 7, 8, 9], [100, 101, 102]), strict=True
    ):
        images, labels = getattr(data, split)
        assert images.dtype == np.float32
        assert images.shape == (len(numbers), 4, 4, 1)
        assert images[:, 0, 0, 0] == pytest.approx(np.array(numbers) / 255)
        assert labels.tolist() == [n % 10 for n in numbers]


def test_prepared_arrays_come_from_the_cache_afterwards(tfds_load, cache):
    calls = tfds_load(bright_images)
    first = IMAGES.load()
    assert len(calls) == 2
    again = IMAGES.load()
    assert len(calls) == 2
    for split in SPLITS:
        for part in (0, 1):
            written, read = getattr(first, split)[part], getattr(again, split)[part]
            assert np.array_equal(written, read)
            assert written.dtype == read.dtype
    assert [f.suffix for f in cache.iterdir()] == [".npz"]


def test_sources_that_differ_do_not_share_a_cache_file(tfds_load, cache):
    tfds_load(bright_images)
    IMAGES.load()
    ImageSource("tiny:1.0.0", 10, num_train=6, num_validation=4, num_test=2, size=4).load()
    assert len(list(cache.iterdir())) == 2


def test_cache_is_in_the_home_directory_by_default(monkeypatch):
    monkeypatch.delenv("KERAS_METAHPO_CACHE")
    assert cache_directory().parts[-2:] == (".cache", "keras_metahpo")


def drawings(split):
    """20 drawings each of 3 characters of 2 alphabets, in a fixed disorder."""
    alphabet, character, drawer = (a.ravel() for a in np.mgrid[:2, :3, :20])
    order = np.random.default_rng(0).permutation(len(alphabet))
    images = np.zeros((120, 5, 5, 3), np.uint8) + (100 * alphabet + drawer)[:, None, None, None]
    return {
        "image": images.astype(np.uint8)[order],
        "alphabet": alphabet[order],
        "alphabet_char_id": character[order],
    }


def test_omniglot_splits_every_character_by_drawing(tfds_load):
    tfds_load(drawings)
    data = OmniglotAlphabetSource(1, 3, size=5).load()
    for split, num_drawings in zip(SPLITS, (14, 3, 3), strict=True):
        images, labels = getattr(data, split)
        assert np.bincount(labels).tolist() == [num_drawings] * 3
        assert images.min() >= 100 / 255 - 1e-6
    per_character = [
        np.concatenate([getattr(data, s)[0][getattr(data, s)[1] == c, 0, 0, 0] for s in SPLITS])
        for c in range(3)
    ]
    assert all(len(np.unique(values)) == 20 for values in per_character)


SENTENCES = [b"The cat sat.", b"the CAT, the dog", b"what?", b"unseen unseen unseen unseen", b""]


def sentences(split):
    if split == "held_out":
        return {"text": np.array([b"the zebra"], object), "label": np.array([1])}
    return {"text": np.array(SENTENCES, object), "label": np.array([0, 1, 0, 1, 0])}


TEXTS = TextSource(
    "tiny:1.0.0",
    "text",
    "label",
    2,
    num_train=3,
    num_validation=2,
    test_split="held_out",
    vocabulary_size=5,
    length=3,
)


def test_words_are_numbered_by_frequency_in_the_training_split(tfds_load):
    calls = tfds_load(sentences)
    data = TEXTS.load()
    assert calls == [("tiny:1.0.0", "train[:5]"), ("tiny:1.0.0", "held_out")]
    # "the" thrice, "cat" twice, then the first of the rest: numbers 2, 3 and 4; 1 is unknown.
    assert data.train[0].tolist() == [[2, 3, 4], [2, 3, 2], [1, 1, 0]]
    assert data.validation[0].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert data.test[0].tolist() == [[2, 1, 0]]
    assert data.train[0].dtype == np.int32
    assert [getattr(data, split)[1].tolist() for split in SPLITS] == [[0, 1, 0], [1, 0], [1]]


def comments(split):
    """Comment i has emotion i % 28 alone, and every third one another emotion besides."""
    emotions = sorted(e for group in EMOTION_GROUPS.values() for e in group)
    numbers = np.arange(stop_of(split))
    flags = {e: numbers % len(emotions) == i for i, e in enumerate(emotions)}
    flags["joy"] = flags["joy"] | (numbers % 3 == 0)
    return {"comment_text": np.array([b"comment %d" % n for n in numbers], object), **flags}


@pytest.mark.parametrize("grouped", [False, True])
def test_comments_with_one_emotion_are_kept(tfds_load, grouped):
    tfds_load(comments)
    source = EmotionSource(grouped, num_train=40, num_validation=12, num_test=10)
    data = source.load()
    assert [len(getattr(data, split)[1]) for split in SPLITS] == [40, 12, 10]
    # Numbers 0 and 3 have two emotions.
    if grouped:
        names = list(EMOTION_GROUPS)
        assert data.train[1][:2].tolist() == [names.index("positive"), names.index("negative")]
        assert source.num_classes == 4
    else:
        assert data.train[1][:4].tolist() == [1, 2, 4, 5]
        assert source.num_classes == 28


def test_digits_are_split_into_disjoint_parts():
    data = DigitsSource().load()
    assert [len(getattr(data, split)[1]) for split in SPLITS] == [1000, 397, 400]
    assert data.train[0].shape[1:] == DigitsSource().input_shape == (8, 8, 1)
    assert data.train[0].max() == 1.0
    images = np.concatenate([getattr(data, split)[0] for split in SPLITS]).reshape(1797, -1)
    assert len(np.unique(images, axis=0)) == 1797


def test_arrays_of_ones_own_are_shuffled_and_split():
    inputs, labels = np.arange(60.0).reshape(20, 3), np.arange(20) % 4
    source = ArraySource(inputs, labels, "mine", validation_fraction=0.2, test_fraction=0.1)
    data = source.load()
    assert [len(getattr(data, split)[1]) for split in SPLITS] == [14, 4, 2]
    rows = np.concatenate([getattr(data, split)[0] for split in SPLITS])
    together = np.concatenate([getattr(data, split)[1] for split in SPLITS])
    assert sorted(rows[:, 0]) == inputs[:, 0].tolist()
    assert np.array_equal(together, (rows[:, 0] / 3).astype(int) % 4)
    assert rows[:, 0].tolist() != inputs[:, 0].tolist()
    assert (source.num_classes, source.num_train, source.input_shape) == (4, 14, (3,))
    assert "array" not in repr(source)
    assert source.fake().train[0].shape == (14, 3)


@pytest.mark.parametrize(
    ("inputs", "labels", "fractions", "complaint"),
    [
        (np.zeros((4, 2)), np.zeros(4), {}, "labels must be one integer an example"),
        (np.zeros((4, 2)), np.array([0, 1, -1, 0]), {}, "labels must be one integer an example"),
        (np.zeros((3, 2)), np.arange(4), {}, "as many examples as labels"),
        (np.zeros(4), np.arange(4), {}, "inputs must be an array"),
        (np.zeros((4, 2)), np.arange(4), {"test_fraction": 0.0}, "Every split must have an ex"),
        (np.zeros((0, 2)), np.zeros(0, int), {}, "Every split must have an example"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(inputs, labels, fractions, complaint):
    with pytest.raises(TaskError, match=complaint):
        ArraySource(inputs, labels, **fractions)


@pytest.mark.parametrize("source", [IMAGES, TEXTS, OmniglotAlphabetSource(1, 3), EmotionSource()])
def test_missing_data_is_a_dataset_error_with_a_remedy(source, tfds_load, cache, monkeypatch):
    def fail(split):
        raise ConnectionError("no network")

    tfds_load(fail)
    monkeypatch.setenv("TFDS_DATA_DIR", "/data/tfds")
    with pytest.raises(DatasetError) as caught:
        source.load()
    message = str(caught.value)
    assert repr(source.dataset) in message
    assert "ConnectionError: no network" in message
    assert "/data/tfds" in message
    assert "set TFDS_DATA_DIR" in message
    assert not cache.exists()


@needs_tfds_data
def test_real_images_load():
    data = ImageSource("mnist:3.0.1", 10, 200, 100, 50, size=16).load()
    for split, count in zip(SPLITS, (200, 100, 50), strict=True):
        images, labels = getattr(data, split)
        assert images.shape == (count, 16, 16, 1)
        assert images.min() >= 0.0
        assert 0.5 < images.max() <= 1.0
        assert set(labels) == set(range(10))


@needs_tfds_data
def test_real_texts_load():
    data = TextSource("trec:1.0.0", "text", "label-coarse", 6, 400, 100).load()
    for split, count in zip(SPLITS, (400, 100, 500), strict=True):
        texts, labels = getattr(data, split)
        assert texts.shape == (count, 32)
        assert labels.shape == (count,)
        assert set(labels) <= set(range(6))
        assert np.all(texts[:, 0] > 0)
    assert np.mean(data.train[0] == 1) < np.mean(data.test[0] == 1)
