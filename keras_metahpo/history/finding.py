"""Trial logs in folders."""

from collections.abc import Sequence

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history.trial_log import TrialLog

CARD = "card.json"


def find_logs(paths: Sequence[str]) -> tuple[list[TrialLog], list[str]]:
    """Opens trial logs, each once.

    Args:
        paths: Trial logs, or folders that hold some; any directories that fsspec opens.

    Returns:
        The logs, and those paths that hold none.

    Raises:
        TrialLogError: A path does not exist, a log is damaged, or there is no log at all.
    """
    found: dict[str, str] = {}
    without = []
    for path in (str(path).rstrip("/") for path in paths):
        inside = _logs_in(path)
        found |= inside
        if not inside:
            without.append(path)
    if not found:
        raise TrialLogError(
            f"Expected trial logs, which are directories with {CARD}, or folders of them. "
            f"Received: {without}. `metahpo collect` writes some."
        )
    return [TrialLog.open(path) for path in found.values()], without


def _logs_in(path: str) -> dict[str, str]:
    """Where a log really is -> its path."""
    import fsspec

    files, root = fsspec.core.url_to_fs(path)
    if files.exists(f"{root}/{CARD}"):
        return {root: path}
    try:
        children = sorted(str(child).rstrip("/") for child in files.ls(root, detail=False))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TrialLogError(
            f"Expected a trial log or a folder of them. Received: {path}, which does not exist."
        ) from error
    names = (child.rpartition("/")[2] for child in children)
    logs = [name for name in names if files.exists(f"{root}/{name}/{CARD}")]
    return {f"{root}/{name}": f"{path}/{name}" for name in logs}
