"""The policy of `MetaOracle`, put together from its parts."""

from collections.abc import Sequence

from keras_metahpo.history import TrialLog
from keras_metahpo.policies.base import Policy
from keras_metahpo.policies.candidate_search import (
    DEFAULT_CANDIDATE_SEARCH,
    new_candidate_search,
)
from keras_metahpo.policies.gaussian_process import GaussianProcessPolicy
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.policies.mixture import (
    ChosenDefaultPolicy,
    FloorPolicy,
    InitialPolicy,
    StandbyPolicy,
)
from keras_metahpo.policies.portfolio import PortfolioPolicy
from keras_metahpo.policies.ranker import RankerPrior
from keras_metahpo.policies.surrogate import SurrogatePolicy
from keras_metahpo.rankers import Ranker
from keras_metahpo.space import Configuration


def build_policy(
    model: ImprovementPolicy,
    logs: Sequence[TrialLog] = (),
    initial_configurations: Sequence[Configuration] = (),
    floor: int | None = None,
    *,
    has_standby: bool = True,
) -> Policy:
    """Initial configurations, then every `floor`-th random, then portfolio, then the model.

    Without earlier searches, the model leaves the second trial to a default that someone chose.

    Args:
        model: Decides when the others do not; as `build_model_policy` makes it.
        logs: Earlier searches of the same problem.
        initial_configurations: Tried first.
        floor: Every so many trials one is random; `None` for never.
        has_standby: Whether a process without a prior decides for some trials of one with a prior.
    """
    policy: Policy = model
    if has_standby and isinstance(model, GaussianProcessPolicy) and model.prior is not None:
        plain = GaussianProcessPolicy(candidate_search=model.candidate_search, pool=model.pool)
        policy = StandbyPolicy(model, plain)
    policy = PortfolioPolicy(logs, then=policy) if logs else ChosenDefaultPolicy(policy)
    if floor is not None:
        policy = FloorPolicy(policy, floor)
    if initial_configurations:
        policy = InitialPolicy(initial_configurations, then=policy)
    return policy


def build_model_policy(
    ranker: Ranker | None,
    candidate_search: str = DEFAULT_CANDIDATE_SEARCH,
    surrogate: Ranker | None = None,
) -> ImprovementPolicy:
    """A policy that predicts.

    Args:
        ranker: Its zero-shot score is the Gaussian process's prior mean; `None` for none.
        candidate_search: One of `CANDIDATE_SEARCHES`; raises as `check_candidate_search` does.
        surrogate: Predicts alone, in place of the ranker's Gaussian process.
    """
    search = new_candidate_search(candidate_search, ranker)
    if surrogate is not None:
        return SurrogatePolicy(surrogate, candidate_search=search)
    prior = RankerPrior(ranker) if ranker else None
    return GaussianProcessPolicy(prior, candidate_search=search)
