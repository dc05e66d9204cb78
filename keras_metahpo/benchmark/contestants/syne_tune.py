"""Syne Tune: copula Thompson sampling (Salinas et al., 2020), and schedulers that stop early."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.benchmark.contestants.kerastuner import experience_of_space
from keras_metahpo.benchmark.contestants.rungs import REDUCTION_FACTOR, RungSearch, fewest_epochs
from keras_metahpo.history import TrialLog, utility
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

OBJECTIVE, EPOCH = "objective", "epoch"


@dataclass(frozen=True)
class QuantileContestant(Contestant):
    """`QuantileBasedSurrogateSearcher`, which learns from the logs that the split allows."""

    requires = ("syne_tune", "xgboost", "huggingface_hub")

    def start(self, problem: Problem, seed: int) -> Search:
        _require_flat(problem.space)
        return QuantileSearch(problem, experience_of_space(problem), seed)


class QuantileSearch(Search):
    """One search; Syne Tune minimises, so it is told the negative utility."""

    def __init__(self, problem: Problem, logs: Sequence[TrialLog], seed: int):
        from syne_tune.optimizer.schedulers.transfer_learning.quantile_based import (
            quantile_based_searcher,
        )

        self.problem = problem
        space = _config_space(problem.space)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.searcher = quantile_based_searcher.QuantileBasedSurrogateSearcher(
                config_space=space,
                transfer_learning_evaluations={
                    log.card.name: _evaluations(space, log) for log in logs
                },
                random_seed=seed,
            )
        self.num_trials = 0

    def suggest(self) -> Proposal:
        given = self.searcher.suggest()
        return Proposal(_configuration(self.problem.space, given), handle=given)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        # Copula Thompson sampling learns from other tasks only; the call keeps the protocol.
        if value is not None:
            negative = -utility(value, self.problem.direction)
            self.searcher.on_trial_complete(str(self.num_trials), proposal.handle, negative)
        self.num_trials += 1


@dataclass(frozen=True)
class SchedulerContestant(Contestant):
    """A scheduler of Syne Tune that stops trials at rungs, as ASHA does.

    Args:
        scheduler: Name of a class in `syne_tune.optimizer.baselines`: `"BOHB"` or `"ASHACQR"`
            (conformal quantile regression; Salinas et al., 2023).
    """

    scheduler: str
    requires = ("syne_tune", "statsmodels", "xgboost")

    def start(self, problem: Problem, seed: int) -> Search:
        _require_flat(problem.space)
        return SchedulerSearch(problem, self.scheduler, fewest_epochs(problem), seed)


class SchedulerSearch(RungSearch):
    """One search by one worker; Syne Tune is told the negative utility at each rung."""

    def __init__(self, problem: Problem, scheduler: str, fewest: int, seed: int):
        from syne_tune.optimizer import baselines

        super().__init__(problem, fewest)
        # It warns of its own arguments in each search.
        logging.getLogger("syne_tune").setLevel(logging.ERROR)
        self.scheduler: Any = getattr(baselines, scheduler)(
            config_space=_config_space(problem.space),
            metric=OBJECTIVE,
            time_attr=EPOCH,
            max_t=problem.max_fidelity,
            grace_period=fewest,
            reduction_factor=REDUCTION_FACTOR,
            random_seed=seed,
        )
        self.num_trials = 0

    def begin(self) -> Proposal:
        from syne_tune.backend.trial_status import Trial

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = self.scheduler.suggest().config
        trial = Trial(self.num_trials, given, datetime.now())
        self.num_trials += 1
        self.scheduler.on_trial_add(trial)
        return Proposal(_configuration(self.problem.space, given), handle=trial)

    def goes_on(self, proposal: Proposal, value: float) -> bool:
        from syne_tune.optimizer.scheduler import SchedulerDecision

        loss = -utility(value, self.problem.direction)
        result = {OBJECTIVE: loss, EPOCH: proposal.fidelity}
        decision = self.scheduler.on_trial_result(proposal.handle, result)
        return decision == SchedulerDecision.CONTINUE and not self.is_over(proposal)

    def fail(self, proposal: Proposal) -> None:
        self.scheduler.on_trial_error(proposal.handle)


def _require_flat(space: SearchSpace) -> None:
    if any(hp.conditions for hp in space.hyperparameters):
        raise NotAvailable("Syne Tune knows no conditional hyperparameters")


def _configuration(space: SearchSpace, given) -> dict[str, Value]:
    return {hp.name: hp.value(hp.number(_plain(given[hp.name]))) for hp in space.hyperparameters}


def _config_space(space: SearchSpace) -> dict:
    return {hp.name: _domain(hp) for hp in space.hyperparameters}


def _domain(hp: Hyperparameter):
    from syne_tune import config_space

    if not hp.is_numeric or hp.step is not None:
        return config_space.choice(list(hp.values()))
    log = hp.sampling == "log"
    if hp.kind == "int":
        return (config_space.lograndint if log else config_space.randint)(int(hp.low), int(hp.high))
    return (config_space.loguniform if log else config_space.uniform)(hp.low, hp.high)


def _evaluations(space: dict, log: TrialLog):
    import pandas
    from syne_tune.optimizer.schedulers.transfer_learning.transfer_learning_task_evaluation import (
        TransferLearningTaskEvaluations,
    )

    history = log.history()
    utilities = history.utilities[~history.failed]
    configurations = [
        c for c, failed in zip(history.configurations, history.failed, strict=True) if not failed
    ]
    return TransferLearningTaskEvaluations(
        configuration_space=space,
        hyperparameters=pandas.DataFrame(configurations),
        objectives_names=[OBJECTIVE],
        objectives_evaluations=-np.asarray(utilities)[:, None, None, None],
    )


def _plain(value) -> Value:
    return value.item() if isinstance(value, np.generic) else value
