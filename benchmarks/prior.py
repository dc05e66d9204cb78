"""Draws what the synthetic prior believes of deep learning, before anybody believes a ranker.

    python benchmarks/prior.py --output benchmarks/results/prior

`responses.png`: the loss against one hyperparameter at a time, over many imaginary tasks.
`maps.png`: six tasks, each as a map of the learning rate and another hyperparameter.
`tasks.png`: how large, noisy and prone to failure tasks are, and what they search.
"""

import argparse
import io
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_metahpo.benchmark.plot_axes import INK, new_figure, style
from keras_metahpo.meta_training.synthetic.draft import SyntheticSpace
from keras_metahpo.meta_training.synthetic.response import Response, deep_learning_response
from keras_metahpo.meta_training.synthetic_prior import NOISE_LEVELS, synthetic_task
from keras_metahpo.space import Hyperparameter, SearchSpace, role_of

# Small enough for a repository, and still sharp.
DPI, NUM_COLOURS = 110, 96
COLOUR, OTHER = "#2e6f95", "#d1495b"
NUM_TASKS, NUM_EXAMPLES, NUM_STEPS = 300, 8, 81
MAP_SIZE = 48
HIGHEST_LOSS = 4.0
NUM_DRAWN = 1500
MOST_ROLES = 14


def _rate(low: float = 1e-6) -> Hyperparameter:
    return Hyperparameter("learning_rate", "float", 1e-3, low, 10.0, sampling="log", ordered=True)


def _number(name: str, low, high, sampling: str = "linear", kind: str = "float") -> Hyperparameter:
    step = 1 if kind == "int" and sampling == "linear" else None
    return Hyperparameter(name, kind, low, low, high, step, sampling, ordered=True)


WEIGHT_DECAY = _number("weight_decay", 1e-7, 1.0, "log")
DROPOUT = _number("dropout", 0.0, 0.95)
WIDTH = _number("width", 4, 4096, "log", "int")
DEPTH = _number("depth", 1, 12, kind="int")
BATCH_SIZE = _number("batch_size", 4, 4096, "log", "int")
MOMENTUM = _number("momentum", 0.0, 0.99)
SMOOTHING = _number("label_smoothing", 0.0, 0.5)
# Title, hyperparameter, optimizer.
RESPONSES = (
    ("learning rate of Adam", _rate(), "adam"),
    ("learning rate of SGD", _rate(), "sgd"),
    ("batch size", BATCH_SIZE, "adam"),
    ("weight decay", WEIGHT_DECAY, "adam"),
    ("dropout", DROPOUT, "adam"),
    ("label smoothing", SMOOTHING, "adam"),
    ("width", WIDTH, "adam"),
    ("depth", DEPTH, "adam"),
    ("momentum of SGD", MOMENTUM, "sgd"),
)
MAPS = (
    *((BATCH_SIZE, "adam"), (WIDTH, "adam"), (DEPTH, "sgd")),
    *((MOMENTUM, "sgd"), (WEIGHT_DECAY, "adam"), (DROPOUT, "adam")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/prior"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, draw in (("responses", responses), ("maps", maps), ("tasks", tasks)):
        path = options.output / f"{name}.png"
        with style():
            save(draw(np.random.default_rng(options.seed)), path)
        print(f"Wrote {path}")


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG file of few colours, which is a third as large."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, facecolor="white")
    image = Image.open(buffer).convert("RGB")
    image.quantize(NUM_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def respond(
    hyperparameters: list[Hyperparameter], units: np.ndarray, optimizer: str, rng
) -> tuple[np.ndarray, Response]:
    """Numbers and noiseless response of unit positions: float array (n, d)."""
    space = SearchSpace(hyperparameters)
    roles = tuple(role_of(hp.name) for hp in hyperparameters)
    synthetic = SyntheticSpace(space, roles, (0,) * len(roles), optimizer)
    points = space.snap(units)
    return points.numbers, deep_learning_response(synthetic, points, rng)


def responses(rng: np.random.Generator) -> Figure:
    """A panel a hyperparameter: the loss above the best, over tasks in which it is all that is set.

    What else a model has is fixed somewhere sensible, so that the learning rate is rarely the best.
    """
    figure = new_figure(7.4)
    for axes, panel in zip(figure.subplots(3, 3, sharey=True).flat, RESPONSES, strict=True):
        _draw_response(axes, *panel, rng)
    return figure


def _draw_response(axes: Axes, title: str, hp: Hyperparameter, optimizer: str, rng) -> None:
    units = np.linspace(0.0, 1.0, NUM_STEPS)[:, None]
    losses, beyond = [], []
    for _ in range(NUM_TASKS):
        numbers, response = respond([hp], units, optimizer, rng)
        losses.append(response.loss - response.loss.min())
        beyond.append(response.beyond > 0)
    values = numbers[:, 0]
    low, middle, high = np.quantile(losses, [0.1, 0.5, 0.9], axis=0)
    axes.fill_between(values, low, high, color=COLOUR, alpha=0.15, linewidth=0)
    for loss in losses[:NUM_EXAMPLES]:
        axes.plot(values, loss, color=COLOUR, alpha=0.35, linewidth=0.8)
    axes.plot(values, middle, color=COLOUR, linewidth=2.4)
    if hp.name == "learning_rate":
        axes.plot(values, HIGHEST_LOSS * np.mean(beyond, axis=0), color=OTHER, linestyle="--")
        if optimizer == "adam":  # Beside which there is room.
            place = {"ha": "right", "va": "center", "transform": axes.transAxes}
            axes.text(0.98, 0.5, "share\nbeyond\nthe cliff", color=OTHER, fontsize=8, **place)
        axes.axvline(values[middle.argmin()], color=INK, linewidth=0.8, linestyle=":")
    if hp.sampling == "log":
        _scale(axes, "x", hp)
    elif hp.kind == "int":
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set(ylim=(0, HIGHEST_LOSS), xlim=(values[0], values[-1]))
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("loss above the best")


def _scale(axes: Axes, name: str, hp: Hyperparameter) -> None:
    """Makes the axis `"x"` or `"y"` logarithmic, with whole numbers as people write them."""
    axes.set(**{f"{name}scale": "log"})
    if hp.kind == "int":
        ticks = [4**n for n in range(1, 7) if hp.low <= 4**n <= hp.high]
        axes.set(**{f"{name}ticks": ticks, f"{name}ticklabels": ticks})
        axes.minorticks_off()


def maps(rng: np.random.Generator) -> Figure:
    """Six tasks, drawn one after the other and not chosen: ranks of the loss, and the cliff."""
    figure = new_figure(5.2)
    image = None
    for axes, (hp, optimizer) in zip(figure.subplots(2, 3).flat, MAPS, strict=True):
        places = (np.arange(MAP_SIZE) + 0.5) / MAP_SIZE
        units = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        rate = _rate(1e-5)
        numbers, response = respond([rate, hp], units, optimizer, rng)
        ranks = 1.0 - response.loss.argsort().argsort() / (len(units) - 1)
        shape = (MAP_SIZE, MAP_SIZE)
        x, y = (numbers[:, column].reshape(shape) for column in (0, 1))
        image = axes.pcolormesh(x, y, ranks.reshape(shape), cmap="viridis", rasterized=True)
        # `beyond` is 0 at the cliff.
        axes.contour(x, y, response.beyond.reshape(shape), [0.0], colors="white", linewidths=1.6)
        best = response.loss.argmin()
        axes.plot(*numbers[best], marker="*", color="white", markeredgecolor=INK, markersize=11)
        axes.set_xscale("log")
        if hp.sampling == "log":
            _scale(axes, "y", hp)
        axes.set(xlabel=f"learning rate ({optimizer})", ylabel=hp.name.replace("_", " "))
    bar = figure.colorbar(image, ax=figure.axes, shrink=0.6, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["worst", "median", "best"])
    return figure


def tasks(rng: np.random.Generator) -> Figure:
    """Of many tasks: how many hyperparameters they search and which, failures and noise."""
    drawn = [synthetic_task(rng, 64) for _ in range(NUM_DRAWN)]
    figure = new_figure(4.8)
    panels = figure.subplot_mosaic(
        [["size", "roles"], ["failures", "roles"], ["noise", "roles"]], width_ratios=(1, 1.25)
    )
    sizes = Counter(len(task.space) for task in drawn)
    _bars(panels["size"], sizes, NUM_DRAWN, "hyperparameters of a task")
    failed = np.array([np.isneginf(task.utilities).mean() for task in drawn])
    axes = panels["failures"]
    weights = np.full(np.sum(failed > 0), 100 / NUM_DRAWN)
    axes.hist(failed[failed > 0], np.linspace(0, 0.5, 21), weights=weights, color=COLOUR)
    text = f"none on {100 * np.mean(failed == 0):.0f} % of the tasks"
    axes.text(0.97, 0.85, text, ha="right", transform=axes.transAxes)
    axes.set(xlabel="share of failed trials", ylabel="% of tasks")
    _bars(
        panels["noise"],
        {f"{level:g}": NOISE_LEVELS.count(level) for level in sorted(set(NOISE_LEVELS))},
        len(NOISE_LEVELS),
        "noise, in spreads among good configurations",
    )
    _draw_roles(panels["roles"], drawn)
    return figure


def _bars(axes: Axes, counts, total: int, label: str) -> None:
    names = sorted(counts) if all(isinstance(n, int) for n in counts) else list(counts)
    axes.bar([str(n) for n in names], [100 * counts[n] / total for n in names], color=COLOUR)
    axes.set(xlabel=label, ylabel="% of tasks")
    axes.tick_params(axis="x", length=0, labelsize=8)


def _draw_roles(axes: Axes, drawn) -> None:
    found = Counter(
        role for task in drawn for role in {role_of(name) or "" for name in task.space.names}
    )
    unknown = found.pop("", 0)
    common = found.most_common(MOST_ROLES)
    rows = [(role.replace("_", " "), count) for role, count in common]
    rows.append(("a name that says nothing", unknown))
    labels, counts = zip(*rows, strict=True)
    shares = 100 * np.array(counts) / len(drawn)
    colours = [COLOUR] * len(common) + [OTHER]
    axes.barh(range(len(rows)), shares, color=colours, height=0.7)
    axes.set_yticks(range(len(rows)), labels)
    axes.set(xlabel="% of tasks that search it", ylim=(len(rows) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)


if __name__ == "__main__":
    main()
