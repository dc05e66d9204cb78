"""KerasTuner oracles, ours and theirs, driven through the same Oracle calls."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus

from keras_metahpo._kerastuner import EPOCHS, INITIAL_EPOCH, configuration_of, spread_seed
from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.oracle import MetaOracle
from keras_metahpo.rankers import Context, Prediction, Preset, Ranker, Tokens
from keras_metahpo.space import Points, SearchSpace, Value

OBJECTIVE = "objective"
TUNER_ID = "tuner0"
MOST_IDLE_CALLS = 100


@dataclass(frozen=True)
class OracleContestant(Contestant):
    """A KerasTuner oracle.

    Args:
        oracle: Name of a class in `keras_tuner.oracles`.
        arguments: Its further arguments.
    """

    oracle: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def requires(self):  # type: ignore[override]
        return ("sklearn",) if self.oracle == "BayesianOptimizationOracle" else ()

    def start(self, problem: Problem, seed: int) -> Search:
        arguments = dict(self.arguments)
        if self.oracle == "HyperbandOracle":
            if problem.max_fidelity < 2:
                raise NotAvailable("Hyperband needs tasks with several fidelities")
            # As many brackets as the trials need.
            arguments |= {"max_epochs": problem.max_fidelity, "hyperband_iterations": 100}
        else:
            arguments["max_trials"] = problem.num_trials
        return OracleSearch(problem, getattr(keras_tuner.oracles, self.oracle), arguments, seed)


@dataclass(frozen=True)
class MetaOracleContestant(Contestant):
    """`MetaOracle`.

    Args:
        ranker: A preset's name or directory, `None` for none. Several: the first one that was not
            trained on what the split holds out.
        uses_history: Whether the split's logs of other tasks are its `history`; only where they
            share the task's search space.
        arguments: Further arguments of `MetaOracle`.
    """

    ranker: str | tuple[str, ...] | None = "base"
    uses_history: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def start(self, problem: Problem, seed: int) -> Search:
        arguments: dict[str, Any] = dict(self.arguments) | {"max_trials": problem.num_trials}
        arguments["ranker"] = self.allowed_ranker(problem)
        if self.uses_history:
            arguments["history"] = experience_of_space(problem)
        return OracleSearch(problem, MetaOracle, arguments, seed)

    def presets(self) -> list[Preset]:
        names = (self.ranker,) if isinstance(self.ranker, str) else self.ranker or ()
        return [Preset(name) for name in names]

    def allowed_ranker(self, problem: Problem) -> Ranker | None:
        """What the split allows, negated for the adversary; raises `NotAvailable`."""
        ranker = self._ranker(problem.held_out)
        if ranker is not None and problem.is_adversarial:
            return NegatedRanker(ranker)
        return ranker

    def _ranker(self, held_out: frozenset[str]) -> Ranker | None:
        """The first preset that was not trained on what the split holds out."""
        refused = {}
        for preset in self.presets():
            refused[preset.name] = sorted(trained_on(preset.card) & held_out)
            if not refused[preset.name]:
                return load_preset(preset.directory)
        if refused:
            raise NotAvailable(f"The split holds out what every preset was trained on: {refused}")
        return None


class OracleSearch(Search):
    """One search by an oracle, in a project folder of its own.

    Args:
        problem: The task.
        oracle_class: Of the oracle.
        arguments: Of the oracle, but for objective, space and seed.
        seed: Of the study; spread, so that no two searches are shifted copies.
    """

    def __init__(self, problem: Problem, oracle_class: Callable, arguments: Mapping, seed: int):
        self.directory = tempfile.TemporaryDirectory()
        self.largest: dict[str, int] = {}
        for hp in problem.space.hyperparameters:
            if hp.kind == "int":
                self.largest[hp.name] = max(self.largest.get(hp.name, int(hp.high)), int(hp.high))
        self.oracle = oracle_class(
            objective=keras_tuner.Objective(OBJECTIVE, problem.direction),
            hyperparameters=problem.space.to_keras_tuner(),
            seed=spread_seed(seed),
            # A training that diverges is a result.
            max_consecutive_failed_trials=problem.num_trials + 1,
            **arguments,
        )
        _Driver(self.oracle, hypermodel=_no_model, directory=self.directory.name)
        self.oracle.verbose = 0

    def suggest(self) -> Proposal | None:
        for _ in range(MOST_IDLE_CALLS):
            trial = self.oracle.create_trial(TUNER_ID)
            if trial.status != TrialStatus.IDLE:
                break
        if trial.status != TrialStatus.RUNNING:
            return None
        values = trial.hyperparameters.values
        configuration = {
            name: self._legal(name, value) for name, value in configuration_of(trial).items()
        }
        return Proposal(configuration, values.get(EPOCHS), values.get(INITIAL_EPOCH, 0), trial)

    def _legal(self, name: str, value: Value) -> Value:
        """What is trained for a value that KerasTuner's Bayesian search proposes.

        It gives some values as NumPy's scalars, and, at the upper end of the range of an integer
        without steps, one more than the largest. A user's model would be built with that; here
        the largest is, and the oracle is told nothing of it.
        """
        if isinstance(value, np.generic):
            value = value.item()
        largest = self.largest.get(name)
        return value if largest is None else min(value, largest)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        trial: Any = proposal.handle
        if value is None:
            trial.status = TrialStatus.FAILED
        else:
            self.oracle.update_trial(trial.trial_id, {OBJECTIVE: value})
            trial.status = TrialStatus.COMPLETED
        self.oracle.end_trial(trial)

    def close(self) -> None:
        self.directory.cleanup()


class _Driver(keras_tuner.Tuner):
    """Gives the oracle its project folder by KerasTuner's public way."""

    def run_trial(self, trial, *args, **kwargs):
        raise NotImplementedError("The oracle is asked directly.")


def _no_model(hp):
    """The search space is given."""


def trained_on(card: Mapping) -> set[str]:
    """Names of the tasks, families and data sets that a preset's card lists."""
    entries = [
        *card.get("trained_on", ()),
        *({"name": n} for n in card.get("early_stopping_on", ())),
    ]
    names = {entry["name"] for entry in entries}
    families = {name.split("/")[0] for name in names}
    return names | families | {entry["dataset"] for entry in entries if entry.get("dataset")}


def experience_of_space(problem: Problem) -> list:
    """The split's logs that share the task's search space; raises `NotAvailable` without any."""
    logs = [log for log in problem.experience if log.space == problem.space]
    if not logs:
        raise NotAvailable("the split leaves no earlier search of the same space")
    return logs


@cache
def load_preset(directory: Path) -> Ranker:
    """A preset's ranker, loaded once a process."""
    return Preset(directory).load()


class NegatedRanker(Ranker):
    """The adversary: likes what a ranker dislikes.

    Args:
        ranker: Any ranker.
    """

    def __init__(self, ranker: Ranker):
        self.ranker = ranker

    def tokens(self, space: SearchSpace, points: Points) -> Tokens:
        return self.ranker.tokens(space, points)

    def score(self, context: Context | None, query: Tokens) -> Prediction:
        prediction = self.ranker.score(context, query)
        return replace(prediction, mean=-prediction.mean, score=-prediction.score)
