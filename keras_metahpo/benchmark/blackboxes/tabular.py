"""Trial logs as blackboxes: recorded trainings, looked up or interpolated as their card says."""

import functools
import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_metahpo.benchmark.blackbox import (
    BlackboxCard,
    BlackboxFactory,
    Evaluation,
    Reference,
    Suite,
)
from keras_metahpo.benchmark.blackboxes.curves import curves_of
from keras_metahpo.benchmark.blackboxes.recorded import RecordedBlackbox
from keras_metahpo.benchmark.blackboxes.regression import RegressionBlackbox
from keras_metahpo.benchmark.blackboxes.selection import selected
from keras_metahpo.benchmark.blackboxes.vectorized import VectorizedBlackbox
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import TrialLog
from keras_metahpo.space import Configuration, SearchSpace

CARD = "card.json"
# Directions that KerasTuner infers from a metric's name; a log that says otherwise would reward
# the worst configuration.
DIRECTIONS = {
    "max": ("accuracy", "acc", "auc", "precision", "recall", "f1"),
    "min": ("loss", "error", "crossentropy", "cross_entropy", "mse", "mae", "rmse"),
}


class TabularBlackbox(VectorizedBlackbox):
    """A trial log; an unrecorded configuration is answered as the card's `lookup` says.

    `"grid"`: not at all. `"pool"`: by the nearest recorded one. `"surrogate"`: by a regressor that
    is fitted on first use. The value at a fidelity is the best up to it.

    Args:
        log: The log.
        family: As on a `BlackboxCard`; what the log says of itself when `None`.
    """

    def __init__(self, log: TrialLog, family: str | None = None):
        self.log = log
        self.family = family

    @functools.cached_property
    def card(self) -> BlackboxCard:  # type: ignore[override]
        card = self.log.card
        _check_direction(self.log.path, card.objective, card.direction)
        return BlackboxCard(
            name=card.name,
            family=self.family or card.family,
            objective=card.objective,
            direction=card.direction,
            max_fidelity=card.max_fidelity,
            lookup=card.lookup,
            sources=tuple(filter(None, (card.name, str(card.features.get("dataset", ""))))),
            source=card.source,
            licence=card.licence,
        )

    @property
    def space(self) -> SearchSpace:  # type: ignore[override]
        return self.log.space

    @property
    def pool(self) -> Sequence[Configuration] | None:
        return self._answers.pool

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        return self._answers.evaluate(configuration, fidelity)

    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        return self._answers.utilities(configurations, fidelity)

    def reference(self) -> Reference | None:
        return self._answers.reference()

    @functools.cached_property
    def _answers(self) -> VectorizedBlackbox:
        trials = self.log.trials
        if not trials:
            raise BenchmarkError(
                f"{self.log.path or self.log.card.name} must hold trials. Received: none. "
                "Collect some, or leave the log out of the study."
            )
        names = dict.fromkeys([self.log.card.objective, *self.log.metric_names])
        curves = curves_of(trials, list(names), self.log.card.max_fidelity)
        configurations = [self.log.space.complete(trial.configuration) for trial in trials]
        kind = RegressionBlackbox if self.card.lookup == "surrogate" else RecordedBlackbox
        return kind(self.card, self.space, configurations, curves)


@dataclass(frozen=True)
class TabularFactory(BlackboxFactory):
    """Opens a trial log.

    Attributes:
        path: Its directory.
        family: As in `TabularBlackbox`.
    """

    path: str
    family: str | None = None

    def open(self) -> TabularBlackbox:
        return TabularBlackbox(TrialLog.open(self.path), self.family)


def suite(
    path: str | Sequence[str] | None,
    tasks: Sequence[str] | None = None,
    family: str | None = None,
) -> Suite:
    """Trial logs; only their cards are read before one is opened.

    Args:
        path: A trial log, a folder of trial logs, a pattern such as `logs/*`, or several of these.
        tasks: Names of logs to choose.
        family: For all of them; what each log says of itself when `None`.
    """
    paths = [path] if isinstance(path, str) else list(path or ())
    found: dict[str, str] = {}
    for directory in [directory for entry in paths for directory in _logs(entry)]:
        name = _name(directory)
        if name in found:
            raise BenchmarkError(
                f"Every trial log of a suite must have a name of its own. Received: {name!r} in "
                f"{found[name]} and {directory}. Change `name` in one card.json."
            )
        found[name] = directory
    if not found:
        raise BenchmarkError(
            "The suite 'tabular' needs trial logs: directories with card.json, space.json and "
            f"trials.parquet. Received: path={path!r}, where there are none."
        )
    chosen = selected("tabular", list(found), tasks)
    return Suite("tabular", {name: TabularFactory(found[name], family) for name in chosen})


def _logs(entry: str) -> list[str]:
    """Directories of trial logs at a path or a pattern, in alphabetical order."""
    if "://" in entry:
        return [entry]
    roots = [Path(match) for match in sorted(glob.glob(entry))]
    inner = [sorted(root.glob(f"*/{CARD}")) for root in roots]
    return [
        str(directory)
        for root, cards in zip(roots, inner, strict=True)
        for directory in ([root] if (root / CARD).exists() else [card.parent for card in cards])
    ]


def _name(directory: str) -> str:
    import fsspec

    try:
        with fsspec.open(f"{directory}/{CARD}", "rt") as file:
            return str(json.load(file)["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(
            f"{directory}/{CARD} must be the card of a trial log, with its `name`. Received: "
            f"{error!r}. Write the log again with `TrialLog.write`."
        ) from error


def _check_direction(path: str, objective: str, direction: str) -> None:
    for right, words in DIRECTIONS.items():
        if objective.lower().endswith(words) and direction != right:
            raise BenchmarkError(
                f"{path or 'The log'}/{CARD}: {objective!r} must have the direction {right!r}. "
                f"Received: {direction!r}. Correct `direction`, or give a metric that is meant "
                "otherwise another name."
            )
