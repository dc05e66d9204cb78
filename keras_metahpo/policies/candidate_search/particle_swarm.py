"""Candidates from a particle swarm, pymoo's."""

import numpy as np

from keras_metahpo.policies.candidate_search.base import (
    AcquisitionProblem,
    CandidateSearch,
    Evaluations,
)
from keras_metahpo.policies.candidates import NUM_REFINED, candidates
from keras_metahpo.space import Points

NUM_INITIAL = 128
SWARM = 16


class ParticleSwarmSearch(CandidateSearch):
    """A swarm that begins at the best of a spread over the space; needs the extra `search`.

    Particles move in the unit cube and are judged by the nearest configuration. A swarm that has
    gathered where all is known is followed by another: half of it spread over the space, half of it
    mutations of the best.

    Args:
        num_initial: How many points are compared for the first swarm's beginning.
        swarm: How many particles.
    """

    def __init__(self, num_initial: int = NUM_INITIAL, swarm: int = SWARM):
        self.num_initial = num_initial
        self.swarm = swarm

    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        from pymoo.algorithms.soo.nonconvex.pso import PSO

        from keras_metahpo.policies.candidate_search.evolution import evolve

        space, evaluations = problem.space, Evaluations(problem)
        evaluations.scores(candidates(space, rng, problem.incumbents, self.num_initial))
        first, num_known = evaluations.best(self.swarm), 0
        while len(first) > 1 and num_known < len(evaluations.points):
            num_known = len(evaluations.points)
            evolve(PSO(pop_size=len(first), sampling=first.units), evaluations, rng)
            first = candidates(space, rng, evaluations.best(NUM_REFINED), self.swarm)
        return evaluations.points, evaluations.facts
