import os

import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.examples import ClassExamples, as_inputs, fake_examples

WITH_DATA = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ, reason="reads prepared data sets from TFDS_DATA_DIR"
)


def test_classes_may_have_different_numbers_of_examples():
    examples = ClassExamples((np.zeros((3, 2)), np.ones((5, 2))), ("few", "many"))
    assert len(examples) == 2
    assert examples.example_shape == (2,)
    assert examples.smallest_class == ("few", 3)


def test_labels_group_examples_in_their_order():
    values = np.arange(6)[:, None]
    examples = ClassExamples.from_labels(values, np.array([1, 0, 1, 0, 0, 1]), ["a", "b"])
    assert [array.ravel().tolist() for array in examples.arrays] == [[1, 3, 4], [0, 2, 5]]


def test_select_keeps_the_given_order():
    examples = fake_examples(num_classes=4)
    chosen = examples.select(["class 3", "class 1"])
    assert chosen.names == ("class 3", "class 1")
    assert chosen.arrays[0] is examples.arrays[3]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotations_are_new_classes_that_take_no_memory(turns):
    examples = fake_examples(num_classes=3, shape=(5, 5, 1))
    rotated = examples.with_rotations()
    assert len(rotated) == 12
    turned = rotated.select([f"class 1+rot{90 * turns}"]).arrays[0]
    expected = np.stack([np.rot90(image, turns) for image in examples.arrays[1]])
    np.testing.assert_array_equal(turned, expected)
    assert np.shares_memory(turned, examples.arrays[1])


def test_stored_bytes_become_values_from_zero_to_one():
    inputs = as_inputs(np.array([0, 51, 255], dtype=np.uint8))
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs, [0.0, 0.2, 1.0], rtol=1e-6)
    assert as_inputs(np.array([True])).dtype == np.float32
    assert as_inputs(np.array([7], dtype=np.int32)).dtype == np.int32


@pytest.mark.parametrize(
    ("arrays", "names"),
    [
        ((), ()),
        ((np.zeros((2, 3)),), ("a", "b")),
        ((np.zeros((2, 3)), np.zeros((2, 3))), ("a", "a")),
        ((np.zeros((2, 3)), np.zeros((0, 3))), ("a", "b")),
        ((np.zeros((2, 3)), np.zeros((2, 4))), ("a", "b")),
        ((np.zeros((2, 3)), np.zeros((2, 3), np.uint8)), ("a", "b")),
    ],
)
def test_examples_that_fit_no_episode_are_refused(arrays, names):
    with pytest.raises(FewShotError, match="Received"):
        ClassExamples(arrays, names)


def test_errors_name_what_was_asked_for():
    examples = fake_examples(shape=(4,))
    with pytest.raises(FewShotError, match="nobody"):
        examples.select(["nobody"])
    with pytest.raises(FewShotError, match="square"):
        examples.with_rotations()
    with pytest.raises(FewShotError, match="label"):
        ClassExamples.from_labels(np.zeros((2, 1)), np.array([0, 5]), ["a", "b"])


def test_fake_texts_are_word_numbers():
    texts = fake_examples(shape=(6,), vocabulary_size=20)
    stacked = np.stack(texts.arrays)
    assert stacked.dtype == np.int32
    assert stacked.min() >= 2
    assert stacked.max() < 20


@WITH_DATA
def test_omniglot_is_white_ink_on_black():
    from keras_metahpo.fewshot.omniglot import omniglot

    characters = omniglot(size=14)
    assert len(characters) == 1623
    assert {array.shape for array in characters.arrays} == {(20, 14, 14, 1)}
    ink = as_inputs(np.stack(characters.arrays))
    assert 0.0 == ink.min() < ink.max() <= 1.0
    assert 0.02 < ink.mean() < 0.2


@WITH_DATA
def test_drawings_of_a_character_are_alike():
    from keras_metahpo.fewshot.omniglot import omniglot

    ink = np.stack([array.mean(axis=0) for array in omniglot(size=14).arrays])
    assert ink.std(axis=0).mean() > 0.05  # A shuffled grouping has the same mean everywhere.


@WITH_DATA
def test_intents_are_split_and_numbered():
    from keras_metahpo.fewshot.texts import clinc150
    from keras_metahpo.words import UNKNOWN

    intents = clinc150(vocabulary_size=2000, length=20)
    assert [len(part) for part in (intents.train, intents.validation, intents.test)] == [90, 30, 30]
    assert {array.shape for array in intents.test.arrays} == {(150, 20)}
    unknown = [
        np.mean(np.stack(part.arrays)[np.stack(part.arrays) > 0] == UNKNOWN)
        for part in (intents.train, intents.test)
    ]
    assert unknown[0] < unknown[1] < 0.25


@WITH_DATA
def test_questions_are_split_and_classes_are_large_enough():
    from keras_metahpo.fewshot.texts import MIN_TEXTS, trec

    questions = trec(vocabulary_size=2000, length=16)
    assert [len(part) for part in (questions.train, questions.validation)] == [20, 8]
    assert len(questions.test) >= 8
    sizes = [len(array) for part in vars(questions).values() for array in part.arrays]
    assert min(sizes) >= MIN_TEXTS
