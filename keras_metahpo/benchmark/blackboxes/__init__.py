"""Blackboxes and the suites they come in."""

import importlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from keras_metahpo.benchmark.blackbox import Suite
from keras_metahpo.benchmark.blackboxes.wrapping import wrap_suite
from keras_metahpo.errors import BenchmarkError, did_you_mean

__all__ = ["SUITE_KINDS", "open_suite", "wrap_suite"]

SUITE_KINDS = ("tabular", "lcbench", "taskset", "hpobench", "fcnet", "nasbench201", "live")
_PACKAGES = ("hpobench", "fcnet", "nasbench201")


def open_suite(
    kind: str,
    path: str | os.PathLike | Sequence[str] | None = None,
    wrappers: Sequence[Mapping[str, Any]] = (),
    **options,
) -> Suite:
    """Opens a suite; its blackboxes are opened one by one, wherever they are needed.

    Args:
        kind: One of `SUITE_KINDS`.
        path: Where its data lie: trial logs, folders of them or patterns, one or several
            (`tabular`); the surrogate's folder (`lcbench`); `taskset.npz` (`taskset`); a file of
            task definitions (`live`, the library's when `None`). The others come from a package
            and take none.
        wrappers: The innermost first: a `name`, as `wrap_suite` takes it, and its arguments, such
            as `{"name": "pooled", "size": 512}`.
        **options: Of the kind: `tasks` (names to choose) for all; `seed` for the packages,
            `family` for `tabular`, `seed` for `live`.
    """
    if kind not in SUITE_KINDS:
        raise BenchmarkError(
            f"The kind of a suite must be one of {SUITE_KINDS}. Received: {kind!r}."
            f"{did_you_mean(str(kind), SUITE_KINDS)}"
        )
    module = importlib.import_module(f"{__name__}.{'packages' if kind in _PACKAGES else kind}")
    opener: Callable[..., Suite] = (
        partial(module.suite, kind) if kind in _PACKAGES else module.suite
    )
    accepted = [name for name in inspect.signature(opener).parameters if name != "path"]
    unknown = [name for name in options if name not in accepted]
    if unknown:
        raise BenchmarkError(
            f"The suite {kind!r} takes the options {accepted}. Received: {unknown}."
            f"{did_you_mean(unknown[0], accepted)}"
        )
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not (path is None or isinstance(path, str) or kind == "tabular"):
        raise BenchmarkError(f"The suite {kind!r} takes one path. Received: path={path!r}.")
    suite = opener(path, **options)
    for wrapper in wrappers:
        if not isinstance(wrapper, Mapping) or "name" not in wrapper:
            raise BenchmarkError(
                "A wrapper is a name and its arguments, such as {'name': 'pooled', 'size': 512}. "
                f"Received: {wrapper!r}."
            )
        arguments = {key: value for key, value in wrapper.items() if key != "name"}
        suite = wrap_suite(suite, wrapper["name"], **arguments)
    return suite
