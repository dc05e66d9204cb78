"""Earlier searches of the same problem, from wherever they are kept."""

import os
from collections.abc import Sequence

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history.projects import import_project, is_project
from keras_metahpo.history.trial_log import TrialLog


def load_logs(
    entries: Sequence[str | os.PathLike | TrialLog], objective: str, direction: str
) -> list[TrialLog]:
    """Opens trial logs and KerasTuner project folders.

    Args:
        entries: `TrialLog`s, directories of trial logs, or KerasTuner project folders.
        objective, direction: What project folders optimised, since they do not say.

    Raises:
        TrialLogError: for anything else, and for a log that optimised something else.
    """
    if isinstance(entries, (str, os.PathLike, TrialLog)):
        entries = [entries]
    logs = [_load(entry, objective, direction) for entry in entries]
    for log in logs:
        if log.card.direction != direction:
            raise TrialLogError(
                f"Expected earlier searches whose objective is to be {direction}imised. Received: "
                f"{log.card.name!r}, which has {log.card.objective!r} with direction "
                f"{log.card.direction!r}."
            )
    return logs


def _load(entry, objective: str, direction: str) -> TrialLog:
    if isinstance(entry, TrialLog):
        return entry
    path = os.fspath(entry)
    if is_project(path):
        return import_project(path, objective, direction)
    return TrialLog.open(path)
