"""Which configurations of a task are collected, in groups that share a compiled training.

Shapes: g groups, k configurations in a group, d hyperparameters.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.collector.config import REPEATED_ONE_OF, PlanConfig
from keras_metahpo.history import History
from keras_metahpo.policies import GaussianProcessPolicy, RandomPolicy, varied
from keras_metahpo.space import Configuration, Points, SearchSpace, Value

# Steps of proposed neighbours, in unit positions.
NEIGHBOUR_STEP = 0.1
MOST_DRAWS = 10


@dataclass(frozen=True)
class PlannedTrial:
    """A training to do.

    Attributes:
        trial_id: `GROUP-NUMBER`; `GROUP-NUMBER-REPEAT` for further seeds of a configuration.
        configuration: Active hyperparameters.
        seed: Of weights, noise and the order of examples.
    """

    trial_id: str
    configuration: dict[str, Value]
    seed: int


def is_repeat(trial_id: str) -> bool:
    """Whether a trial is a further seed of a configuration."""
    return trial_id.count("-") > 1


@dataclass(frozen=True)
class Group:
    """Trials that are trained one after another by one process.

    Attributes:
        name: Unique within the task.
        trials: In their order.
    """

    name: str
    trials: tuple[PlannedTrial, ...]

    @classmethod
    def from_json(cls, content: Mapping) -> "Group":
        """Reads what `dataclasses.asdict` made."""
        return cls(content["name"], tuple(PlannedTrial(**trial) for trial in content["trials"]))


class Plan:
    """The configurations of one task.

    Args:
        task_name: Of the seeds.
        space: The task's search space.
        exchangeable: Names of the hyperparameters that do not change what is compiled.
        config: How many, and which.
    """

    def __init__(
        self, task_name: str, space: SearchSpace, exchangeable: Sequence[str], config: PlanConfig
    ):
        self.space = space
        self.exchangeable = sorted(exchangeable)
        self.config = config
        digest = hashlib.sha256(f"{task_name}:{config.seed}".encode()).digest()
        self._entropy = np.frombuffer(digest, np.uint32).tolist()
        self._is_free = np.array([hp.name in exchangeable for hp in space.hyperparameters], bool)
        self._group_size = config.group_size if self._is_free.any() else 1

    def space_filling(self) -> list[Group]:
        """The default configuration's group, then groups that fill the space evenly."""
        wanted = self.config.num_configurations - self.config.num_proposed
        seen: set[bytes] = set()
        members: dict[str, list[dict[str, Value]]] = {}
        for number, points in enumerate(self._space_filling_points(wanted)):
            rows = []
            for row, key in enumerate(points.keys()):
                if key not in seen and len(seen) < wanted:
                    seen.add(key)
                    rows.append(row)
            if rows:
                members[f"s{number:03d}"] = self.space.decode(points[np.array(rows)])
            if len(seen) >= wanted:
                break
        return self._groups(members, 0)

    def proposals(self, round_: int, history: History, finished: Iterable[str]) -> list[Group]:
        """Groups around configurations with the largest expected improvement.

        Args:
            round_: From 0 to `num_rounds` - 1.
            history: Results so far.
            finished: Ids of finished trials, without repeats; a smaller plan may have proposed
                some of them.
        """
        prefix = f"t{self.config.num_configurations}r"
        num_earlier = sum(
            trial_id.startswith("t") and not trial_id.startswith(prefix) for trial_id in finished
        )
        num_wanted = max(self.config.num_proposed - num_earlier, 0)
        rng = np.random.default_rng([*self._entropy, self.config.num_configurations, round_])
        shares = np.array_split(np.arange(num_wanted), self.config.num_rounds)
        num_left = len(shares[round_])
        num_before = self.config.num_configurations - sum(len(share) for share in shares[round_:])
        knows_nothing = history.failed.all()
        policy = RandomPolicy() if knows_nothing else GaussianProcessPolicy(num_initial=0)
        planned: list[Configuration] = []
        members: dict[str, list[dict[str, Value]]] = {}
        while num_left > 0:
            suggestion = policy.suggest(self.space, history, planned, rng)
            if suggestion is None:
                break
            best = dict(suggestion.configuration)
            size = min(self._group_size, num_left)
            taken = [*history.configurations, *planned, best]
            found = [best, *self._neighbours(best, size - 1, taken, rng)]
            planned += found
            members[f"{prefix}{round_}g{len(members):02d}"] = found
            num_left -= len(found)
        return self._groups(members, num_before)

    def _space_filling_points(self, num_configurations: int) -> Iterator[Points]:
        """A group's points a time; more than asked for, since some are drawn twice."""
        from scipy.stats import qmc

        size, num_columns = self._group_size, len(self.space)
        rng = np.random.default_rng(self._entropy)
        # Two sequences: every fifth point of one would leave some regions out.
        fixed, free = (qmc.Halton(max(num_columns, 1), rng=rng) for _ in range(2))
        default = self.space.default_configuration()
        for number in range(MOST_DRAWS * num_configurations):
            units = np.repeat(fixed.random(1)[:, :num_columns], size, axis=0)
            drawn = free.random(size)[:, :num_columns]
            units[:, self._is_free] = drawn[:, self._is_free]
            if number == 0:
                yield self.space.encode([default, *self._varied(default, units[1:])])
            else:
                yield self.space.snap(units)

    def _neighbours(
        self, center: Configuration, count: int, taken: list, rng: np.random.Generator
    ) -> list[dict[str, Value]]:
        """Configurations that differ a little, in exchangeable hyperparameters only."""
        seen = set(self.space.encode(taken).keys())
        around = self.space.encode([center]).units
        steps = rng.normal(0.0, NEIGHBOUR_STEP, (MOST_DRAWS * count, len(self.space)))
        changed = self._varied(center, np.clip(around + steps, 0.0, 1.0))
        found: list[dict[str, Value]] = []
        for configuration, key in zip(changed, self.space.encode(changed).keys(), strict=True):
            if key not in seen and len(found) < count:
                seen.add(key)
                found.append(configuration)
        return found

    def _varied(self, center: Configuration, units: np.ndarray) -> list[dict[str, Value]]:
        return varied(self.space, center, self.exchangeable, units)

    def _groups(self, members: Mapping[str, Sequence[dict]], num_before: int) -> list[Group]:
        """Every tenth configuration of the plan, or the first of the next group, gets more seeds.

        Args:
            members: Configurations of each group, by its name.
            num_before: Configurations of the plan before these groups.
        """
        groups = []
        previous, start = num_before - 1, num_before
        for name, configurations in members.items():
            is_due = start // REPEATED_ONE_OF > previous // REPEATED_ONE_OF
            groups.append(self._group(name, configurations, self.config.num_seeds if is_due else 1))
            previous, start = start, start + len(configurations)
        return groups

    def _group(self, name: str, configurations: Sequence[dict], num_seeds: int) -> Group:
        """A group of which the first configuration has several seeds."""
        trials = []
        for place, configuration in enumerate(configurations):
            for repeat in range(num_seeds if place == 0 else 1):
                suffix = f"-{repeat}" if repeat else ""
                trial_id = f"{name}-{place}{suffix}"
                trials.append(PlannedTrial(trial_id, configuration, self._seed(trial_id)))
        return Group(name, tuple(trials))

    def _seed(self, trial_id: str) -> int:
        text = f"{self._entropy}:{trial_id}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 2**31
