"""Checkpoints: a training that was stopped goes on as if nothing had happened."""

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_metahpo.atomic import replacing
from keras_metahpo.errors import PresetError


@dataclass(frozen=True)
class TrainingState:
    """What a training knows beside its network's and its optimizer's variables.

    Attributes:
        step: Gradient steps done.
        curve: One dictionary an evaluation.
        best: Quality, step and weights of the best evaluation.
    """

    step: int
    curve: list[dict[str, float]]
    best: tuple[float, int, Sequence[np.ndarray]]


class TrainingCheckpoint:
    """One file with the state of one training, replaced in one step.

    Args:
        path: The file.
        identity: What the training is of; that of another one is refused.

    Attributes:
        spent_s: Seconds that went into what was restored.
    """

    def __init__(self, path: Path, identity: Mapping):
        self.path = path
        self.identity = json.loads(json.dumps(identity))
        self.spent_s = 0.0
        self._opened = time.perf_counter()

    def save(self, state: TrainingState, network, rng: np.random.Generator) -> None:
        """Writes the state, the network's weights, the optimizer's variables and the generator."""
        facts = {
            "identity": self.identity,
            "step": state.step,
            "curve": state.curve,
            "best": [float(state.best[0]), state.best[1]],
            "generator": rng.bit_generator.state,
            "spent_s": self.spent_s + time.perf_counter() - self._opened,
        }
        arrays = {f"weights_{i}": w for i, w in enumerate(network.get_weights())}
        arrays |= {f"best_{i}": w for i, w in enumerate(state.best[2])}
        variables = network.optimizer.variables
        arrays |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(variables)}
        with replacing(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, facts=np.array(json.dumps(facts)), **arrays)

    def restore(self, network, rng: np.random.Generator) -> TrainingState | None:
        """Sets network, optimizer and generator to what was saved; `None` where nothing was.

        Raises:
            PresetError: if the file is damaged or of another training.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                facts = json.loads(str(saved["facts"]))
                lists = [_numbered(saved, name) for name in ("weights", "best", "optimizer")]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise PresetError(
                f"The checkpoint {self.path} cannot be read: {error}. Delete it to begin anew."
            ) from error
        if facts["identity"] != self.identity:
            changed = sorted(
                name
                for name in facts["identity"].keys() | self.identity.keys()
                if facts["identity"].get(name) != self.identity.get(name)
            )
            raise PresetError(
                f"{self.path} is the checkpoint of another training, with other {changed}. "
                "Delete it to begin anew, or choose another output."
            )
        weights, best, optimizer = lists
        network.set_weights(weights)
        for variable, value in zip(network.optimizer.variables, optimizer, strict=True):
            variable.assign(value)
        rng.bit_generator.state = facts["generator"]
        self.spent_s = facts["spent_s"]
        quality, step = facts["best"]
        return TrainingState(facts["step"], facts["curve"], (quality, step, best))


def _numbered(saved: Mapping, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}_") for key in saved)
    return [saved[f"{name}_{i}"] for i in range(count)]
