"""The page about one training or several, self-contained."""

from collections.abc import Sequence
from pathlib import Path

from keras_metahpo.atomic import write_text
from keras_metahpo.extras import require_packages
from keras_metahpo.training_report.facts import PresetFacts

PAGE = "report.html"
EXTRA = ("jinja2", "matplotlib")


def require_extra() -> None:
    """Raises `ImportError` that names the extra, before anything has taken time."""
    require_packages("A page about trainings", EXTRA, "data")


def write_report(presets: Sequence[PresetFacts], directory: Path) -> Path:
    """Writes `report.html`, one page with its pictures inside.

    Args:
        presets: At least one; several are compared, each under a label of its own.
        directory: Made if need be.

    Returns:
        The page.
    """
    require_extra()
    from keras_metahpo.benchmark.plot_axes import inline, svg_of
    from keras_metahpo.data.writing import render
    from keras_metahpo.training_report.pictures import draw

    pictures = [
        {"stem": stem, "title": title, "text": text, "svg": inline(svg_of(figure, stem))}
        for stem, title, text, figure in draw(presets)
    ]
    page = render(
        Path(__file__).with_name(f"{PAGE}.j2"),
        presets=presets,
        pictures=pictures,
        parts={
            part: list(dict.fromkeys(name for f in presets for name in f.correlations(part)))
            for part in ("trained", "held_out")
        },
        sources=sorted({source for facts in presets for source in facts.sources}),
        settings=_settings(presets),
        limits=list(dict.fromkeys(f.card["limits"] for f in presets if "limits" in f.card)),
    )
    write_text(Path(directory) / PAGE, page)
    return Path(directory) / PAGE


def _settings(presets: Sequence[PresetFacts]) -> dict[str, list]:
    """The configurations of training and network by name, a value a preset."""
    training = {name for facts in presets for name in facts.training} - {"network"}
    network = {name for facts in presets for name in facts.network}
    return {
        name: [facts.training.get(name, "") for facts in presets] for name in sorted(training)
    } | {
        f"network: {name}": [facts.network.get(name, "") for facts in presets]
        for name in sorted(network)
    }
