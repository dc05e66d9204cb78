"""Policies that decide for some trials and leave the others to another policy."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.history import History
from keras_metahpo.policies.base import Policy, Suggestion, tried_keys, untried
from keras_metahpo.policies.defaults import has_chosen_default
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.policies.random import RandomPolicy
from keras_metahpo.space import Configuration, SearchSpace

logger = logging.getLogger(__name__)

# The experts of a trial that the floor drew, of the space's default, and of the standby's.
FLOOR = "random floor"
CHOSEN_DEFAULT = "default of the search space"
STANDBY = "gaussian process without a ranker"
# The standby's trials: every so many, after the first so many (measured: `benchmarks/refining.py`).
STANDBY_EVERY, STANDBY_AFTER = 4, 12


def suggest_random(
    space: SearchSpace,
    history: History,
    pending: Sequence[Configuration],
    rng: np.random.Generator,
) -> Suggestion | None:
    """A trial of the floor; arguments and result as those of `Policy.suggest`."""
    suggestion = RandomPolicy().suggest(space, history, pending, rng)
    return suggestion and replace(suggestion, expert=FLOOR)


class FloorPolicy(Policy):
    """Every so many trials an independent random one; so that no policy can do arbitrary harm.

    After T trials the best is, in distribution, never worse than after T // every trials of
    random search.

    Args:
        main: Decides for the other trials.
        every: Distance of random trials, from 1; `None` for none.
    """

    name = "floor"

    def __init__(self, main: Policy, every: int | None = 8):
        if every is not None and every < 1:
            raise ValueError(
                f"every must be a positive number of trials, or None. Received: every={every!r}."
            )
        self.main = main
        self.every = every

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        trial_number = len(history) + len(pending) + 1
        if self.every is None or trial_number % self.every:
            return self.main.suggest(space, history, pending, rng)
        return suggest_random(space, history, pending, rng)


class StandbyPolicy(Policy):
    """After some trials, another policy decides for every fourth one.

    What a prior disbelieves, a process that trusts it comes to last, even where its trials show no
    reason: they lie elsewhere. Another one that was never told has no such blind spot, and what it
    finds all learn from.

    Args:
        main: Decides for the other trials.
        standby: Decides for trials 14, 18, 22 and so on, never for one of the floor's.
    """

    name = "standby"

    def __init__(self, main: Policy, standby: Policy):
        self.main = main
        self.standby = standby

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        number = len(history) + len(pending) + 1
        if number <= STANDBY_AFTER or number % STANDBY_EVERY != STANDBY_EVERY // 2:
            return self.main.suggest(space, history, pending, rng)
        suggestion = self.standby.suggest(space, history, pending, rng)
        return suggestion and replace(suggestion, expert=STANDBY)


class ChosenDefaultPolicy(Policy):
    """The second trial is the search space's default, if someone chose it.

    What the author of a search space thinks good, and what the first trial's policy does, are wrong
    on different problems (measured: `benchmarks/decisions.md`, "The space's default").

    Args:
        main: Decides for the other trials.
    """

    name = "chosen default"

    def __init__(self, main: Policy):
        self.main = main

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        if len(history) + len(pending) == 1 and has_chosen_default(space):
            default = nearest_points(space, [space.default_configuration()])
            left = untried(default, tried_keys(space, history, pending))
            if len(left):
                return Suggestion(space.decode(left)[0], CHOSEN_DEFAULT)
        return self.main.suggest(space, history, pending, rng)


class InitialPolicy(Policy):
    """Given configurations first, in their order, then another policy.

    A configuration that the search space does not allow is skipped with a warning.

    Args:
        configurations: What they do not name takes its default.
        then: Decides when all have been tried.
    """

    name = "initial configuration"

    def __init__(self, configurations: Sequence[Configuration], then: Policy):
        self.configurations = configurations
        self.then = then
        self._warned_of: set[int] = set()

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        tried = tried_keys(space, history, pending)
        for place, configuration in enumerate(self.configurations):
            try:
                point = nearest_points(space, [space.complete(configuration)])
            except SearchSpaceError as error:
                self._warn(place, error)
                continue
            if point.keys()[0] not in tried:
                return Suggestion(space.decode(point)[0], self.name, {"place": place + 1})
        return self.then.suggest(space, history, pending, rng)

    def _warn(self, place: int, error: SearchSpaceError) -> None:
        if place not in self._warned_of:
            self._warned_of.add(place)
            logger.warning("Initial configuration %d is skipped: %s", place + 1, error)
