"""Rankers: networks that order configurations of any search space."""

from keras_metahpo.rankers.base import Context, DifferentiableRanker, Prediction, Ranker, Tokens
from keras_metahpo.rankers.in_context import InContextRanker
from keras_metahpo.rankers.presets import DEFAULT_PRESET, Preset, list_presets, save_preset
from keras_metahpo.rankers.tokens import stack, tokenize

__all__ = [
    "DEFAULT_PRESET",
    "Context",
    "DifferentiableRanker",
    "InContextRanker",
    "Prediction",
    "Preset",
    "Ranker",
    "Tokens",
    "list_presets",
    "save_preset",
    "stack",
    "tokenize",
]
