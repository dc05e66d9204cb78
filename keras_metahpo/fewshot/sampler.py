"""Draws episodes from examples by class, for training and for fixed evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.episode import Episode, stack_episodes
from keras_metahpo.fewshot.examples import ClassExamples, as_inputs


@dataclass(frozen=True)
class EpisodeSampler:
    """Draws n-way k-shot episodes: classes without replacement, then examples of each likewise.

    Attributes:
        examples: What to draw from.
        ways, shots, queries: Classes an episode, and support and query examples a class.
    """

    examples: ClassExamples
    ways: int
    shots: int
    queries: int

    def __post_init__(self):
        if self.ways < 2 or self.shots < 1 or self.queries < 1:
            raise FewShotError(
                "An episode needs at least 2 ways, 1 shot and 1 query a class. Received: "
                f"ways={self.ways}, shots={self.shots}, queries={self.queries}."
            )
        if len(self.examples) < self.ways:
            raise FewShotError(
                f"{self.ways}-way episodes need at least {self.ways} classes. Received: "
                f"{len(self.examples)} classes. Lower `ways` or give more classes."
            )
        name, size = self.examples.smallest_class
        if size < self.shots + self.queries:
            raise FewShotError(
                f"Episodes of {self.shots} shots and {self.queries} queries need at least "
                f"{self.shots + self.queries} examples a class. Received: {size} of {name!r}. "
                "Lower `shots` or `queries`, or leave small classes out with "
                "`ClassExamples.select`."
            )

    def episode(self, rng: np.random.Generator) -> Episode:
        """One episode."""
        chosen = rng.choice(len(self.examples), self.ways, replace=False)
        drawn = []
        for number in chosen:
            array = self.examples.arrays[number]
            drawn.append(array[rng.permutation(len(array))[: self.shots + self.queries]])
        inputs = as_inputs(np.stack(drawn))
        return Episode(
            support=inputs[:, : self.shots],
            query=inputs[:, self.shots :],
            classes=tuple(self.examples.names[number] for number in chosen),
        )

    def batch(
        self, rng: np.random.Generator, num_episodes: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """A batch of episodes in the form of `stack_episodes`."""
        return stack_episodes(self.episode(rng) for _ in range(num_episodes))

    def fixed_episodes(self, num_episodes: int, seed: int) -> "FixedEpisodes":
        """Episodes for evaluations: the same ones every time for the same seed."""
        return FixedEpisodes(self, num_episodes, seed)


@dataclass(frozen=True)
class FixedEpisodes(Sequence):
    """A sequence of episodes, each made when it is asked for, from its number and the seed.

    A thousand episodes of images would fill a gigabyte; these take no memory. The first ones of a
    longer sequence are those of a shorter one.

    Attributes:
        sampler: Draws them.
        num_episodes: How many.
        seed: Decides which.
    """

    sampler: EpisodeSampler
    num_episodes: int
    seed: int

    def __post_init__(self):
        if self.num_episodes < 1:
            raise FewShotError(
                f"num_episodes must be positive. Received: num_episodes={self.num_episodes}."
            )

    def __len__(self) -> int:
        return self.num_episodes

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"episode {index} of {len(self)}")
        return self.sampler.episode(np.random.default_rng([self.seed, index % len(self)]))


class EpisodeDataset(keras.utils.PyDataset):
    """Training batches for `fit`: fresh episodes every epoch, the same ones for the same seed.

    A batch depends on the seed, the epoch and its number only, so that workers change nothing. The
    order of an epoch's batches is the seed's too with `fit(..., shuffle=False)`.

    Args:
        sampler: Draws the episodes.
        num_batches: Batches an epoch.
        episodes_per_batch: Episodes a batch.
        seed: Of everything drawn.
        **kwargs: Of `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        sampler: EpisodeSampler,
        num_batches: int,
        episodes_per_batch: int = 1,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sampler = sampler
        self.episodes_per_batch = episodes_per_batch
        self.seed = seed
        self.epoch = 0
        self._num_batches = num_batches

    @property
    def num_batches(self) -> int:
        return self._num_batches

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        return self.sampler.batch(rng, self.episodes_per_batch)

    def on_epoch_end(self) -> None:
        self.epoch += 1


class FixedEpisodeDataset(keras.utils.PyDataset):
    """Given episodes of one shape as validation batches: the same ones every epoch.

    Args:
        episodes: Any sequence of episodes.
        episodes_per_batch: Episodes a batch; the last batch may have fewer.
        **kwargs: Of `keras.utils.PyDataset`.
    """

    def __init__(self, episodes: Sequence[Episode], episodes_per_batch: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.episodes = episodes
        self.episodes_per_batch = episodes_per_batch

    @property
    def num_batches(self) -> int:
        return -(-len(self.episodes) // self.episodes_per_batch)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        start = index * self.episodes_per_batch
        return stack_episodes(self.episodes[start : start + self.episodes_per_batch])
