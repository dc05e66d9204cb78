"""What names, ranges and values say."""

import numpy as np
import pytest

from keras_metahpo.role_guessing.evidence import form_of, name_evidence, value_evidence
from keras_metahpo.space import Hyperparameter

LABELS = Hyperparameter("a", "choice", "adam", choices=("adam", "sgd"))
SWITCH = Hyperparameter("a", "boolean", False, choices=(False, True))
FIXED = Hyperparameter("a", "fixed", 0, choices=(0,))
COUNT = Hyperparameter("a", "int", 32, low=16, high=256)
LISTED = Hyperparameter("a", "choice", 16, choices=(16, 64, 256), ordered=True)


@pytest.mark.parametrize(
    ("hp", "form"), [(COUNT, 0), (LISTED, 0), (FIXED, 0), (LABELS, 1), (SWITCH, 2)]
)
def test_numbers_labels_and_switches_are_told_apart(hp, form):
    assert form_of(hp) == form


def test_numbers_in_a_name_say_nothing():
    np.testing.assert_array_equal(name_evidence("tempo_2"), name_evidence("tempo_17"))
    assert not np.array_equal(name_evidence("tempo_2"), name_evidence("tempi_2"))
    assert not name_evidence("").any()


def test_evidence_has_one_length_and_is_finite():
    found = [value_evidence(hp) for hp in (LABELS, SWITCH, FIXED, COUNT, LISTED)]
    assert len({len(row) for row in found}) == 1
    assert np.isfinite(found).all()


def test_a_name_takes_no_part_in_what_the_values_say():
    other = Hyperparameter("learning_rate", "int", 32, low=16, high=256)
    np.testing.assert_array_equal(value_evidence(COUNT), value_evidence(other))
