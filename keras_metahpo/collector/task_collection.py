"""What is collected of one task: its plan, its finished trials, and the trial log they become."""

import dataclasses
import functools
import json
import re
from collections import Counter
from typing import Any

import numpy as np

from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.plan import Group, Plan, is_repeat
from keras_metahpo.collector.shards import Shards
from keras_metahpo.errors import TaskError
from keras_metahpo.history import History, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.populations.names import exchangeable_names
from keras_metahpo.space import SearchSpace
from keras_metahpo.tasks import Task, get_task

UNFINISHED = "unfinished"
TRIAL_FIELDS = tuple(field.name for field in dataclasses.fields(LoggedTrial))


class TaskCollection:
    """One task of a collection.

    Args:
        output: Directory of the collection, a local path or a URL that fsspec knows.
        task_name: Name of the task, `FILE.py` or `FILE.py:NAME`.
        config: What is planned.
    """

    def __init__(self, output: str, task_name: str, config: PlanConfig):
        self.output = str(output).rstrip("/")
        self.task_name = task_name
        self.config = config
        # The card's text -> the log's records.
        self._logged: dict[str, dict[str, dict[str, Any]]] = {}

    @functools.cached_property
    def task(self) -> Task:
        return get_task(self.task_name)

    @property
    def log_path(self) -> str:
        """Directory of the trial log."""
        return f"{self.output}/{self._folder}"

    @functools.cached_property
    def shards(self) -> Shards:
        """Trials that are not in the log yet."""
        return Shards(f"{self.output}/{UNFINISHED}/{self._folder}")

    @property
    def _folder(self) -> str:
        return self.task.name.replace("/", "-")

    @functools.cached_property
    def space(self) -> SearchSpace:
        return self.task.search_space()

    @functools.cached_property
    def plan(self) -> Plan:
        """The plan that all machines share; the first one to need it writes down its basis."""
        basis = self._basis()
        if basis is None:
            found = self._facts() | {"exchangeable": ",".join(self._exchangeable())}
            self.shards.write_once("plan.json", json.dumps(found))
            basis = self._basis() or found
        if self._facts().items() - basis.items():
            raise TaskError(
                f"{self.log_path} was begun with {basis}. Received: {self._facts()}. "
                "Collect into another directory, or with the arguments of before."
            )
        return Plan(self.task.name, self.space, basis["exchangeable"].split(","), self.config)

    def is_complete(self) -> bool:
        """Whether the log has all that is planned."""
        return self._card_facts().get("num_configurations", 0) >= self.config.num_configurations

    def groups(self, stage: int) -> list[Group] | None:
        """What to train in a stage; `None` while a stage of proposals is not planned.

        Args:
            stage: 0 fills the space; stage r > 0 is round r - 1 of the proposals.
        """
        if stage == 0:
            return self.plan.space_filling()
        text = self.shards.read_text(self._round_file(stage))
        return None if text is None else [Group.from_json(group) for group in json.loads(text)]

    def propose(self, stage: int) -> None:
        """Plans a stage of proposals from the results so far; the first process to end counts."""
        firsts = [trial_id for trial_id in self.finished() if not is_repeat(trial_id)]
        groups = self.plan.proposals(stage - 1, self.history(), firsts)
        text = json.dumps([dataclasses.asdict(group) for group in groups])
        self.shards.write_once(self._round_file(stage), text)

    def finished(self) -> set[str]:
        """Ids of finished trials."""
        return self.shards.finished() | set(self.logged())

    def history(self) -> History:
        """Results so far, of the first seed of each configuration."""
        records = [r for r in self._records() if not is_repeat(r["trial_id"])]
        return self._log(records).history()

    def write_log(self) -> bool:
        """Writes the log of all finished trials, and removes what it was made from.

        Returns:
            `False`, and nothing is written, if damaged trials were put aside meanwhile.
        """
        finished = self.finished()
        records = self._records()
        if len(records) < len(finished):
            return False
        self._log(records).write(self.log_path)
        self.shards.remove()
        return True

    def logged(self) -> dict[str, dict[str, Any]]:
        """Records of the trials in the log, by trial id; another process may have written it."""
        card = Shards(self.log_path).read_text("card.json")
        if card is None:
            return {}
        if card not in self._logged:
            log = TrialLog.open(self.log_path)
            self._logged = {card: {t.trial_id: dataclasses.asdict(t) for t in log.trials}}
        return self._logged[card]

    def _records(self) -> list[dict[str, Any]]:
        """Records of all finished trials, by trial id."""
        records = {r["trial_id"]: r for r in self.shards.read()} | self.logged()
        return [records[trial_id] for trial_id in sorted(records)]

    def _log(self, records: list[dict[str, Any]]) -> TrialLog:
        trials = [LoggedTrial(**{name: r[name] for name in TRIAL_FIELDS}) for r in records]
        return TrialLog.from_trials(self._card(records), self.space, trials)

    def _card(self, records: list[dict[str, Any]]) -> TrialLogCard:
        import keras

        task = self.task
        return TrialLogCard(
            name=task.name,
            version=task.version,
            source=f"Keras runs of the task {task.name}; {task.citation}",
            licence=task.licence,
            objective=task.objective,
            direction=task.direction,
            max_fidelity=task.max_fidelity,
            features=dict(task.features) | {"tags": ",".join(task.tags), "dataset": task.dataset},
            provenance={
                "made_by": "metahpo collect",
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "num_configurations": self.config.num_configurations,
                "num_trials": len(records),
                **self._facts(),
                "exchangeable": ",".join(self.plan.exchangeable),
                "elapsed_s": "of training and validation, without tracing",
                "trained_by": self._trained_by(records),
            },
        )

    def _trained_by(self, records: list[dict[str, Any]]) -> str:
        """What trained how many trials; of those that came from a log, its card tells."""
        counts = Counter(r["trained_by"] for r in records if "trained_by" in r)
        for card in self._logged:
            known = json.loads(card).get("provenance", {}).get("trained_by", "")
            counted = re.findall(r"(.+?): (\d+)(?:; |$)", known)
            counts.update({text: int(count) for text, count in counted})
        return "; ".join(f"{text}: {count}" for text, count in counts.most_common())

    def _basis(self) -> dict[str, Any] | None:
        """What the plan is made from, as it was written down."""
        text = self.shards.read_text("plan.json")
        return self._card_facts() or None if text is None else json.loads(text)

    def _card_facts(self) -> dict[str, Any]:
        """The provenance of a log that was written before; empty without one."""
        text = Shards(self.log_path).read_text("card.json")
        return {} if text is None else json.loads(text).get("provenance", {})

    def _facts(self) -> dict[str, Any]:
        return {"task_version": self.task.version, "seed": self.config.seed}

    def _exchangeable(self) -> list[str]:
        """Names of hyperparameters that need no new tracing, found on made-up data."""
        import keras

        from keras_metahpo.populations.trainings import NotCompilable

        if keras.backend.backend() == "tensorflow":
            from keras_metahpo.collector.compiled import structure_of
        elif keras.backend.backend() == "jax":
            from keras_metahpo.collector.populations import structure_of
        else:
            return []
        data = self.task.data.fake()
        try:
            return exchangeable_names(
                self.space,
                lambda configuration: structure_of(self.task, self.space, configuration, data),
                np.random.default_rng(0),
            )
        except NotCompilable:
            return []
        finally:
            keras.utils.clear_session()

    def _round_file(self, stage: int) -> str:
        return f"round-{self.config.num_configurations}-{stage}.json"
