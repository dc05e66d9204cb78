"""Policies that search a pool of recorded configurations.

Who can choose from a given set does so; the others are answered by the nearest configuration.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from known_prior import KnownPrior
from renaming import drawn_synonym, nothing, renamed_space, synonym

from keras_metahpo.benchmark.blackbox import Blackbox
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Pooled
from keras_metahpo.benchmark.contestants import Problem, Proposal, Search, get_contestant
from keras_metahpo.benchmark.contestants.kerastuner import load_preset
from keras_metahpo.benchmark.contestants.policy import DistanceToDefaults, PolicySearch
from keras_metahpo.policies import GaussianProcessPolicy, SurrogatePolicy
from keras_metahpo.policies.composition import build_policy
from keras_metahpo.rankers import Preset, check_surrogate
from keras_metahpo.space import Configuration, Points

NUM_TRIALS = 50
OURS, RIVAL, PLAIN = "GP with the ranker", "GP distance to defaults", "GP from the default"
TPE, RANDOM, ORDER = "Optuna TPE multivariate", "random order", "ranker's order"
POLICIES = (OURS, ORDER, RIVAL, PLAIN, TPE, RANDOM)
NO_NAMES = f"{OURS}, no names"
# The same policy where names are replaced, for a pool's seed.
RENAMED: dict[str, Callable[[int], Callable[[int, str], str]]] = {
    f"{OURS}, synonyms": lambda seed: synonym,
    f"{OURS}, drawn synonyms": lambda seed: drawn_synonym(np.random.default_rng(seed)),
    NO_NAMES: lambda seed: nothing,
}
# The same policy with a ranker that says the opposite.
NEGATED = f"{OURS}, negated"
# The same policy with the most probable parameters of its process instead of several draws.
ONE_FIT = f"{OURS}, fitted once"
# The same policy with a process without a ranker for some trials, as `MetaOracle` has one.
STANDBY = f"{OURS}, and a standby"
# The same policy after a portfolio of the other tasks of the family, of each as many random trials.
PORTFOLIO = f"{OURS}, after a portfolio"
SURROGATE, LATEST = "surrogate ", ":latest"


class Pool:
    """Some recorded configurations of a task, and searches among them.

    Args:
        name: The task's.
        blackbox: The task.
        preset: Name or folder.
        size: How many configurations; fewer where there are fewer.
        seed: Of the configurations, and of all searches.
        portfolio: Makes the configurations that `PORTFOLIO` begins with.
    """

    def __init__(
        self,
        name: str,
        blackbox: Blackbox,
        preset: str,
        size: int,
        seed: int,
        portfolio: Callable[[], list[Configuration]],
    ):
        pooled = Pooled(blackbox, size, seed)
        self.space, self.seed, self.portfolio = pooled.space, seed, portfolio
        self.lookup = Lookup(self.space, list(pooled.pool))
        self.problem = Problem(name, self.space, pooled.card.direction, num_trials=NUM_TRIALS)
        found = utilities_of(blackbox, self.lookup.configurations)
        self.utilities = np.where(np.isfinite(found), found, found[np.isfinite(found)].min())
        self.points = self.space.encode(self.lookup.configurations)
        self.ranker = load_preset(Preset(preset).directory)

    @cached_property
    def believed(self) -> np.ndarray:
        """The ranker's prior mean of each configuration, float array (n,)."""
        return self.ranker.prior_mean(self.space, self.points)

    def regrets(self, policy: str) -> np.ndarray:
        """Regret of the incumbent after each trial, in units of that of the median."""
        best = self.utilities.max()
        incumbents = np.maximum.accumulate(self.utilities[self.rows(policy)])
        return (best - incumbents) / (best - np.median(self.utilities))

    def rows(self, policy: str) -> list[int]:
        """The configurations in the order in which a policy tries them."""
        if policy == ORDER:
            return np.argsort(-self.believed)[:NUM_TRIALS].tolist()
        if policy == RANDOM:
            order = np.random.default_rng(self.seed).permutation(len(self.points))
            return order[:NUM_TRIALS].tolist()
        sign = 1.0 if self.problem.direction == "max" else -1.0
        return ask(self.search(policy), self.lookup, sign * self.utilities)

    def search(self, policy: str) -> Search:
        """A search that has not begun."""
        if policy.startswith(SURROGATE):
            return self.by_policy(surrogate_policy(policy.removeprefix(SURROGATE), self.points))
        if policy in RENAMED:
            space = renamed_space(self.space, RENAMED[policy](self.seed))
            renamed = self.ranker.prior_mean(space, self.points)
            return self.by_policy(self.process(renamed))
        return SEARCHES[policy](self)

    def by_policy(self, policy) -> Search:
        return PolicySearch(self.problem, policy, self.seed)

    def process(self, believed: np.ndarray | None = None, **arguments) -> GaussianProcessPolicy:
        """The process with the ranker's prior mean, or another one of each configuration."""
        prior = KnownPrior(self.points, self.believed if believed is None else believed)
        return GaussianProcessPolicy(prior, pool=self.points, **arguments)

    def after_portfolio(self) -> Search:
        rows = self.lookup.nearest(self.portfolio())
        first = [self.lookup.configurations[row] for row in rows]
        policy = build_policy(self.process(), initial_configurations=first, has_standby=False)
        return self.by_policy(policy)


SEARCHES: dict[str, Callable[[Pool], Search]] = {
    OURS: lambda pool: pool.by_policy(pool.process()),
    ONE_FIT: lambda pool: pool.by_policy(pool.process(num_draws=0)),
    NEGATED: lambda pool: pool.by_policy(pool.process(-pool.believed)),
    STANDBY: lambda pool: pool.by_policy(build_policy(pool.process())),
    PORTFOLIO: Pool.after_portfolio,
    RIVAL: lambda pool: pool.by_policy(
        GaussianProcessPolicy(DistanceToDefaults(), pool=pool.points)
    ),
    PLAIN: lambda pool: pool.by_policy(GaussianProcessPolicy(num_initial=1, pool=pool.points)),
    TPE: lambda pool: get_contestant(TPE).start(pool.problem, pool.seed),
}


def surrogate_policy(name: str, pool: Points) -> SurrogatePolicy:
    """A policy in which a surrogate decides alone."""
    found = check_surrogate(name.removesuffix(LATEST))
    surrogate = load_preset(found.directory) if isinstance(found, Preset) else found
    return SurrogatePolicy(surrogate, improves_on_latest=name.endswith(LATEST), pool=pool)


def ask(search: Search, lookup: Lookup, values: np.ndarray) -> list[int]:
    """Rows of the pool in the order in which a search asks for them, or for what is nearest."""
    rows: list[int] = []
    with search:
        for _ in range(NUM_TRIALS):
            proposal = search.suggest()
            row = int(lookup.nearest([proposal.configuration])[0])
            rows.append(row)
            answered = proposal
            if isinstance(search, PolicySearch):
                answered = Proposal(lookup.configurations[row])
            search.observe(answered, float(values[row]))
    return rows
