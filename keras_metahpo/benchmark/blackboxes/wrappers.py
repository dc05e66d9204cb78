"""Blackboxes around other blackboxes: noise, and pools drawn at random.

Shapes: n configurations.
"""

import abc
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_metahpo.benchmark.blackbox import (
    Blackbox,
    BlackboxCard,
    Evaluation,
    Reference,
    reference_of,
)
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import REFERENCE_SEED, utilities_of
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Configuration, SearchSpace

REFERENCE_SIZE = 5_000
POOL_SIZE = 512


class Wrapper(Blackbox):
    """A blackbox that answers by means of another one.

    Args:
        inner: The other one.
    """

    # What is added to the names of wrapped blackboxes and suites.
    name: str

    def __init__(self, inner: Blackbox):
        self.inner = inner

    @property
    def card(self) -> BlackboxCard:  # type: ignore[override]
        inner = self.inner.card
        # Whatever knows the inner task knows this one.
        sources = tuple(dict.fromkeys((*inner.sources, inner.name)))
        return replace(inner, name=f"{inner.name}+{self.name}", sources=sources)

    @property
    def space(self) -> SearchSpace:  # type: ignore[override]
        return self.inner.space

    @property
    def pool(self) -> Sequence[Configuration] | None:
        return self.inner.pool

    @abc.abstractmethod
    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation: ...

    def reference(self) -> Reference | None:
        return self.inner.reference()

    def rng(self, seed: int, *words: object) -> np.random.Generator:
        """A generator that depends on the seed, the task and the words, and on nothing else."""
        text = repr((seed, self.inner.card.name, *words))
        return np.random.default_rng(
            np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint32)
        )

    def representative(self) -> Sequence[Configuration]:
        """The pool, or random configurations."""
        pool = self.inner.pool
        if pool is not None:
            return pool
        rng = np.random.default_rng(REFERENCE_SEED)
        return self.space.decode(self.space.sample(REFERENCE_SIZE, rng))


class Noisy(Wrapper):
    """Adds Gaussian noise to the objective, the same one whenever a training is repeated.

    The metric `noiseless` keeps the value that the search does not see; the reference is
    noiseless.

    Args:
        inner: Must have a reference.
        std: Standard deviation, as a share of the distance from the median to the best.
        seed: Of the noise.
    """

    name = "noisy"

    def __init__(self, inner: Blackbox, std: float = 0.1, seed: int = 0):
        super().__init__(inner)
        self.std = std
        self.seed = seed

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        evaluation = self.inner.evaluate(configuration, fidelity)
        objective = self.card.objective
        value = evaluation.metrics[objective]
        words = sorted(self.space.complete(configuration).items())
        noise = self.rng(self.seed, fidelity or self.card.max_fidelity, words).standard_normal()
        noisy = value + self.std * self._gap * float(noise)
        metrics = {**evaluation.metrics, objective: noisy, "noiseless": value}
        return replace(evaluation, metrics=metrics)

    @functools.cached_property
    def _gap(self) -> float:
        reference = self.inner.reference()
        if reference is None:
            raise BenchmarkError(
                "Only a blackbox with a reference can be made noisy, since that gives the noise "
                f"its unit. Received: {self.inner.card.name!r}. Leave it without noise."
            )
        return reference.best - reference.median


class Pooled(Wrapper):
    """Only N random configurations can be evaluated; others are answered by the nearest of them.

    Args:
        inner: Any.
        size: N; fewer where there are fewer.
        seed: Of the pool, which differs from task to task.
    """

    name = "pooled"

    def __init__(self, inner: Blackbox, size: int = POOL_SIZE, seed: int = 0):
        super().__init__(inner)
        self.size = size
        self.seed = seed

    @property
    def card(self) -> BlackboxCard:  # type: ignore[override]
        return replace(super().card, lookup="pool")

    @property
    def pool(self) -> Sequence[Configuration]:
        return self._lookup.configurations

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        row = self._lookup.nearest([configuration])[0]
        return self.inner.evaluate(self.pool[row], fidelity)

    def reference(self) -> Reference | None:
        if self.inner.reference() is None:
            return None
        how = f"best and median of the pool of {len(self.pool)} configurations"
        return reference_of(utilities_of(self.inner, self.pool), how)

    @functools.cached_property
    def _lookup(self) -> Lookup:
        rng = self.rng(self.seed)
        pool = self.inner.pool
        if pool is not None:
            rows = rng.permutation(len(pool))[: self.size]
            return Lookup(self.space, [pool[row] for row in rows])
        if self.space.num_configurations <= self.size:
            return Lookup(self.space, list(self.space.configurations()))
        found: dict[bytes, Configuration] = {}
        while len(found) < self.size:
            points = self.space.sample(self.size, rng)
            found |= dict(zip(points.keys(), self.space.decode(points), strict=True))
        return Lookup(self.space, list(found.values())[: self.size])
