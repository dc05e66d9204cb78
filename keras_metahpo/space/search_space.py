"""A search space, which turns configurations into arrays and back.

Shapes: n configurations, d hyperparameters.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.space.hyperparameter import Hyperparameter, Value
from keras_metahpo.space.points import INACTIVE_UNIT, Points

Configuration = Mapping[str, Value]


class SearchSpace:
    """Hyperparameters in an order in which every parent stands before its children.

    Args:
        hyperparameters: In any order; a name may occur again under other conditions.
    """

    def __init__(self, hyperparameters: Sequence[Hyperparameter]):
        self.hyperparameters = _parents_first(hyperparameters)

    @classmethod
    def from_config(cls, config: Mapping) -> "SearchSpace":
        """Reads `keras_tuner.HyperParameters.get_config()`, the content of a `space.json`."""
        try:
            entries = [(e["class_name"], e["config"]) for e in config["space"]]
            return cls([Hyperparameter.from_config(*entry) for entry in entries])
        except (KeyError, TypeError) as error:
            raise SearchSpaceError(
                "Expected the dictionary of `HyperParameters.get_config()`, with a list `space` of "
                f"`class_name` and `config`. Received: {str(config)[:200]} ({error!r})."
            ) from error

    @classmethod
    def from_keras_tuner(cls, hyperparameters) -> "SearchSpace":
        """Reads a `keras_tuner.HyperParameters`."""
        return cls.from_config(hyperparameters.get_config())

    def to_keras_tuner(self):
        """`keras_tuner.HyperParameters` of this search space."""
        import keras_tuner

        return keras_tuner.HyperParameters.from_config(self.get_config())

    def get_config(self) -> dict:
        """KerasTuner's form: `keras_tuner.HyperParameters.from_config` accepts it."""
        return {"space": [hp.get_config() for hp in self.hyperparameters], "values": {}}

    def __len__(self) -> int:
        return len(self.hyperparameters)

    def __eq__(self, other) -> bool:
        return isinstance(other, SearchSpace) and set(self.hyperparameters) == set(
            other.hyperparameters
        )

    def __hash__(self) -> int:
        return hash(frozenset(self.hyperparameters))

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(hp.name for hp in self.hyperparameters))

    @property
    def categorical(self) -> np.ndarray:
        """Which hyperparameters have values without an order, bool array (d,)."""
        return np.array([hp.is_categorical for hp in self.hyperparameters], dtype=bool)

    @cached_property
    def num_configurations(self) -> float:
        """Number of legal configurations; an upper bound beyond 100,000, infinite if continuous."""
        total = math.prod(hp.num_values for hp in self.hyperparameters)
        if total > 100_000:
            return total
        return sum(1 for _ in self.configurations())

    def configurations(self) -> Iterator[dict[str, Value]]:
        """Every configuration of a discrete space."""
        infinite = [hp.name for hp in self.hyperparameters if not math.isfinite(hp.num_values)]
        if infinite:
            raise SearchSpaceError(
                f"Only discrete search spaces can be listed. Received: continuous {infinite}. "
                "Give them a `step`, or use `sample`."
            )
        return self._assignments({}, 0)

    def _assignments(self, values: dict, position: int) -> Iterator[dict]:
        if position == len(self.hyperparameters):
            yield dict(values)
            return
        hp = self.hyperparameters[position]
        if not hp.is_active(values):
            yield from self._assignments(values, position + 1)
            return
        for value in hp.values():
            yield from self._assignments({**values, hp.name: value}, position + 1)

    def complete(self, configuration: Configuration) -> dict[str, Value]:
        """Active values only, defaults where missing; raises `SearchSpaceError` if illegal."""
        unknown = sorted(set(configuration) - set(self.names))
        if unknown:
            raise SearchSpaceError(
                f"Expected hyperparameters of this search space, {self.names}. Received: {unknown}."
            )
        values: dict[str, Value] = {}
        for hp in self.hyperparameters:
            if hp.is_active(values):
                values[hp.name] = hp.value(hp.number(configuration.get(hp.name, hp.default)))
        return values

    def default_configuration(self) -> dict[str, Value]:
        return self.complete({})

    def encode(self, configurations: Sequence[Configuration]) -> Points:
        """Points of configurations; values that have become illegal move to the nearest legal one.

        A search space may grow in mid-search: what an old configuration does not name takes its
        default, which is what KerasTuner gave the model.
        """
        if not self._has_branches:
            columns = [
                _nearest_numbers(hp, [c.get(hp.name, hp.default) for c in configurations])
                for hp in self.hyperparameters
            ]
            shape = (len(configurations), len(self))
            return self._points(np.stack(columns, axis=1) if columns else np.empty(shape))
        numbers = np.full((len(configurations), len(self)), np.nan)
        for row, configuration in enumerate(configurations):
            values: dict[str, Value] = {}
            for column, hp in enumerate(self.hyperparameters):
                if hp.is_active(values):
                    number = _nearest_number(hp, configuration.get(hp.name, hp.default))
                    numbers[row, column] = number
                    values[hp.name] = hp.value(number)
        return self._points(numbers)

    def decode(self, points: Points) -> list[dict[str, Value]]:
        """Configurations of points, as plain Python values, active hyperparameters only."""
        configurations = []
        for numbers, active in zip(points.numbers, points.active, strict=True):
            columns = zip(self.hyperparameters, numbers, active, strict=True)
            configurations.append({hp.name: hp.value(n) for hp, n, used in columns if used})
        return configurations

    def snap(self, units: np.ndarray) -> Points:
        """Legal points nearest to unit positions: float array (n, d)."""
        numbers = np.empty(np.shape(units))
        active = np.ones(np.shape(units), dtype=bool)
        for column, hp in enumerate(self.hyperparameters):
            numbers[:, column] = hp.numbers(units[:, column])
            for parent, legal in self._parent_columns[column]:
                holds = np.zeros(len(units), dtype=bool)
                for parent_column in parent:
                    holds |= active[:, parent_column] & np.isin(
                        numbers[:, parent_column], legal[parent_column]
                    )
                active[:, column] &= holds
            for namesake, earlier in enumerate(self.hyperparameters[:column]):
                if earlier.name == hp.name:  # As in KerasTuner, the first active one counts.
                    active[:, column] &= ~active[:, namesake]
        return self._points(np.where(active, numbers, np.nan))

    def sample(self, num_points: int, rng: np.random.Generator) -> Points:
        """Independent uniform points, as random search draws them."""
        return self.snap(rng.random((num_points, len(self))))

    def _points(self, numbers: np.ndarray) -> Points:
        active = ~np.isnan(numbers)
        units = np.full(numbers.shape, INACTIVE_UNIT)
        for column, hp in enumerate(self.hyperparameters):
            rows = active[:, column]
            units[rows, column] = hp.units(numbers[rows, column])
        return Points(units, numbers, active)

    @cached_property
    def _has_branches(self) -> bool:
        """Whether hyperparameters may be inactive."""
        return len(set(self.names)) < len(self) or any(hp.conditions for hp in self.hyperparameters)

    @cached_property
    def _parent_columns(self) -> list[list[tuple[list[int], dict[int, list[float]]]]]:
        """For each column, its conditions as (parent columns, legal numbers of each)."""
        result = []
        for hp in self.hyperparameters:
            conditions = []
            for condition in hp.conditions:
                columns = [
                    c for c, p in enumerate(self.hyperparameters) if p.name == condition.parent
                ]
                legal = {
                    c: _legal_numbers(self.hyperparameters[c], condition.values) for c in columns
                }
                conditions.append((columns, legal))
            result.append(conditions)
        return result

    def __repr__(self) -> str:
        return f"SearchSpace({json.dumps(self.names)})"


def _legal_numbers(parent: Hyperparameter, values: Sequence[Value]) -> list[float]:
    numbers = []
    for value in values:
        try:
            number = parent.number(value)
        except SearchSpaceError:
            continue  # A condition may name a value that its parent cannot take.
        if parent.value(number) == value:  # KerasTuner forgives no rounding error.
            numbers.append(number)
    return numbers


def _nearest_numbers(hp: Hyperparameter, values: Sequence[Value]) -> np.ndarray:
    """As `_nearest_number`, of many values at once where nothing is wrong with them."""
    if hp.is_numeric and all(type(value) in (int, float) for value in values):
        numbers = np.array(values, dtype=float)
        is_whole = hp.kind == "float" or np.all(numbers == np.rint(numbers))
        if is_whole and np.all((hp.low <= numbers) & (numbers <= hp.high)):
            return numbers
    return np.array([_nearest_number(hp, value) for value in values], dtype=float)


def _nearest_number(hp: Hyperparameter, value: Value) -> float:
    try:
        return hp.number(value)
    except SearchSpaceError:
        if hp.is_numeric and isinstance(value, (int, float)) and not math.isnan(value):
            nearest = float(np.clip(value, hp.low, hp.high))
            return float(round(nearest)) if hp.kind == "int" else nearest
        return hp.number(hp.default)


def _parents_first(hyperparameters: Sequence[Hyperparameter]) -> tuple[Hyperparameter, ...]:
    """A stable topological order; KerasTuner's gRPC messages reorder a space by type."""
    remaining = list(dict.fromkeys(hyperparameters))
    ordered: list[Hyperparameter] = []
    while remaining:
        waiting = {hp.name for hp in remaining}
        ready = [hp for hp in remaining if not any(c.parent in waiting for c in hp.conditions)]
        if not ready:
            names = [hp.name for hp in remaining]
            raise SearchSpaceError(
                f"Expected conditions without a cycle. Received: {names}, each conditional on "
                "another. Make one of them unconditional."
            )
        ordered += ready
        remaining = [hp for hp in remaining if hp not in ready]
    return tuple(ordered)
