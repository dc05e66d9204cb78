"""Sources of task data: TFDS image and text sets as arrays, with explicit splits."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_metahpo.datasets import cached_arrays, grey_images, tfds_arrays
from keras_metahpo.tasks.task import TaskData

PADDING, UNKNOWN = 0, 1
NUM_FAKE_EXAMPLES = 32


@dataclass(frozen=True)
class ImageSource:
    """Images of a TFDS data set in [0, 1], resized, float array (n, size, size, 1).

    Attributes:
        dataset: TFDS name with its version, such as `"mnist:3.0.1"`.
        num_classes: Number of labels.
        num_train, num_validation, num_test: Examples a split. Validation follows the training
            examples in the data set's train split; test examples are from its test split.
        size: Height and width in pixels.
    """

    dataset: str
    num_classes: int
    num_train: int = 2000
    num_validation: int = 1000
    num_test: int = 1000
    size: int = 28

    def load(self) -> TaskData:
        return _cached(self, self._prepare)

    def fake(self) -> TaskData:
        rng = np.random.default_rng(0)
        images = rng.random((NUM_FAKE_EXAMPLES, self.size, self.size, 1), dtype=np.float32)
        return _same_for_all_splits(images, _fake_labels(self.num_classes))

    def _prepare(self) -> TaskData:
        end = self.num_train + self.num_validation
        train = tfds_arrays(self.dataset, f"train[:{end}]", ("image", "label"))
        test = tfds_arrays(self.dataset, f"test[:{self.num_test}]", ("image", "label"))
        images, labels = grey_images(train[0], self.size), train[1]
        return TaskData(
            train=(images[: self.num_train], labels[: self.num_train]),
            validation=(images[self.num_train :], labels[self.num_train :]),
            test=(grey_images(test[0], self.size), test[1]),
        )


@dataclass(frozen=True)
class OmniglotAlphabetSource:
    """The characters of one Omniglot alphabet, split by drawer, float array (n, size, size, 1).

    Each character was drawn once by each of 20 people: 14 train, 3 validate, 3 test.

    Attributes:
        alphabet: Index in TFDS's `alphabet` feature.
        num_classes: Characters of the alphabet.
        size: Height and width in pixels.
    """

    alphabet: int
    num_classes: int
    dataset: str = "omniglot:3.0.0"
    size: int = 28

    def load(self) -> TaskData:
        return _cached(self, self._prepare)

    def fake(self) -> TaskData:
        return ImageSource(self.dataset, self.num_classes, size=self.size).fake()

    def _prepare(self) -> TaskData:
        features = ("image", "alphabet", "alphabet_char_id")
        raw, alphabets, characters = tfds_arrays(self.dataset, "train", features)
        chosen = alphabets == self.alphabet
        images, labels = grey_images(raw[chosen], self.size), characters[chosen]
        drawer = np.zeros(len(labels), dtype=int)
        for character in np.unique(labels):
            drawer[labels == character] = np.arange(np.sum(labels == character))
        parts = (drawer < 14, (drawer >= 14) & (drawer < 17), drawer >= 17)
        return TaskData(*((images[part], labels[part]) for part in parts))


@dataclass(frozen=True)
class TextSource:
    """Texts as padded word numbers, int array (n, length): 0 pads, 1 is any unknown word.

    The vocabulary holds the most frequent words of the training split only.

    Attributes:
        dataset: TFDS name with its version.
        text, label: Names of the features.
        num_classes: Number of labels.
        num_train, num_validation: Examples a split, both from the data set's train split.
        test_split: The data set's split that serves as the test split.
        vocabulary_size: Words kept, the two special numbers included.
        length: Words a text; longer ones are cut.
    """

    dataset: str
    text: str
    label: str
    num_classes: int
    num_train: int = 2000
    num_validation: int = 1000
    test_split: str = "test"
    vocabulary_size: int = 5000
    length: int = 32

    def load(self) -> TaskData:
        return _cached(self, self._prepare)

    def fake(self) -> TaskData:
        rng = np.random.default_rng(0)
        shape = (NUM_FAKE_EXAMPLES, self.length)
        texts = rng.integers(1, self.vocabulary_size, shape, dtype=np.int32)
        return _same_for_all_splits(texts, _fake_labels(self.num_classes))

    def _prepare(self) -> TaskData:
        end = self.num_train + self.num_validation
        texts, labels = tfds_arrays(self.dataset, f"train[:{end}]", (self.text, self.label))
        test, test_labels = tfds_arrays(self.dataset, self.test_split, (self.text, self.label))
        words = [_words(text) for text in texts]
        counts = Counter(word for text in words[: self.num_train] for word in text)
        kept = [word for word, _ in counts.most_common(self.vocabulary_size - 2)]
        numbers = {word: number for number, word in enumerate(kept, start=2)}
        encoded = self._encode(words, numbers)
        return TaskData(
            train=(encoded[: self.num_train], labels[: self.num_train]),
            validation=(encoded[self.num_train :], labels[self.num_train :]),
            test=(self._encode([_words(text) for text in test], numbers), test_labels),
        )

    def _encode(self, texts: list[list[str]], numbers: dict[str, int]) -> np.ndarray:
        encoded = np.full((len(texts), self.length), PADDING, dtype=np.int32)
        for row, words in enumerate(texts):
            found = [numbers.get(word, UNKNOWN) for word in words[: self.length]] or [UNKNOWN]
            encoded[row, : len(found)] = found
        return encoded


def _words(text: bytes) -> list[str]:
    return re.findall(r"[a-z0-9']+|[?!.]", text.decode().lower())


def _cached(source, prepare: Callable[[], TaskData]) -> TaskData:
    names = [f"{split}_{part}" for split in ("train", "validation", "test") for part in "xy"]

    def prepare_arrays():
        data = prepare()
        parts = [a for pair in (data.train, data.validation, data.test) for a in pair]
        return dict(zip(names, parts, strict=True))

    stored = cached_arrays(source, prepare_arrays)
    parts = [stored[name] for name in names]
    return TaskData(*zip(parts[::2], parts[1::2], strict=True))


def _fake_labels(num_classes: int) -> np.ndarray:
    return np.arange(NUM_FAKE_EXAMPLES) % num_classes


def _same_for_all_splits(inputs: np.ndarray, labels: np.ndarray) -> TaskData:
    return TaskData((inputs, labels), (inputs, labels), (inputs, labels))
