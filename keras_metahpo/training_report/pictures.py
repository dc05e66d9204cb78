"""Pictures of trainings: curves, rank correlations and calibration on synthetic tasks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.figures import colours
from keras_metahpo.benchmark.plot_axes import INK, LABEL_HEIGHT, label_ends, new_figure, style
from keras_metahpo.training_report.checking import LEVELS, NUM_QUERIES, Check
from keras_metahpo.training_report.facts import PresetFacts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 3.0
MEAN = "mean"


def draw(presets: Sequence[PresetFacts]) -> Iterator[tuple[str, str, str, "Figure"]]:
    """File stem, title, explanation and figure of every picture there is something to show in."""
    palette = colours([facts.label for facts in presets])
    if any(facts.curve for facts in presets):
        text = (
            "Loss on the batches since the evaluation before (listwise order, bars, failures). "
            "It swings with the tasks that are drawn."
        )
        if any(facts.families for facts in presets):
            text += (
                " Right: zero-shot rank correlation on the held-out families; the best mean, "
                "dotted, decided which weights were kept."
            )
        yield "curve", "Training", text, curve_figure(presets, palette)
    num_tasks = len(presets[0].zero_shot.correlations)
    yield (
        "correlations",
        "Ranking of synthetic tasks never seen",
        f"Rank correlation of predicted and true order of {NUM_QUERIES} configurations of each of "
        f"{num_tasks} freshly drawn tasks; a point a task, the median as a line. Tasks are noisy, "
        "and a fifth of them has names that say nothing, so that before any trial 0 is right.",
        correlation_figure(presets, palette),
    )
    yield (
        "calibration",
        "Calibration",
        "How often the true rank lies inside the central intervals of the predicted mean and "
        "standard deviation. On the diagonal they are right; below it, the ranker is too sure.",
        calibration_figure(presets, palette),
    )


def curve_figure(presets: Sequence[PresetFacts], palette: Mapping[str, str]) -> "Figure":
    """Loss and, where families were held out, their rank correlations against steps."""
    with_families = [facts for facts in presets if facts.families]
    with style():
        figure = new_figure(HEIGHT)
        panels = figure.subplots(1, 2 if with_families else 1, squeeze=False)[0]
        for facts in presets:
            _plot_points(panels[0], facts, "loss", color=palette[facts.label], linewidth=1.8)
        if len(presets) > 1 and not with_families:
            _label(panels[0], {f.label: f.last_loss for f in presets if f.curve}, palette)
        panels[0].set(xlabel="gradient steps", ylabel="loss")
        if with_families:
            _draw_held_out(panels[1], with_families, palette)
        for axes in panels:
            axes.grid(color=INK, alpha=0.12, linewidth=0.8)
            axes.margins(x=0.02)
    return figure


def _draw_held_out(
    axes: "Axes", presets: Sequence[PresetFacts], palette: Mapping[str, str]
) -> None:
    """Of one preset, all its families and their mean; of several, the mean of each."""
    axes.set(xlabel="gradient steps", ylabel="held-out rank correlation")
    if len(presets) == 1:
        (facts,) = presets
        lines = colours([*facts.families, MEAN], ours=[MEAN])
        for name, colour in lines.items():
            _plot_points(axes, facts, name, color=colour, linewidth=2.6 if name == MEAN else 1.5)
        ends = {name: _points(facts, name)[1][-1] for name in lines}
        _label(axes, ends, lines, [MEAN])
    else:
        for facts in presets:
            _plot_points(axes, facts, MEAN, color=palette[facts.label], linewidth=1.8)
        ends = {facts.label: _points(facts, MEAN)[1][-1] for facts in presets}
        _label(axes, ends, palette)
    for facts in presets:
        colour = INK if len(presets) == 1 else palette[facts.label]
        axes.axvline(facts.card["best_step"], color=colour, linewidth=1, linestyle=":")


def _points(facts: PresetFacts, name: str) -> tuple[list[float], list[float]]:
    """Steps, and the values of one entry of the curve there."""
    points = [(point["step"], point[name]) for point in facts.curve if name in point]
    return [step for step, _ in points], [value for _, value in points]


def _plot_points(axes: "Axes", facts: PresetFacts, name: str, **look) -> None:
    steps, values = _points(facts, name)
    axes.plot(steps, values, marker="o", markersize=3.5 if len(steps) < 30 else 0, **look)


def _label(
    axes: "Axes", ends: Mapping[str, float], palette: Mapping[str, str], ours: Sequence[str] = ()
) -> None:
    axes.margins(x=0.02)
    axes.autoscale_view()
    label_ends(axes, ends, palette, ours, HEIGHT)


def correlation_figure(presets: Sequence[PresetFacts], palette: Mapping[str, str]) -> "Figure":
    """A row of points a preset, a point a task; before any trial, and after some."""
    rng = np.random.default_rng(0)
    labels = [facts.label for facts in presets]
    with style():
        figure = new_figure(1.3 + 2.6 * LABEL_HEIGHT * len(presets))
        panels = figure.subplots(1, 2, sharey=True)
        for axes, checks in zip(panels, _by_context(presets), strict=True):
            for row, (label, check) in enumerate(zip(labels, checks, strict=True)):
                found, colour = check.correlations, palette[label]
                heights = row + rng.uniform(-0.3, 0.3, len(found))
                axes.scatter(found, heights, s=9, color=colour, alpha=0.45, linewidths=0)
                middle = float(np.median(found))
                axes.plot([middle, middle], [row - 0.4, row + 0.4], color=colour, linewidth=2.6)
                place = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
                axes.annotate(f"median {middle:.2f}", (1.02, row), **place)
            axes.axvline(0, color=INK, linewidth=1, linestyle=":")
            axes.set_title(_title(checks[0]), fontsize=9, loc="left")
            axes.set(xlabel="rank correlation", xlim=(-1.02, 1.02))
        panels[0].set_yticks(range(len(labels)), labels if len(labels) > 1 else [""])
        panels[0].set_ylim(len(labels) - 0.5, -0.5)
        for axes in panels:
            axes.tick_params(axis="y", length=0)
    return figure


def calibration_figure(presets: Sequence[PresetFacts], palette: Mapping[str, str]) -> "Figure":
    """Share of the truths inside central intervals against the intervals' probability."""
    with style():
        figure = new_figure(3.4)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, checks in zip(panels, _by_context(presets), strict=True):
            axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
            for facts, check in zip(presets, checks, strict=True):
                colour = palette[facts.label]
                axes.plot(LEVELS, check.coverage, color=colour, linewidth=1.8, marker="o", ms=3)
            axes.set_title(_title(checks[0]), fontsize=9, loc="left")
            axes.set(xlabel="probability of the interval", xlim=(0, 1), ylim=(0, 1))
            axes.set_aspect("equal")
            axes.grid(color=INK, alpha=0.12, linewidth=0.8)
        panels[0].set_ylabel("truths inside")
        if len(presets) > 1:
            ends = {f.label: float(f.in_context.coverage[-1]) for f in presets}
            label_ends(panels[1], ends, palette, (), 3.4)
    return figure


def _by_context(presets: Sequence[PresetFacts]) -> list[tuple[Check, ...]]:
    """Checks of all presets before any trial, and after some."""
    return list(zip(*(facts.checks for facts in presets), strict=True))


def _title(check: Check) -> str:
    return f"after {check.num_observed} trials" if check.num_observed else "before any trial"
