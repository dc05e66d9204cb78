"""Errors of keras-metahpo; a message says what was expected, what was received and what to do."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the closest matches; empty where nothing is close."""
    close = difflib.get_close_matches(name, list(known), n=3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A message that names the closest matches, or all where nothing is close."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
    return f"No {what} is called {name!r}. Did you mean one of {close}?"


class MetaHPOError(ValueError):
    """Base class of the package's own errors."""


class SearchSpaceError(MetaHPOError):
    """A search space or a configuration that cannot be used."""


class TrialLogError(MetaHPOError):
    """A trial log, or what is to become one, that is missing, damaged or inconsistent."""


class ProjectError(MetaHPOError):
    """A KerasTuner project folder that cannot be read."""


class PresetError(MetaHPOError):
    """A ranker preset that is missing, damaged or of a later format."""


class TaskError(MetaHPOError):
    """A task definition or its data that cannot be used."""


class DatasetError(MetaHPOError):
    """A public data set that cannot be loaded."""


class FewShotError(MetaHPOError):
    """Examples, episodes or a learner that few-shot learning cannot use."""


class BenchmarkError(MetaHPOError):
    """A study, blackbox or result folder that cannot be used."""


class CollectionError(MetaHPOError):
    """A collection of trials that cannot go on; what is finished stays."""
