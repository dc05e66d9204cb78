"""Text sets of TensorFlow Datasets as padded word numbers, with explicit splits."""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.datasets import tfds_arrays
from keras_metahpo.tasks.sources.base import NUM_FAKE_EXAMPLES, Source, fake_data
from keras_metahpo.tasks.task import TaskData
from keras_metahpo.words import UNKNOWN, split_words, vocabulary, word_numbers

# GoEmotions (Demszky et al. 2020), Figure 2: its 27 emotions and "neutral" in four groups.
EMOTION_GROUPS: dict[str, tuple[str, ...]] = {
    "positive": (
        *("admiration", "amusement", "approval", "caring", "desire", "excitement"),
        *("gratitude", "joy", "love", "optimism", "pride", "relief"),
    ),
    "negative": (
        *("anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment"),
        *("fear", "grief", "nervousness", "remorse", "sadness"),
    ),
    "ambiguous": ("confusion", "curiosity", "realization", "surprise"),
    "neutral": ("neutral",),
}


@dataclass(frozen=True)
class TextSource(Source):
    """Texts as padded word numbers, int array (n, length): 0 pads, 1 is any unknown word.

    The vocabulary holds the most frequent words of the training split only, the most frequent
    first: a smaller vocabulary is had by taking numbers above it for unknown words.

    Attributes:
        dataset: TFDS name with its version.
        text, label: Names of the features.
        num_classes: Number of labels.
        num_train, num_validation: Examples a split, both from the data set's train split.
        test_split: The data set's split that serves as the test split.
        vocabulary_size: Words kept, the two special numbers included.
        length: Words a text; longer ones are cut.
    """

    dataset: str
    text: str
    label: str
    num_classes: int
    num_train: int = 2000
    num_validation: int = 1000
    test_split: str = "test"
    vocabulary_size: int = 5000
    length: int = 32

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.length,)

    def fake(self) -> TaskData:
        return _fake_texts(self)

    def _prepare(self) -> TaskData:
        end = self.num_train + self.num_validation
        texts, labels = tfds_arrays(self.dataset, f"train[:{end}]", (self.text, self.label))
        test, test_labels = tfds_arrays(self.dataset, self.test_split, (self.text, self.label))
        return _encoded(self, texts, labels, test, test_labels)


@dataclass(frozen=True)
class EmotionSource(Source):
    """GoEmotions' comments that have exactly one emotion, as word numbers like `TextSource`'s.

    The data set is multi-label; 84 % of its comments have one label. Only these are kept, so that
    accuracy means what it means elsewhere. Label i is the i-th emotion in alphabetical order, or
    the i-th of `EMOTION_GROUPS`.

    Attributes:
        grouped: Four groups of emotions instead of 28 emotions.
        num_train, num_validation, num_test: Examples a split; validation follows the training
            examples in the data set's train split.
        vocabulary_size: Words kept, the two special numbers included.
        length: Words a text; longer ones are cut.
    """

    grouped: bool = False
    num_train: int = 3000
    num_validation: int = 1000
    num_test: int = 1000
    vocabulary_size: int = 5000
    length: int = 24
    dataset: str = "goemotions:0.1.0"

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        return len(EMOTION_GROUPS) if self.grouped else sum(map(len, EMOTION_GROUPS.values()))

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.length,)

    def fake(self) -> TaskData:
        return _fake_texts(self)

    def _prepare(self) -> TaskData:
        texts, labels = self._with_one_emotion("train", self.num_train + self.num_validation)
        return _encoded(self, texts, labels, *self._with_one_emotion("test", self.num_test))

    def _with_one_emotion(self, split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        emotions = sorted(emotion for group in EMOTION_GROUPS.values() for emotion in group)
        # Two in three comments have one emotion even where they are rare.
        texts, *flags = tfds_arrays(
            self.dataset, f"{split}[:{count + count // 2}]", ("comment_text", *emotions)
        )
        chosen = np.stack(flags, axis=1)
        single = np.flatnonzero(chosen.sum(axis=1) == 1)[:count]
        labels = chosen[single].argmax(axis=1)
        if self.grouped:
            group_of = {e: g for g, group in enumerate(EMOTION_GROUPS.values()) for e in group}
            labels = np.array([group_of[emotion] for emotion in emotions])[labels]
        return texts[single], labels


def _fake_texts(source: TextSource | EmotionSource) -> TaskData:
    rng = np.random.default_rng(0)
    shape = (NUM_FAKE_EXAMPLES, source.length)
    texts = rng.integers(UNKNOWN, source.vocabulary_size, shape, dtype=np.int32)
    return fake_data(texts, source.num_classes)


def _encoded(source: TextSource | EmotionSource, texts, labels, test, test_labels) -> TaskData:
    """Training and validation texts, which follow one another, and test texts as numbers."""
    end = source.num_train
    words = [split_words(text) for text in texts]
    numbers = vocabulary(words[:end], source.vocabulary_size)
    encoded = word_numbers(words, numbers, source.length)
    encoded_test = word_numbers([split_words(text) for text in test], numbers, source.length)
    return TaskData(
        train=(encoded[:end], labels[:end]),
        validation=(encoded[end:], labels[end:]),
        test=(encoded_test, test_labels),
    )
