"""Turns configurations of any search space into hyperparameter tokens.

Shapes: as in `keras_metahpo.rankers.base`.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from keras_metahpo.rankers.base import Tokens
from keras_metahpo.space import Hyperparameter, Points, SearchSpace, role_of
from keras_metahpo.space.magnitudes import bounds, distance_to_one, has_magnitude, magnitude
from keras_metahpo.space.roles import ROLES, words_of

NUM_PIECES = 24
NUM_BUCKETS = 512
NUM_FEATURES = 27
# Columns of the cells that tell the unit position and whether only equality counts.
CENTRED_COLUMN, CATEGORICAL_COLUMN = 0, 21
SAME_POSITION = 1e-6
HYPERPARAMETERS_MULTIPLE = 2
VOCABULARY_MULTIPLE = 16


def tokenize(space: SearchSpace, points: Points, names: Sequence[str] | None = None) -> Tokens:
    """Tokens of n configurations of one search space (b = 1).

    Args:
        space, points: The configurations.
        names: What the hyperparameters are called, in the space's order; by default, as in it.
    """
    num_points, num_hyperparameters = points.units.shape
    cells = np.zeros((1, num_points, num_hyperparameters, NUM_FEATURES), np.float32)
    values = np.zeros((1, num_points, num_hyperparameters), np.int32)
    vocabulary = [np.zeros(NUM_PIECES, np.int32)]
    name_pieces = np.zeros((1, num_hyperparameters, NUM_PIECES), np.int32)
    roles = np.zeros((1, num_hyperparameters), np.int32)
    names = space.names if names is None else names
    for column, (hp, name) in enumerate(zip(space.hyperparameters, names, strict=True)):
        default = hp.number(hp.default)
        numbers = np.where(points.active[:, column], points.numbers[:, column], default)
        cells[0, :, column] = _cells(hp, points.units[:, column], numbers, num_hyperparameters)
        name_pieces[0, column] = pieces(name)
        roles[0, column] = role_number(name)
        if not hp.is_numeric:
            values[0, :, column] = len(vocabulary) + numbers.astype(int)
            vocabulary += [pieces(str(choice)) for choice in hp.choices]
    active = points.active[None].copy()
    return Tokens(cells, values, np.stack(vocabulary)[None], name_pieces, roles, active)


def stack(
    tokens: Sequence[Tokens],
    hyperparameters_multiple: int = HYPERPARAMETERS_MULTIPLE,
    vocabulary_multiple: int = VOCABULARY_MULTIPLE,
) -> Tokens:
    """One batch of tasks with equally many configurations.

    Hyperparameters and vocabularies are padded to round numbers, so that compiled shapes repeat.
    """
    # An empty search space has one token, which is padding: no compiled shape has a zero in it.
    width = round_up(max(1, *(t.roles.shape[1] for t in tokens)), hyperparameters_multiple)
    size = round_up(max(t.vocabulary.shape[1] for t in tokens), vocabulary_multiple)
    return Tokens(
        cells=_join([t.cells for t in tokens], 2, width),
        values=_join([t.values for t in tokens], 2, width),
        vocabulary=_join([t.vocabulary for t in tokens], 1, size),
        names=_join([t.names for t in tokens], 1, width),
        roles=_join([t.roles for t in tokens], 1, width),
        active=_join([t.active for t in tokens], 2, width),
    )


def join_configurations(first: Tokens, second: Tokens) -> Tokens:
    """The configurations of both, of the same tasks."""
    return replace(
        first,
        cells=np.concatenate([first.cells, second.cells], axis=1),
        values=np.concatenate([first.values, second.values], axis=1),
        active=np.concatenate([first.active, second.active], axis=1),
    )


def pad_configurations(tokens: Tokens, num_configurations: int) -> Tokens:
    """Appends inactive configurations up to a fixed number, so that compiled shapes repeat."""
    return Tokens(
        cells=_join([tokens.cells], 1, num_configurations),
        values=_join([tokens.values], 1, num_configurations),
        vocabulary=tokens.vocabulary,
        names=tokens.names,
        roles=tokens.roles,
        active=_join([tokens.active], 1, num_configurations),
    )


def unit_positions(tokens: Tokens) -> np.ndarray:
    """Positions in the unit cube, float array (b, n, d)."""
    return (tokens.cells[..., CENTRED_COLUMN].astype(float) + 1.0) / 2.0


def categorical_columns(tokens: Tokens) -> np.ndarray:
    """Which hyperparameters have no order, bool array (b, d); false without configurations."""
    return np.any(tokens.cells[..., CATEGORICAL_COLUMN] > 0, axis=1)


def role_number(name: str) -> int:
    """Position of the name's role in `ROLES`, from 1; 0 if the name says nothing known."""
    role = role_of(name)
    return 0 if role is None else ROLES.index(role) + 1


@lru_cache(maxsize=65536)
def pieces(text: str) -> np.ndarray:
    """Hashed words and trigrams of a name: int array (p,), 0 pads; numbers are left out."""
    found = []
    for word in words_of(text):
        letters = word.rstrip("0123456789")
        bounded = f"^{letters}$"
        found.append(letters or word)
        found += [bounded[i : i + 3] for i in range(len(bounded) - 2) if letters]
    numbers = [1 + zlib.crc32(piece.encode()) % (NUM_BUCKETS - 1) for piece in found[:NUM_PIECES]]
    result = np.zeros(NUM_PIECES, np.int32)
    result[: len(numbers)] = numbers
    result.setflags(write=False)
    return result


def _cells(
    hp: Hyperparameter, units: np.ndarray, numbers: np.ndarray, num_hyperparameters: int
) -> np.ndarray:
    """Facts about one hyperparameter in n configurations: float array (n, f)."""
    default = float(hp.units(np.array([hp.number(hp.default)]))[0])
    centred = 2.0 * units - 1.0
    measured = has_magnitude(hp)
    low, high = bounds(hp) if measured else (0.0, 0.0)
    physical = hp.physical(numbers) if measured else np.zeros(len(units))
    size = magnitude(physical) if measured else np.zeros(len(units))
    cells = np.empty((len(units), NUM_FEATURES), np.float32)
    columns = [
        centred,
        centred**2,
        *(wave(np.pi * k * units) for k in (1, 2) for wave in (np.sin, np.cos)),
        size,
        size**2,
        np.tanh(physical),
        distance_to_one(physical) if high <= 1.0 else 0.0,
        units - default,
        np.abs(units - default) < SAME_POSITION,
    ]
    facts = [
        magnitude(low) if measured else 0.0,
        magnitude(high) if measured else 0.0,
        (magnitude(high) - magnitude(low)) if measured else 0.0,
        distance_to_one(high) if high <= 1.0 else 0.0,
        2.0 * default - 1.0,
        hp.kind == "float",
        hp.kind == "int",
        hp.kind == "boolean",
        hp.kind == "fixed",
        hp.is_categorical,
        hp.sampling == "log",
        hp.sampling == "reverse_log",
        min(len(hp.choices), 8) / 8.0,
        len(hp.conditions) > 0,
        num_hyperparameters / 8.0,
    ]
    for position, column in enumerate([*columns, *facts]):
        cells[:, position] = column
    return cells


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _join(arrays: Sequence[np.ndarray], axis: int, length: int) -> np.ndarray:
    """Concatenates arrays (1, ...) along the first axis, padding `axis` with zeros."""
    shape = list(arrays[0].shape)
    shape[0], shape[axis] = sum(len(array) for array in arrays), length
    joined = np.zeros(shape, arrays[0].dtype)
    row = 0
    for array in arrays:
        place = [slice(None)] * axis + [slice(array.shape[axis])]
        place[0] = slice(row, row + len(array))
        joined[tuple(place)] = array
        row += len(array)
    return joined
