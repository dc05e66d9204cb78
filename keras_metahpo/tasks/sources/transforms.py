"""Changes that make another task of a data set: other images, fewer examples, coarser labels.

Changes of inputs and labels are made in all splits, with draws of their own in each; examples are
removed from the training split only, so that validation and test stay comparable.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks.sources.base import SPLITS, Transform
from keras_metahpo.tasks.task import TaskData


class _ImageTransform(Transform):
    """Changes images (n, height, width, 1) in [0, 1], and no label."""

    seed: int

    def apply(self, data: TaskData, num_classes: int) -> TaskData:
        changed = {}
        for number, split in enumerate(SPLITS):
            images, labels = getattr(data, split)
            if images.ndim != 4:
                raise TaskError(
                    f"{type(self).__name__} changes images (n, height, width, 1). "
                    f"Received: {split} inputs {images.shape}. Leave it away for this source."
                )
            rng = np.random.default_rng([self.seed, number])
            changed[split] = (self.images(images, rng).astype(np.float32), labels)
        return TaskData(**changed)

    @abstractmethod
    def images(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The changed images of one split."""


@dataclass(frozen=True)
class Rotated(_ImageTransform):
    """Each image turned by an angle drawn uniformly from -max_degrees to max_degrees.

    Attributes:
        max_degrees: The largest angle.
        seed: Of the angles.
    """

    max_degrees: float = 45.0
    seed: int = 0

    def images(self, images, rng):
        from scipy import ndimage

        angles = rng.uniform(-self.max_degrees, self.max_degrees, len(images))
        turned = [
            ndimage.rotate(image, angle, reshape=False, order=1, mode="nearest")
            for image, angle in zip(images[..., 0], angles, strict=True)
        ]
        return np.stack(turned)[..., None]


@dataclass(frozen=True)
class Noisy(_ImageTransform):
    """Gaussian noise on every pixel, cut to [0, 1].

    Attributes:
        standard_deviation: Of the noise.
        seed: Of the noise.
    """

    standard_deviation: float = 0.3
    seed: int = 0

    def images(self, images, rng):
        noise = rng.normal(0.0, self.standard_deviation, images.shape)
        return np.clip(images + noise, 0.0, 1.0)


@dataclass(frozen=True)
class Inverted(_ImageTransform):
    """Black becomes white."""

    seed: int = 0

    def images(self, images, rng):
        return 1.0 - images


@dataclass(frozen=True)
class Occluded(_ImageTransform):
    """A black square at a random place of each image.

    Attributes:
        fraction: Its side as a fraction of the image's height.
        seed: Of the places.
    """

    fraction: float = 0.4
    seed: int = 0

    def images(self, images, rng):
        count, height, width, _ = images.shape
        side = max(1, round(self.fraction * height))
        top = rng.integers(0, height - side + 1, count)[:, None, None]
        left = rng.integers(0, width - side + 1, count)[:, None, None]
        rows, columns = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
        covered = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
        return np.where(covered[..., None], 0.0, images)


@dataclass(frozen=True)
class Shrunk(_ImageTransform):
    """Images resized to size x size pixels by averaging areas.

    Attributes:
        size: Height and width after it.
    """

    size: int = 14
    seed: int = 0

    def input_shape(self, shape):
        return (self.size, self.size, *shape[2:])

    def images(self, images, rng):
        rows, columns = (_area_weights(old, self.size) for old in images.shape[1:3])
        return np.einsum("ih,nhwc,jw->nijc", rows, images, columns, optimize=True)


@dataclass(frozen=True)
class PermutedPixels(_ImageTransform):
    """One permutation of the pixels, the same for all images of all splits.

    Attributes:
        seed: Of the permutation.
    """

    seed: int = 0

    def images(self, images, rng):
        count = int(np.prod(images.shape[1:]))
        order = np.random.default_rng(self.seed).permutation(count)
        return images.reshape(len(images), count)[:, order].reshape(images.shape)


class _Selection(Transform):
    """Removes training examples; keeps the order of the others."""

    seed: int

    def apply(self, data: TaskData, num_classes: int) -> TaskData:
        inputs, labels = data.train
        kept = np.sort(self.kept(labels, num_classes, np.random.default_rng(self.seed)))
        return replace(data, train=(inputs[kept], labels[kept]))

    @abstractmethod
    def kept(self, labels: np.ndarray, num_classes: int, rng: np.random.Generator) -> np.ndarray:
        """Numbers of the training examples that stay."""


@dataclass(frozen=True)
class FewExamples(_Selection):
    """So many training examples, drawn evenly from the classes as far as these go.

    Attributes:
        count: Training examples.
        seed: Of the draw.
    """

    count: int
    seed: int = 0

    def num_train(self, count):
        return min(count, self.count)

    def kept(self, labels, num_classes, rng):
        order = rng.permutation(len(labels))
        turn = np.empty(len(labels), int)  # 0 for the first example of its class, and so on.
        for label in np.unique(labels):
            members = order[labels[order] == label]
            turn[members] = np.arange(len(members))
        return order[np.argsort(turn[order], kind="stable")][: self.count]


@dataclass(frozen=True)
class Imbalanced(_Selection):
    """Classes with exponentially fewer training examples (Cui et al. 2019, section 5.1).

    Of class c out of C, a share of factor ** (-c / (C - 1)) stays, and at least one example.

    Attributes:
        factor: How many times as frequent the first class is as the last one.
        seed: Of the draw.
    """

    factor: float = 20.0
    seed: int = 0

    def num_train(self, count):
        # The mean share, as if there were infinitely many equally frequent classes.
        return round(count * (1.0 - 1.0 / self.factor) / np.log(self.factor))

    def kept(self, labels, num_classes, rng):
        kept = []
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            share = self.factor ** (-label / max(1, num_classes - 1))
            kept.append(members[: max(1, round(share * len(members)))])
        return np.concatenate(kept)


@dataclass(frozen=True)
class CoarseLabels(Transform):
    """Neighbouring classes joined into groups of about equal size.

    Attributes:
        num_groups: Labels after it.
    """

    num_groups: int

    def num_classes(self, count):
        return min(count, self.num_groups)

    def apply(self, data: TaskData, num_classes: int) -> TaskData:
        groups = self.num_classes(num_classes)
        joined = {}
        for split in SPLITS:
            inputs, labels = getattr(data, split)
            joined[split] = (inputs, labels * groups // num_classes)
        return TaskData(**joined)


def _area_weights(old: int, new: int) -> np.ndarray:
    """Shares of the old pixels in each new one, float array (new, old); rows sum to one."""
    edges = np.linspace(0, old, new + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)[None, :]
    overlap = np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0.0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)
