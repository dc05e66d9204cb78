"""The only file that touches private members of KerasTuner (written against 1.4.8)."""

import tempfile

import keras_tuner


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
