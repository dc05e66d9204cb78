"""What a hyperparameter's name, range and values say of its role, as arrays.

Shapes: g buckets of letter sequences, f facts.
"""

import zlib
from collections.abc import Iterable

import numpy as np

from keras_metahpo.space import Hyperparameter
from keras_metahpo.space.magnitudes import bounds, distance_to_one, has_magnitude, magnitude
from keras_metahpo.space.roles import words_of

NAME_BUCKETS, VALUE_BUCKETS = 4096, 256
SEQUENCE_LENGTHS = (2, 3, 4)
MANY_CHOICES = 8
NUM_FORMS = 3


def letter_counts(words: Iterable[str], num_buckets: int) -> np.ndarray:
    """Hashed sequences of two to four letters, within words: float array (g,) of 1 + log counts."""
    counts = np.zeros(num_buckets)
    for word in words:
        bounded = f"^{word}$"
        for length in SEQUENCE_LENGTHS:
            for start in range(max(1, len(bounded) - length + 1)):
                sequence = bounded[start : start + length]
                counts[zlib.crc32(sequence.encode()) % num_buckets] += 1.0
    return np.where(counts > 0, 1.0 + np.log(np.maximum(counts, 1.0)), 0.0)


def of_unit_length(counts: np.ndarray) -> np.ndarray:
    """Counts (..., g) divided by their Euclidean norms; zeros stay zeros."""
    sizes = np.linalg.norm(counts, axis=-1, keepdims=True)
    return counts / np.where(sizes > 0, sizes, 1.0)


def name_evidence(name: str) -> np.ndarray:
    """What a name says: float array (g,), of `NAME_BUCKETS`; numbers are left out."""
    letters = [word.rstrip("0123456789") for word in words_of(name)]
    return letter_counts([word for word in letters if word], NAME_BUCKETS)


def value_evidence(hp: Hyperparameter) -> np.ndarray:
    """What its kind, range, default and categories say: float array (f + `VALUE_BUCKETS`,)."""
    measured = has_magnitude(hp)
    low, high = bounds(hp) if measured else (0.0, 0.0)
    number = hp.number(hp.default)
    default = float(hp.physical(np.array([number]))[0]) if measured else 0.0
    share = measured and high <= 1.0
    offered = hp.choices if hp.choices else (low, high)
    facts = [
        measured,
        *(magnitude(value) * measured for value in (low, high, default)),
        *(distance_to_one(value) * share for value in (low, high, default)),
        measured and low == 0.0,
        measured and high == 1.0,
        measured and low < 0.0,
        share,
        float(hp.units(np.array([number]))[0]),
        *(hp.kind == kind for kind in ("float", "int", "boolean", "fixed")),
        hp.is_categorical,
        hp.sampling == "log",
        hp.sampling == "reverse_log",
        min(len(hp.choices), MANY_CHOICES) / MANY_CHOICES,
        measured and all(float(value).is_integer() for value in offered),
        measured and high > 1.0 and float(np.log2(high)).is_integer(),
    ]
    texts = [str(choice) for choice in hp.choices] if hp.is_categorical else []
    counts = letter_counts([word for text in texts for word in words_of(text)], VALUE_BUCKETS)
    return np.concatenate([np.array(facts, float), of_unit_length(counts)])


def form_of(hp: Hyperparameter) -> int:
    """Whether it offers numbers (0), labels (1) or a switch (2)."""
    if hp.choices and all(isinstance(choice, bool) for choice in hp.choices):
        return 2
    return 1 if any(isinstance(choice, str) for choice in hp.choices) else 0
