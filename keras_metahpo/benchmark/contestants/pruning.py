"""Multi-fidelity opponents: Optuna's samplers with pruners, and DEHB."""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_metahpo.benchmark.contestants.base import Contestant, Problem, Proposal, Search
from keras_metahpo.benchmark.contestants.optuna import OptunaContestant
from keras_metahpo.benchmark.contestants.rungs import REDUCTION_FACTOR, RungSearch, fewest_epochs
from keras_metahpo.benchmark.contestants.smac import configuration_of, configuration_space
from keras_metahpo.history import utility


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


class PruningSearch(RungSearch):
    """One study of Optuna, whose pruner judges."""

    def __init__(self, inner, problem: Problem, fewest: int):
        super().__init__(problem, fewest)
        self.inner = inner

    def begin(self) -> Proposal:
        return self.inner.suggest()

    def goes_on(self, proposal: Proposal, value: float) -> bool:
        import optuna

        trial: Any = proposal.handle
        trial.report(value, step=proposal.fidelity)
        if self.is_over(proposal):
            self.inner.observe(proposal, value)
            return False
        if trial.should_prune():
            self.inner.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return False
        return True

    def fail(self, proposal: Proposal) -> None:
        self.inner.observe(proposal, None)


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
