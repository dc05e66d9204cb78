"""Which training goes on, and how far: multi-fidelity search by freezing and thawing."""

from keras_metahpo.policies.freeze_thaw.costs import CostModel, Costs
from keras_metahpo.policies.freeze_thaw.extrapolation import Outlook, look_ahead
from keras_metahpo.policies.freeze_thaw.policy import FreezeThawPolicy, TrainingStep

__all__ = ["CostModel", "Costs", "FreezeThawPolicy", "Outlook", "TrainingStep", "look_ahead"]
