"""The page's template, and how numbers are written on it."""

import math
from pathlib import Path
from typing import Any

TEMPLATE = "report.html.j2"
NO_NUMBER = "\N{EN DASH}"


def render(**content: Any) -> str:
    """Fills the template; everything but figures is escaped, and a missing name is an error."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"regret": _regret, "share": _share, "duration": _duration}
    return environment.get_template(TEMPLATE).render(**content)


def _regret(value: float | None, digits: int = 3) -> str:
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    text = f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _share(value: float | None) -> str:
    return (
        NO_NUMBER
        if value is None or not math.isfinite(value)
        else f"{100 * value:.0f}\N{NO-BREAK SPACE}%"
    )


def _duration(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return NO_NUMBER
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= 2 * size or unit == "s":
            break
    number = seconds / size
    return f"{number:.0f} {unit}" if number >= 10 else f"{number:.2g} {unit}"
