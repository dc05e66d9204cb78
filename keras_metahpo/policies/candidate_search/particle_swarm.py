"""Candidates from a particle swarm, pymoo's."""

import numpy as np

from keras_metahpo.policies.candidate_search.base import (
    AcquisitionProblem,
    CandidateSearch,
    Evaluations,
)
from keras_metahpo.policies.candidates import candidates
from keras_metahpo.space import Points


class ParticleSwarmSearch(CandidateSearch):
    """A swarm that begins at the best of a spread over the space; needs the extra `search`.

    Particles move in the unit cube and are judged by the nearest configuration.

    Args:
        num_initial: How many points are compared for the swarm's beginning.
        swarm: How many particles.
    """

    def __init__(self, num_initial: int = 128, swarm: int = 16):
        self.num_initial = num_initial
        self.swarm = swarm

    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        from pymoo.algorithms.soo.nonconvex.pso import PSO

        from keras_metahpo.policies.candidate_search.evolution import evolve

        evaluations = Evaluations(problem)
        evaluations.scores(candidates(problem.space, rng, problem.incumbents, self.num_initial))
        first = evaluations.best(self.swarm).units
        if len(first) > 1:
            evolve(PSO(pop_size=len(first), sampling=first), evaluations, rng)
        return evaluations.points, evaluations.facts
