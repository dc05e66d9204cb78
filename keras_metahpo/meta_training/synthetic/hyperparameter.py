"""Draws one hyperparameter the way people write it: its range, sampling, step and default."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.synthetic.quantities import (
    LABELS,
    QUANTITIES,
    SWITCHES,
    Quantity,
)
from keras_metahpo.space import Condition, Hyperparameter, Value

# Shares of habits, guessed from published code.
ODD_BOUNDS = 0.3  # bounds that are no round numbers
NARROW = 0.12  # only the part of the usual range somebody believes in
FIXED = 0.02  # declared with `hp.Fixed`, or a range of which nothing is searched
MAX_DECADES = 4.0  # by which a search that knows nothing goes beyond the usual range
FINE, MOST_VALUES = 0.3, 10  # lists as fine as a grid
STEPPED = 0.3  # continuous ranges cut into a grid
DESCENDING = 0.3  # lists from large to small: [1e-2, 1e-3, 1e-4]
SENSIBLE_DEFAULT, FIRST_DEFAULT = 0.45, 0.35  # otherwise the default is random
CAPITALISED = 0.1  # "Adam" instead of "adam"


def popular(items: Sequence, rng: np.random.Generator, ratio: float = 0.6):
    """One of items that stand in order of popularity, each `ratio` times as common as the last."""
    return items[(int(rng.geometric(1 - ratio)) - 1) % len(items)]


def pick(items: Sequence, rng: np.random.Generator):
    """One of items; unlike `rng.choice`, fast, and types stay as they are."""
    return items[int(rng.integers(len(items)))]


def draw_hyperparameter(
    name: str,
    role: str,
    rng: np.random.Generator,
    conditions: tuple[Condition, ...] = (),
    scale: float = 1.0,
    wide: bool = False,
) -> Hyperparameter:
    """A hyperparameter of a role, with the range, list or labels people give it.

    Args:
        name: Its name.
        role: A (finer) role: a key of `QUANTITIES`, `LABELS` or `SWITCHES`.
        rng: Source of randomness.
        conditions: When it is active.
        scale: Multiplies the usual bounds and defaults of a numeric role.
        wide: Whether its range goes beyond the usual by orders of magnitude.
    """
    if rng.random() < SWITCHES.get(role, 0.0):
        default = bool(rng.random() < FIRST_DEFAULT)
        return Hyperparameter(
            name, "boolean", default, choices=(False, True), conditions=conditions
        )
    if role in LABELS:
        return draw_labels(name, LABELS[role], rng, conditions)
    quantity = widened(QUANTITIES[role], rng) if wide else QUANTITIES[role]
    return draw_number(name, quantity, rng, conditions, scale)


def widened(quantity: Quantity, rng: np.random.Generator) -> Quantity:
    """What somebody searches who does not know the usual range of a magnitude."""
    if quantity.reverse_log:  # the distance to 1 is the magnitude
        low, high = quantity.limits
        return replace(quantity, lows=(low,), highs=(high,), reverse_log=0.8)
    if quantity.scale != "decimal":
        return quantity
    below, above = 10.0 ** rng.uniform(0.0, MAX_DECADES, 2)
    lows, highs = [v / below for v in quantity.lows], [v * above for v in quantity.highs]
    return replace(quantity, lows=tuple(lows), highs=tuple(highs))


def draw_labels(
    name: str, labels: Sequence[str], rng: np.random.Generator, conditions=()
) -> Hyperparameter:
    """A Choice of 2 to 5 labels, the popular ones more often."""
    size = min(int(rng.integers(2, 6)), len(labels))
    drawn: dict[str, None] = {}
    while len(drawn) < size:
        drawn[popular(labels, rng, ratio=0.75)] = None
    choices = tuple(drawn)
    if rng.random() < CAPITALISED:
        choices = tuple(label.capitalize() for label in choices)
    default = choices[0] if rng.random() < SENSIBLE_DEFAULT + FIRST_DEFAULT else pick(choices, rng)
    return Hyperparameter(name, "choice", default, choices=choices, conditions=conditions)


def draw_number(
    name: str, quantity: Quantity, rng: np.random.Generator, conditions=(), scale: float = 1.0
) -> Hyperparameter:
    """A numeric hyperparameter: Int, Float, an ordered Choice of numbers, or Fixed."""
    sensible = pick(quantity.sensible, rng) * scale
    if rng.random() < FIXED:
        value = int(sensible) if quantity.integer else float(sensible)
        return Hyperparameter(name, "fixed", value, choices=(value,), conditions=conditions)
    low, high = _draw_bounds(quantity, rng, scale)
    if rng.random() < quantity.choice:
        choices = _draw_list(quantity, low, high, rng)
        if len(choices) > 1:
            default = _draw_default(choices, sensible, rng)
            return Hyperparameter(
                name, "choice", default, choices=choices, ordered=True, conditions=conditions
            )
    return _draw_range(name, quantity, low, high, sensible, rng, conditions)


def _draw_bounds(quantity: Quantity, rng, scale: float) -> tuple[float, float]:
    """Bounds low < high within the limits, commonly round."""
    low, high = pick(quantity.lows, rng) * scale, pick(quantity.highs, rng) * scale
    linear = quantity.scale == "linear"
    if rng.random() < NARROW:
        left = rng.uniform(0.0, 0.6)
        right = left + rng.uniform(0.2, 0.4)
        span = (high - low) if linear else np.log(high / low)
        ends = (span * left, span * right)
        low, high = (low + e for e in ends) if linear else (low * np.exp(e) for e in ends)
    if rng.random() < ODD_BOUNDS:
        factors = np.exp(rng.normal(0.0, 0.15 if linear else 0.5, 2))
        low, high = low * factors[0], high * factors[1]
    low, high = np.clip((low, high), *quantity.limits)
    if quantity.integer:
        low, high = round(low), round(high)
        return low, max(high, low + 1)
    low, high = sorted((float(f"{low:.2g}"), float(f"{high:.4g}")))
    # Rounding and limits may leave nothing to search.
    return (low, high) if high > low else (low - abs(low) / 2, high)


def _draw_list(quantity: Quantity, low: float, high: float, rng) -> tuple[Value, ...]:
    """2 to 10 values from low to high, round where people would round."""
    if rng.random() < FINE:
        spread = np.linspace if quantity.scale == "linear" or low <= 0 else np.geomspace
        values = spread(low, high, int(rng.integers(5, MOST_VALUES + 1)))
    elif quantity.scale == "linear":
        values = np.linspace(low, high, int(rng.integers(2, 7)))
    else:
        base = 2.0 if quantity.scale == "binary" else 10.0
        first, last = np.rint(np.log([low, high]) / np.log(base))
        values = base ** np.arange(first, last + 1)
        if len(values) < 3 and quantity.scale == "decimal":
            values = np.geomspace(low, high, 3)
        values = values[: int(rng.integers(3, 7))]
    if rng.random() < quantity.zero:
        values = np.concatenate([[0.0], values])
    plain = [round(v) if quantity.integer else float(f"{v:.2g}") for v in values.tolist()]
    unique = list(dict.fromkeys(plain))
    return tuple(unique[::-1] if rng.random() < DESCENDING else unique)


def _draw_range(name, quantity, low, high, sensible, rng, conditions) -> Hyperparameter:
    kind = "int" if quantity.integer else "float"
    sampling = "linear"
    if low > 0:
        drawn = rng.random()
        if drawn < quantity.log:
            sampling = "log"
        elif drawn < quantity.log + quantity.reverse_log:
            sampling = "reverse_log"
    step = _draw_step(quantity, low, high, sampling, rng)
    hp = Hyperparameter(
        name, kind, low, low, high, step, sampling, ordered=True, conditions=conditions
    )
    drawn = rng.random()
    if drawn < SENSIBLE_DEFAULT:
        unit = hp.units(np.clip(sensible, low, high))
    elif drawn < SENSIBLE_DEFAULT + FIRST_DEFAULT:
        unit = hp.units(np.asarray(low))
    else:
        unit = rng.random()
    default = hp.value(float(hp.numbers(unit)))
    return Hyperparameter(
        name, kind, default, low, high, step, sampling, ordered=True, conditions=conditions
    )


def _draw_step(quantity: Quantity, low, high, sampling: str, rng) -> float | None:
    """A step of which at least two fit into the range; KerasTuner's own is 1 for a linear Int."""
    stepped = rng.random() < STEPPED
    if sampling != "linear":
        factor = 2 if quantity.scale == "binary" else 10
        return factor if stepped and high >= low * factor**2 else None
    if quantity.integer:
        # The usual `hp.Int("units", 32, 512, step=32)`: the step is the lower bound.
        return int(low) if stepped and low > 0 and high >= 3 * low else 1
    if not stepped:
        return None
    return float(f"{(high - low) / pick((4, 5, 8, 10), rng):.1g}")


def _draw_default(choices: tuple[Value, ...], sensible: float, rng) -> Value:
    drawn = rng.random()
    if drawn < SENSIBLE_DEFAULT:
        return min(choices, key=lambda value: abs(value - sensible))
    return choices[0] if drawn < SENSIBLE_DEFAULT + FIRST_DEFAULT else pick(choices, rng)
