"""What is written of a description: a page that needs no network, its pictures, its numbers."""

import json
import math
from pathlib import Path
from typing import Any

from keras_metahpo.atomic import write_text
from keras_metahpo.data.describing import MIN_CONFIGURATIONS
from keras_metahpo.data.description import SHARES, Description
from keras_metahpo.data.labels import require_extra
from keras_metahpo.data.spread import MIN_RATIO

PAGE, NUMBERS = "describe.html", "describe.json"
NO_NUMBER = "\N{EN DASH}"


def write_description(description: Description, directory: Path) -> Path:
    """Writes `describe.html`, `describe.json` and a PNG file a picture.

    Args:
        description: Of any logs.
        directory: Made if need be; files of before are replaced.

    Returns:
        The page: self-contained, its pictures inline.
    """
    require_extra()
    from keras_metahpo.benchmark.plot_axes import inline, save_png
    from keras_metahpo.data.pictures import draw

    directory = Path(directory)
    write_text(directory / NUMBERS, json.dumps(description.to_json(), indent=1) + "\n")
    pictures = []
    for stem, title, text, figure in draw(description):
        width = figure.get_figwidth()
        svg = inline(save_png(figure, directory / f"{stem}.png"))
        pictures.append({"stem": stem, "title": title, "text": text, "svg": svg, "width": width})
    page = render(
        Path(__file__).with_name(f"{PAGE}.j2"),
        tasks=description.tasks,
        spaces=description.spaces,
        pictures=pictures,
        notes=notes_of(description),
        numbers=NUMBERS,
        shares=SHARES,
        min_ratio=MIN_RATIO,
        min_configurations=MIN_CONFIGURATIONS,
    )
    write_text(directory / PAGE, page)
    return directory / PAGE


def render(template: Path, **content: Any) -> str:
    """Fills a page's template; everything is escaped, and a missing name is an error.

    Args:
        template: May include `page.css`, and write numbers with the filters `number`,
            `correlation` and `percent`.
        content: What it names.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number_text,
        "correlation": correlation_text,
        "percent": percent_text,
    }
    return environment.get_template(template.name).render(**content)


def number_text(value: float, digits: int = 3) -> str:
    """A few digits that count; a dash for what is not known."""
    if math.isnan(value):
        return NO_NUMBER
    return f"{value:.0f}" if 10**digits <= abs(value) < 1e6 else f"{value:.{digits}g}"


def correlation_text(value: float) -> str:
    return NO_NUMBER if math.isnan(value) else f"{value:.2f}"


def percent_text(share: float) -> str:
    return NO_NUMBER if math.isnan(share) else f"{100 * share:.0f} %"


def notes_of(description: Description) -> dict[str, list[str]]:
    """Labels of the tasks that have a note, by note."""
    found: dict[str, list[str]] = {}
    for task in description.tasks:
        for note in task.notes:
            found.setdefault(note, []).append(task.label)
    return found
