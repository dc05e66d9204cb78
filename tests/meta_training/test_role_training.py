"""Training of the model that guesses roles; benchmarks search under names that it never saw."""

import numpy as np
import pytest
from renaming import SYNONYMS

from keras_metahpo.meta_training import role_training
from keras_metahpo.meta_training.role_training import (
    draw_examples,
    read_glossary,
    train_role_model,
)
from keras_metahpo.role_guessing.model import OTHER
from keras_metahpo.space import Hyperparameter
from keras_metahpo.space.roles import ROLES

# Words of the benchmark's synonyms that are in all kinds of names.
COMMON = {"per", "update", "unit", "first", "second"}


def test_a_glossary_has_names_of_every_role_and_none_twice():
    glossary = read_glossary()
    assert list(glossary) == [*ROLES, OTHER]
    assert min(map(len, glossary.values())) > 100
    names = [name for names in glossary.values() for name in names]
    assert len(names) == len(set(names))


def test_the_glossary_does_not_know_what_benchmarks_search_under():
    words = {word for synonym in SYNONYMS.values() for word in synonym.split("_")} - COMMON
    known = {word for names in read_glossary().values() for n in names for word in n.split("_")}
    assert not words & known


def test_examples_have_known_roles():
    examples = draw_examples(30, np.random.default_rng(0))
    assert {role for _, role in examples} <= {*ROLES, OTHER}
    assert len(examples) > 100


@pytest.fixture(scope="module")
def small_model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(role_training, "NUM_SPACES", 300)
        glossary = {
            role: [f"{role}_word", f"my_{role}", *names[:5]]
            for role, names in read_glossary().items()
        }
        yield train_role_model(glossary)


def test_a_small_model_knows_its_own_names(small_model):
    hits = [
        small_model.roles[np.argmax(small_model.by_name(f"my_{role}"))] == role for role in ROLES
    ]
    assert np.mean(hits) > 0.9


def test_a_small_model_knows_optimizers_by_their_values(small_model):
    hp = Hyperparameter("a", "choice", "adam", choices=("adam", "sgd", "rmsprop"))
    assert small_model.roles[np.argmax(small_model.by_values(hp))] == "optimizer"
