"""Roles read from the names that people give to hyperparameters."""

import pytest

from keras_metahpo.space import role_of
from keras_metahpo.space.roles import ALIASES, words_of


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("learning_rate", "learning_rate"),
        ("learningRate", "learning_rate"),
        ("lr", "learning_rate"),
        ("encoder/dropout_rate", "dropout"),
        ("units_0", "width"),
        ("units3", "width"),
        ("block_2/denseUnits_2", "width"),
        ("encoder_num_layers", "depth"),
        ("lr_schedule", "schedule"),
        ("beta_1", "beta_1"),
        ("beta_2", "beta_2"),
        ("l2_penalty", "weight_decay"),
        ("already", None),
        ("blurry", None),
        ("17", None),
        ("", None),
    ],
)
def test_role(name, role):
    assert role_of(name) == role


def test_no_alias_has_two_roles():
    aliases = [alias for names in ALIASES.values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert all(role_of(alias) == role for role, names in ALIASES.items() for alias in names)


def test_words_are_split_at_case_separators_and_digits():
    assert words_of("block/denseUnits_2") == ["block", "dense", "units", "2"]
