"""Blackboxes that answer for many configurations at once, and references drawn from samples.

Shapes: n configurations.
"""

import abc
import importlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxCard, Reference, reference_of
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Configuration

REFERENCE_SEED = 20_240_501


class VectorizedBlackbox(Blackbox):
    """A blackbox that is cheaper in batches."""

    @abc.abstractmethod
    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        """Float array (n,). Utilities at a fidelity; `FAILED_UTILITY` for failed trainings."""


def utilities_of(
    blackbox: Blackbox, configurations: Sequence[Configuration], fidelity: int | None = None
) -> np.ndarray:
    """Float array (n,). Utilities by whatever means the blackbox has."""
    if isinstance(blackbox, VectorizedBlackbox):
        return blackbox.utilities(configurations, fidelity)
    return np.array([blackbox.utility(blackbox.evaluate(c, fidelity)) for c in configurations])


def sampled_reference(blackbox: Blackbox, size: int, seed: int = REFERENCE_SEED) -> Reference:
    """Best and median of random configurations at full fidelity.

    Args:
        blackbox: Any that is quick enough.
        size: Number of configurations.
        seed: Of the sample; another one moves the best configuration known.
    """
    rng = np.random.default_rng(seed)
    configurations = blackbox.space.decode(blackbox.space.sample(size, rng))
    return reference_of(utilities_of(blackbox, configurations), sample_description(size, seed))


def sample_description(size: int, seed: int) -> str:
    """How a sampled reference was found."""
    return f"best and median of {size} random configurations (seed {seed})"


def checked_fidelity(card: BlackboxCard, fidelity: int | None) -> int:
    """The fidelity, or the full one for `None`; `BenchmarkError` when out of range."""
    if fidelity is None:
        return card.max_fidelity
    if not 1 <= fidelity <= card.max_fidelity:
        raise BenchmarkError(
            f"The fidelity of {card.name!r} must be from 1 to {card.max_fidelity} epochs. "
            f"Received: fidelity={fidelity}."
        )
    return int(fidelity)


def import_extra(module: str, package: str) -> ModuleType:
    """Imports an optional dependency; the error of a missing one names the extra."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BenchmarkError(
            f"This blackbox needs the package {package}, which cannot be imported ({error}). "
            "Install it with: pip install 'keras-metahpo[bench]'."
        ) from error
