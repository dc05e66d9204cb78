"""Draws one hyperparameter the way people write it: its range, sampling, step and default.

The tables say what is commonly searched in Keras and PyTorch code; no benchmark was consulted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.space import Condition, Hyperparameter, Value

# Shares of habits, guessed from published code.
ODD_BOUNDS = 0.3  # bounds that are no round numbers
NARROW = 0.12  # only the part of the usual range somebody believes in
FIXED = 0.02  # declared with `hp.Fixed`, or a range of which nothing is searched
STEPPED = 0.3  # continuous ranges cut into a grid
DESCENDING = 0.3  # lists from large to small: [1e-2, 1e-3, 1e-4]
SENSIBLE_DEFAULT, FIRST_DEFAULT = 0.45, 0.35  # otherwise the default is random
CAPITALISED = 0.1  # "Adam" instead of "adam"


@dataclass(frozen=True)
class Quantity:
    """What people search for a numeric role.

    Attributes:
        lows, highs: Bounds commonly written.
        sensible: Defaults commonly written, repeated where commoner.
        scale: Round values are powers of two (`"binary"`), of ten (`"decimal"`) or `"linear"`.
        integer: Whether values are whole numbers.
        log, reverse_log: Shares of such sampling among ranges with a positive lower bound.
        choice: Share offered as a list of values.
        zero: Share of lists that start with 0, which switches the effect off.
        limits: Values outside have no meaning.
    """

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    sensible: tuple[float, ...]
    scale: str = "linear"
    integer: bool = False
    log: float = 0.0
    reverse_log: float = 0.0
    choice: float = 0.15
    zero: float = 0.0
    limits: tuple[float, float] = (0.0, np.inf)


def _counts(lows, highs, sensible, **habits) -> Quantity:
    habits = {"scale": "binary", "log": 0.35, "choice": 0.3} | habits
    return Quantity(lows, highs, sensible, integer=True, limits=(1, np.inf), **habits)


def _penalty(lows, highs, sensible) -> Quantity:
    return Quantity(lows, highs, sensible, "decimal", log=0.9, choice=0.25, zero=0.4)


def _averaging(lows, highs, sensible) -> Quantity:
    return Quantity(lows, highs, sensible, reverse_log=0.15, choice=0.25, limits=(0, 0.9999))


QUANTITIES: dict[str, Quantity] = {
    "learning_rate": Quantity(
        (1e-6, 1e-5, 1e-5, 1e-4, 1e-4, 1e-3),
        (1e-3, 1e-2, 1e-2, 1e-1, 1e-1, 1.0),
        (1e-3, 1e-3, 1e-3, 1e-2, 1e-4, 3e-4),
        "decimal",
        log=0.85,
        choice=0.25,
    ),
    "batch_size": _counts((4, 8, 16, 16, 32), (64, 128, 256, 512, 1024), (32, 32, 64), choice=0.5),
    "weight_decay": _penalty((1e-8, 1e-6, 1e-5), (1e-3, 1e-2, 1e-1), (1e-4, 1e-2, 1e-5)),
    "l1": _penalty((1e-8, 1e-6, 1e-5), (1e-3, 1e-2, 1e-1), (1e-4, 1e-5)),
    "dropout": Quantity(
        (0.0, 0.0, 0.1, 0.2), (0.5, 0.5, 0.6, 0.7, 0.9), (0.5, 0.2, 0.25, 0.1), limits=(0, 0.95)
    ),
    "momentum": _averaging((0.0, 0.1, 0.5, 0.8), (0.9, 0.95, 0.99, 0.999), (0.9,)),
    "beta_1": _averaging((0.5, 0.7, 0.8, 0.85), (0.95, 0.99, 0.999), (0.9,)),
    "beta_2": _averaging((0.8, 0.9, 0.95, 0.99), (0.999, 0.9999), (0.999, 0.99)),
    "epsilon": Quantity((1e-10, 1e-9, 1e-8), (1e-6, 1e-4, 1e-1), (1e-7, 1e-8), "decimal", log=0.95),
    "width": _counts((8, 16, 32, 32, 64), (128, 256, 512, 512, 1024), (64, 128, 32)),
    "filters": _counts((4, 8, 16, 32), (64, 128, 256), (32, 64, 16)),
    "embedding": _counts((8, 16, 32), (64, 128, 256, 512), (64, 128, 32)),
    "depth": _counts((1, 1, 1, 2), (2, 3, 4, 5, 8, 12), (2, 3, 1), scale="linear", log=0.05),
    "kernel_size": _counts((2, 3, 3), (5, 7, 9), (3, 3, 5), scale="linear", log=0.0),
    "heads": _counts((1, 2), (4, 8, 16), (4, 8)),
    "epochs": _counts((1, 5, 10), (20, 50, 100, 200), (10, 50), scale="linear"),
    "steps": _counts((100, 1000), (10_000, 50_000), (1000, 10_000), scale="decimal", log=0.6),
    "vocabulary": _counts((1000, 2000, 5000), (10000, 20000, 50000), (10000, 20000)),
    "length": _counts((16, 32, 64), (128, 256, 512), (128, 200)),
    "time_decay": _penalty((1e-8, 1e-7, 1e-6), (1e-4, 1e-3, 1e-2), (1e-6, 1e-4)),
    "decay": Quantity(
        (0.5, 0.8, 0.9), (0.95, 0.99, 0.999), (0.9, 0.96, 0.5), limits=(0.05, 0.9999)
    ),
    "warmup": Quantity((0.0,), (0.1, 0.2, 0.3), (0.1, 0.05), limits=(0, 0.6)),
    "warmup_steps": Quantity(
        (0, 0, 100), (1000, 2000, 5000), (0, 500, 1000), integer=True, choice=0.3
    ),
    "label_smoothing": Quantity((0.0,), (0.1, 0.2, 0.3), (0.1, 0.0), limits=(0, 0.6)),
    "mixing": Quantity((0.0,), (0.2, 0.5, 1.0), (0.2, 0.1), limits=(0, 2)),
    "augmentation": Quantity((0.0,), (0.3, 0.5, 1.0), (0.1, 0.2), limits=(0, 1)),
    "clip": Quantity((0.01, 0.1, 0.5), (1, 5, 10), (1.0, 5.0), "decimal", log=0.6, choice=0.3),
    "init_scale": Quantity((1e-3, 1e-2), (0.1, 0.5, 1.0), (0.05, 0.02), "decimal", log=0.7),
    "pool_size": _counts((2,), (3, 4), (2,), scale="linear", log=0.0),
}

# Values of categorical roles, the commonest first.
LABELS: dict[str, tuple[str, ...]] = {
    "optimizer": (
        *("adam", "sgd", "rmsprop", "adamw", "nadam", "adagrad"),
        *("adamax", "lion", "adadelta", "ftrl"),
    ),
    "activation": (
        *("relu", "tanh", "elu", "gelu", "selu", "swish"),
        *("sigmoid", "leaky_relu", "softplus", "linear"),
    ),
    "schedule": ("constant", "cosine", "exponential", "step", "linear", "warmup_cosine"),
    "initializer": (
        *("glorot_uniform", "he_normal", "he_uniform", "glorot_normal"),
        *("lecun_normal", "orthogonal", "random_normal"),
    ),
    "normalization": ("batch", "none", "layer", "group"),
    "pooling": ("max", "avg", "none"),
    "model": ("cnn", "mlp", "rnn", "transformer", "resnet"),
}
# Roles that are often or always a switch: role -> share declared as `hp.Boolean`.
SWITCHES = {"normalization": 0.6, "augmentation": 0.6} | dict.fromkeys(
    ("nesterov", "use_normalization", "use_augmentation", "gate", "branch"), 1.0
)
# Some names say more than their role: name -> the finer role whose values they take.
FINER_ROLES = {
    "warmup_steps": "warmup_steps",
    "steps": "steps",
    "max_steps": "steps",
    "iterations": "steps",
    "pool_size": "pool_size",
    "decay": "time_decay",
    "lr_decay": "time_decay",
    "mixup": "mixing",
    "mixup_alpha": "mixing",
    "use_augmentation": "use_augmentation",
    "use_bn": "use_normalization",
    "use_batch_norm": "use_normalization",
    "batch_norm": "use_normalization",
}
_DECORATION = re.compile(r"^.*/|_\d+$")


def finer_role(name: str, role: str) -> str:
    """What values a name takes: `warmup_steps` counts, where `warmup` is a fraction."""
    return FINER_ROLES.get(_DECORATION.sub("", name), role)


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
) -> Hyperparameter:
    """A hyperparameter of a role, with the range, list or labels people give it.

    Args:
        name: Its name.
        role: A (finer) role: a key of `QUANTITIES`, `LABELS` or `SWITCHES`.
        rng: Source of randomness.
        conditions: When it is active.
        scale: Multiplies the usual bounds and defaults of a numeric role.
    """
    if rng.random() < SWITCHES.get(role, 0.0):
        default = bool(rng.random() < FIRST_DEFAULT)
        return Hyperparameter(
            name, "boolean", default, choices=(False, True), conditions=conditions
        )
    if role in LABELS:
        return draw_labels(name, LABELS[role], rng, conditions)
    return draw_number(name, QUANTITIES[role], rng, conditions, scale)


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
    """2 to 6 values from low to high, round where people would round."""
    if quantity.scale == "linear":
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
