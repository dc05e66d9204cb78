"""Search spaces and their encoding."""

from keras_metahpo.space.hyperparameter import Condition, Hyperparameter, Value
from keras_metahpo.space.points import Points, concatenate
from keras_metahpo.space.roles import role_of
from keras_metahpo.space.search_space import Configuration, SearchSpace

__all__ = [
    "Condition",
    "Configuration",
    "Hyperparameter",
    "Points",
    "SearchSpace",
    "Value",
    "concatenate",
    "role_of",
]
