"""Tasks that Keras really trains."""

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.blackbox import (
    Blackbox,
    BlackboxCard,
    BlackboxFactory,
    Evaluation,
    Suite,
)
from keras_metahpo.benchmark.blackboxes.selection import selected
from keras_metahpo.benchmark.blackboxes.vectorized import checked_fidelity, import_extra
from keras_metahpo.history import FAILED_UTILITY, utility
from keras_metahpo.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from keras_metahpo.tasks import Task

CPU = "cpu"


class LiveBlackbox(Blackbox):
    """Trains models of a task, every one from its start.

    Args:
        task: The task.
        seed: Of all trainings: configurations are compared from the same initial state.
    """

    def __init__(self, task: "Task", seed: int = 0):
        self.task = task
        self.seed = seed

    @functools.cached_property
    def card(self) -> BlackboxCard:  # type: ignore[override]
        task = self.task
        return BlackboxCard(
            name=task.name,
            family=task.family,
            objective=task.objective,
            direction=task.direction,
            max_fidelity=task.max_fidelity,
            lookup="live",
            sources=(task.name, task.dataset) if task.dataset else (task.name,),
            source=f"Keras runs of the task {task.name}",
            licence=task.licence,
        )

    @functools.cached_property
    def space(self) -> SearchSpace:  # type: ignore[override]
        return self.task.search_space()

    @property
    def device(self) -> str:
        """What trains: `"cpu"`, or the accelerator's name."""
        return device_name()

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        """All metrics at the best epoch, and the seconds from building to the last epoch."""
        from keras_metahpo.collector.training import train_configuration

        task = replace(self.task, max_fidelity=checked_fidelity(self.card, fidelity))
        complete = self.space.complete(configuration)
        started = time.perf_counter()
        trial = train_configuration(task, self.space, complete, self.seed)
        elapsed_s = time.perf_counter() - started
        utilities = [utility(m.get(task.objective), task.direction) for m in trial.measurements]
        if max(utilities, default=FAILED_UTILITY) == FAILED_UTILITY:
            return Evaluation({task.objective: float("nan")}, elapsed_s, trial.message)
        metrics = dict(trial.measurements[int(np.argmax(utilities))])
        metrics.pop("elapsed_s")
        return Evaluation(metrics, elapsed_s)

    def reference(self) -> None:
        return None

    def final_metrics(self, configuration: Configuration, seed: int) -> Mapping[str, float]:
        """Accuracy, macro-F1 and macro-recall on the test split, which no search sees.

        The model is trained as `evaluate` does, and its best epoch's weights are kept.

        Args:
            configuration: Usually a search's best.
            seed: Of the training.
        """
        import keras

        from keras_metahpo.tasks.training import fit_configuration

        metrics = import_extra("sklearn.metrics", "scikit-learn")
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        data = self.task.data.load()
        best_epoch = keras.callbacks.EarlyStopping(
            monitor=self.task.objective,
            mode=self.task.direction,
            patience=self.task.max_fidelity,
            restore_best_weights=True,
        )
        complete = self.space.complete(configuration)
        model = fit_configuration(self.task, self.space, complete, data, [best_epoch])
        inputs, labels = data.test
        predicted = _classes(model.predict(inputs, verbose=0))
        average = {"average": "macro", "zero_division": 0.0}
        return {
            "test_accuracy": float(metrics.accuracy_score(labels, predicted)),
            "test_macro_f1": float(metrics.f1_score(labels, predicted, **average)),
            "test_macro_recall": float(metrics.recall_score(labels, predicted, **average)),
        }


@dataclass(frozen=True)
class LiveFactory(BlackboxFactory):
    """Opens a task.

    Attributes:
        task: Its name in the library, or `FILE.py:name`.
        seed: As in `LiveBlackbox`.
    """

    task: str
    seed: int = 0

    def open(self) -> LiveBlackbox:
        from keras_metahpo.tasks import get_task

        return LiveBlackbox(get_task(self.task), self.seed)


def suite(path: str | None, tasks: Sequence[str] | None = None, seed: int = 0) -> Suite:
    """Tasks of the library, or of a file.

    Args:
        path: A file of task definitions; the library when `None`.
        tasks: Names to choose.
        seed: As in `LiveBlackbox`.
    """
    from keras_metahpo.tasks import list_tasks
    from keras_metahpo.tasks.registry import load_definitions

    if path is None:
        return Suite(
            "live", {n: LiveFactory(n, seed) for n in selected("live", list_tasks(), tasks)}
        )
    chosen = selected("live", list(load_definitions(path)), tasks)
    return Suite("live", {name: LiveFactory(f"{path}:{name}", seed) for name in chosen})


def device_name() -> str:
    """The name of the accelerator that Keras' backend uses; `"cpu"` without one."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(devices[0]) if devices else {}
        return str(details.get("device_name", "gpu")) if devices else CPU
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return CPU if device.platform == "cpu" else str(device.device_kind)
    return f"a device of {backend}"


def _classes(predictions: np.ndarray) -> np.ndarray:
    """Int array (n,) of outputs (n, classes), or (n,) and (n, 1) where there are two classes."""
    outputs = np.asarray(predictions).reshape(len(predictions), -1)
    return (outputs[:, 0] > 0.5).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)
