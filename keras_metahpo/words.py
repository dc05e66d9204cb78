"""Texts as padded word numbers: 0 pads, 1 is any unknown word, the vocabulary follows."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2


def split_words(text: bytes | str) -> list[str]:
    """Lower-case words, numbers and sentence marks."""
    text = text.decode() if isinstance(text, bytes) else text
    return re.findall(r"[a-z0-9']+|[?!.]", text.lower())


def vocabulary(texts: Iterable[Sequence[str]], size: int) -> dict[str, int]:
    """Numbers of the most frequent words, the most frequent first; of equals the first seen.

    Args:
        texts: Words of each text.
        size: Word numbers, the two special ones included.
    """
    counts = Counter(word for words in texts for word in words)
    kept = [word for word, _ in counts.most_common(size - FIRST_WORD)]
    return {word: number for number, word in enumerate(kept, start=FIRST_WORD)}


def word_numbers(
    texts: Sequence[Sequence[str]], numbers: dict[str, int], length: int
) -> np.ndarray:
    """Texts as padded numbers, int32 array (i, length); a text without words is one unknown."""
    encoded = np.full((len(texts), length), PADDING, dtype=np.int32)
    for row, words in enumerate(texts):
        found = [numbers.get(word, UNKNOWN) for word in words[:length]] or [UNKNOWN]
        encoded[row, : len(found)] = found
    return encoded
