"""How well a learner classifies the queries of given episodes, with a confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.episode import Episode
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.sampler import FixedEpisodeDataset

# Quantile .975 of the normal distribution.
NORMAL_975 = 1.959964
# Examples embedded at once: the first feature maps of 28 x 28 x 64 floats then take 100 MB.
EXAMPLES_AT_ONCE = 512


@dataclass(frozen=True)
class FewShotScore:
    """Accuracy over episodes.

    Attributes:
        accuracies: Share of right answers in each episode.
    """

    accuracies: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Mean over the episodes, from 0 to 1."""
        return float(np.mean(self.accuracies))

    @property
    def half_width(self) -> float:
        """Of the 95 % interval of the mean over episodes; NaN for a single episode."""
        if len(self.accuracies) < 2:
            return math.nan
        deviation = float(np.std(self.accuracies, ddof=1))
        return NORMAL_975 * deviation / math.sqrt(len(self.accuracies))

    @property
    def num_episodes(self) -> int:
        return len(self.accuracies)

    def __str__(self) -> str:
        return (
            f"{100 * self.accuracy:.2f} ± {100 * self.half_width:.2f} % "
            f"({self.num_episodes} episodes)"
        )


def evaluate(learner: FewShotLearner, episodes: Sequence[Episode]) -> FewShotScore:
    """The learner's accuracy on the queries of each episode.

    Args:
        learner: Any learner.
        episodes: Episodes of one shape, such as those of `EpisodeSampler.fixed_episodes`.

    Raises:
        FewShotError: if a logit is not finite. The largest of NaNs is the first, which would pass
            for chance level.
    """
    dataset = FixedEpisodeDataset(episodes, evaluation_batch_size(episodes))
    accuracies: list[float] = []
    for number in range(dataset.num_batches):
        inputs, labels = dataset[number]
        logits = np.asarray(learner.predict_on_batch(inputs))
        if not np.isfinite(logits).all():
            raise FewShotError(
                f"Evaluation needs finite logits. Received: {logits[~np.isfinite(logits)][0]} of "
                f"{learner.name} in episode {len(accuracies)} or a few later. Train it with a "
                "smaller learning rate, or load other weights."
            )
        accuracies += (logits.argmax(axis=-1) == labels).mean(axis=1).tolist()
    return FewShotScore(tuple(accuracies))


def evaluation_batch_size(episodes: Sequence[Episode]) -> int:
    """Episodes of this size that may be evaluated at once."""
    if not len(episodes):
        raise FewShotError("Evaluation needs at least one episode. Received: none.")
    first = episodes[0]
    examples = first.num_ways * (first.num_shots + first.num_queries)
    return max(1, min(len(episodes), EXAMPLES_AT_ONCE // examples))
