"""What is told of a configuration: who chose it, and what each hyperparameter has to do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.explanation.importance import MeanFunction, importances_of
from keras_metahpo.explanation.kinship import AlikeTask, alike_tasks
from keras_metahpo.rankers import Ranker
from keras_metahpo.role_guessing import Guess
from keras_metahpo.space import Configuration, SearchSpace, Value, concatenate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Other values a hyperparameter is compared with.
NUM_ALTERNATIVES = 32


@dataclass(frozen=True)
class Explanation:
    """Why a configuration was chosen; `print` it, or look at its `figure()`.

    Attributes:
        trial_id: The trial.
        configuration: Its values.
        expert: The policy that chose it.
        reasons: Facts from that policy, such as predicted rank, its spread and the trust in the
            ranker (1: as good as its word, 0: ignored).
        contributions: By hyperparameter, how much its value lifts the ranker's expected normal
            score above the mean over other values; empty without a ranker.
        importances: By hyperparameter, the share of the predicted scores' variance over the whole
            search space that it takes part in, as known from all trials until now; the shares of
            hyperparameters that act together overlap. Empty where nothing is known.
        alike: Tasks that the ranker was trained on whose hyperparameters are most like these.
        guesses: By hyperparameter whose name the ranker does not know, the role it is taken for.
    """

    trial_id: str
    configuration: Mapping[str, Value]
    expert: str
    reasons: Mapping[str, Value] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)
    importances: Mapping[str, float] = field(default_factory=dict)
    alike: Sequence[AlikeTask] = ()
    guesses: Mapping[str, Guess] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"Trial {self.trial_id} was chosen by: {self.expert}"]
        for name, value in self.reasons.items():
            text = f"{value:.3g}" if isinstance(value, float) else str(value)
            lines.append(f"  {name.replace('_', ' ')}: {text}")
        if self.contributions:
            lines.append("What the ranker likes (+) and dislikes (-) about its values:")
        ordered = sorted(self.contributions.items(), key=lambda item: -abs(item[1]))
        for name, contribution in ordered:
            lines.append(f"  {contribution:+.2f}  {self.setting(name)}")
        for name, guess in self.guesses.items():
            role = f"{guess.role.replace('_', ' ')} (probability {guess.probability:.2f})"
            lines.append(f"The ranker takes {name} for: {role}")
        if self.importances:
            lines.append("How much each hyperparameter matters, by what is known until now:")
        for name, importance in sorted(self.importances.items(), key=lambda item: -item[1]):
            lines.append(f"  {importance:4.0%}  {name}")
        if self.alike:
            lines.append("Tasks the ranker was trained on that search the same hyperparameters:")
        for task in self.alike:
            lines.append(f"  {task.similarity:4.0%}  {task.name}")
        return "\n".join(lines)

    def setting(self, name: str) -> str:
        """A hyperparameter and its value."""
        value = self.configuration[name]
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        return f"{name} = {text}"

    def figure(self) -> "Figure":
        """Contributions and importances as a picture; needs matplotlib."""
        from keras_metahpo.explanation.picture import draw

        return draw(self)


def explain_configuration(
    trial_id: str,
    space: SearchSpace,
    configuration: Configuration,
    expert: str,
    reasons: Mapping[str, Value],
    ranker: Ranker | None,
    mean: MeanFunction | None = None,
    trained_on: Sequence[Mapping] = (),
) -> Explanation:
    """Adds to what the policy said what the ranker and the trials say.

    Args:
        trial_id, configuration, expert, reasons: As in `Explanation`.
        space: The search space.
        ranker: Whose contributions are told; `None` for none.
        mean: Expected normal scores by what is known until now; `None` where nothing is.
        trained_on: Entries of the ranker's card.
    """
    importances = importances_of(space, mean) if mean else {}
    guesses = ranker.guesses(space) if ranker else {}
    return Explanation(
        trial_id=trial_id,
        configuration=dict(configuration),
        expert=expert,
        reasons=dict(reasons),
        contributions=contributions_of(space, configuration, ranker) if ranker else {},
        importances=importances,
        alike=alike_tasks(space, importances, trained_on, guesses),
        guesses=guesses,
    )


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
