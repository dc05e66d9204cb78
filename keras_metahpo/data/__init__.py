"""A look at trial logs: do their hyperparameters matter, and do the tasks tell of each other?"""

from keras_metahpo.data.describing import describe
from keras_metahpo.data.description import Description, SpaceDescription, TaskDescription

__all__ = ["Description", "SpaceDescription", "TaskDescription", "describe"]
