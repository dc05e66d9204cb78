"""Makes many source tasks of recorded ones, so that a ranker cannot learn them by heart."""

from keras_metahpo.meta_training.augmentation.augmenting import augment
from keras_metahpo.meta_training.augmentation.misleading import mislead

__all__ = ["augment", "mislead"]
