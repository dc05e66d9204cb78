"""A KerasTuner tuner driven by `MetaOracle`."""

from keras_metahpo.tuner.meta_tuner import MetaTuner

__all__ = ["MetaTuner"]
