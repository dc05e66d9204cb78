"""An oracle that fills populations: trials to be trained at once with another one."""

import abc
import logging
from collections.abc import Collection, Sequence

from keras_tuner.engine.trial import TrialStatus

from keras_metahpo._kerastuner import configuration_of
from keras_metahpo.oracle.freeze_thaw import FreezeThawOracle
from keras_metahpo.policies import FLOOR, Suggestion, TrainingStep
from keras_metahpo.space import Configuration

logger = logging.getLogger(__name__)

# What the suggestion of a member says of whom it was made for.
LEADER = "leader"


class PopulationOracle(FreezeThawOracle, abc.ABC):
    """An oracle that makes trials like a running one.

    Args:
        floor: Every so many populations one is random; `None` for never.
        arguments: Those of `FreezeThawOracle`.

    Attributes:
        leads_populations: Whether the next trials lead populations.
    """

    def __init__(self, *, floor: int | None, **arguments):
        super().__init__(**arguments)
        self.floor = floor
        self.leads_populations = False

    @abc.abstractmethod
    def _propose_members(
        self, leader: Configuration, is_random: bool, names: Collection[str], num_members: int
    ) -> list[Suggestion]:
        """Untried configurations that differ from one in named hyperparameters only."""

    def create_members(self, leader, tuner_ids: Sequence[str], names: Collection[str]) -> list:
        """New trials that differ from a running one in named hyperparameters only.

        Args:
            leader: The running trial.
            tuner_ids: For whom they are, one for each; fewer are made where there may be no more.
            names: Hyperparameters in which they may differ.
        """
        is_random = self._suggestions.get(leader.trial_id, {}).get("expert") == FLOOR
        try:
            suggestions = self._propose_members(
                configuration_of(leader), is_random, names, len(tuner_ids)
            )
        except Exception:
            logger.warning(
                "MetaOracle could not fill a population; trial %s is trained on its own. The "
                "search goes on; please report this.",
                leader.trial_id,
                exc_info=True,
            )
            return []
        members = []
        verbose = getattr(self, "verbose", 1)
        self.verbose = 0  # A table of values for each would be too many.
        for tuner_id, suggestion in zip(tuner_ids, suggestions, strict=False):
            reasons = {**suggestion.reasons, LEADER: leader.trial_id}
            self._decided = TrainingStep(
                None, suggestion.configuration, 0, suggestion.expert, reasons
            )
            trial = self.create_trial(tuner_id)
            if trial.status != TrialStatus.RUNNING:
                break
            members.append(trial)
        self.verbose = verbose
        self._decided = None  # A trial that had to be run again may have taken its place.
        if members and verbose:
            last = members[-1].trial_id
            print(f"Trained with {len(members)} others like it, up to trial {last}.")
        return members

    def _is_floor_due(self) -> bool:
        """Whether the next population is to be random."""
        if self.floor is None or not self.leads_populations:
            return False
        num_led = sum(LEADER not in given["reasons"] for given in self._suggestions.values())
        return (num_led + 1) % self.floor == 0
