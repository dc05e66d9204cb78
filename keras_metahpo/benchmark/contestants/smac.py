"""SMAC3: Bayesian optimisation with a random forest."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_metahpo.benchmark.contestants.base import Contestant, Problem, Proposal, Search
from keras_metahpo.benchmark.contestants.optuna import is_native, labelled
from keras_metahpo.history import utility
from keras_metahpo.space import Hyperparameter, SearchSpace, Value


@dataclass(frozen=True)
class SmacContestant(Contestant):
    """`smac.HyperparameterOptimizationFacade`, asked and told."""

    requires = ("smac",)

    def start(self, problem: Problem, seed: int) -> Search:
        return SmacSearch(problem, seed)


class SmacSearch(Search):
    """One SMAC optimisation; it minimises, so it is told the negative utility."""

    def __init__(self, problem: Problem, seed: int):
        from smac import HyperparameterOptimizationFacade, Scenario

        self.problem = problem
        self.worst = 0.0
        self.directory = tempfile.TemporaryDirectory()
        scenario = Scenario(
            configuration_space(problem.space, seed),
            n_trials=problem.num_trials,
            deterministic=True,
            seed=seed,
            output_directory=self.directory.name,
        )
        self.facade = HyperparameterOptimizationFacade(
            scenario, lambda configuration, seed: 0.0, overwrite=True, logging_level=False
        )

    def suggest(self) -> Proposal | None:
        try:
            info = self.facade.ask()
        except StopIteration:  # Its budget or the space is used up.
            return None
        return Proposal(configuration_of(self.problem.space, info.config), handle=info)

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        from smac.runhistory import TrialValue

        # Its forest cannot be fitted to infinity: a failure costs as much as the worst so far.
        cost = self.worst if value is None else -utility(value, self.problem.direction)
        self.worst = max(self.worst, cost)
        self.facade.tell(proposal.handle, TrialValue(cost=cost))

    def close(self) -> None:
        self.directory.cleanup()


def configuration_of(space: SearchSpace, given: Mapping) -> dict[str, Value]:
    """Values in ConfigSpace's terms as a configuration."""
    given = dict(given)
    values: dict[str, Value] = {}
    for key, hp in labelled(space):
        if hp.is_active(values):
            values[hp.name] = _value(hp, given[key])
    return values


def configuration_space(space: SearchSpace, seed: int):
    """The search space in ConfigSpace's terms."""
    import ConfigSpace

    result = ConfigSpace.ConfigurationSpace(seed=seed)
    keys: dict[str, list[str]] = {}
    for key, hp in labelled(space):
        result.add(_hyperparameter(key, hp))
        conditions = [
            ConfigSpace.InCondition(result[key], result[parent], list(condition.values))
            for condition in hp.conditions
            for parent in keys[condition.parent]
        ]
        if conditions:
            result.add(
                conditions[0] if len(conditions) == 1 else ConfigSpace.AndConjunction(*conditions)
            )
        keys.setdefault(hp.name, []).append(key)
    return result


def _hyperparameter(key: str, hp: Hyperparameter):
    import ConfigSpace

    if not hp.is_numeric:
        if len(hp.choices) == 1:
            return ConfigSpace.Constant(key, hp.choices[0])
        return ConfigSpace.CategoricalHyperparameter(key, list(hp.choices))
    if hp.low == hp.high:
        return ConfigSpace.Constant(key, hp.value(hp.low))
    if not is_native(hp) or hp.step not in (None, 1):
        return ConfigSpace.UniformFloatHyperparameter(key, 0.0, 1.0)
    log = hp.sampling == "log"
    if hp.kind == "int":
        return ConfigSpace.UniformIntegerHyperparameter(key, int(hp.low), int(hp.high), log=log)
    return ConfigSpace.UniformFloatHyperparameter(key, hp.low, hp.high, log=log)


def _value(hp: Hyperparameter, given) -> Value:
    if not hp.is_numeric:
        return next(choice for choice in hp.choices if choice == given)
    if hp.low != hp.high and (not is_native(hp) or hp.step not in (None, 1)):
        return hp.value(float(hp.numbers(np.asarray(given))))
    return hp.value(float(given))
