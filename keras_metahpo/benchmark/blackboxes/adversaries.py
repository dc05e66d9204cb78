"""Adversaries: tasks on which what was learnt elsewhere is wrong."""

import functools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_metahpo.benchmark.blackbox import Blackbox, Evaluation, Reference, reference_of
from keras_metahpo.benchmark.blackboxes.grid import configuration_at, position
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Wrapper
from keras_metahpo.space import Configuration


class SignFlipped(Wrapper):
    """The adversary: the negated objective, so that the worst configuration is the best.

    Failed trainings stay failed.
    """

    name = "sign_flipped"

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        evaluation = self.inner.evaluate(configuration, fidelity)
        negated = -evaluation.metrics[self.card.objective]
        return replace(evaluation, metrics={**evaluation.metrics, self.card.objective: negated})

    def reference(self) -> Reference | None:
        if self.inner.reference() is None:
            return None
        configurations = self.representative()
        utilities = utilities_of(self.inner, configurations)
        flipped = np.where(np.isfinite(utilities), -utilities, utilities)
        return reference_of(flipped, f"best and median of {len(flipped)} configurations, negated")


class Permuted(Wrapper):
    """Outcomes that belong to other configurations.

    On a pool or a full grid the recorded rows are permuted, which leaves nothing to learn.
    Elsewhere unit coordinates are: each hyperparameter acts as another one does, and half of them
    in reverse, so that the task stays as smooth as it was while every name lies.

    Args:
        inner: Any.
        seed: Of the permutation.
    """

    name = "permuted"

    def __init__(self, inner: Blackbox, seed: int = 0):
        super().__init__(inner)
        self.seed = seed

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        return self.inner.evaluate(self.stand_ins([configuration])[0], fidelity)

    def reference(self) -> Reference | None:
        inner = self.inner.reference()
        if inner is None or self._is_recorded:
            return inner  # The same outcomes.
        stand_ins = self.stand_ins(self.representative())
        how = f"best and median of {len(stand_ins)} permuted configurations"
        return reference_of(utilities_of(self.inner, stand_ins), how)

    def stand_ins(self, configurations: Sequence[Configuration]) -> list[Configuration]:
        """The configurations whose outcomes these have."""
        if self._lookup is not None:
            rows = self._order[self._lookup.nearest(configurations)]
            return [self._lookup.configurations[row] for row in rows]
        if self._is_recorded:
            rows = self._order[[position(self.space, c) for c in configurations]]
            return [configuration_at(self.space, row) for row in rows]
        order, reverse = self._axes
        points = self.space.encode([self.space.complete(c) for c in configurations])
        units = points.units[:, order]
        return list(self.space.decode(self.space.snap(np.where(reverse, 1 - units, units))))

    @functools.cached_property
    def _is_recorded(self) -> bool:
        return self.inner.pool is not None or self.inner.card.lookup == "grid"

    @functools.cached_property
    def _lookup(self) -> Lookup | None:
        return None if self.inner.pool is None else Lookup(self.space, self.inner.pool)

    @functools.cached_property
    def _order(self) -> np.ndarray:
        if self._lookup is not None:
            return self.rng(self.seed).permutation(len(self._lookup.configurations))
        size = math.prod(int(hp.num_values) for hp in self.space.hyperparameters)
        return self.rng(self.seed).permutation(size)

    @functools.cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng(self.seed)
        return rng.permutation(len(self.space)), rng.random(len(self.space)) < 0.5
