"""What pymoo's algorithms need to search a search space; imported only where pymoo is chosen.

Shapes: n points, d hyperparameters.
"""

import numpy as np
from pymoo.core.algorithm import Algorithm
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair

from keras_metahpo.policies.candidate_search.base import Evaluations
from keras_metahpo.policies.candidates import all_points, mutate
from keras_metahpo.space import SearchSpace

# Points that were asked about before cost nothing, but a population of nothing else is done.
MOST_IDLE_GENERATIONS = 3


class AcquisitionInUnitCube(Problem):
    """The negated acquisition over the unit cube, where every position means the nearest point."""

    def __init__(self, evaluations: Evaluations):
        super().__init__(n_var=len(evaluations.problem.space), n_obj=1, xl=0.0, xu=1.0)
        self.evaluations = evaluations

    def _evaluate(self, x, out, *args, **kwargs):
        points = self.evaluations.problem.space.snap(np.asarray(x, dtype=float))
        out["F"] = -self.evaluations.scores(points)[:, None]


class SnapToSpace(Repair):
    """Moves individuals onto legal points, so that equal configurations are equal individuals."""

    def __init__(self, space: SearchSpace):
        super().__init__()
        self.space = space

    def _do(self, problem, X, **kwargs):
        return self.space.snap(np.asarray(X, dtype=float)).units


class StepOrDrawAnew(Mutation):
    """1 to 3 active coordinates changed: steps of ordered ones, categories drawn anew."""

    def __init__(self, space: SearchSpace, scales: tuple[float, ...]):
        super().__init__()
        self.space = space
        self.scales = scales

    def _do(self, problem, X, *args, random_state=None, **kwargs):
        parents = self.space.snap(np.asarray(X, dtype=float))
        return mutate(self.space, random_state, parents, self.scales).units


def evolve(algorithm: Algorithm, evaluations: Evaluations, rng: np.random.Generator) -> None:
    """Runs generation after generation until the budget is spent or nothing new comes up."""
    from pymoo.core.termination import NoTermination

    space = evaluations.problem.space
    everything = all_points(space.hyperparameters)
    if everything is not None and len(everything) <= evaluations.problem.budget:
        evaluations.scores(everything)
        return
    seed = int(rng.integers(2**32))
    problem = AcquisitionInUnitCube(evaluations)
    algorithm.setup(problem, termination=NoTermination(), seed=seed)
    num_idle = 0
    while evaluations.num_left > 0 and num_idle < MOST_IDLE_GENERATIONS:
        num_asked = len(evaluations.points)
        # A swarm gathered in one place divides by its extent of next to nothing.
        with np.errstate(over="ignore"):
            algorithm.next()
        num_idle = 0 if len(evaluations.points) > num_asked else num_idle + 1
