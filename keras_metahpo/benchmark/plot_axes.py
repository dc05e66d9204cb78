"""Axes of the figures: their ink, scales, ticks and the labels at the ends of lines."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# All that is not a policy's is drawn in this colour, which a page replaces by its text's.
INK = "#1b1c1d"
WIDTH = 8.0
DPI = 150
# Inches of a line of labels.
LABEL_HEIGHT = 0.185
REGRETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
# Failed starts may be far worse than this, and would flatten what there is to see.
TOP_REGRET = 3.0
# Where the logarithmic scale of regret becomes linear, so that 0 and less have a place.
LINEAR_REGRET = 0.01
TRIALS = (1, 2, 3, 5, 10, 25, 50, 100, 200, 500, 1000)
SECONDS = {0.1: "0.1 s", 1: "1 s", 3: "3 s", 10: "10 s", 30: "30 s", 60: "1 min", 180: "3 min"}
SECONDS |= {600: "10 min", 1800: "30 min", 3600: "1 h", 10800: "3 h", 36000: "10 h", 108000: "30 h"}


def style():
    """Context of settings in which a figure is made."""
    import matplotlib

    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings: dict = dict.fromkeys(ink, INK)
    settings |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    return matplotlib.rc_context(settings)


def new_figure(height: float) -> "Figure":
    """A figure of the report's width; height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def scale_regret(axes: "Axes", values: "pd.Series") -> None:
    """Makes the y axis logarithmic, as far as the values are above 0."""
    low, high = float(values.min()), min(float(values.max()), TOP_REGRET)
    if low > LINEAR_REGRET:
        axes.set_yscale("log")
        bottom = low / 1.25
    else:
        axes.set_yscale("symlog", linthresh=LINEAR_REGRET, linscale=0.4)
        bottom = min(low * 1.3, 0.0)
    top = max(high * 1.15, bottom + LINEAR_REGRET)
    negative = [-r for r in REGRETS if -r >= bottom and r >= LINEAR_REGRET]
    positive = [r for r in REGRETS if max(bottom, 0) <= r <= top]
    if bottom <= 0:
        positive = [0, *(r for r in positive if r >= LINEAR_REGRET)]
    axes.set_yticks([*negative, *positive], [f"{r:g}" for r in [*negative, *positive]])
    axes.set_yticks([], minor=True)
    axes.set_ylim(bottom, top)
    axes.set_ylabel("normalised regret")
    axes.grid(color=INK, alpha=0.12, linewidth=0.8)


def scale_axis(axes: "Axes", axis: str, points: "pd.Index") -> None:
    """Scales and names the x axis; `axis` is `"step"`, `"seconds"` or `"epochs"`."""
    first, last = float(points.min()), float(points.max())
    # A decade and a half; below that a logarithmic axis only confuses.
    if last > 15 * first:
        axes.set_xscale("log")
    labels: Mapping[float, str] = {t: f"{t}" for t in TRIALS}
    if axis == "seconds":
        labels = SECONDS
    shown = {tick: label for tick, label in labels.items() if first <= tick <= last}
    if axis != "epochs" and len(shown) > 1:
        axes.set_xticks(list(shown), list(shown.values()))
        axes.set_xticks([], minor=True)
    axes.set_xlim(first, last if last > first else first + 1)
    names = {
        "step": "trials",
        "seconds": "time spent on training and suggesting",
        "epochs": "epochs trained",
    }
    axes.set_xlabel(names[axis])


def label_ends(
    axes: "Axes",
    ends: Mapping[str, float],
    palette: Mapping[str, str],
    ours: Sequence[str],
    height: float,
) -> None:
    """Writes names beside the ends of lines, moved apart where lines end together.

    Args:
        axes: Whose scales are final.
        ends: Where each line ends.
        palette: A colour a name.
        ours: Names to highlight.
        height: Of the figure, in inches.
    """
    names = sorted(ends, key=lambda name: ends[name])
    low, high = axes.get_ylim()
    data = [(0, float(np.clip(ends[name], low, high))) for name in names]
    heights = axes.transAxes.inverted().transform(axes.transData.transform(data))[:, 1]
    gap = LABEL_HEIGHT / (0.85 * height)
    for name, end, place in zip(names, heights, spread(heights, gap), strict=True):
        style: dict = {"color": palette[name], "transform": axes.transAxes, "clip_on": False}
        axes.plot([1.0, 1.03], [end, place], linewidth=0.8, **style)
        weight = "bold" if name in ours else "normal"
        axes.text(1.035, place, name, va="center", fontweight=weight, **style)


def spread(places: Sequence[float] | np.ndarray, gap: float) -> list[float]:
    """Moves ascending places at least `gap` apart, within 0 and 1 as long as there is room."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else max(place, 0.0))
    ceiling = max(1.0, gap * (len(moved) - 1))
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved


def save_png(figure: "Figure", path: Path) -> str:
    """Writes a PNG file; returns the same picture as SVG."""
    figure.savefig(path, dpi=DPI, facecolor="white")
    figure.set_layout_engine("none")  # It is laid out now; once more would only cost time.
    return svg_of(figure, path.stem)


def svg_of(figure: "Figure", stem: str) -> str:
    """A picture as SVG; `stem` keeps the names inside it apart from those of others on a page."""
    import matplotlib

    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None}
    # Names inside one page must not collide, and the same figure should be the same file.
    with matplotlib.rc_context({"svg.hashsalt": stem}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata, dpi=DPI)
    return buffer.getvalue()


def inline(svg: str) -> str:
    """An SVG to put into a page: as wide as its place, in the page's text colour."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace(INK, "currentColor")
