"""Optuna's samplers, which see a search space branch by branch."""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_metahpo.benchmark.contestants.base import Contestant, Problem, Proposal, Search
from keras_metahpo.benchmark.contestants.policy import portfolio
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

NUM_PORTFOLIO_STARTS = 5


@dataclass(frozen=True)
class OptunaContestant(Contestant):
    """An Optuna sampler.

    Args:
        sampler: Name of a class in `optuna.samplers`.
        arguments: Its further arguments.
        starts_with_portfolio: Whether a greedy portfolio of other tasks comes first.
    """

    sampler: str = "TPESampler"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    starts_with_portfolio: bool = False

    @property
    def requires(self):  # type: ignore[override]
        return ("optuna", "torch") if self.sampler == "GPSampler" else ("optuna",)

    def start(self, problem: Problem, seed: int) -> Search:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            # Multivariate and conditional TPE are marked experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = getattr(optuna.samplers, self.sampler)(seed=seed, **self.arguments)
        direction = {"min": "minimize", "max": "maximize"}[problem.direction]
        # A pruner may draw from the study's name, which would be random.
        study = optuna.create_study(
            sampler=sampler, direction=direction, study_name=f"{problem.name} {seed}"
        )
        search = OptunaSearch(study, problem)
        if self.starts_with_portfolio:
            space = problem.space
            points = portfolio(problem).portfolio(space)[:NUM_PORTFOLIO_STARTS]
            for configuration in space.decode(points):
                search.study.enqueue_trial(search.parameters(configuration))
        return search


class OptunaSearch(Search):
    """One Optuna study, asked and told."""

    def __init__(self, study, problem: Problem):
        self.study = study
        self.space = problem.space

    def suggest(self) -> Proposal:
        trial = self.study.ask()
        values: dict[str, Value] = {}
        for key, hp in labelled(self.space):
            if hp.is_active(values):
                values[hp.name] = _suggest(trial, key, hp)
        return Proposal(values, handle=trial)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        import optuna

        if value is None:
            self.study.tell(proposal.handle, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(proposal.handle, value)

    def parameters(self, configuration: Mapping[str, Value]) -> dict[str, Any]:
        """A configuration in Optuna's terms."""
        values: dict[str, Value] = {}
        found: dict[str, Any] = {}
        for key, hp in labelled(self.space):
            if hp.is_active(values):
                values[hp.name] = configuration[hp.name]
                unit = float(hp.units(np.asarray(hp.number(values[hp.name]))))
                found[key] = values[hp.name] if is_native(hp) else unit
        return found


def labelled(space: SearchSpace) -> list[tuple[str, Hyperparameter]]:
    """Hyperparameters with keys that are unique even where a name occurs in several branches."""
    occurrences = Counter(hp.name for hp in space.hyperparameters)
    return [
        (hp.name if occurrences[hp.name] == 1 else f"{hp.name}#{column}", hp)
        for column, hp in enumerate(space.hyperparameters)
    ]


def is_native(hp: Hyperparameter) -> bool:
    """Whether Optuna has the same distribution; the others are tuned by their unit position."""
    if not hp.is_numeric:
        return True
    return hp.sampling == "linear" or (hp.sampling == "log" and hp.step is None)


def _suggest(trial, key: str, hp: Hyperparameter) -> Value:
    if not hp.is_numeric:
        return trial.suggest_categorical(key, list(hp.choices))
    if not is_native(hp):
        return hp.value(float(hp.numbers(np.asarray(trial.suggest_float(key, 0.0, 1.0)))))
    log = hp.sampling == "log"
    if hp.kind == "int":
        return trial.suggest_int(key, int(hp.low), int(hp.high), step=int(hp.step or 1), log=log)
    return trial.suggest_float(key, hp.low, hp.high, step=hp.step, log=log)
