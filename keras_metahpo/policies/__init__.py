"""Policies: history to next configuration."""

from keras_metahpo.policies.base import Policy, Suggestion
from keras_metahpo.policies.candidate_search import (
    CANDIDATE_SEARCHES,
    DEFAULT_CANDIDATE_SEARCH,
    check_candidate_search,
)
from keras_metahpo.policies.composition import build_model_policy, build_policy
from keras_metahpo.policies.defaults import DefaultsPolicy, has_chosen_default, named_defaults
from keras_metahpo.policies.freeze_thaw import CostModel, FreezeThawPolicy, TrainingStep
from keras_metahpo.policies.gaussian_process import GaussianProcessPolicy, Prior
from keras_metahpo.policies.improvement import EXPECTED_GAIN
from keras_metahpo.policies.mapping import varied
from keras_metahpo.policies.mixture import (
    CHOSEN_DEFAULT,
    FLOOR,
    STANDBY,
    ChosenDefaultPolicy,
    FloorPolicy,
    InitialPolicy,
    StandbyPolicy,
    suggest_random,
)
from keras_metahpo.policies.population import propose_members, random_members
from keras_metahpo.policies.portfolio import PortfolioPolicy
from keras_metahpo.policies.random import RandomPolicy, SobolPolicy
from keras_metahpo.policies.surrogate import SurrogatePolicy

__all__ = [
    "CANDIDATE_SEARCHES",
    "CHOSEN_DEFAULT",
    "DEFAULT_CANDIDATE_SEARCH",
    "EXPECTED_GAIN",
    "FLOOR",
    "STANDBY",
    "ChosenDefaultPolicy",
    "CostModel",
    "DefaultsPolicy",
    "FloorPolicy",
    "FreezeThawPolicy",
    "GaussianProcessPolicy",
    "InitialPolicy",
    "Policy",
    "PortfolioPolicy",
    "Prior",
    "RandomPolicy",
    "SobolPolicy",
    "StandbyPolicy",
    "Suggestion",
    "SurrogatePolicy",
    "TrainingStep",
    "build_model_policy",
    "build_policy",
    "check_candidate_search",
    "has_chosen_default",
    "named_defaults",
    "propose_members",
    "random_members",
    "suggest_random",
    "varied",
]
