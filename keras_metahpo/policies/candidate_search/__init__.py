"""Candidate searches: ways to maximise an acquisition function over a search space."""

from keras_metahpo.policies.candidate_search.base import AcquisitionProblem, CandidateSearch
from keras_metahpo.policies.candidate_search.genetic import GeneticSearch
from keras_metahpo.policies.candidate_search.gradient import GradientSearch
from keras_metahpo.policies.candidate_search.particle_swarm import ParticleSwarmSearch
from keras_metahpo.policies.candidate_search.registry import (
    CANDIDATE_SEARCHES,
    DEFAULT_CANDIDATE_SEARCH,
    check_candidate_search,
    new_candidate_search,
)
from keras_metahpo.policies.candidate_search.sobol import SobolSearch

__all__ = [
    "CANDIDATE_SEARCHES",
    "DEFAULT_CANDIDATE_SEARCH",
    "AcquisitionProblem",
    "CandidateSearch",
    "GeneticSearch",
    "GradientSearch",
    "ParticleSwarmSearch",
    "SobolSearch",
    "check_candidate_search",
    "new_candidate_search",
]
