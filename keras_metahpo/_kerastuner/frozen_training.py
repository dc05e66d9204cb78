"""What a model needs to go on training later as if it had never stopped.

Weights, the optimizer's state and the state of its random layers are restored; the order in which
`fit` shuffles its data is drawn anew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from keras_metahpo.atomic import write_text


class FrozenTraining:
    """Files of one execution of a trial, one set for each age at which it stopped.

    A set is complete when its facts are there: they are written last.

    Args:
        folder: Where the files are.
        execution: Number of the execution.
    """

    def __init__(self, folder: Path, execution: int):
        self.folder = folder
        self.execution = execution

    def save(self, model, epoch: int, began_at: int, facts: Mapping[str, float]) -> None:
        """Writes a model that was trained for `epoch` epochs.

        Deletes all other sets but that of epoch `began_at`, from which a kill before the oracle
        knows of this training would have to go on.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            **facts,
            "random_states": _random_states(model),
            "build_config": model.get_build_config(),
        }
        weights = self._path(epoch, "weights.h5")
        partial = self._path(epoch, "partial.weights.h5")
        model.save_weights(partial)
        os.replace(partial, weights)
        write_text(self._path(epoch, "json"), json.dumps(content))
        kept = {self._path(e, end) for e in (epoch, began_at) for end in ("json", "weights.h5")}
        for path in self.folder.glob(f"execution_{self.execution}_*"):
            if path not in kept:
                path.unlink()

    def facts(self, epoch: int) -> dict:
        """The facts given to `save` after `epoch` epochs."""
        try:
            return json.loads(self._path(epoch, "json").read_text())
        except (OSError, ValueError) as error:
            weights = self._path(epoch, "weights.h5")
            raise FileNotFoundError(
                f"To train on after epoch {epoch}, {weights} and its .json must be there. "
                f"Received: {error!r}. Was the project copied without {self.folder.name!r}?"
            ) from error

    def load(self, model, epoch: int) -> None:
        """Restores a model as it was after `epoch` epochs."""
        facts = self.facts(epoch)
        if not model.built:
            model.build_from_config(facts["build_config"])
            model.built = True  # Keras leaves it False for a subclass without `build`.
        if model.optimizer is not None:  # Without its variables, its state would not be loaded.
            model.optimizer.build(model.trainable_variables)
        model.load_weights(self._path(epoch, "weights.h5"))
        for variable, state in zip(_random_variables(model), facts["random_states"], strict=True):
            variable.assign(np.asarray(state, dtype=variable.dtype))

    def _path(self, epoch: int, end: str) -> Path:
        return self.folder / f"execution_{self.execution}_epoch_{epoch:05d}.{end}"


def _random_variables(model) -> list:
    """The states of dropout and the like, which `save_weights` leaves out."""
    known = {id(variable) for variable in model.weights}
    metrics = {id(v) for metric in getattr(model, "metrics", ()) for v in metric.variables}
    return [v for v in model.variables if id(v) not in known | metrics]


def _random_states(model) -> list:
    return [keras.ops.convert_to_numpy(v.value).tolist() for v in _random_variables(model)]
