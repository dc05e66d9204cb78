"""What an import leaves out, and how it says so."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

# Called with where it was found and why it is left out.
OnSkipped = Callable[[str, str], None]

# What reading a damaged file can raise; `MetaHPOError` is a `ValueError`.
DAMAGE = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


def warn_of_skipped(where: str, reason: str) -> None:
    """Logs a warning."""
    logger.warning("Skipping %s: %s", where, reason)


def reason_of(error: Exception) -> str:
    """What was wrong, for people."""
    if isinstance(error, KeyError):
        return f"the entry {error.args[0]!r} is missing" if error.args else "an entry is missing"
    return f"{error}" if isinstance(error, ValueError) else f"it cannot be read: {error!r}"
