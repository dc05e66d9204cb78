"""What a ranking network is told of the observed trials."""

import numpy as np
import pytest

from keras_metahpo.rankers import Context, stack, tokenize
from keras_metahpo.rankers.inputs import NUM_FACTS, cost_scores, network_inputs
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter("x", "float", 0.5, 0.0, 1.0)])


def tokens(size: int):
    return stack([tokenize(SPACE, SPACE.sample(size, np.random.default_rng(size)))])


def test_the_context_stands_behind_the_queries_with_its_facts():
    context = Context(
        tokens(3),
        utilities=np.array([[0.1, 0.9, 0.5]]),
        mask=np.array([[True, True, False]]),
        variances=np.array([[0.0, 0.25, 9.0]]),
        costs=np.array([[2.0, 1.0, 5.0]]),
    )
    inputs = network_inputs(context, tokens(4))
    facts = inputs["facts"][0]
    assert facts.shape[-1] == NUM_FACTS
    told = np.flatnonzero(facts.any(axis=-1))
    assert told.tolist() == np.flatnonzero(inputs["observed"][0]).tolist() == [4, 5]
    worse, better = facts[4], facts[5]
    assert worse[1] == -better[1] < 0 and worse[2] == better[2] == pytest.approx(better[1] ** 2)
    assert worse[3] == 0.0 and better[3] == 0.5
    assert worse[4] > 0 > better[4]


def test_what_is_not_known_of_trials_is_zero():
    context = Context(tokens(3), np.array([[0.1, 0.9, 0.5]]), np.ones((1, 3), dtype=bool))
    facts = network_inputs(context, tokens(4))["facts"]
    assert not facts[..., 3:].any()


def test_unknown_costs_are_like_the_median():
    scores = cost_scores(np.array([np.nan, 3.0, 1.0, 2.0, np.inf]))
    assert scores[[0, 4]].tolist() == [0.0, 0.0]
    assert scores[1] > scores[3] > scores[2] == -scores[1]
    assert scores[3] == pytest.approx(0.0)
    assert cost_scores(np.full(3, np.nan)).tolist() == [0.0] * 3
