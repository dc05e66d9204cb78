"""A transfer method of Syne Tune: copula Thompson sampling (Salinas et al., 2020)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.benchmark.contestants.kerastuner import experience_of_space
from keras_metahpo.history import TrialLog, utility
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

OBJECTIVE = "objective"


@dataclass(frozen=True)
class QuantileContestant(Contestant):
    """`QuantileBasedSurrogateSearcher`, which learns from the logs that the split allows."""

    requires = ("syne_tune", "xgboost", "huggingface_hub")

    def start(self, problem: Problem, seed: int) -> Search:
        if any(hp.conditions for hp in problem.space.hyperparameters):
            raise NotAvailable("Syne Tune's transfer methods know no conditional hyperparameters")
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
        values = {
            hp.name: hp.value(hp.number(_plain(given[hp.name])))
            for hp in self.problem.space.hyperparameters
        }
        return Proposal(values, handle=given)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        # Copula Thompson sampling learns from other tasks only; the call keeps the protocol.
        if value is not None:
            negative = -utility(value, self.problem.direction)
            self.searcher.on_trial_complete(str(self.num_trials), proposal.handle, negative)
        self.num_trials += 1


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
