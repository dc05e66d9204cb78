"""What takes part in a study."""

from keras_metahpo.benchmark.contestants.base import (
    Contestant,
    NotAvailable,
    Problem,
    Proposal,
    Search,
)
from keras_metahpo.benchmark.contestants.registry import RANDOM, get_contestant, list_contestants

__all__ = [
    "RANDOM",
    "Contestant",
    "NotAvailable",
    "Problem",
    "Proposal",
    "Search",
    "get_contestant",
    "list_contestants",
]
