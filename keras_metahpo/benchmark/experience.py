"""What a policy may know of other tasks: the splits, and the adversary."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxCard, BlackboxFactory
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import SearchSpace

OBJECTIVE = "utility"
# The same configurations on every task of a space, so that their outcomes can be compared.
CONFIGURATIONS_SEED = 20_260_101


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

    Live tasks have none: their runs would have to be trained first.
    """
    if num_configurations < 1 or target.card.lookup == "live":
        return []
    others = {name: f for name, f in factories.items() if name != target.card.name}
    return [
        _log(factory, num_configurations, is_adversarial)
        for factory in others.values()
        if allowed(target, opened(factory), split)
    ]


@cache
def opened(factory: BlackboxFactory) -> Blackbox:
    """A blackbox, opened once a process."""
    return factory.open()


@cache
def _log(factory: BlackboxFactory, num_configurations: int, is_adversarial: bool) -> TrialLog:
    blackbox = opened(factory)
    configurations = _configurations(blackbox, num_configurations)
    utilities = utilities_of(blackbox, configurations)
    utilities = -utilities if is_adversarial else utilities
    trials = [
        LoggedTrial(str(n), c, [{OBJECTIVE: float(u)}], *_status(u))
        for n, (c, u) in enumerate(zip(configurations, utilities, strict=True))
    ]
    card = TrialLogCard(blackbox.card.name, OBJECTIVE, "max", licence=blackbox.card.licence)
    return TrialLog.from_trials(card, blackbox.space, trials)


def _configurations(blackbox: Blackbox, num_configurations: int) -> list:
    rng = np.random.default_rng(CONFIGURATIONS_SEED)
    pool = blackbox.pool
    if pool is not None:
        rows = rng.permutation(len(pool))[:num_configurations]
        return [pool[row] for row in rows]
    space: SearchSpace = blackbox.space
    return space.decode(space.sample(num_configurations, rng))


def utilities_of(blackbox: Blackbox, configurations: Sequence) -> np.ndarray:
    """Utilities at full fidelity, float array (n,); at once where the blackbox can."""
    at_once = getattr(blackbox, "utilities", None)
    if at_once is not None:
        return np.asarray(at_once(configurations), dtype=float)
    return np.array([blackbox.utility(blackbox.evaluate(c)) for c in configurations])


def _status(utility: float) -> tuple[str] | tuple[()]:
    return () if np.isfinite(utility) else ("FAILED",)
