"""Adversaries: tasks on which what was learnt elsewhere is wrong."""

import functools
import math
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
        return self.inner.evaluate(self.stand_in(configuration), fidelity)

    def reference(self) -> Reference | None:
        inner = self.inner.reference()
        if inner is None or self._is_recorded:
            return inner  # The same outcomes.
        stand_ins = [self.stand_in(c) for c in self.representative()]
        how = f"best and median of {len(stand_ins)} permuted configurations"
        sampled = reference_of(utilities_of(self.inner, stand_ins), how)
        return replace(sampled, best=max(sampled.best, inner.best))

    def stand_in(self, configuration: Configuration) -> Configuration:
        """The configuration whose outcome this one has."""
        if self._lookup is not None:
            row = self._lookup.nearest([configuration])[0]
            return self._lookup.configurations[self._order[row]]
        if self._is_recorded:
            return configuration_at(self.space, self._order[position(self.space, configuration)])
        order, reverse = self._axes
        units = self.space.encode([self.space.complete(configuration)]).units[:, order]
        return self.space.decode(self.space.snap(np.where(reverse, 1 - units, units)))[0]

    @property
    def _is_recorded(self) -> bool:
        return self.inner.pool is not None or self.inner.card.lookup == "grid"

    @functools.cached_property
    def _lookup(self) -> Lookup | None:
        return None if self.inner.pool is None else Lookup(self.space, self.inner.pool)

    @functools.cached_property
    def _order(self) -> np.ndarray:
        pool = self.inner.pool
        size = math.prod(len(hp.values()) for hp in self.space.hyperparameters)
        return self.rng(self.seed).permutation(size if pool is None else len(pool))

    @functools.cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng(self.seed)
        return rng.permutation(len(self.space)), rng.random(len(self.space)) < 0.5
