"""Batches: what the names of hyperparameters become."""

import numpy as np

from keras_metahpo.meta_training.batches import (
    DROP_ALL_NAMES_PROBABILITY,
    DROP_NAME_PROBABILITY,
    GARBLED_SHARE,
    drop_names,
)
from keras_metahpo.rankers import tokenize
from keras_metahpo.rankers.tokens import NUM_BUCKETS
from keras_metahpo.space import Hyperparameter, SearchSpace

NAMES = ("learning_rate", "units", "dropout", "momentum")
SPACE = SearchSpace([Hyperparameter(n, "float", 0.5, low=0.1, high=1.0) for n in NAMES])


def test_names_are_kept_blanked_or_garbled_and_nothing_else_changes():
    rng = np.random.default_rng(0)
    tokens = tokenize(SPACE, SPACE.sample(2, rng))
    before = {name: array.copy() for name, array in tokens.as_dict().items()}
    kept, blank, garbled, all_gone = 0, 0, 0, 0
    for _ in range(500):
        found = drop_names(tokens, rng)
        same = (found.names == tokens.names).all(axis=-1)
        empty = (found.names == 0).all(axis=-1)
        np.testing.assert_array_equal(found.roles, np.where(same, tokens.roles, 0))
        # As many pieces as before, all of them legal.
        other = ~same & ~empty
        assert ((found.names > 0) == (tokens.names > 0))[other].all()
        assert found.names.max() < NUM_BUCKETS
        kept, blank, garbled = kept + same.sum(), blank + empty.sum(), garbled + other.sum()
        all_gone += not same.any()
    for name, array in tokens.as_dict().items():
        np.testing.assert_array_equal(array, before[name])
    number = 500 * len(NAMES)
    dropped = DROP_ALL_NAMES_PROBABILITY + (1 - DROP_ALL_NAMES_PROBABILITY) * DROP_NAME_PROBABILITY
    assert abs(kept / number - (1 - dropped)) < 0.06
    assert abs(garbled / (blank + garbled) - GARBLED_SHARE) < 0.06
    assert all_gone / 500 > DROP_ALL_NAMES_PROBABILITY - 0.06
