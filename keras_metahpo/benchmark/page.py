"""The page's template, and how numbers are written on it."""

import math
from pathlib import Path
from typing import Any

TEMPLATE = "report.html.j2"
NO_NUMBER, NO_BREAK = "\N{EN DASH}", "\N{NO-BREAK SPACE}"
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (0.001, "ms"))


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
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    return f"{100 * value:.0f}{NO_BREAK}%"


def _duration(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return NO_NUMBER
    size, unit = next((u for u in UNITS if seconds >= u[0]), UNITS[-1])
    number = seconds / size
    return f"{number:.0f}{NO_BREAK}{unit}" if number >= 10 else f"{number:.2g}{NO_BREAK}{unit}"
