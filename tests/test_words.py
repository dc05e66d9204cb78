import numpy as np

from keras_metahpo.words import split_words, vocabulary, word_numbers


def test_words_are_lower_case_without_commas():
    assert split_words("What's my PIN, please?") == ["what's", "my", "pin", "please", "?"]
    assert split_words(b"12 o'clock") == ["12", "o'clock"]


def test_vocabulary_has_the_most_frequent_words_first():
    numbers = vocabulary([["b", "a"], ["c", "b"], ["a", "b"]], size=4)
    assert numbers == {"b": 2, "a": 3}


def test_texts_are_padded_cut_and_never_empty():
    numbers = word_numbers([["b", "a", "b"], ["z"], []], {"b": 2, "a": 3}, length=2)
    np.testing.assert_array_equal(numbers, [[2, 3], [1, 0], [1, 0]])
