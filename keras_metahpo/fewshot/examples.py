"""Examples by class: what episodes are drawn from.

Shapes: c classes, e examples of one class (each class has its own number), (*x) one example.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_metahpo.errors import FewShotError

QUARTER_TURNS = (1, 2, 3)
# Pixels of a block in a made-up image.
BLOCK = 4


@dataclass(frozen=True)
class ClassExamples:
    """Labelled examples, one array a class; classes may have different numbers of examples.

    Attributes:
        arrays: One array (e, *x) a class. An array of type uint8 holds values in [0, 1] as
            multiples of 1/255, which costs a quarter of the memory; `as_inputs` converts drawn
            examples. Other types are given to a learner as they are.
        names: One unique name a class.
    """

    arrays: tuple[np.ndarray, ...]
    names: tuple[str, ...]

    def __post_init__(self):
        if len(self.arrays) != len(self.names) or len(set(self.names)) != len(self.names):
            raise FewShotError(
                "Class examples need one array and one unique name a class. Received: "
                f"{len(self.arrays)} arrays, {len(self.names)} names, "
                f"{len(set(self.names))} of them different."
            )
        if not self.arrays or any(array.ndim < 1 or not len(array) for array in self.arrays):
            raise FewShotError(
                "Class examples need at least one class, and an example in each. "
                f"Received: arrays of shapes {[array.shape for array in self.arrays[:5]]}."
            )
        if len({(array.shape[1:], array.dtype) for array in self.arrays}) != 1:
            raise FewShotError(
                "All examples must have one shape and one type; resize or pad them. Received: "
                f"{sorted({f'{array.shape[1:]} {array.dtype}' for array in self.arrays})}."
            )

    @classmethod
    def from_labels(
        cls, examples: np.ndarray, labels: np.ndarray, names: Sequence[str]
    ) -> "ClassExamples":
        """Groups examples (i, *x) by their labels (i,), which are indices of `names` (c,)."""
        labels = np.asarray(labels)
        if len(examples) != len(labels) or np.any(labels < 0) or np.any(labels >= len(names)):
            raise FewShotError(
                f"Every example needs one label from 0 to {len(names) - 1}. Received: "
                f"{len(examples)} examples and labels {np.unique(labels)} of shape {labels.shape}."
            )
        examples = np.asarray(examples)
        return cls(tuple(examples[labels == c] for c in range(len(names))), tuple(names))

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self.arrays[0].shape[1:]

    @cached_property
    def smallest_class(self) -> tuple[str, int]:
        """Name of a class with the fewest examples, and how many it has."""
        sizes = [len(array) for array in self.arrays]
        smallest = int(np.argmin(sizes))
        return self.names[smallest], sizes[smallest]

    def select(self, names: Iterable[str]) -> "ClassExamples":
        """These classes, in this order; their arrays are shared."""
        names = tuple(names)
        index = {name: number for number, name in enumerate(self.names)}
        unknown = [name for name in names if name not in index]
        if unknown:
            raise FewShotError(
                f"Expected names of classes such as {self.names[:3]}. Received {len(unknown)} "
                f"unknown ones: {unknown[:5]}."
            )
        return ClassExamples(tuple(self.arrays[index[name]] for name in names), names)

    def with_rotations(self) -> "ClassExamples":
        """Also each class turned by 90, 180 and 270 degrees, as classes of their own.

        They are called `name+rot90` and so on, and follow all the unturned ones. They are views:
        four times the classes take no more memory.
        """
        shape = self.example_shape
        if len(shape) not in (2, 3) or shape[0] != shape[1]:
            raise FewShotError(
                "Only square images (size, size) or (size, size, channels) can be turned. "
                f"Received: examples of shape {shape}."
            )
        turned = [np.rot90(array, k, axes=(1, 2)) for k in QUARTER_TURNS for array in self.arrays]
        names = [f"{name}+rot{90 * k}" for k in QUARTER_TURNS for name in self.names]
        return ClassExamples((*self.arrays, *turned), (*self.names, *names))


def as_inputs(examples: np.ndarray) -> np.ndarray:
    """What a learner is given: uint8 as float32 in [0, 1], bool as 0 and 1, others unchanged."""
    if examples.dtype == np.uint8:
        return examples.astype(np.float32) / np.float32(255)
    return examples.astype(np.float32) if examples.dtype == bool else examples


def fake_examples(
    num_classes: int = 12,
    num_examples: int = 8,
    shape: tuple[int, ...] = (28, 28, 1),
    noise: float = 0.3,
    vocabulary_size: int | None = None,
    seed: int = 0,
) -> ClassExamples:
    """Made-up classes that can be told apart, so that tests need no download.

    A class is a pattern: for images coarse blocks of grey, for texts a word in each place.

    Args:
        num_classes, num_examples: Classes, and examples of each.
        shape: Of one example: (height, width, channels), or (length,) for texts.
        noise: Share of an example's values that are drawn anew instead of taken from its class.
        vocabulary_size: Makes texts of word numbers, int32, 2 and above; else images, uint8.
        seed: Of everything.
    """
    rng = np.random.default_rng(seed)
    images = vocabulary_size is None
    low, high, dtype = (0, 256, np.uint8) if images else (2, vocabulary_size, np.int32)
    patterns = rng.integers(low, high, (num_classes, 1, *shape), dtype=dtype)
    others = rng.integers(low, high, (num_classes, num_examples, *shape), dtype=dtype)
    patterns = _blocks(patterns) if images else patterns
    arrays = np.where(rng.random(others.shape) < noise, others, patterns)
    return ClassExamples(tuple(arrays), tuple(f"class {c}" for c in range(num_classes)))


def _blocks(images: np.ndarray) -> np.ndarray:
    """Images (..., h, w, channels) in which each block has the grey of its first pixel."""
    rows, columns = (BLOCK * (np.arange(size) // BLOCK) for size in images.shape[-3:-1])
    return images[..., rows[:, None], columns, :]
