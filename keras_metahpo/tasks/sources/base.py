"""What a data source is, and how transforms make another source of it.

Shapes: n examples, (*x) one example.
"""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from keras_metahpo.datasets import cached_arrays
from keras_metahpo.tasks.task import TaskData

SPLITS = ("train", "validation", "test")
NUM_FAKE_EXAMPLES = 32


class Source(ABC):
    """Arrays of one task, prepared once and then taken from the cache.

    Sources are frozen dataclasses: their `repr` says everything that decides the arrays.

    Attributes:
        dataset: Name of the data set with its version, such as `"mnist:3.0.1"`.
        num_classes: Number of labels.
        num_train: Training examples (an estimate where the data decide).
        input_shape: Shape (*x) of one example.
        vocabulary_size: Word numbers of a text source, the special ones included; else 0.
    """

    dataset: str
    num_classes: int
    num_train: int
    input_shape: tuple[int, ...]
    vocabulary_size: int = 0

    @property
    def cache_key(self) -> object | None:
        """Its `repr` names the cached arrays; `None` where preparing is as quick as reading."""
        return self

    def load(self) -> TaskData:
        """The real data.

        Raises:
            DatasetError: if the data set cannot be loaded.
        """
        key = self.cache_key
        if key is None:
            return self._prepare()
        stored = cached_arrays(key, lambda: _to_arrays(self._prepare()))
        return TaskData(*((stored[f"{s}_x"], stored[f"{s}_y"]) for s in SPLITS))

    @abstractmethod
    def fake(self) -> TaskData:
        """Random data of the same shapes, for checks without downloads."""

    @abstractmethod
    def _prepare(self) -> TaskData:
        """The real data, not from the cache."""

    def with_(self, *transforms: "Transform") -> "TransformedSource":
        """This source, changed by transforms in the order given."""
        return TransformedSource(self, transforms)


class Transform(ABC):
    """A change of a source's data that depends on nothing but its own attributes."""

    @abstractmethod
    def apply(self, data: TaskData, num_classes: int) -> TaskData:
        """The changed data.

        Args:
            data: Arrays (n, *x) and labels (n,) of each split; they stay as they are.
            num_classes: Number of labels before the change.
        """

    def input_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one example after the change."""
        return shape

    def num_classes(self, count: int) -> int:
        """Number of labels after the change."""
        return count

    def num_train(self, count: int) -> int:
        """Training examples after the change."""
        return count


@dataclass(frozen=True)
class TransformedSource(Source):
    """A source changed by transforms.

    Attributes:
        source: What is changed.
        transforms: Applied one after the other.
    """

    source: Source
    transforms: tuple[Transform, ...]

    @property
    def dataset(self) -> str:  # type: ignore[override]
        return self.source.dataset

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        count = self.source.num_classes
        for transform in self.transforms:
            count = transform.num_classes(count)
        return count

    @property
    def num_train(self) -> int:  # type: ignore[override]
        count = self.source.num_train
        for transform in self.transforms:
            count = transform.num_train(count)
        return count

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        shape = self.source.input_shape
        for transform in self.transforms:
            shape = transform.input_shape(shape)
        return shape

    @property
    def vocabulary_size(self) -> int:  # type: ignore[override]
        return self.source.vocabulary_size

    @property
    def cache_key(self) -> object | None:
        if self.source.cache_key is None:
            return None
        # The whole `repr` would be too long for the name of a file.
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:16]
        changes = "-".join(type(transform).__name__ for transform in self.transforms)
        return f"{self.dataset}-{changes}-{digest}"

    def with_(self, *transforms: Transform) -> "TransformedSource":
        return TransformedSource(self.source, (*self.transforms, *transforms))

    def fake(self) -> TaskData:
        return self._apply(self.source.fake())

    def _prepare(self) -> TaskData:
        return self._apply(self.source.load())

    def _apply(self, data: TaskData) -> TaskData:
        num_classes = self.source.num_classes
        for transform in self.transforms:
            data = transform.apply(data, num_classes)
            num_classes = transform.num_classes(num_classes)
        return data


def fake_data(inputs: np.ndarray, num_classes: int) -> TaskData:
    """Three equal splits of `inputs` (n, *x), every label about equally often."""
    labels = np.arange(len(inputs)) % num_classes
    return TaskData((inputs, labels), (inputs, labels), (inputs, labels))


def fake_images(shape: tuple[int, ...], num_classes: int) -> TaskData:
    """Random images of `shape` in [0, 1]."""
    images = np.random.default_rng(0).random((NUM_FAKE_EXAMPLES, *shape), dtype=np.float32)
    return fake_data(images, num_classes)


def _to_arrays(data: TaskData) -> dict[str, np.ndarray]:
    pairs = {split: getattr(data, split) for split in SPLITS}
    return {
        f"{split}_{part}": array
        for split, pair in pairs.items()
        for part, array in zip("xy", pair, strict=True)
    }
