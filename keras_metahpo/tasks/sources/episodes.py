"""Few-shot episodes as task data: training examples by class, and fixed evaluation episodes."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from keras_metahpo.fewshot import (
    ClassExamples,
    EpisodeDataset,
    EpisodeSampler,
    SplitExamples,
    clinc150,
    fake_examples,
    omniglot,
    omniglot_split,
    trec,
)
from keras_metahpo.tasks.sources.base import Source
from keras_metahpo.tasks.task import TaskData

VALIDATION_SEED, TEST_SEED = 1, 2
NUM_FAKE_CLASSES, NUM_FAKE_EPISODES = 20, 4


@dataclass(frozen=True)
class EpisodeSource(Source):
    """Episodes of classes that training has not seen.

    The training split is examples and their class numbers, from which `training_episodes` draws.
    Validation and test splits are `num_episodes` fixed episodes of other classes in the form of
    `keras_metahpo.fewshot.stack_episodes`.

    Attributes:
        dataset: TFDS name with its version.
        ways, shots, queries: Of the evaluation episodes.
        num_episodes: Evaluation episodes a split.
        num_classes: Training classes.
    """

    dataset: str
    ways: int = 5
    shots: int = 1
    queries: int = 3
    num_episodes: int = 200

    @property
    def cache_key(self) -> None:
        return None  # Examples are cached where they are loaded; episodes are quickly drawn.

    def fake(self) -> TaskData:
        parts = [self._fake_examples(seed) for seed in range(3)]
        return self._task_data(SplitExamples(*parts), NUM_FAKE_EPISODES)

    def _prepare(self) -> TaskData:
        return self._task_data(self.split_examples(), self.num_episodes)

    @abstractmethod
    def split_examples(self) -> SplitExamples:
        """The real examples of training, validation and test classes."""

    @abstractmethod
    def _fake_examples(self, seed: int) -> ClassExamples:
        """Made-up classes in the shape of the real ones."""

    def _task_data(self, parts: SplitExamples, num_episodes: int) -> TaskData:
        train = parts.train
        labels = np.repeat(np.arange(len(train)), [len(array) for array in train.arrays])
        return TaskData(
            train=(np.concatenate(train.arrays), labels),
            validation=self._episodes(parts.validation, num_episodes, VALIDATION_SEED),
            test=self._episodes(parts.test, num_episodes, TEST_SEED),
        )

    def _episodes(self, examples: ClassExamples, num_episodes: int, seed: int):
        sampler = EpisodeSampler(examples, self.ways, self.shots, self.queries)
        return sampler.batch(np.random.default_rng(seed), num_episodes)


@dataclass(frozen=True)
class OmniglotEpisodes(EpisodeSource):
    """Omniglot's characters: 1028 to train, 172 to validate, 423 to test.

    Attributes:
        size: Height and width in pixels.
    """

    dataset: str = "omniglot:3.0.0"
    size: int = 14

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.size, self.size, 1)

    @property
    def num_train(self) -> int:  # type: ignore[override]
        return 20 * self.num_classes

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        return len(omniglot_split().train)

    def split_examples(self) -> SplitExamples:
        return omniglot_split().apply(omniglot(self.size))

    def _fake_examples(self, seed: int) -> ClassExamples:
        return fake_examples(NUM_FAKE_CLASSES, 20, self.input_shape, seed=seed)


@dataclass(frozen=True)
class TextEpisodes(EpisodeSource):
    """Texts as padded word numbers.

    Attributes:
        vocabulary_size: Word numbers, the two special ones included.
        length: Words a text.
    """

    vocabulary_size: int = 3000
    length: int = 16

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.length,)

    def _fake_examples(self, seed: int) -> ClassExamples:
        size = self.vocabulary_size
        return fake_examples(NUM_FAKE_CLASSES, 20, self.input_shape, 0.3, size, seed)


@dataclass(frozen=True)
class IntentEpisodes(TextEpisodes):
    """CLINC150's intents: 90 to train, 30 to validate, 30 to test."""

    dataset: str = "clinc_oos:0.1.0"
    num_train: int = 90 * 150
    num_classes: int = 90

    def split_examples(self) -> SplitExamples:
        return clinc150(self.vocabulary_size, self.length)


@dataclass(frozen=True)
class QuestionEpisodes(TextEpisodes):
    """TREC's fine labels: 20 to train, 8 to validate, the rest to test."""

    dataset: str = "trec:1.0.0"
    num_train: int = 3672
    num_classes: int = 20

    def split_examples(self) -> SplitExamples:
        return trec(self.vocabulary_size, self.length)


def training_episodes(
    data: TaskData,
    ways: int,
    shots: int,
    queries: int,
    episodes_per_batch: int,
    examples_per_epoch: int,
    with_rotations: bool = False,
) -> TaskData:
    """The data of an `EpisodeSource` whose training examples are drawn as fresh episodes.

    Every configuration sees about as many examples an epoch, however it groups them.

    Args:
        data: Of an `EpisodeSource`.
        ways, shots, queries: Of the training episodes.
        episodes_per_batch: Episodes a gradient step.
        examples_per_epoch: Support and query examples an epoch.
        with_rotations: Whether images turned by 90, 180 and 270 degrees are classes of their own.
    """
    examples, labels = data.train
    names = [str(number) for number in range(int(labels.max()) + 1)]
    classes = ClassExamples.from_labels(examples, labels, names)
    if with_rotations:
        classes = classes.with_rotations()
    sampler = EpisodeSampler(classes, min(ways, len(classes)), shots, queries)
    size = episodes_per_batch * sampler.ways * (shots + queries)
    batches = EpisodeDataset(sampler, max(1, examples_per_epoch // size), episodes_per_batch)
    return TaskData((batches, None), data.validation, data.test)
