"""Candidates from a genetic algorithm, pymoo's."""

import numpy as np

from keras_metahpo.policies.candidate_search.base import (
    AcquisitionProblem,
    CandidateSearch,
    Evaluations,
)
from keras_metahpo.policies.candidates import MUTATION_SCALES, candidates
from keras_metahpo.space import Points

NUM_INITIAL = 128
POPULATION = 16


class GeneticSearch(CandidateSearch):
    """Generations that begin with a spread over the space; needs the extra `search`.

    Args:
        num_initial: Size of the first generation, of which the best survive.
        population: Size of all others.
        scales: Steps of mutated ordered coordinates, in units of their range.
    """

    def __init__(
        self,
        num_initial: int = NUM_INITIAL,
        population: int = POPULATION,
        scales: tuple[float, ...] = MUTATION_SCALES,
    ):
        self.num_initial = num_initial
        self.population = population
        self.scales = scales

    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        from pymoo.algorithms.soo.nonconvex.ga import GA
        from pymoo.operators.crossover.ux import UX

        from keras_metahpo.policies.candidate_search.evolution import (
            SnapToSpace,
            StepOrDrawAnew,
            evolve,
        )

        evaluations = Evaluations(problem)
        first = candidates(problem.space, rng, problem.incumbents, self.num_initial)
        algorithm = GA(
            pop_size=self.population,
            sampling=first.units,
            crossover=UX(prob=0.5),
            mutation=StepOrDrawAnew(problem.space, self.scales),
            repair=SnapToSpace(problem.space),
            eliminate_duplicates=True,
        )
        evolve(algorithm, evaluations, rng)
        return evaluations.points, evaluations.facts
