"""What KerasTuner tells before a search: the whole search space, and what a seed means to it."""

import tempfile

import keras_tuner

_SEED_SPACING = 100_003


def spread_seed(seed: int) -> int:
    """A seed far from those of its neighbours, never 0, of which KerasTuner makes a random one.

    KerasTuner draws with consecutive seeds, so nearby seeds give shifted copies of one search.
    """
    return 1 + seed * _SEED_SPACING


def discover_space(hypermodel) -> keras_tuner.HyperParameters:
    """Every hyperparameter of a hypermodel, all conditional branches included.

    Args:
        hypermodel: A `keras_tuner.HyperModel`, or a function that builds a model from
            `HyperParameters`.
    """
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("loss", "min"), max_trials=1
    )
    with tempfile.TemporaryDirectory() as directory:
        keras_tuner.Tuner(oracle=oracle, hypermodel=hypermodel, directory=directory)
    return oracle.get_space()
