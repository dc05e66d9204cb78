"""Candidates of an acquisition function: spread over the space, and around the best known.

Shapes: n configurations, d hyperparameters, k facts about a candidate.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from keras_metahpo.policies.base import untried
from keras_metahpo.policies.defaults import named_defaults
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.policies.random import is_discrete, sobol_units
from keras_metahpo.space import Hyperparameter, Points, SearchSpace, concatenate

# Up to this size every configuration is a candidate.
SMALL_SPACE = 2000
MOST_COORDINATES = 3
MUTATION_SCALES = (0.3, 0.1, 0.03)
REFINEMENT_SCALES = (*MUTATION_SCALES, 0.01)
# Two rounds of 96 after 256 points forgo twice as much: `benchmarks/decisions.md`, "Rounds".
NUM_ROUNDS = 4
NUM_REFINED = 5
NUM_NEIGHBOURS = 64
# Times that mutations are drawn until enough of them are new.
MOST_DRAWS = 4

# Candidates to facts (n, k), of which the first column is to be maximised.
ScoreFunction = Callable[[Points], np.ndarray]


def candidates(
    space: SearchSpace, rng: np.random.Generator, incumbents: Points, num_candidates: int
) -> Points:
    """About `num_candidates` distinct points; all there are in a small discrete space.

    Half is a scrambled Sobol sequence, half are mutations of the incumbents; the defaults by
    name and those of the space come first.
    """
    everything = all_points(space.hyperparameters)
    if everything is not None:
        return everything
    half = num_candidates // 2
    defaults = [named_defaults(space), space.default_configuration()]
    parts = [nearest_points(space, defaults), space.snap(sobol_units(half, len(space), rng))]
    spread = untried(concatenate(parts), set())
    known = {*spread.keys(), *incumbents.keys()}
    mutated = fresh_mutations(space, rng, incumbents, half, MUTATION_SCALES, known)
    return concatenate([spread, mutated])


def refine(
    space: SearchSpace,
    rng: np.random.Generator,
    points: Points,
    score_function: ScoreFunction,
    tried: set[bytes],
) -> tuple[Points, np.ndarray]:
    """Scores points, then neighbours of the best ones, round by round.

    Args:
        points: n points.
        tried: Keys of points that must not be added.

    Returns:
        The points and those added, and their facts, float array (n + added, k).
    """
    facts = score_function(points)
    for _ in range(NUM_ROUNDS):
        best = np.argsort(-facts[:, 0], kind="stable")[:NUM_REFINED]
        known = tried.union(points.keys())
        neighbours = fresh_mutations(
            space, rng, points[best], NUM_NEIGHBOURS, REFINEMENT_SCALES, known
        )
        if len(neighbours):
            points = concatenate([points, neighbours])
            facts = np.concatenate([facts, score_function(neighbours)])
    return points, facts


def fresh_mutations(
    space: SearchSpace,
    rng: np.random.Generator,
    points: Points,
    num_mutations: int,
    scales: Sequence[float],
    known: set[bytes],
) -> Points:
    """Distinct mutations whose keys are not known; fewer where few are left.

    In a discrete space many a mutation is a configuration that another one was before it.
    """
    found = points[:0]
    for _ in range(MOST_DRAWS if len(points) else 0):
        drawn = mutations(space, rng, points, num_mutations, scales)
        found = untried(concatenate([found, drawn]), known)[:num_mutations]
        if len(found) == num_mutations:
            break
    return found


def mutations(
    space: SearchSpace,
    rng: np.random.Generator,
    points: Points,
    num_mutations: int,
    scales: Sequence[float],
) -> Points:
    """Points with 1 to 3 active coordinates changed; none if there are no points.

    Ordered coordinates take a Gaussian step of one of the scales, in units of their range, but at
    least to the next value; categorical ones are drawn anew.
    """
    if not len(points):
        return points
    parents = points[rng.integers(len(points), size=num_mutations)]
    return mutate(space, rng, parents, scales)


def mutate(
    space: SearchSpace, rng: np.random.Generator, parents: Points, scales: Sequence[float]
) -> Points:
    """One mutation of each of n points, as `mutations` makes them."""
    shape = parents.units.shape
    steps = rng.choice(scales, size=(len(parents), 1)) * rng.normal(size=shape)
    widths = np.array([_value_width(hp) for hp in space.hyperparameters])
    steps = np.copysign(np.maximum(np.abs(steps), widths), steps)
    anew = rng.random(shape)
    mutated = np.where(space.categorical, anew, np.clip(parents.units + steps, 0.0, 1.0))

    # What a changed parent activates has no value yet to start from.
    units = np.where(parents.active, parents.units, anew)
    order = np.where(parents.active & (widths < 1), rng.random(shape), np.inf)
    num_changed = rng.integers(1, MOST_COORDINATES + 1, size=(len(parents), 1))
    changed = np.isfinite(order) & (order.argsort(axis=1).argsort(axis=1) < num_changed)
    return space.snap(np.where(changed, mutated, units))


@lru_cache(maxsize=16)
def all_points(hyperparameters: tuple[Hyperparameter, ...]) -> Points | None:
    """All configurations of a small discrete search space, `None` of any other.

    Args:
        hyperparameters: Not the space, for spaces are equal whatever the order of their columns.
    """
    space = SearchSpace(hyperparameters)
    if not is_discrete(space):
        return None
    listed = list(itertools.islice(space.configurations(), SMALL_SPACE + 1))
    return space.encode(listed) if len(listed) <= SMALL_SPACE else None


def _value_width(hp: Hyperparameter) -> float:
    """How much of the unit interval one value takes; an integer in log sampling may take less."""
    return 1.0 / hp.num_values if np.isfinite(hp.num_values) else 0.0
