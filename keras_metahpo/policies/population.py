"""Configurations to be trained together with another one, which they must resemble.

Shapes: n candidates, d hyperparameters.
"""

from collections.abc import Collection, Sequence

import numpy as np

from keras_metahpo.history import History
from keras_metahpo.policies.base import Suggestion, tried_keys, untried
from keras_metahpo.policies.candidates import candidates
from keras_metahpo.policies.improvement import ImprovementPolicy, one_blas_thread
from keras_metahpo.policies.mapping import varied
from keras_metahpo.policies.mixture import FLOOR
from keras_metahpo.policies.random import sobol_units
from keras_metahpo.space import Configuration, Points, SearchSpace

NUM_CANDIDATES = 512


def propose_members(
    model: ImprovementPolicy,
    space: SearchSpace,
    history: History,
    pending: Sequence[Configuration],
    leader: Configuration,
    names: Collection[str],
    num_members: int,
    rng: np.random.Generator,
) -> list[Suggestion]:
    """Configurations that differ from one in some hyperparameters only, the surest first.

    Each has the greatest upper confidence bound, if those before it end as the model expects, with
    a factor of its own: they are spread like exponential numbers, so that most members are close
    to what is known and some are far from it (Hutter et al., 2012, "Parallel Algorithm
    Configuration"). The model is fitted once for all of them.

    Args:
        model: Predicts.
        space, history: As in `Policy.suggest`.
        pending: Configurations started and unfinished, the leader among them.
        leader: The configuration.
        names: Hyperparameters in which the others may differ.
        num_members: How many to propose; fewer are where there are no more.
        rng: All randomness comes from here.
    """
    if len(history) < model.num_initial:
        return random_members(space, history, pending, leader, names, num_members, rng)
    with one_blas_thread():
        problem = model.problem(space, history, pending)
        spread = candidates(space, rng, problem.incumbents, NUM_CANDIDATES)
        points = _alike(space, leader, names, spread.units, set(problem.tried))
        acquisition = problem.score_function
        members: list[Suggestion] = []
        for factor in -np.log1p(-(np.arange(num_members) + 0.5) / num_members):
            if not len(points):
                break
            facts = acquisition(points)
            best = int(np.argmax(facts[:, 1] + factor * facts[:, 2]))
            chosen, points = points[[best]], points[np.arange(len(points)) != best]
            reasons = model.reasons(acquisition, facts[best])
            members.append(Suggestion(space.decode(chosen)[0], model.name, reasons))
            acquisition = model.after(acquisition, chosen)
    return members


def random_members(
    space: SearchSpace,
    history: History,
    pending: Sequence[Configuration],
    leader: Configuration,
    names: Collection[str],
    num_members: int,
    rng: np.random.Generator,
) -> list[Suggestion]:
    """As `propose_members`, with values that are spread over their ranges."""
    units = sobol_units(max(NUM_CANDIDATES, num_members), len(space), rng)
    points = _alike(space, leader, names, units, tried_keys(space, history, pending))
    return [Suggestion(c, FLOOR) for c in space.decode(points[:num_members])]


def _alike(
    space: SearchSpace,
    leader: Configuration,
    names: Collection[str],
    units: np.ndarray,
    tried: set[bytes],
) -> Points:
    return untried(space.encode(varied(space, leader, names, units)), tried)
