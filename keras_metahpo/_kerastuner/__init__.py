"""The only package that touches private members of KerasTuner (written against 1.4.8)."""

from keras_metahpo._kerastuner.discovery import discover_space, spread_seed
from keras_metahpo._kerastuner.freezing import (
    EPOCHS,
    INITIAL_EPOCH,
    IS_OVER,
    FreezingOracle,
    configuration_of,
)
from keras_metahpo._kerastuner.freezing_tuner import FreezingTuner
from keras_metahpo._kerastuner.oracle import synchronized

__all__ = [
    "EPOCHS",
    "INITIAL_EPOCH",
    "IS_OVER",
    "FreezingOracle",
    "FreezingTuner",
    "configuration_of",
    "discover_space",
    "spread_seed",
    "synchronized",
]
