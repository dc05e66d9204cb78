"""Multi-fidelity opponents: Optuna's samplers with pruners, and DEHB."""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.benchmark.contestants.optuna import OptunaContestant
from keras_metahpo.benchmark.contestants.smac import configuration_of, configuration_space
from keras_metahpo.history import utility

# Each rung is so many times as high as the one below it; the lowest is a 27th of the training.
REDUCTION_FACTOR, NUM_RUNGS = 3, 3
FEWEST_EPOCHS = 2


def fewest_epochs(problem: Problem) -> int:
    """The lowest rung; raises `NotAvailable` where there is one fidelity only."""
    if problem.max_fidelity < 2:
        raise NotAvailable("early stopping needs tasks with several fidelities")
    share = round(problem.max_fidelity / REDUCTION_FACTOR**NUM_RUNGS)
    return min(max(share, FEWEST_EPOCHS), problem.max_fidelity)


@dataclass(frozen=True)
class PruningContestant(Contestant):
    """An Optuna sampler with a pruner, which looks at each rung.

    Args:
        pruner: `"SuccessiveHalvingPruner"` (with random configurations, ASHA) or
            `"HyperbandPruner"` (with TPE, in the manner of BOHB).
        sampler, arguments: As in `OptunaContestant`.
    """

    pruner: str
    sampler: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    requires = ("optuna",)

    def start(self, problem: Problem, seed: int) -> Search:
        import optuna

        fewest = fewest_epochs(problem)
        arguments = {"min_resource": fewest, "reduction_factor": REDUCTION_FACTOR}
        if self.pruner == "HyperbandPruner":
            arguments["max_resource"] = problem.max_fidelity
        inner: Any = OptunaContestant(self.sampler, self.arguments).start(problem, seed)
        inner.study.pruner = getattr(optuna.pruners, self.pruner)(**arguments)
        return PruningSearch(inner, problem, fewest)


class PruningSearch(Search):
    """Trains each trial from rung to rung until the pruner stops it."""

    def __init__(self, inner, problem: Problem, fewest: int):
        self.inner = inner
        self.rungs = [fewest]
        while self.rungs[-1] * REDUCTION_FACTOR < problem.max_fidelity:
            self.rungs.append(self.rungs[-1] * REDUCTION_FACTOR)
        if self.rungs[-1] < problem.max_fidelity:
            self.rungs.append(problem.max_fidelity)
        self.going_on: Proposal | None = None

    def suggest(self) -> Proposal:
        if self.going_on is None:
            new = self.inner.suggest()
            return Proposal(new.configuration, self.rungs[0], 0, new.handle)
        last = self.going_on
        trained = last.fidelity or 0
        following = self.rungs[self.rungs.index(trained) + 1]
        return Proposal(last.configuration, following, trained, last.handle)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        import optuna

        trial: Any = proposal.handle
        self.going_on = None
        if value is None:
            self.inner.observe(proposal, None)
            return
        trial.report(value, step=proposal.fidelity)
        if proposal.fidelity == self.rungs[-1]:
            self.inner.observe(proposal, value)
        elif trial.should_prune():
            self.inner.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            self.going_on = proposal


@dataclass(frozen=True)
class DEHBContestant(Contestant):
    """DEHB (Awad et al., 2021), which trains every configuration from its beginning."""

    requires = ("dehb", "ConfigSpace")
    # Its metadata still ask for NumPy 1; it works with NumPy 2.
    extra = "keras-metahpo[peers]' && pip install --no-deps dehb loguru distributed dask 'toolz"

    def start(self, problem: Problem, seed: int) -> Search:
        return DEHBSearch(problem, seed)


class DEHBSearch(Search):
    """One DEHB optimisation; it minimises."""

    def __init__(self, problem: Problem, seed: int):
        from dehb import DEHB

        fewest = fewest_epochs(problem)
        self.problem = problem
        self.worst = 0.0
        self.directory = tempfile.TemporaryDirectory()
        self.dehb = DEHB(
            cs=configuration_space(problem.space, seed),
            f=None,
            min_fidelity=fewest,
            max_fidelity=problem.max_fidelity,
            eta=REDUCTION_FACTOR,
            n_workers=1,
            seed=seed,
            output_path=Path(self.directory.name),
            log_level="ERROR",
            save_freq="end",
        )

    def suggest(self) -> Proposal:
        job = self.dehb.ask()
        epochs = int(np.clip(round(job["fidelity"]), 1, self.problem.max_fidelity))
        return Proposal(configuration_of(self.problem.space, job["config"]), epochs, 0, job)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        fitness = self.worst if value is None else -utility(value, self.problem.direction)
        self.worst = max(self.worst, fitness)
        self.dehb.tell(proposal.handle, {"fitness": fitness, "cost": float(proposal.fidelity or 0)})

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.directory.cleanup()
