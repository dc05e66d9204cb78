"""A search as a picture: learning curves, where they stopped and went on, and the best so far."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL, FROZEN, BEST = "#2c6f95", "#a9b2b8", "#c05a2d"


class Stretch(NamedTuple):
    """Epochs that a trial was trained in one go.

    Attributes:
        trial_id: Which trial.
        begun, ended: Epochs that it had been trained before and after it.
        best: Best value of the objective up to its end.
    """

    trial_id: str
    begun: int
    ended: int
    best: float


def draw(
    curves: Mapping[str, Mapping[int, float]],
    stretches: Sequence[Stretch],
    objective: str,
    direction: str,
    full_epochs: int,
) -> "Figure":
    """Learning curves on the left, the best value so far against epochs spent on the right.

    Args:
        curves: By trial, the objective at each epoch from 1 on.
        stretches: In the order in which they ended.
        objective, direction: Of the search.
        full_epochs: Of a full training.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"The picture of a search needs matplotlib. Received: {error}. "
            "Install it with: pip install matplotlib."
        ) from error

    figure = Figure(figsize=(10.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    best_of = max if direction == "max" else min
    bests = {trial_id: best_of(curve.values()) for trial_id, curve in curves.items() if curve}
    winner = best_of(bests, key=lambda trial_id: bests[trial_id]) if bests else None
    for trial_id, curve in curves.items():
        is_full = max(curve, default=0) >= full_epochs
        colour = BEST if trial_id == winner else FULL if is_full else FROZEN
        width, layer = (2.2, 4) if trial_id == winner else (1.0, 3 if is_full else 2)
        left.plot(list(curve), list(curve.values()), color=colour, linewidth=width, zorder=layer)
        stops = [s.ended for s in stretches if s.trial_id == trial_id and s.ended in curve]
        left.plot(stops, [curve[s] for s in stops], "o", color=colour, markersize=4, zorder=layer)
    left.set(
        title="learning curves; dots where a training stopped", xlabel="epoch", ylabel=objective
    )
    spent = np.cumsum([s.ended - s.begun for s in stretches])
    for is_thaw, marker, label in ((False, "o", "new trial"), (True, "^", "went on")):
        rows = [row for row, s in enumerate(stretches) if (s.begun > 0) == is_thaw]
        values = [stretches[row].best for row in rows]
        right.plot(spent[rows], values, marker, color=FROZEN, markersize=5, label=label)
    values = [s.best for s in stretches]
    accumulate = np.fmax.accumulate if direction == "max" else np.fmin.accumulate
    if values:
        right.step(spent, accumulate(values), where="post", color=BEST, linewidth=2, label="best")
    right.set(title="best so far", xlabel="epochs of all trials")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return figure
