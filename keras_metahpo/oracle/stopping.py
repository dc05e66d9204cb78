"""Whether another trial is expected to pay.

Shape: n trials.
"""

import abc
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_metahpo.oracle.population import PopulationOracle
from keras_metahpo.policies import EXPECTED_GAIN

logger = logging.getLogger(__name__)

# What counts as next to nothing, as a share of the way from the median trial to the best one, and
# how many suggestions in a row must promise no more: `benchmarks/stopping.py` says what a search
# that ends then saves and loses.
SMALL_SHARE = 0.003
PATIENCE = 5


def is_unpromising(gains: Sequence[float | None], small_gain: float) -> bool:
    """Whether the latest suggestions all promise next to nothing.

    Args:
        gains: By how much each suggestion was expected to improve the best value, in their order;
            `None` where nothing was expected: of random ones, say.
        small_gain: What counts as nothing.
    """
    expected = [gain for gain in gains if gain is not None][-PATIENCE:]
    return len(expected) == PATIENCE and max(expected) < small_gain


def small_gain_of(utilities: np.ndarray) -> float:
    """What counts as next to nothing among n trials, in units of the objective."""
    finite = np.asarray(utilities)[np.isfinite(utilities)]
    return SMALL_SHARE * float(finite.max() - np.median(finite)) if len(finite) else 0.0


class StoppingOracle(PopulationOracle, abc.ABC):
    """An oracle that says when its search has become unpromising, and may end it.

    Args:
        stop_when_unpromising: Whether it ends it; trainings that promise more go on.
        arguments: Those of `PopulationOracle`.
    """

    def __init__(self, *, stop_when_unpromising: bool, **arguments):
        super().__init__(**arguments)
        self.stop_when_unpromising = stop_when_unpromising
        self._has_said_so = False

    @property
    def expected_gain(self) -> float | None:
        """By how much the latest suggestion was expected to improve the objective's best value.

        `None` before any was made from finished trials.
        """
        return next((gain for gain in reversed(self._gains()) if gain is not None), None)

    def wants_no_more(self):
        small_gain = small_gain_of(self._utilities())
        if not is_unpromising(self._gains(), small_gain):
            return False
        # Advice is nothing for a search that is to be quiet; that it ends, is.
        if not self._has_said_so and (self.verbose or self.stop_when_unpromising):
            self._has_said_so = True
            logger.warning(
                "The latest %d suggestions were expected to improve %s by next to nothing (the "
                "last one by %.2g). %s",
                PATIENCE,
                self.objective.name,
                self.expected_gain,
                "There are no more new trials."
                if self.stop_when_unpromising
                else "More trials are not expected to pay; `stop_when_unpromising=True` ends a "
                "search here.",
            )
        return self.stop_when_unpromising

    def _remember(self, trial_id: str, expert: str, reasons: Mapping[str, Any]) -> None:
        """Keeps why a trial was chosen, and what is expected of it."""
        self._suggestions[trial_id] = {"expert": expert, "reasons": dict(reasons)}

    def _gains(self) -> list[float | None]:
        return [given["reasons"].get(EXPECTED_GAIN) for given in self._suggestions.values()]
