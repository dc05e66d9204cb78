"""This package's freezing and thawing, without a tuner around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.benchmark.contestants.kerastuner import MetaOracleContestant
from keras_metahpo.history import TrainingState, utility
from keras_metahpo.policies import (
    FLOOR,
    FreezeThawPolicy,
    GaussianProcessPolicy,
    SurrogatePolicy,
    TrainingStep,
)
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.policies.ranker import RankerPrior
from keras_metahpo.space import Configuration

FLOOR_EVERY = 8


@dataclass(frozen=True)
class FreezeThawContestant(Contestant):
    """The policy of `MetaOracle` with `max_epochs`, which chooses from a pool where there is one.

    Args:
        ranker: A preset's name, `None` for none.
        is_frozen: Whether trainings are frozen and thawed; else each is a full one.
        decides_alone: Whether the ranker is told of all trainings and decides by its answer; else
            it is the prior mean of a Gaussian process.
    """

    ranker: str | None = "base"
    is_frozen: bool = True
    decides_alone: bool = False

    def start(self, problem: Problem, seed: int) -> Search:
        if self.is_frozen and problem.max_fidelity < 2:
            raise NotAvailable("freezing needs tasks with several fidelities")
        ranker = MetaOracleContestant(self.ranker).allowed_ranker(problem)
        pool = None if problem.pool is None else problem.space.encode(problem.pool)
        model: ImprovementPolicy
        if ranker is not None and self.decides_alone:
            model = SurrogatePolicy(ranker, pool=pool)
        else:
            prior = RankerPrior(ranker) if ranker is not None else None
            model = GaussianProcessPolicy(prior, num_initial=1, pool=pool)
        max_epochs = problem.max_fidelity if self.is_frozen else 1
        return FreezeThawSearch(
            problem, FreezeThawPolicy(model, model, max_epochs, FLOOR_EVERY), seed
        )

    def presets(self):
        return MetaOracleContestant(self.ranker).presets()


@dataclass
class _Trial:
    configuration: Configuration
    is_random: bool
    utilities: list[float] = field(default_factory=list)


class FreezeThawSearch(Search):
    """One search; what it counts are epochs."""

    needs_curves = True

    def __init__(self, problem: Problem, policy: FreezeThawPolicy, seed: int):
        self.problem = problem
        self.policy = policy
        self.seed = seed
        self.trials: list[_Trial] = []
        self.num_steps = 0

    def suggest(self) -> Proposal | None:
        states = [
            TrainingState(t.configuration, np.array(t.utilities), is_random=t.is_random)
            for t in self.trials
        ]
        rng = np.random.default_rng([self.seed, self.num_steps])
        step = self.policy.suggest(self.problem.space, states, (), rng)
        if step is None:
            return None
        self.num_steps += 1
        trained = 0 if step.trial is None else len(self.trials[step.trial].utilities)
        # The policy's unit is an epoch, or a full training if there is but one fidelity for it.
        is_full = step.epochs == self.policy.max_epochs
        fidelity = self.problem.max_fidelity if is_full else step.epochs
        return Proposal(step.configuration, fidelity, trained, step)

    def observe(self, proposal: Proposal, value, curve: Sequence[float | None] = ()) -> None:
        step = proposal.handle
        assert isinstance(step, TrainingStep)
        if step.trial is None:
            self.trials.append(_Trial(step.configuration, step.expert == FLOOR))
        trial = self.trials[-1 if step.trial is None else step.trial]
        direction = self.problem.direction
        if self.policy.max_epochs == 1:
            trial.utilities = [utility(value, direction)]
        else:
            # What has failed has no value, whatever it had before.
            values = [None] * len(curve) if value is None else curve
            trial.utilities = [utility(v, direction) for v in values]
