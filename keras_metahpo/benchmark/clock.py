"""Counts the seconds that a policy takes, and interrupts it when it takes too many."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from keras_metahpo.errors import BenchmarkError


class SuggestionTimeout(BenchmarkError):
    """A policy took longer for a suggestion than the study allows."""


class Clock:
    """Seconds of one policy.

    Args:
        limit_s: Longest that one call may take.
    """

    def __init__(self, limit_s: float):
        self.limit_s = limit_s
        self.used_s = 0.0

    def take(self) -> float:
        """Seconds since the last call."""
        used, self.used_s = self.used_s, 0.0
        return used

    @contextlib.contextmanager
    def limited(self) -> Iterator[None]:
        started = time.perf_counter()
        # Only the main thread of a Unix process can be interrupted.
        can_interrupt = (
            hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
        )
        if can_interrupt:
            previous = signal.signal(signal.SIGALRM, self._interrupt)
            signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            yield
        finally:
            if can_interrupt:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
                signal.signal(signal.SIGALRM, previous)
            self.used_s += time.perf_counter() - started

    def _interrupt(self, *_) -> None:
        raise SuggestionTimeout(
            f"A suggestion must take at most {self.limit_s:g} s. Received: none so far."
        )
