"""Omniglot (Lake et al. 2015): 1623 handwritten characters of 50 alphabets, 20 drawings of each."""

import numpy as np

from keras_metahpo.datasets import cached_arrays, grey_images, tfds_arrays
from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.class_splits import omniglot_order
from keras_metahpo.fewshot.examples import ClassExamples

DATASET = "omniglot:3.0.0"
# Resized together; all at once would take some gigabytes.
CHUNK = 2000


def omniglot(size: int = 28) -> ClassExamples:
    """All characters: ink is 1 on a background of 0, images (size, size, 1) kept as uint8.

    Names are `alphabet/character01`. The 105 x 105 originals are resized by averaging areas, so
    that thin strokes become grey. The first call prepares the arrays through TensorFlow Datasets,
    later ones take them from the cache.

    Args:
        size: Height and width in pixels.

    Raises:
        DatasetError: if TFDS cannot load the data set.
    """
    if not 1 <= size <= 105:
        raise FewShotError(f"size must be between 1 and 105 pixels. Received: size={size}.")
    stored = cached_arrays((DATASET, "ink of all characters", size), lambda: _prepare(size))
    return ClassExamples(tuple(stored["ink"]), tuple(str(name) for name in stored["names"]))


def _prepare(size: int) -> dict[str, np.ndarray]:
    """Ink, uint8 array (1623, 20, size, size, 1), and the names of the characters in its order."""
    # TFDS numbers the alphabets of both splits together, in the order of their names.
    alphabets = sorted({name.partition("/")[0] for name in omniglot_order()})
    by_name: dict[str, list[np.ndarray]] = {name: [] for name in sorted(omniglot_order())}
    for split in ("train", "test"):
        features = ("image", "alphabet", "alphabet_char_id")
        images, alphabet, character = tfds_arrays(DATASET, split, features)
        for image, a, c in zip(_ink(images, size), alphabet, character, strict=True):
            by_name[f"{alphabets[a]}/character{c + 1:02d}"].append(image)
    ink = np.stack([np.stack(drawings) for drawings in by_name.values()])
    return {"ink": ink, "names": np.array(list(by_name))}


def _ink(images: np.ndarray, size: int) -> np.ndarray:
    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    grey = np.concatenate([grey_images(chunk, size) for chunk in chunks])
    return np.rint(255.0 * (1.0 - grey)).astype(np.uint8)
