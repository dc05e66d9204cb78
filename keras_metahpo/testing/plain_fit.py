"""What plain `fit` does on the batches that the collector draws."""

from collections.abc import Mapping

import keras
import numpy as np

from keras_metahpo.space import Value
from keras_metahpo.tasks import Task
from keras_metahpo.tasks.training import Measurements, build_configuration

# Metrics of compiled training may differ from those of `fit` by so much; on TensorFlow they are
# equal bit by bit for nearly all tasks.
TOLERANCE = 1e-4


class GivenBatches(keras.utils.PyDataset):
    """Batches in their order."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    @property
    def num_batches(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def fit_on_the_same_batches(
    task: Task, configuration: Mapping[str, Value], seed: int, nudge: float = 0.0
) -> Measurements:
    """The curve of plain `fit`, an epoch a call, with the order that the collector draws.

    Args:
        task, configuration, seed: What is trained.
        nudge: By what share, up or down, each initial weight is changed: how much does rounding
            matter?
    """
    space = task.search_space()  # Builds models to find it.
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    hp, model = build_configuration(task, space, configuration)
    arguments = dict(task.fit_arguments(hp))
    signs = np.random.default_rng(seed)
    for variable in model.trainable_variables if nudge else ():
        value = np.asarray(variable)
        variable.assign(value * (1.0 + nudge * signs.choice([-1.0, 1.0], value.shape)))
    data = task.data.load()
    prepared = task.prepared_data(hp, data.train, data.validation)
    rng = np.random.default_rng(seed)
    curve = []
    for _ in range(task.max_fidelity):
        if isinstance(prepared.train[0], keras.utils.PyDataset):
            dataset = prepared.train[0]
            order = np.arange(dataset.num_batches)
            rng.shuffle(order)
            dataset.on_epoch_begin()
            train = (GivenBatches([dataset[int(number)] for number in order]),)
            dataset.on_epoch_end()
        else:
            order = np.arange(len(prepared.train[0]), dtype="int32")
            rng.shuffle(order)
            train = tuple(array[order] for array in prepared.train)
        fitted = model.fit(
            *train, validation_data=prepared.validation, shuffle=False, verbose=0, **arguments
        )
        curve.append({name: values[0] for name, values in fitted.history.items()})
    return curve


def largest_difference(
    measurements: Measurements, curve: Measurements, is_relative: bool = False
) -> float:
    """Of any metric in any epoch; infinite where the curves have different lengths.

    Args:
        measurements, curve: What is compared.
        is_relative: Whether differences are shares of the curve's values where these are above 1.
    """
    if len(measurements) != len(curve):
        return np.inf
    return max(
        abs(measured[name] - value) / (max(1.0, abs(value)) if is_relative else 1.0)
        for measured, expected in zip(measurements, curve, strict=True)
        for name, value in expected.items()
    )
