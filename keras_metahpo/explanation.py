"""Why a configuration was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.rankers import Ranker
from keras_metahpo.space import Configuration, SearchSpace, Value, concatenate

# Other values a hyperparameter is compared with.
NUM_ALTERNATIVES = 32


@dataclass(frozen=True)
class Explanation:
    """Why a configuration was chosen; `print` it.

    Attributes:
        trial_id: The trial.
        configuration: Its values.
        expert: The policy that chose it.
        reasons: Facts from that policy, such as predicted rank, its spread and the trust in the
            ranker (1: as good as its word, 0: ignored).
        contributions: By hyperparameter, how much its value lifts the ranker's expected normal
            score above the mean over other values; empty without a ranker.
    """

    trial_id: str
    configuration: Mapping[str, Value]
    expert: str
    reasons: Mapping[str, Value] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"Trial {self.trial_id} was chosen by: {self.expert}"]
        for name, value in self.reasons.items():
            text = f"{value:.3g}" if isinstance(value, float) else str(value)
            lines.append(f"  {name.replace('_', ' ')}: {text}")
        if self.contributions:
            lines.append("What the ranker likes (+) and dislikes (-) about its values:")
        ordered = sorted(self.contributions.items(), key=lambda item: -abs(item[1]))
        for name, contribution in ordered:
            value = self.configuration[name]
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            lines.append(f"  {contribution:+.2f}  {name} = {text}")
        return "\n".join(lines)


def explain_configuration(
    trial_id: str,
    space: SearchSpace,
    configuration: Configuration,
    expert: str,
    reasons: Mapping[str, Value],
    ranker: Ranker | None,
) -> Explanation:
    """Adds the ranker's contributions to what the policy said."""
    contributions = contributions_of(space, configuration, ranker) if ranker else {}
    return Explanation(trial_id, dict(configuration), expert, dict(reasons), contributions)


def contributions_of(
    space: SearchSpace, configuration: Configuration, ranker: Ranker
) -> dict[str, float]:
    """For each active hyperparameter, the prior mean of its value less the mean over others'.

    One hyperparameter is changed at a time, to values evenly spread over its range.
    """
    chosen = space.encode([configuration])
    parts, columns = [chosen], []
    positions = (np.arange(NUM_ALTERNATIVES) + 0.5) / NUM_ALTERNATIVES
    for column, hp in enumerate(space.hyperparameters):
        if chosen.active[0, column] and hp.num_values > 1:
            units = np.repeat(chosen.units, NUM_ALTERNATIVES, axis=0)
            units[:, column] = positions
            parts.append(space.snap(units))
            columns.append(hp.name)
    means = ranker.prior_mean(space, concatenate(parts))
    alternatives = means[1:].reshape(len(columns), NUM_ALTERNATIVES).mean(axis=1)
    return {
        name: float(means[0] - alternative)
        for name, alternative in zip(columns, alternatives, strict=True)
    }
