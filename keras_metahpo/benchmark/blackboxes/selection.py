"""Choosing tasks of a suite by name."""

from collections.abc import Sequence

from keras_metahpo.errors import BenchmarkError, did_you_mean


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
