"""What trial logs are called, and whether what describes them is installed."""

from collections import Counter
from collections.abc import Sequence

from keras_metahpo.extras import require_packages
from keras_metahpo.history import TrialLog

EXTRA = ("jinja2", "matplotlib", "optuna", "pandas", "sklearn")


def require_extra() -> None:
    """Raises `ImportError` that names the extra, before anything has taken time."""
    require_packages("Describing trial logs", EXTRA, "data")


def labels_of(logs: Sequence[TrialLog]) -> list[str]:
    """The tasks' names; where several logs are of one task, with the path or a number."""
    num_logs = Counter(log.card.name for log in logs)
    return [
        log.card.name if num_logs[log.card.name] == 1 else f"{log.card.name} ({log.path or number})"
        for number, log in enumerate(logs, start=1)
    ]
