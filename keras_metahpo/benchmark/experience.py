"""What a policy may know of other tasks: the splits, and the adversary."""

from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxCard, BlackboxFactory
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.history.trial_table import COMPLETED, FAILED
from keras_metahpo.policies.candidates import mutations
from keras_metahpo.space import SearchSpace

OBJECTIVE = "utility"
CONFIGURATIONS_SEED = 20_260_101
NUM_LEADERS, NUM_MUTATIONS, SEARCH_SCALES = 10, 100, (0.3, 0.1, 0.1, 0.03, 0.03)


def held_out(card: BlackboxCard, split: str) -> frozenset[str]:
    """Names that nothing under test may have been trained on."""
    names = {card.name, *card.sources, *card.related}
    return frozenset(names | ({card.family} if split == "leave-family-out" else set()))


def allowed(target: Blackbox, other: Blackbox, split: str) -> bool:
    """Whether a policy that searches the target may know the other task."""
    names = held_out(target.card, split)
    if names & {other.card.name, other.card.family}:
        return False
    if set(target.card.sources) & set(other.card.sources):
        return False
    if split == "leave-space-out":
        return other.space != target.space
    return split != "leave-family-out" or other.card.family != target.card.family


def experience(
    target: Blackbox,
    factories: Mapping[str, BlackboxFactory],
    split: str,
    num_configurations: int,
    is_adversarial: bool,
) -> list[TrialLog]:
    """Logs of the suite's other tasks that the split allows; negated ones for the adversary.

    Each holds the same configurations, so that their outcomes can be compared: random ones, and
    the best that a local search has found on each of these tasks, as earlier searches leave them.
    Live tasks have none: their runs would have to be trained first.

    Args:
        target: What is searched now; nothing of it is looked at but its card and its space.
        factories: All tasks of the suite.
        split: Of the study.
        num_configurations: Random ones.
        is_adversarial: Whether outcomes are negated.
    """
    if num_configurations < 1 or target.card.lookup == "live":
        return []
    others = tuple(
        factory
        for name, factory in factories.items()
        if name != target.card.name and allowed(target, opened(factory), split)
    )
    return list(_logs(others, num_configurations, is_adversarial))


def logs_of(factories: Mapping[str, BlackboxFactory], num_configurations: int) -> list[TrialLog]:
    """Logs of all tasks of a suite, as `experience` has them, to train a ranker on."""
    return list(_logs(tuple(factories.values()), num_configurations, False))


# The searches of one task follow each other: its logs are made once, not for each of them.
@lru_cache(maxsize=4)
def _logs(
    others: tuple[BlackboxFactory, ...], num_configurations: int, is_adversarial: bool
) -> tuple[TrialLog, ...]:
    leaders: dict[SearchSpace, list] = {}
    for factory in others:
        leaders.setdefault(opened(factory).space, []).extend(_leaders(factory, num_configurations))
    return tuple(
        _log(factory, leaders[opened(factory).space], num_configurations, is_adversarial)
        for factory in others
    )


@cache
def opened(factory: BlackboxFactory) -> Blackbox:
    """A blackbox, opened once a process."""
    return factory.open()


@cache
def _random(factory: BlackboxFactory, num_configurations: int) -> tuple[list, np.ndarray]:
    """Random configurations and their utilities."""
    blackbox = opened(factory)
    rng = np.random.default_rng(CONFIGURATIONS_SEED)
    pool = blackbox.pool
    if pool is None:
        configurations = blackbox.space.decode(blackbox.space.sample(num_configurations, rng))
    else:
        rows = rng.permutation(len(pool))[:num_configurations]
        configurations = [pool[row] for row in rows]
    return configurations, utilities_of(blackbox, configurations)


@cache
def _leaders(factory: BlackboxFactory, num_configurations: int) -> list:
    """The best configurations that a local search from random ones finds; none in a pool."""
    blackbox = opened(factory)
    if blackbox.pool is not None:
        return []
    rng = np.random.default_rng(CONFIGURATIONS_SEED + 1)
    configurations, utilities = _random(factory, num_configurations)
    for scale in SEARCH_SCALES:
        best = np.argsort(-utilities, kind="stable")[:NUM_LEADERS]
        points = blackbox.space.encode([configurations[row] for row in best])
        found = mutations(blackbox.space, rng, points, NUM_MUTATIONS, (scale,))
        new = blackbox.space.decode(found)
        configurations = [*configurations, *new]
        utilities = np.concatenate([utilities, utilities_of(blackbox, new)])
    return [configurations[row] for row in np.argsort(-utilities, kind="stable")[:NUM_LEADERS]]


def _log(
    factory: BlackboxFactory, leaders: list, num_configurations: int, is_adversarial: bool
) -> TrialLog:
    blackbox = opened(factory)
    configurations, utilities = _random(factory, num_configurations)
    if leaders:
        configurations = [*configurations, *leaders]
        utilities = np.concatenate([utilities, utilities_of(blackbox, leaders)])
    if is_adversarial:
        utilities = -utilities
    trials = [
        LoggedTrial(str(n), c, [{OBJECTIVE: float(u)}], COMPLETED if np.isfinite(u) else FAILED)
        for n, (c, u) in enumerate(zip(configurations, utilities, strict=True))
    ]
    facts = blackbox.card
    card = TrialLogCard(facts.name, OBJECTIVE, "max", source=facts.source, licence=facts.licence)
    return TrialLog.from_trials(card, blackbox.space, trials)
