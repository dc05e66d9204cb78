"""Text sets for few-shot learning: CLINC150 by intent, TREC by what a question asks for."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

import numpy as np

from keras_metahpo.datasets import cached_arrays, tfds_arrays
from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.class_splits import ClassSplit, SplitExamples
from keras_metahpo.fewshot.examples import ClassExamples
from keras_metahpo.words import FIRST_WORD, split_words, vocabulary, word_numbers

CLINC150, TREC = "clinc_oos:0.1.0", "trec:1.0.0"
# Training and validation classes; the others are for tests.
CLINC150_SIZES, TREC_SIZES = (90, 30), (20, 8)
# A class of fewer texts than this is left out.
MIN_TEXTS = 12


def clinc150(vocabulary_size: int = 3000, length: int = 20) -> SplitExamples:
    """CLINC150 (Larson et al. 2019): 150 intents of requests to an assistant, 150 texts of each.

    Texts of 90 training, 30 validation and 30 test intents as word numbers, int32 (length,).
    Number 0 pads and 1 is any unknown word. The vocabulary has the most frequent words of the
    training intents. Which intent is in which part depends on its name only (`split_by_name`);
    all 150 texts of an intent are there, whatever split of the data set they come from, and none
    of its out-of-scope texts. An average request has 8 words, the longest 28.

    Args:
        vocabulary_size: Word numbers, the two special ones included.
        length: Words a text; longer texts are cut.

    Raises:
        DatasetError: if TFDS cannot load the data set.
    """
    features, splits = ("text", "intent_name"), ("train", "validation", "test")
    return _by_class(CLINC150, features, splits, CLINC150_SIZES, vocabulary_size, length)


def trec(vocabulary_size: int = 3000, length: int = 16) -> SplitExamples:
    """TREC questions (Li and Roth 2002) by their fine label, such as a city or a date.

    As `clinc150`, with 20 training and 8 validation classes, and the rest for tests; classes are
    called by their number, have from 12 to about a thousand questions, and the few smaller ones
    are left out.

    Args:
        vocabulary_size: Word numbers, the two special ones included.
        length: Words a text; longer texts are cut.

    Raises:
        DatasetError: if TFDS cannot load the data set.
    """
    features, splits = ("text", "label-fine"), ("train", "test")
    return _by_class(TREC, features, splits, TREC_SIZES, vocabulary_size, length)


def split_by_name(names: Iterable[str], num_train: int, num_validation: int) -> ClassSplit:
    """Training, validation and the remaining test classes, by the hash of their names."""
    order = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    end = num_train + num_validation
    return ClassSplit(tuple(order[:num_train]), tuple(order[num_train:end]), tuple(order[end:]))


def _by_class(dataset, features, splits, sizes, vocabulary_size: int, length: int) -> SplitExamples:
    if vocabulary_size <= FIRST_WORD or length < 1:
        raise FewShotError(
            f"Expected a vocabulary_size above {FIRST_WORD} and a positive length. "
            f"Received: vocabulary_size={vocabulary_size}, length={length}."
        )

    def prepare() -> dict[str, np.ndarray]:
        texts, labels = _texts_and_names(dataset, features, splits)
        names = sorted(set(labels))
        training = set(split_by_name(names, *sizes).train)
        known = [words for words, name in zip(texts, labels, strict=True) if name in training]
        return {
            "texts": word_numbers(texts, vocabulary(known, vocabulary_size), length),
            "labels": np.array([names.index(name) for name in labels], dtype=np.int32),
            "names": np.array(names),
        }

    stored = cached_arrays((dataset, "texts by class", vocabulary_size, length), prepare)
    names = [str(name) for name in stored["names"]]
    examples = ClassExamples.from_labels(stored["texts"], stored["labels"], names)
    return split_by_name(names, *sizes).apply(examples)


def _texts_and_names(dataset, features, splits) -> tuple[list[list[str]], list[str]]:
    """Words and class name of every text whose class is large enough."""
    texts: list[list[str]] = []
    labels: list[str] = []
    for split in splits:
        raw, classes = tfds_arrays(dataset, split, features)
        texts += [split_words(text) for text in raw]
        labels += [c.decode() if isinstance(c, bytes) else str(c) for c in classes.tolist()]
    counts = Counter(labels)
    kept = [i for i, label in enumerate(labels) if counts[label] >= MIN_TEXTS]
    return [texts[i] for i in kept], [labels[i] for i in kept]
