"""Image sets of TensorFlow Datasets, with explicit splits."""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.datasets import grey_images, tfds_arrays
from keras_metahpo.tasks.sources.base import Source, fake_images
from keras_metahpo.tasks.task import TaskData

# Of the 20 people who drew each character of Omniglot, so many draw for training and validation.
TRAIN_DRAWERS, VALIDATION_DRAWERS = 14, 3


@dataclass(frozen=True)
class ImageSource(Source):
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

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.size, self.size, 1)

    def fake(self) -> TaskData:
        return fake_images(self.input_shape, self.num_classes)

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
class OmniglotAlphabetSource(Source):
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

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.size, self.size, 1)

    @property
    def num_train(self) -> int:  # type: ignore[override]
        return TRAIN_DRAWERS * self.num_classes

    def fake(self) -> TaskData:
        return fake_images(self.input_shape, self.num_classes)

    def _prepare(self) -> TaskData:
        features = ("image", "alphabet", "alphabet_char_id")
        raw, alphabets, characters = tfds_arrays(self.dataset, "train", features)
        chosen = alphabets == self.alphabet
        images, labels = grey_images(raw[chosen], self.size), characters[chosen]
        drawer = np.zeros(len(labels), dtype=int)
        for character in np.unique(labels):
            drawer[labels == character] = np.arange(np.sum(labels == character))
        end = TRAIN_DRAWERS + VALIDATION_DRAWERS
        parts = (drawer < TRAIN_DRAWERS, (drawer >= TRAIN_DRAWERS) & (drawer < end), drawer >= end)
        return TaskData(*((images[part], labels[part]) for part in parts))
