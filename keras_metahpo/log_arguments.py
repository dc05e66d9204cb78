"""Trial logs that are named on a command line."""

from collections.abc import Sequence

from keras_metahpo.history import TrialLog, find_logs


def open_logs(console, paths: Sequence[str]) -> list[TrialLog]:
    """Opens trial logs, and those in folders of some; says which paths hold none.

    A collection that goes on leaves such a folder beside its logs.

    Args:
        console: Of rich.
        paths: As in `find_logs`, which says what is raised; none are no logs.
    """
    if not paths:
        return []
    logs, without = find_logs(paths)
    for path in without:
        console.print(f"There is no trial log in {path}; left out.", highlight=False)
    return logs
