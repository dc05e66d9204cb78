"""Earlier searches, from wherever they are kept."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history.csv_files import import_csv, is_csv_file
from keras_metahpo.history.optuna_studies import import_studies, is_study_file
from keras_metahpo.history.projects import import_project, is_project
from keras_metahpo.history.skipping import OnSkipped, warn_of_skipped
from keras_metahpo.history.trial_log import TrialLog
from keras_metahpo.space import SearchSpace

Entry = str | os.PathLike | TrialLog


def load_logs(entries: Sequence[Entry], objective: str, direction: str) -> list[TrialLog]:
    """Opens earlier searches of one problem.

    Args:
        entries: As in `read_logs`.
        objective, direction: What project folders and tables optimised, since they do not say.

    Raises:
        TrialLogError, ProjectError: for anything else, and for a log that optimised something else.
    """
    if isinstance(entries, (str, os.PathLike, TrialLog)):
        entries = [entries]
    logs = [log for entry in entries for log in read_logs(entry, objective, direction)]
    for log in logs:
        if log.card.direction != direction:
            raise TrialLogError(
                f"Expected earlier searches whose objective is to be {direction}imised. Received: "
                f"{log.card.name!r}, which has {log.card.objective!r} with direction "
                f"{log.card.direction!r}."
            )
    return logs


def read_logs(
    entry: Entry,
    objective: str | None = None,
    direction: str | None = None,
    space: SearchSpace | None = None,
    on_skipped: OnSkipped = warn_of_skipped,
) -> list[TrialLog]:
    """Reads one earlier search, or all studies of one file.

    Args:
        entry: A `TrialLog`, the directory of one, a KerasTuner project folder, an Optuna storage
            (`.db`, `.sqlite` or a `sqlite:///` URL), or a table of trials (`.csv`).
        objective, direction: What project folders and tables optimised, since they do not say;
            a project folder can be asked without.
        space: Search space of a table; inferred from its values if not given.
        on_skipped: Called with each trial that is left out and why.

    Raises:
        TrialLogError, ProjectError: when there is nothing usable.
    """
    if isinstance(entry, TrialLog):
        return [entry]
    path = os.fspath(entry)
    if is_study_file(path):
        return import_studies(path, on_skipped)
    if is_csv_file(path):
        return [import_csv(path, objective, direction, space, on_skipped)]
    if is_project(path):
        return [import_project(path, objective, direction, on_skipped)]
    if "://" not in path and not (Path(path) / "card.json").exists():
        raise TrialLogError(_nothing_usable(Path(path)))
    return [TrialLog.open(path)]


def _nothing_usable(path: Path) -> str:
    """What was expected, and what may have been meant."""
    inner = sorted(p.name for p in path.iterdir() if is_project(p)) if path.is_dir() else []
    hint = f" It holds the project folders {inner}: give these." if inner else " Check the path."
    return (
        "Expected a KerasTuner project folder, a trial log (a directory with card.json), an Optuna "
        f"storage (.db or .sqlite) or a table (.csv). Received: {path}, which "
        f"{'is none of them' if path.exists() else 'does not exist'}.{hint}"
    )
