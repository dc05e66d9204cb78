"""What configurations do to the objective, and what seeds do to it."""

import math
from dataclasses import dataclass

import numpy as np

from keras_metahpo.data.trials import Trials

# As `keras_metahpo.tasks.spread`, which would load Keras.
MIN_RATIO = 8.0


@dataclass(frozen=True)
class Spread:
    """Objective values; NaN where nothing is known.

    Attributes:
        best, median, p10, p90: Over the configurations whose first seed did not fail.
        seed_deviation: Standard deviation over seeds, pooled over the repeated configurations.
        num_repeated: Configurations of which several seeds did not fail.
    """

    best: float = math.nan
    median: float = math.nan
    p10: float = math.nan
    p90: float = math.nan
    seed_deviation: float = math.nan
    num_repeated: int = 0

    @property
    def ratio(self) -> float:
        """How many seed deviations the configurations spread, from p10 to p90."""
        if self.seed_deviation == 0.0:
            return math.inf
        return (self.p90 - self.p10) / self.seed_deviation


def measure_spread(trials: Trials, direction: str) -> Spread:
    """Of the trials that did not fail."""
    import pandas as pd

    sign = 1.0 if direction == "max" else -1.0
    firsts = trials.first_utilities[np.isfinite(trials.first_utilities)]
    if not len(firsts):
        return Spread()
    finished = np.isfinite(trials.utilities)
    of_seeds = pd.Series(trials.utilities[finished]).groupby(trials.configuration_of[finished])
    freedom = of_seeds.size() - 1
    # The analysis of variance's mean square within groups.
    within = float((of_seeds.var() * freedom).sum() / freedom.sum()) if freedom.any() else math.nan
    p10, p90 = np.percentile(sign * firsts, [10, 90])
    return Spread(
        best=sign * float(firsts.max()),
        median=sign * float(np.median(firsts)),
        p10=float(p10),
        p90=float(p90),
        seed_deviation=math.sqrt(within),
        num_repeated=int((freedom > 0).sum()),
    )
