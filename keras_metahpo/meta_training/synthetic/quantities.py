"""What people search for each role: ranges, labels and switches.

The tables say what is common in Keras and PyTorch code; no benchmark was consulted.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np


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


def _counts(lows, highs, sensible, **given: Any) -> Quantity:
    habits: dict[str, Any] = {"scale": "binary", "log": 0.35, "choice": 0.3} | given
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
    "operation": (
        *("conv_3x3", "skip_connect", "max_pool_3x3", "conv_1x1", "none", "avg_pool_3x3"),
        *("sep_conv_3x3", "conv_5x5", "dil_conv_3x3", "identity", "sep_conv_5x5"),
    ),
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
