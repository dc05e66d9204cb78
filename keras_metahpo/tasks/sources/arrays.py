"""Arrays of one's own, and scikit-learn's digits: no download."""

from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks.sources.base import NUM_FAKE_EXAMPLES, Source, fake_images
from keras_metahpo.tasks.task import TaskData

DIGITS_SIZE = 8


@dataclass(frozen=True, eq=False)
class ArraySource(Source):
    """Arrays of one's own, shuffled and split once.

    Attributes:
        inputs: Array (n, *x).
        labels: Int array (n,) of 0 to num_classes - 1.
        dataset: A name for the data; tasks of one data set belong on one side of a split.
        validation_fraction, test_fraction: Shares of the examples.
        seed: Of the shuffling.

    Raises:
        TaskError: if the arrays do not fit together.
    """

    inputs: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    dataset: str = ""
    validation_fraction: float = 0.2
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self):
        inputs, labels = np.asarray(self.inputs), np.asarray(self.labels)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels)
        is_integer = np.issubdtype(labels.dtype, np.integer)
        if labels.ndim != 1 or not is_integer or min(labels, default=0) < 0:
            raise TaskError(
                "labels must be one integer an example, counted from 0. "
                f"Received: shape {labels.shape}, dtype {labels.dtype}."
            )
        if inputs.ndim < 2 or len(inputs) != len(labels):
            raise TaskError(
                "inputs must be an array (n, ...) with as many examples as labels. "
                f"Received: inputs {inputs.shape}, labels {labels.shape}."
            )
        if min(self._counts()) < 1:
            raise TaskError(
                "Every split must have an example: the fractions must be positive and their sum "
                f"below 1. Received: validation_fraction={self.validation_fraction}, "
                f"test_fraction={self.test_fraction} of {len(labels)} examples."
            )

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        return int(self.labels.max()) + 1

    @property
    def num_train(self) -> int:  # type: ignore[override]
        return self._counts()[0]

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.inputs.shape[1:]

    @property
    def cache_key(self) -> None:
        return None

    def fake(self) -> TaskData:
        """The first examples of each split, in disorder: values that the model is made for."""
        rng = np.random.default_rng(0)
        data = self.load()
        pairs = (data.train, data.validation, data.test)
        return TaskData(*(_disordered(*pair, rng) for pair in pairs))

    def _prepare(self) -> TaskData:
        order = np.random.default_rng(self.seed).permutation(len(self.labels))
        ends = np.cumsum(self._counts())[:2]
        parts = np.split(order, ends)
        return TaskData(*((self.inputs[part], self.labels[part]) for part in parts))

    def _counts(self) -> tuple[int, int, int]:
        num_validation = round(self.validation_fraction * len(self.labels))
        num_test = round(self.test_fraction * len(self.labels))
        return len(self.labels) - num_validation - num_test, num_validation, num_test


@dataclass(frozen=True)
class DigitsSource(Source):
    """1797 real images of 8 x 8 pixels (Alpaydin and Kaynak 1998), float (n, 8, 8, 1) in [0, 1].

    They ship in scikit-learn's wheel. No ranker of this package is trained on them.

    Attributes:
        num_train, num_validation: Examples a split; the rest are the test split.
        seed: Of the shuffling.
    """

    num_train: int = 1000
    num_validation: int = 397
    seed: int = 0
    dataset: str = "digits"
    num_classes: int = 10

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (DIGITS_SIZE, DIGITS_SIZE, 1)

    @property
    def cache_key(self) -> None:
        return None

    def fake(self) -> TaskData:
        return fake_images(self.input_shape, self.num_classes)

    def _prepare(self) -> TaskData:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise ImportError(
                "The digits need scikit-learn. Run: pip install 'keras-metahpo[demo]'"
            ) from error
        images, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(self.seed).permutation(len(labels))
        images = (images[order] / 16.0).astype(np.float32).reshape(-1, *self.input_shape)
        ends = [self.num_train, self.num_train + self.num_validation]
        return TaskData(*zip(np.split(images, ends), np.split(labels[order], ends), strict=True))


def _disordered(
    inputs: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The first examples, each with the label of another one."""
    few, labels = inputs[:NUM_FAKE_EXAMPLES], labels[:NUM_FAKE_EXAMPLES]
    return few[rng.permutation(len(few))], labels
