"""A part of TaskSet: text RNNs trained with the same 1000 configurations of Adam.

The validation loss was measured at 51 equidistant steps, the first before any training; that one
is left out, so that fidelity f is f fiftieths of the training. A run whose loss became NaN counts
as failed from there on. Huge losses are simply bad. No seconds were recorded: 1 s a fiftieth.

Shapes: t tasks, n configurations, d hyperparameters, e measurements.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, BlackboxFactory, Suite
from keras_metahpo.benchmark.blackboxes.curves import SECONDS_AN_EPOCH, Curves
from keras_metahpo.benchmark.blackboxes.recorded import RecordedBlackbox
from keras_metahpo.benchmark.blackboxes.selection import selected
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Configuration, Hyperparameter, SearchSpace

ARRAYS = ("tasks", "hyperparameters", "configs", "splits", "loss")
METRICS = {"train": "loss", "valid": "val_loss", "test": "test_loss"}
# The ranges of the optimiser family "adam8p" (Metz et al. 2020, appendix); betas are drawn by
# their distance from 1.
RANGES = {
    "learning_rate": (1e-8, 10.0, "log"),
    "beta1": (1e-4, 1 - 1e-4, "reverse_log"),
    "beta2": (1e-6, 1 - 1e-6, "reverse_log"),
    "epsilon": (1e-10, 1e3, "log"),
    "l1": (1e-8, 10.0, "log"),
    "l2": (1e-8, 10.0, "log"),
    "linear_decay": (1e-7, 1e-4, "log"),
    "exponential_decay": (1e-6, 1e-3, "log"),
}


@dataclass(frozen=True)
class TaskSetFactory(BlackboxFactory):
    """Opens one task.

    Attributes:
        path: The file `taskset.npz`.
        task: Its name in the file.
    """

    path: str
    task: str

    def open(self) -> RecordedBlackbox:
        arrays = _read(self.path)
        loss = arrays["loss"][arrays["tasks"].tolist().index(self.task)].astype(float)
        metrics = {
            METRICS[split]: loss[:, column, 1:]
            for column, split in enumerate(arrays["splits"].tolist())
        }
        diverged = np.isnan(metrics["val_loss"])
        max_fidelity = diverged.shape[1]
        failed_from = np.where(diverged.any(1), diverged.argmax(1) + 1, max_fidelity + 1)
        epochs = np.arange(1.0, max_fidelity + 1)
        name = f"taskset/{self.task}"
        card = BlackboxCard(
            name=name,
            family="taskset",
            objective="val_loss",
            direction="min",
            max_fidelity=max_fidelity,
            lookup="pool",
            sources=(name,),
            related=("imdb_reviews",),
            source="TaskSet (Metz et al. 2020)",
            licence="Apache-2.0",
        )
        curves = Curves(
            metrics,
            elapsed_s=SECONDS_AN_EPOCH * np.minimum(epochs, failed_from[:, None]),
            failed_from=failed_from,
            messages=["The loss became NaN." if d else None for d in diverged.any(1)],
        )
        return RecordedBlackbox(card, search_space(), _configurations(self.path), curves)


def suite(path: str | None, tasks: Sequence[str] | None = None) -> Suite:
    """All tasks of the file.

    Args:
        path: The file `taskset.npz`.
        tasks: Names to choose.
    """
    if path is None:
        raise BenchmarkError("The suite 'taskset' needs the path of the file taskset.npz.")
    chosen = selected("taskset", _read(str(path))["tasks"].tolist(), tasks)
    return Suite(
        "taskset@1", {f"taskset/{task}": TaskSetFactory(str(path), task) for task in chosen}
    )


@functools.cache
def search_space() -> SearchSpace:
    """Eight hyperparameters of Adam; the defaults are the middles of the axes and say nothing."""
    return SearchSpace([_hyperparameter(name, *entry) for name, entry in RANGES.items()])


def _hyperparameter(name: str, low: float, high: float, sampling: str) -> Hyperparameter:
    hp = Hyperparameter(name, "float", low, low=low, high=high, sampling=sampling, ordered=True)
    middle = float(hp.numbers(np.array(0.5)))
    return Hyperparameter(
        name, "float", middle, low=low, high=high, sampling=sampling, ordered=True
    )


@functools.lru_cache(maxsize=2)
def _read(path: str) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except (OSError, ValueError, KeyError) as error:
        raise BenchmarkError(
            f"Expected an .npz file with the arrays {ARRAYS}. Received: {path} ({error}). "
            "Name the file taskset.npz itself."
        ) from error
    shape = tuple(len(arrays[name]) for name in ("tasks", "configs", "splits"))
    wrong_names = set(arrays["hyperparameters"].tolist()) != set(RANGES)
    if arrays["loss"].shape[:3] != shape or wrong_names:
        raise BenchmarkError(
            f"{path} must hold losses (tasks, configurations, splits, measurements) of the "
            f"hyperparameters {list(RANGES)}. Received: losses {arrays['loss'].shape} for {shape}, "
            f"hyperparameters {arrays['hyperparameters'].tolist()}. Restore the file from a copy."
        )
    return arrays


@functools.lru_cache(maxsize=2)
def _configurations(path: str) -> tuple[Configuration, ...]:
    arrays = _read(path)
    names = arrays["hyperparameters"].tolist()
    return tuple(dict(zip(names, row, strict=True)) for row in arrays["configs"].tolist())
