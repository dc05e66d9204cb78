"""Choosing tasks of a suite by name."""

import difflib
from collections.abc import Sequence

from keras_metahpo.errors import BenchmarkError


def selected(suite: str, known: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """The wanted names, with or without `suite/` before them; all that are known when `None`."""
    if wanted is None:
        return list(known)
    if isinstance(wanted, str):
        wanted = [wanted]
    names = [str(name).removeprefix(f"{suite}/") for name in wanted]
    for name in names:
        if name not in known:
            raise BenchmarkError(
                f"The suite {suite!r} has the tasks {list(known)}. Received: {name!r}."
                f"{did_you_mean(name, known)}"
            )
    return list(dict.fromkeys(names))


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A question that names the closest match; empty where nothing is close."""
    close = difflib.get_close_matches(name, known, n=3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
