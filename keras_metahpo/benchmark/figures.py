"""The figures of a report: regret curves, critical differences, time to a target."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_metahpo.benchmark.metrics import mean_of_families
from keras_metahpo.benchmark.plot_axes import (
    INK,
    LABEL_HEIGHT,
    WIDTH,
    inline,
    label_ends,
    new_figure,
    save_png,
    scale_axis,
    scale_regret,
    style,
)
from keras_metahpo.benchmark.statistics import CriticalDifference, interval, median

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OURS = ("#d1495b", "#f08a5d", "#9b2f4b", "#e5739d")
PINNED = {"RandomSearch": "#8d99ae", "random": "#8d99ae", "BayesianOptimization": "#2e6f95"}
# Neither too dark for a dark page nor too light for a light one.
OTHERS = (
    *("#2a9d5c", "#7b5cc4", "#c98a00", "#1fa2b8", "#b3548a", "#8a8f1f", "#4f7fd6", "#a0703c"),
    *("#6e7f80", "#8fbf3f", "#a98be0", "#d97706", "#0f766e", "#d48fb0", "#5f5fa8"),
)
# With more policies than this, only ours and the pinned ones show their intervals.
MAX_BANDS = 5
# With more trials than this, steps are too small to be seen.
MAX_STEPS = 12


def colours(policies: Sequence[str], ours: Sequence[str] = ()) -> dict[str, str]:
    """A colour a policy; the same in every study, but where two names want the same one."""
    chosen = {name: PINNED[name] for name in policies if name in PINNED and name not in ours}
    chosen |= {name: OURS[i % len(OURS)] for i, name in enumerate(p for p in policies if p in ours)}
    free = list(OTHERS)
    for name in sorted(set(policies) - set(chosen)):
        free = free or list(OTHERS)
        wanted = OTHERS[zlib.crc32(name.encode()) % len(OTHERS)]
        chosen[name] = wanted if wanted in free else free[0]
        free.remove(chosen[name])
    return chosen


def regret_figure(curves: "pd.DataFrame", palette: Mapping[str, str], ours, axis: str) -> "Figure":
    """Mean of families of regret, with 95 % intervals, along an axis.

    Args:
        curves: As `metrics.curves` returns them.
        palette: A colour a policy.
        ours: Policies to highlight.
        axis: `"step"`, `"seconds"` or `"epochs"`.
    """
    policies = list(dict.fromkeys(curves.columns.get_level_values(0)))
    means, bounds = mean_of_families(curves), interval(curves)
    with style():
        height = max(3.8, 0.8 + LABEL_HEIGHT * len(policies))
        figure = new_figure(height)
        axes = figure.subplots()
        smooth = axis == "step" and curves.shape[1] > MAX_STEPS * len(policies)
        for policy in policies:
            line, mine, colour = means[policy], policy in ours, palette[policy]
            axes.plot(
                *(line.index, line),
                color=colour,
                drawstyle="default" if smooth else "steps-post",
                linewidth=2.6 if mine else 1.5,
                zorder=4 if mine else 3,
            )
            if len(policies) <= MAX_BANDS or mine or policy in PINNED:
                low, high = bounds.loc[policy]["low"], bounds.loc[policy]["high"]
                axes.fill_between(
                    line.index,
                    *(low, high),
                    color=colour,
                    alpha=0.13,
                    linewidth=0,
                    step=None if smooth else "post",
                )
        scale_regret(axes, means)
        scale_axis(axes, axis, means.index.get_level_values(1))
        ends = {name: means[name].iloc[-1] for name in policies}
        label_ends(axes, ends, palette, ours, height)
    return figure


def critical_difference_figure(found: CriticalDifference, palette: Mapping[str, str]) -> "Figure":
    """Mean ranks, the best on the left; a bar joins policies that cannot be told apart."""
    from scikit_posthocs import critical_difference_diagram

    with style():
        figure = new_figure(2.0)
        axes = figure.subplots()
        names = list(found.ranks.index)
        critical_difference_diagram(
            found.ranks,
            found.p_values,
            ax=axes,
            color_palette={name: palette[name] for name in names},
            label_fmt_left="{label}  {rank:.1f} ",
            label_fmt_right=" {rank:.1f}  {label}",
            elbow_props={"linewidth": 1.5},
            marker_props={"clip_on": False},
            crossbar_props={"color": INK, "linewidth": 2.5},
            text_h_margin=0.05 * len(names) / 5,
        )
        lowest = min(text.get_position()[1] for text in axes.texts)
        axes.set_ylim(lowest - 0.6, 0)
        figure.set_size_inches(WIDTH, 0.6 + 0.24 * -lowest)
    return figure


def speed_up_figure(
    speed_ups: Mapping[str, "pd.DataFrame"], baseline: str, palette: Mapping[str, str]
) -> "Figure":
    """Bars of the median speed-up over tasks, with intervals and the share that got there.

    Args:
        speed_ups: Task tables, as `metrics.speed_ups` returns them, by what they count.
        baseline: Whose final median is the target.
        palette: A colour a policy.
    """
    first = next(iter(speed_ups.values()))
    order = [name for name in median(first).sort_values().index if name != baseline]
    with style():
        figure = new_figure(0.9 + 0.3 * len(order))
        panels = figure.subplots(1, len(speed_ups), sharey=True, squeeze=False)[0]
        for axes, (unit, table) in zip(panels, speed_ups.items(), strict=True):
            middle, bounds = median(table)[order], interval(table, "median").loc[order]
            axes.barh(order, middle, color=[palette[name] for name in order], height=0.62)
            # Whiskers beyond this would flatten all bars.
            right = min(2.2 * max(middle.max(), 1.0), max(bounds["high"].max(), middle.max(), 1.0))
            column = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
            for row, name in enumerate(order):
                low, high = bounds.loc[name]
                axes.plot([low, min(high, right)], [row, row], color=INK, linewidth=1, alpha=0.7)
                share = 100 * table[name].gt(0).mean()
                times = f"{middle[name]:.1f}x" if middle[name] else "never"
                axes.annotate(f"{times}   {share:.0f} %", (1, row), **column)
            axes.annotate("median, tasks", (1, len(order) - 0.3), **column, fontsize=8)
            axes.axvline(1, color=INK, linewidth=1, linestyle=":")
            axes.set(xlabel=f"times fewer {unit} than {baseline}", xlim=(0, right * 1.6))
            axes.set_ylim(-0.6, len(order))
            axes.tick_params(axis="y", length=0)
    return figure


def save(figure: "Figure", stem: Path) -> str:
    """Writes STEM.png and STEM.svg.

    Returns:
        The SVG to put into a page: as wide as its place, in the page's text colour.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    svg = save_png(figure, stem.with_name(f"{stem.name}.png"))
    stem.with_name(f"{stem.name}.svg").write_text(svg)
    return inline(svg)
