"""Candidate searches by name, refused before a search begins rather than in its middle."""

import importlib

from keras_metahpo.errors import did_you_mean
from keras_metahpo.policies.candidate_search.base import CandidateSearch
from keras_metahpo.policies.candidate_search.genetic import GeneticSearch
from keras_metahpo.policies.candidate_search.gradient import GradientSearch
from keras_metahpo.policies.candidate_search.particle_swarm import ParticleSwarmSearch
from keras_metahpo.policies.candidate_search.sobol import SobolSearch
from keras_metahpo.rankers import DifferentiableRanker, Preset, Ranker
from keras_metahpo.rankers.gradient import checked_backend

DEFAULT_CANDIDATE_SEARCH = "sobol"
CANDIDATE_SEARCHES = (DEFAULT_CANDIDATE_SEARCH, "genetic", "particle_swarm", "gradient")


def check_candidate_search(name: str, ranker: Ranker | Preset | None) -> None:
    """Raises where a search by this name could not be made, or could not be run.

    Args:
        name: One of `CANDIDATE_SEARCHES`.
        ranker: Of the policy.

    Raises:
        ValueError: for an unknown name, and for `"gradient"` with a ranker that has none.
        ImportError: where pymoo is needed and missing.
    """
    if name not in CANDIDATE_SEARCHES:
        question = did_you_mean(name, CANDIDATE_SEARCHES) if isinstance(name, str) else ""
        raise ValueError(
            f"candidate_search must be one of {list(CANDIDATE_SEARCHES)}. "
            f"Received: {name!r}.{question}"
        )
    if name in ("genetic", "particle_swarm"):
        _check_pymoo(name)
    if name == "gradient":
        _check_differentiable(ranker)
        checked_backend()


def new_candidate_search(
    name: str = DEFAULT_CANDIDATE_SEARCH, ranker: Ranker | None = None
) -> CandidateSearch:
    """A candidate search by its name; raises as `check_candidate_search` does."""
    check_candidate_search(name, ranker)
    if name == "gradient" and isinstance(ranker, DifferentiableRanker):
        return GradientSearch(ranker)
    if name == "genetic":
        return GeneticSearch()
    if name == "particle_swarm":
        return ParticleSwarmSearch()
    return SobolSearch()


def _check_pymoo(name: str) -> None:
    try:
        importlib.import_module("keras_metahpo.policies.candidate_search.evolution")
    except ImportError as error:
        raise ImportError(
            f"candidate_search={name!r} needs the package pymoo, which cannot be imported "
            f"({error}). Install it with: pip install 'keras-metahpo[search]', or use "
            f"candidate_search={DEFAULT_CANDIDATE_SEARCH!r}."
        ) from error


def _check_differentiable(ranker: Ranker | Preset | None) -> None:
    kind = ranker.ranker_class if isinstance(ranker, Preset) else type(ranker)
    if not issubclass(kind, DifferentiableRanker):
        received = "None" if ranker is None else f"a {kind.__name__}"
        raise ValueError(
            "candidate_search='gradient' climbs the gradient of the ranker's score and needs a "
            f"preset or a `DifferentiableRanker`, which has `prior_gradient`. Received: "
            f"ranker={received}. Choose such a ranker, or use "
            f"candidate_search={DEFAULT_CANDIDATE_SEARCH!r}."
        )
