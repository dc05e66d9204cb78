"""Work on several processes or machines through joblib."""

from collections.abc import Iterable, Iterator
from typing import Any


def unordered_results(calls: Iterable[Any], num_workers: int) -> Iterator[Any]:
    """Results of `joblib.delayed` calls as they come.

    A backend that cannot do so, such as Ray's, gives all of them at the end.

    Args:
        calls: What to do; drawn from as workers become free.
        num_workers: Processes, if no other backend has been chosen by `joblib.parallel_config`.
    """
    import joblib

    try:
        parallel = joblib.Parallel(num_workers, return_as="generator_unordered", batch_size=1)
    except ValueError:
        parallel = joblib.Parallel(num_workers, batch_size=1)
    return iter(parallel(calls))
