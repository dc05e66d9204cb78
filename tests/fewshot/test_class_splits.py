import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.class_splits import (
    OMNIGLOT_SEED,
    ClassSplit,
    draw_order,
    omniglot_order,
    omniglot_split,
)
from keras_metahpo.fewshot.examples import fake_examples


def sizes(split: ClassSplit) -> list[int]:
    return [len(part) for part in (split.train, split.validation, split.test)]


def test_default_split_has_the_sizes_of_vinyals():
    assert sizes(omniglot_split()) == [1028, 172, 423]


def test_split_of_1200_and_423_keeps_its_test_characters():
    split = omniglot_split(num_validation=100)
    assert sizes(split) == [1100, 100, 423]
    assert split.test == omniglot_split().test


def test_stored_names_are_all_of_omniglot_once():
    order = omniglot_order()
    assert len(set(order)) == len(order) == 1623
    alphabets = [name.partition("/")[0] for name in order]
    assert len(set(alphabets)) == 50
    assert alphabets.count("Latin") == 26
    assert "Greek/character24" in order
    assert "Greek/character25" not in order


def test_stored_order_is_the_drawn_one():
    assert draw_order(sorted(omniglot_order()), OMNIGLOT_SEED) == omniglot_order()


def test_a_class_in_two_parts_is_refused():
    with pytest.raises(FewShotError, match="'b'"):
        ClassSplit(("a", "b"), ("c",), ("b",))


@pytest.mark.parametrize("num_validation", [0, 1200, -3])
def test_impossible_validation_sizes_are_refused(num_validation):
    with pytest.raises(FewShotError, match=f"num_validation={num_validation}"):
        omniglot_split(num_validation)


def test_applying_a_split_gives_examples_of_each_part():
    examples = fake_examples(num_classes=3)
    parts = ClassSplit(("class 2",), ("class 0",), ("class 1",)).apply(examples)
    assert parts.train.names == ("class 2",)
    assert parts.test.arrays[0] is examples.arrays[1]
