"""The demo's data, hypermodel and searches.

scikit-learn's digits (1797 real images of 8 x 8 pixels) ship in its wheel and are in no ranker's
training data.
"""

import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import keras_tuner
import numpy as np

from keras_metahpo._kerastuner import spread_seed
from keras_metahpo.tasks import DigitsSource
from keras_metahpo.tuner import MetaTuner

EPOCHS = 8

TUNERS: dict[str, type[keras_tuner.Tuner]] = {
    "MetaTuner": MetaTuner,
    "RandomSearch": keras_tuner.RandomSearch,
    "BayesianOptimization": keras_tuner.BayesianOptimization,
}


@dataclass(frozen=True)
class Search:
    """One finished search.

    Attributes:
        tuner: Name of the tuner.
        values: Best validation accuracy of each trial, NaN where it failed.
        seconds: Wall clock from the start of the search to the end of each trial.
        test_accuracy: Of the best model, on images that no search has seen.
        best_configuration: Its hyperparameters.
    """

    tuner: str
    values: list[float]
    seconds: list[float]
    test_accuracy: float
    best_configuration: dict

    @property
    def incumbents(self) -> list[float]:
        """Best validation accuracy so far after each trial."""
        return np.fmax.accumulate(self.values).tolist()


class DigitsHyperModel(keras_tuner.HyperModel):
    """A multilayer perceptron as people write it, with nine hyperparameters."""

    def build(self, hp):
        hp.Choice("batch_size", [16, 32, 64, 128])
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
        activation = hp.Choice("activation", ["relu", "tanh", "sigmoid"])
        l2 = keras.regularizers.L2(hp.Float("l2", 1e-7, 1e-1, sampling="log"))
        for _ in range(hp.Int("num_layers", 1, 4)):
            units = hp.Int("units", 8, 256, step=8)
            model.add(keras.layers.Dense(units, kernel_regularizer=l2))
            if hp.Boolean("batch_normalization"):
                model.add(keras.layers.BatchNormalization())
            model.add(keras.layers.Activation(activation))
            model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.8, step=0.1)))
        model.add(keras.layers.Dense(10, activation="softmax"))
        optimizer = keras.optimizers.get(hp.Choice("optimizer", ["sgd", "adam", "rmsprop"]))
        optimizer.learning_rate = hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.get("batch_size"), **kwargs)


def run_search(
    tuner_name: str,
    num_trials: int,
    seed: int,
    on_trial: Callable[[], None] = lambda: None,
    **tuner_arguments,
) -> Search:
    """Searches the digits' hypermodel with one tuner, quietly.

    Args:
        tuner_name: A key of `TUNERS`.
        num_trials: Trials.
        seed: Of the search and of the training.
        on_trial: Called after each trial.
        **tuner_arguments: Further arguments of the tuner.
    """
    data = DigitsSource().load()
    keras.utils.set_random_seed(seed + 1)
    tuner_class: Any = TUNERS[tuner_name]
    seconds: list[float] = []
    started = time.perf_counter()

    class TimedTuner(tuner_class):
        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            seconds.append(time.perf_counter() - started)
            on_trial()

    with tempfile.TemporaryDirectory() as directory:
        tuner = TimedTuner(
            DigitsHyperModel(),
            objective="val_accuracy",
            max_trials=num_trials,
            seed=spread_seed(seed),
            # A diverging model is a result, and not a reason to stop.
            max_consecutive_failed_trials=num_trials + 1,
            directory=directory,
            project_name=tuner_name,
            **tuner_arguments,
        )
        tuner.search(*data.train, validation_data=data.validation, epochs=EPOCHS, verbose=0)
        scores = [tuner.oracle.trials[t].score for t in dict.fromkeys(tuner.oracle.end_order)]
        with warnings.catch_warnings():
            # KerasTuner loads weights into a model whose optimizer has not been built.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model = tuner.get_best_models()[0]
        test_accuracy = model.evaluate(*data.test, verbose=0, return_dict=True)["accuracy"]
        configuration = dict(tuner.get_best_hyperparameters()[0].values)
    values = [float("nan") if score is None else float(score) for score in scores]
    return Search(tuner_name, values, seconds, float(test_accuracy), configuration)


def compare(
    num_trials: int, seed: int, on_trial: Callable[[str], None] = lambda tuner: None
) -> list[Search]:
    """The same search by every tuner, one after the other."""
    return [run_search(name, num_trials, seed, partial(on_trial, name)) for name in TUNERS]
