"""Pictures: which there are, and that they can be read with few and with many tasks."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from keras_metahpo.benchmark.plot_axes import inline, save_png
from keras_metahpo.data import Description, SpaceDescription
from keras_metahpo.data.heat_maps import correlation_figure, importance_figure
from keras_metahpo.data.pictures import draw, fidelity_figure, spread_figure
from keras_metahpo.data.spread import Spread

from .conftest import description_of


def drawn_axes(figure):
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return figure.axes


def assert_apart(labels, along):
    boxes = sorted((text.get_window_extent() for text in labels), key=lambda b: getattr(b, along))
    low, high = {"x0": ("x0", "x1"), "y0": ("y0", "y1")}[along]
    # Boxes have a margin of a pixel or so.
    assert all(getattr(a, high) <= getattr(b, low) + 2 for a, b in pairwise(boxes))


@pytest.mark.parametrize("num_tasks", [3, 90])
def test_labels_do_not_overlap(num_tasks):
    description = description_of(num_tasks)
    (axes,) = drawn_axes(spread_figure(description.tasks))
    assert len(axes.get_yticklabels()) == num_tasks
    assert_apart(axes.get_yticklabels(), "y0")
    (axes,) = drawn_axes(importance_figure(description.tasks))
    assert_apart(axes.get_yticklabels(), "y0")


@pytest.mark.parametrize("num_tasks", [2, 90])
def test_a_matrix_of_many_tasks_can_be_read(num_tasks):
    labels = tuple(f"one/quite_a_long_name_{n}" for n in range(num_tasks))
    space = SpaceDescription(("units",), labels, labels, np.eye(num_tasks))
    (axes,) = drawn_axes(correlation_figure(space))
    assert_apart(axes.get_yticklabels(), "y0")
    assert_apart(axes.get_xticklabels(), "x0")
    assert len(axes.texts) == (4 if num_tasks == 2 else 0)


def test_spreads_are_sorted_by_ratio_and_low_ones_are_marked():
    tasks = description_of(4).tasks
    spreads = [Spread(9, 5, 1, 9, seeds, 3) for seeds in (2.0, math.nan, 0.5, 0.0)]
    tasks = [dataclasses.replace(t, spread=s) for t, s in zip(tasks, spreads, strict=True)]
    (axes,) = drawn_axes(spread_figure(tasks))
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [tasks[i].label for i in (3, 2, 0, 1)]
    ratios = {text.get_text(): text.get_fontweight() for text in axes.texts}
    assert ratios == dict.fromkeys(["inf", "16.0", "\N{EN DASH}", "ratio"], "normal") | {
        "4.0": "bold"
    }


def test_each_objective_has_a_panel():
    first, second = description_of(2).tasks
    second = dataclasses.replace(second, objective="loss", spread=Spread(1, 1, 0, 2, 0.01, 3))
    figure = spread_figure([first, second])
    assert [axes.get_xlabel() for axes in figure.axes] == ["loss", "score"]


def test_importances_are_by_role_and_what_a_task_lacks_is_empty():
    first, second = description_of(2).tasks
    tasks = [
        dataclasses.replace(first, importances={"lr": 0.5, "initial_lr": 0.2, "gizmo": 0.1}),
        dataclasses.replace(second, importances={"units": 0.25}),
    ]
    (axes,) = drawn_axes(importance_figure(tasks))
    columns = [text.get_text() for text in axes.get_xticklabels()]
    assert columns == ["learning rate", "width", "other", "rest"]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {
        (0.5, 0.5): "70",
        (2.5, 0.5): "10",
        (3.5, 0.5): "20",
        (1.5, 1.5): "25",
        (3.5, 1.5): "75",
    }


def test_a_family_is_a_mean_that_begins_where_all_its_tasks_do():
    first, second = (
        dataclasses.replace(task, family="one", correlations=correlations)
        for task, correlations in zip(
            description_of(2).tasks, [(0.5, 1.0), (math.nan, 0.5, 0.5, 1.0)], strict=True
        )
    )
    (axes,) = drawn_axes(fidelity_figure([first, second]))
    (line,) = axes.lines
    assert line.get_label() == "one (2 tasks)"
    shares, values = line.get_xdata(), line.get_ydata()
    assert np.isnan(values[shares < 50]).all()
    assert values[shares == 50] == pytest.approx([0.5])
    assert values[-1] == pytest.approx(1.0)


def test_only_pictures_that_show_something_are_drawn():
    description = description_of(3)
    stems = [stem for stem, _, _, _ in draw(description)]
    assert stems == ["spread", "importance", "fidelity", "correlation-1"]
    bare = [
        dataclasses.replace(task, spread=Spread(), importances={}, correlations=())
        for task in description.tasks
    ]
    assert list(draw(Description(tuple(bare), ()))) == []


def test_saved_pictures_are_files_and_inline_svg(tmp_path):
    svg = inline(save_png(spread_figure(description_of(3).tasks), tmp_path / "spread.png"))
    assert (tmp_path / "spread.png").read_bytes().startswith(b"\x89PNG")
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert 'width="' not in svg[: svg.index(">")]
