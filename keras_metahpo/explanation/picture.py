"""An explanation as a picture."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from keras_metahpo.explanation.explaining import Explanation

LIKED, DISLIKED, NEUTRAL = "#2c6f95", "#c05a2d", "#7d8790"
BAR_HEIGHT = 0.3


def draw(explanation: "Explanation") -> "Figure":
    """Bars of the contributions on the left, of the importances on the right."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"The picture of an explanation needs matplotlib. Received: {error}. "
            "Install it with: pip install matplotlib, or print the explanation."
        ) from error

    rows = max(len(explanation.contributions), len(explanation.importances), 1)
    figure = Figure(figsize=(9.0, 1.4 + BAR_HEIGHT * rows), layout="constrained")
    left, right = figure.subplots(1, 2)
    contributions = sorted(explanation.contributions.items(), key=lambda item: abs(item[1]))
    values = [value for _, value in contributions]
    colours = [LIKED if value >= 0 else DISLIKED for value in values]
    left.barh([explanation.setting(name) for name, _ in contributions], values, color=colours)
    left.axvline(0.0, color="black", linewidth=0.8)
    left.set(title="what the ranker likes about it", xlabel="normal scores above other values")
    importances = sorted(explanation.importances.items(), key=lambda item: item[1])
    shares = [100 * value for _, value in importances]
    right.barh([name for name, _ in importances], shares, color=NEUTRAL)
    right.set(title="what matters here", xlabel="% of the predicted variance", xlim=(0, 100))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        if not axes.patches:
            axes.set_yticks([])
            axes.text(0.5, 0.5, "nothing known", ha="center", transform=axes.transAxes)
    figure.suptitle(f"trial {explanation.trial_id}, chosen by: {explanation.expert}")
    return figure
