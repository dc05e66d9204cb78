"""What a search may spend besides a number of trials: epochs and seconds."""

import time


class Budget:
    """Counts what a search has spent, over all sessions of it.

    Seconds are counted by a clock that nobody can set, from the first trial of a session.

    Attributes:
        recorded_s: Seconds spent when a trial last began or ended, which a later session adds to.

    Args:
        max_epochs_total: Epochs of all trials together; `None` for no limit.
        budget_s: Seconds of searching; `None` for no limit.

    Raises:
        ValueError: if one of them is not positive.
    """

    def __init__(self, max_epochs_total: int | None = None, budget_s: float | None = None):
        for name, value in (("max_epochs_total", max_epochs_total), ("budget_s", budget_s)):
            is_legal = value is None or (not isinstance(value, bool) and value > 0)
            if not is_legal:
                raise ValueError(
                    f"{name} must be a positive number, or None for no limit. "
                    f"Received: {name}={value!r}."
                )
        self.max_epochs_total = max_epochs_total
        self.budget_s = budget_s
        self._earlier_s = 0.0
        self._began: float | None = None
        self.recorded_s = 0.0

    def begin(self) -> None:
        """Starts the clock, if it does not run yet."""
        if self._began is None:
            self._began = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds of this session and of those before it."""
        return self._earlier_s + (0.0 if self._began is None else time.monotonic() - self._began)

    @property
    def is_out_of_time(self) -> bool:
        """Whether no seconds are left."""
        return self.budget_s is not None and self.spent_s >= self.budget_s

    def record(self) -> None:
        """Keeps the seconds spent until now."""
        self.recorded_s = self.spent_s

    def continue_from(self, spent_s: float) -> None:
        """Goes on from the seconds of earlier sessions."""
        self._earlier_s = self.recorded_s = spent_s
        self._began = None
