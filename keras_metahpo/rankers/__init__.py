"""Rankers: networks that order configurations of any search space."""

from keras_metahpo.rankers.base import (
    Context,
    DifferentiableRanker,
    NetworkRanker,
    Prediction,
    Ranker,
    Tokens,
)
from keras_metahpo.rankers.gaussian_process import GaussianProcessRanker
from keras_metahpo.rankers.in_context import InContextRanker
from keras_metahpo.rankers.presets import (
    DEFAULT_PRESET,
    Preset,
    check_surrogate,
    list_presets,
    save_preset,
)
from keras_metahpo.rankers.tokens import stack, tokenize
from keras_metahpo.rankers.tuned import (
    DeepKernelRanker,
    RankingEnsembleRanker,
    RegressionRanker,
    TunedRanker,
)

__all__ = [
    "DEFAULT_PRESET",
    "Context",
    "DeepKernelRanker",
    "DifferentiableRanker",
    "GaussianProcessRanker",
    "InContextRanker",
    "NetworkRanker",
    "Prediction",
    "Preset",
    "Ranker",
    "RankingEnsembleRanker",
    "RegressionRanker",
    "Tokens",
    "TunedRanker",
    "check_surrogate",
    "list_presets",
    "save_preset",
    "stack",
    "tokenize",
]
