"""Arrays of public data sets: loaded once through TensorFlow Datasets, then kept on disk."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_metahpo.atomic import replacing
from keras_metahpo.errors import DatasetError


def cache_directory() -> Path:
    """Where prepared arrays are kept: `$KERAS_METAHPO_CACHE`, else `~/.cache/keras_metahpo`."""
    default = Path.home() / ".cache" / "keras_metahpo"
    return Path(os.environ.get("KERAS_METAHPO_CACHE", default))


def cached_arrays(
    key: object, prepare: Callable[[], Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Named arrays from the cache, else prepared and put there in one atomic step.

    Args:
        key: Its `repr` says everything that decides the arrays.
        prepare: Makes them.
    """
    name = re.sub(r"[^A-Za-z0-9.]+", "-", repr(key)).strip("-")
    path = cache_directory() / f"{name}.npz"
    if not path.exists():
        arrays: dict[str, Any] = dict(prepare())
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        return arrays
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def tfds_arrays(dataset: str, split: str, features: Sequence[str]) -> list[np.ndarray]:
    """Whole features of one split of a TFDS data set, in its order.

    Raises:
        DatasetError: if TFDS cannot load it; names the remedy.
    """
    try:
        import tensorflow_datasets as tfds

        loaded = tfds.load(dataset, split=split, batch_size=-1, shuffle_files=False)
    except Exception as error:  # TFDS raises many kinds: no network, moved files, a full disk.
        directory = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
        raise DatasetError(
            f"The data set {dataset!r} could not be loaded ({type(error).__name__}: {error}). "
            f"TensorFlow Datasets keeps data in {directory}: connect to the network once, or set "
            "TFDS_DATA_DIR to a directory that holds the prepared data or its downloads."
        ) from error
    return [np.asarray(loaded[feature]) for feature in features]


def grey_images(images: np.ndarray, size: int) -> np.ndarray:
    """Grey images in [0, 1], float array (n, size, size, 1), resized by averaging areas.

    Args:
        images: Integer array (n, height, width, channels) of 0 to 255.
    """
    grey = images.astype(np.float32).mean(axis=-1, keepdims=True) / 255.0
    if grey.shape[1:3] == (size, size):
        return grey
    import tensorflow as tf

    return tf.image.resize(grey, (size, size), method="area").numpy()
