"""CLINC150 (Larson et al. 2019): short requests to an assistant, 150 intents of 150 texts each."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np

from keras_metahpo.datasets import cached_arrays, tfds_arrays
from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.class_splits import ClassSplit, SplitExamples
from keras_metahpo.fewshot.examples import ClassExamples

DATASET = "clinc_oos:0.1.0"
NUM_TRAIN, NUM_VALIDATION = 90, 30
PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2


def clinc150(vocabulary_size: int = 3000, length: int = 20) -> SplitExamples:
    """Texts of 90 training, 30 validation and 30 test intents as word numbers, int32 (length,).

    Number 0 pads and 1 is any unknown word. The vocabulary has the most frequent words of the
    training intents. Which intent is in which part depends on its name only (`intent_split`); all
    150 texts of an intent are there, whatever split of the data set they come from, and none of
    its out-of-scope texts. An average request has 8 words, the longest 28.

    Args:
        vocabulary_size: Word numbers, the two special ones included.
        length: Words a text; longer texts are cut.

    Raises:
        DatasetError: if TFDS cannot load the data set.
    """
    if vocabulary_size <= FIRST_WORD or length < 1:
        raise FewShotError(
            f"Expected a vocabulary_size above {FIRST_WORD} and a positive length. "
            f"Received: vocabulary_size={vocabulary_size}, length={length}."
        )
    key = (DATASET, "texts by intent", vocabulary_size, length)
    stored = cached_arrays(key, lambda: _prepare(vocabulary_size, length))
    names = [str(name) for name in stored["names"]]
    examples = ClassExamples.from_labels(stored["texts"], stored["labels"], names)
    return intent_split(names).apply(examples)


def intent_split(names: Iterable[str]) -> ClassSplit:
    """90 training, 30 validation and the remaining test intents, by the hash of their names."""
    order = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    end = NUM_TRAIN + NUM_VALIDATION
    return ClassSplit(tuple(order[:NUM_TRAIN]), tuple(order[NUM_TRAIN:end]), tuple(order[end:]))


def words_of(text: str) -> list[str]:
    """Lower-case words, numbers and sentence marks."""
    return re.findall(r"[a-z0-9']+|[?!.]", text.lower())


def vocabulary(texts: Iterable[Sequence[str]], size: int) -> dict[str, int]:
    """Numbers, from 2 on, of the most frequent words; equally frequent ones in alphabetical order.

    Args:
        texts: Words of each text.
        size: Word numbers, the two special ones included.
    """
    counts = Counter(word for words in texts for word in words)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: n for n, word in enumerate(ordered[: size - FIRST_WORD], start=FIRST_WORD)}


def word_numbers(
    texts: Sequence[Sequence[str]], numbers: dict[str, int], length: int
) -> np.ndarray:
    """Texts as padded numbers, int32 array (i, length); a text without words is one unknown."""
    encoded = np.full((len(texts), length), PADDING, dtype=np.int32)
    for row, words in enumerate(texts):
        found = [numbers.get(word, UNKNOWN) for word in words[:length]] or [UNKNOWN]
        encoded[row, : len(found)] = found
    return encoded


def _prepare(vocabulary_size: int, length: int) -> dict[str, np.ndarray]:
    texts: list[list[str]] = []
    intents: list[str] = []
    for split in ("train", "validation", "test"):
        raw, names = tfds_arrays(DATASET, split, ("text", "intent_name"))
        texts += [words_of(text.decode()) for text in raw]
        intents += [name.decode() for name in names]
    ordered = sorted(set(intents))
    training = set(intent_split(ordered).train)
    known = [words for words, intent in zip(texts, intents, strict=True) if intent in training]
    index = {name: number for number, name in enumerate(ordered)}
    return {
        "texts": word_numbers(texts, vocabulary(known, vocabulary_size), length),
        "labels": np.array([index[name] for name in intents], dtype=np.int32),
        "names": np.array(ordered),
    }
