"""What `MetaOracle` decides with: its ranker and the policies on top of it, loaded when needed."""

from collections.abc import Sequence
from functools import cached_property

from keras_metahpo.history import TrialLog
from keras_metahpo.policies import (
    CostModel,
    FreezeThawPolicy,
    Policy,
    build_model_policy,
    build_policy,
    check_candidate_search,
)
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.rankers import Preset, Ranker, check_surrogate
from keras_metahpo.space import Configuration


class Experts:
    """The policies of a search.

    Args:
        ranker, surrogate, candidate_search, initial_configurations, floor: As in `MetaOracle`.
        logs: Earlier searches of the same problem.

    Raises:
        PresetError, ImportError: as `MetaOracle` does.
    """

    def __init__(
        self,
        ranker: str | Ranker | None,
        surrogate: str | Ranker | None,
        candidate_search: str,
        logs: Sequence[TrialLog],
        initial_configurations: Sequence[Configuration],
        floor: int | None,
    ):
        self._surrogate = check_surrogate(surrogate)
        self._preset = ranker if ranker is None or isinstance(ranker, Ranker) else Preset(ranker)
        check_candidate_search(candidate_search, self._preset)
        self._candidate_search = candidate_search
        self._logs = logs
        self._initial_configurations = initial_configurations
        self._floor = floor

    @property
    def trained_on(self) -> Sequence:
        """What the preset's card says that it was trained on."""
        return getattr(self._preset, "card", {}).get("trained_on", ())

    @cached_property
    def ranker(self) -> Ranker | None:
        """The ranker, loaded."""
        return _loaded(self._preset)

    @cached_property
    def policy(self) -> Policy:
        """Decides where trials are trained one by one."""
        return build_policy(self.model, self._logs, self._initial_configurations, self._floor)

    @cached_property
    def policy_without_floor(self) -> Policy:
        """Decides where trials are trained in parts or at once, and the floor counts otherwise.

        Nothing stands by: what the model disbelieves would be proposed and never trained.
        """
        return build_policy(self.model, self._logs, self._initial_configurations, has_standby=False)

    @cached_property
    def model(self) -> ImprovementPolicy:
        """Predicts."""
        return build_model_policy(self.ranker, self._candidate_search, _loaded(self._surrogate))

    def freeze_thaw_policy(self, max_epochs: int) -> FreezeThawPolicy:
        """Decides where trainings are frozen and thawed."""
        return FreezeThawPolicy(
            self.policy_without_floor, self.model, max_epochs, self._floor, CostModel(self._logs)
        )


def _loaded(ranker: Preset | Ranker | None) -> Ranker | None:
    return ranker.load() if isinstance(ranker, Preset) else ranker
