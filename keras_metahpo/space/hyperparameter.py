"""One hyperparameter: its legal values and their positions in the unit interval.

A *value* is what the user sees (`"adam"`, `64`, `True`). A *number* is the value on the
hyperparameter's own axis: the value itself for Int and Float, the index into `choices` for the
others. A *unit position* lies in [0, 1] and is uniform under random search; discrete values sit
in the middle of their bucket, so that decoding an encoded value returns exactly that value.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_metahpo.errors import SearchSpaceError

Value = bool | int | float | str
# A grid's last value is often low + n * step up to rounding; this much of a step is forgiven.
GRID_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Condition:
    """The hyperparameter `parent` has one of `values`."""

    parent: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter of a search space, in KerasTuner's terms.

    Attributes:
        name: Name, with its name scopes.
        kind: `"int"`, `"float"`, `"choice"`, `"boolean"` or `"fixed"`.
        default: Value used when nothing else is known.
        low, high: Inclusive bounds (`int` and `float`; 0 otherwise).
        step: Distance (linear) or factor (log, reverse_log) between values; `None` if continuous.
        sampling: `"linear"`, `"log"` or `"reverse_log"`.
        choices: Legal values of a choice, boolean or fixed hyperparameter.
        ordered: Whether neighbouring choices are alike.
        conditions: All must hold for the hyperparameter to be active.
    """

    name: str
    kind: str
    default: Value
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    sampling: str = "linear"
    choices: tuple[Value, ...] = ()
    ordered: bool = False
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def from_config(cls, class_name: str, config: Mapping) -> "Hyperparameter":
        """Reads one entry of `keras_tuner.HyperParameters.get_config()["space"]`."""
        kind = class_name.lower()
        name = config["name"]
        conditions = tuple(
            Condition(item["config"]["name"], tuple(item["config"]["values"]))
            for item in config.get("conditions") or ()
        )
        if kind in ("int", "float"):
            low, high = config["min_value"], config["max_value"]
            default = config.get("default")
            return cls(
                name,
                kind,
                default=low if default is None else default,
                low=low,
                high=high,
                step=config.get("step"),
                sampling=config.get("sampling") or "linear",
                ordered=True,
                conditions=conditions,
            )
        if kind == "choice":
            # KerasTuner allows duplicates, which would make positions ambiguous.
            choices = tuple(dict.fromkeys(config["values"]))
            default = config.get("default")
            default = choices[0] if default is None else default
            ordered = bool(config.get("ordered")) and len(choices) > 1
            return cls(name, kind, default, choices=choices, ordered=ordered, conditions=conditions)
        if kind == "boolean":
            default = bool(config.get("default"))
            return cls(name, kind, default, choices=(False, True), conditions=conditions)
        if kind == "fixed":
            value = config["value"]
            return cls(name, kind, value, choices=(value,), conditions=conditions)
        raise SearchSpaceError(
            "Expected a hyperparameter of class Int, Float, Choice, Boolean or Fixed. "
            f"Received: class_name={class_name!r} for {name!r}."
        )

    def get_config(self) -> dict:
        """KerasTuner's own form of this hyperparameter: `{"class_name": ..., "config": ...}`."""
        config: dict = {
            "name": self.name,
            "conditions": [
                {"class_name": "Parent", "config": {"name": c.parent, "values": list(c.values)}}
                for c in self.conditions
            ],
        }
        if self.is_numeric:
            config |= {
                "min_value": self.low,
                "max_value": self.high,
                "step": self.step,
                "sampling": self.sampling,
                "default": self.default,
            }
        elif self.kind == "fixed":
            config["value"] = self.default
        else:
            config["default"] = self.default
            if self.kind == "choice":
                config |= {"values": list(self.choices), "ordered": self.ordered}
        return {"class_name": self.kind.capitalize(), "config": config}

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Whether its conditions hold and, as in KerasTuner, no namesake comes before it.

        Args:
            values: Of the active hyperparameters before it.
        """
        return self.name not in values and all(
            c.parent in values and values[c.parent] in c.values for c in self.conditions
        )

    @property
    def is_numeric(self) -> bool:
        return self.kind in ("int", "float")

    @property
    def is_categorical(self) -> bool:
        """Whether distances between values mean nothing."""
        return not (self.is_numeric or self.ordered)

    @property
    def num_values(self) -> float:
        """How many values are legal; infinite for a continuous hyperparameter."""
        if not self.is_numeric:
            return len(self.choices)
        if self.low == self.high:
            return 1
        if self.step is not None:
            return self._grid_size()
        return self.high - self.low + 1 if self.kind == "int" else math.inf

    def values(self) -> list[Value]:
        """All legal values of a discrete hyperparameter, in order of their unit positions."""
        if not self.is_numeric:
            return list(self.choices)
        if self.kind == "int" and self.step is None:
            return list(range(int(self.low), int(self.high) + 1))
        num_values = int(self.num_values)
        return [self.value(n) for n in self.numbers((np.arange(num_values) + 0.5) / num_values)]

    def number(self, value: Value) -> float:
        """The value on the hyperparameter's own axis; raises `SearchSpaceError` if illegal."""
        if not self.is_numeric:
            if value in self.choices:
                return float(self.choices.index(value))
        elif isinstance(value, (int, float, np.number)) and math.isfinite(value):
            margin = GRID_TOLERANCE * max(abs(self.low), abs(self.high))
            is_whole = self.kind == "float" or value == int(value)
            if is_whole and self.low - margin <= value <= self.high + margin:
                return min(max(float(value), self.low), self.high)
        noun = {"int": "a whole number", "float": "a number"}.get(self.kind)
        legal = f"{noun} from {self.low} to {self.high}" if noun else f"one of {self.choices}"
        raise SearchSpaceError(
            f"Hyperparameter {self.name!r} must be {legal}. Received: {value!r}."
        )

    def value(self, number: float) -> Value:
        """The plain Python value of a number on the hyperparameter's own axis."""
        if not self.is_numeric:
            return self.choices[int(number)]
        return int(number) if self.kind == "int" else float(number)

    def units(self, numbers: np.ndarray) -> np.ndarray:
        """Unit positions of legal numbers, any shape; the nearest legal one where off the grid."""
        numbers = np.asarray(numbers, dtype=float)
        if not self.is_numeric:
            return (numbers + 0.5) / len(self.choices)
        if self.low == self.high:
            return np.full(numbers.shape, 0.5)
        if self.step is not None:
            index = np.rint(self._grid_index(numbers))
            return (np.clip(index, 0, self._grid_size() - 1) + 0.5) / self._grid_size()
        shift, high = (0.5, self.high + 1) if self.kind == "int" else (0.0, self.high)
        return np.clip(self._to_unit(numbers + shift, high), 0.0, 1.0)

    def numbers(self, units: np.ndarray) -> np.ndarray:
        """Legal numbers at unit positions in [0, 1], any shape."""
        units = np.clip(np.asarray(units, dtype=float), 0.0, 1.0)
        if not self.is_numeric:
            return np.minimum(np.floor(units * len(self.choices)), len(self.choices) - 1)
        if self.low == self.high:
            return np.full(units.shape, float(self.low))
        if self.step is not None:
            size = self._grid_size()
            numbers = self._from_grid(np.minimum(np.floor(units * size), size - 1))
        elif self.kind == "int":
            numbers = self._from_unit(units, self.high + 1)
        else:
            numbers = self._from_unit(units, self.high)
        if self.kind == "int":
            numbers = np.floor(numbers + GRID_TOLERANCE)
        return np.clip(numbers, self.low, self.high)

    def physical(self, numbers: np.ndarray) -> np.ndarray:
        """What the numbers mean: numeric choices by their value, other choices by their index."""
        if self.is_numeric or any(isinstance(c, (bool, str)) for c in self.choices):
            return np.asarray(numbers, dtype=float)
        return np.asarray(self.choices, dtype=float)[np.asarray(numbers, dtype=int)]

    def _grid_size(self) -> int:
        return math.floor(float(self._grid_index(self._grid_end())) + GRID_TOLERANCE) + 1

    def _grid_end(self) -> float:
        return self.low if self.sampling == "reverse_log" else self.high

    def _grid_index(self, numbers):
        if self.sampling == "linear":
            return (numbers - self.low) / self.step
        position = numbers if self.sampling == "log" else self.high + self.low - numbers
        return np.log(position / self.low) / math.log(float(self.step or 0))

    def _from_grid(self, index):
        if self.sampling == "linear":
            return self.low + index * self.step
        position = self.low * np.power(float(self.step or 0), index)
        return position if self.sampling == "log" else self.high + self.low - position

    def _to_unit(self, numbers, high):
        if self.sampling == "linear":
            return (numbers - self.low) / (high - self.low)
        if self.sampling == "log":
            return np.log(numbers / self.low) / math.log(high / self.low)
        return 1.0 - np.log((high + self.low - numbers) / self.low) / math.log(high / self.low)

    def _from_unit(self, units, high):
        if self.sampling == "linear":
            return self.low + units * (high - self.low)
        if self.sampling == "log":
            return self.low * np.power(high / self.low, units)
        return high + self.low - self.low * np.power(high / self.low, 1.0 - units)
