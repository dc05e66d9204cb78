import numpy as np

from keras_metahpo.fewshot.intents import intent_split, vocabulary, word_numbers, words_of


def test_words_are_lower_case_without_commas():
    assert words_of("What's my PIN, please?") == ["what's", "my", "pin", "please", "?"]


def test_vocabulary_has_the_most_frequent_words_first():
    numbers = vocabulary([["b", "a"], ["c", "b"], ["a", "b"]], size=4)
    assert numbers == {"b": 2, "a": 3}


def test_texts_are_padded_cut_and_never_empty():
    numbers = word_numbers([["b", "a", "b"], ["z"], []], {"b": 2, "a": 3}, length=2)
    np.testing.assert_array_equal(numbers, [[2, 3], [1, 0], [1, 0]])


def test_split_depends_on_names_and_not_on_their_order():
    names = [f"intent {i}" for i in range(150)]
    split = intent_split(names)
    assert split == intent_split(reversed(names))
    assert [len(part) for part in (split.train, split.validation, split.test)] == [90, 30, 30]
