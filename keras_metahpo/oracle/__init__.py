"""The policies behind KerasTuner's oracle interface."""

from keras_metahpo.oracle.meta_oracle import MetaOracle

__all__ = ["MetaOracle"]
