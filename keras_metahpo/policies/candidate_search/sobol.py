"""The default candidate search: a spread over the space, then neighbours of the best."""

import numpy as np

from keras_metahpo.policies.base import untried
from keras_metahpo.policies.candidate_search.base import AcquisitionProblem, CandidateSearch
from keras_metahpo.policies.candidates import candidates, refine
from keras_metahpo.space import Points


class SobolSearch(CandidateSearch):
    """A Sobol sequence, mutations of the incumbents and defaults; then rounds of neighbours."""

    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        space, tried = problem.space, set(problem.tried)
        spread = candidates(space, rng, problem.incumbents, problem.num_candidates)
        points = untried(spread, tried)
        if not len(points):
            return points, np.zeros((0, 1))
        return refine(space, rng, points, problem.score_function, tried)
