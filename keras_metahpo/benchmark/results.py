"""A study's records as tidy tables, on the scale of normalised regret.

A cell is a task with a seed. Policies are compared on the cells that all of them finished.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_metahpo.benchmark.comparison import SEARCH, comparison, normalised_regrets
from keras_metahpo.benchmark.records import (
    STEPS,
    End,
    SearchRecord,
    TaskFacts,
    read_header,
    read_search,
    read_tasks,
)
from keras_metahpo.benchmark.study import HORIZONS
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import utility

if TYPE_CHECKING:
    import pandas as pd

RUNNING = "running"


@dataclass(frozen=True)
class Results:
    """What a study has measured so far.

    Attributes:
        header: The study's header.
        facts: What is known of each task.
        trials: A row a trial, in the order of the steps: policy, task, seed, suite, family, step,
            utility and incumbent (higher is better), regret of the incumbent (0 is the best known,
            1 the median random configuration), seconds (simulated, so far), epochs (so far),
            trainings (epochs in units of a full training), suggestion_s, fidelity, compared.
        searches: A row a search: policy, task, seed, suite, family, end (`"running"` without
            one), reason, num_trials, seconds, final (a mapping), compared.
        policies: Names, in the study's order.
        notes: What was left out, and how regret was normalised where the task does not say.
        expected: Number of searches that the study will hold when it is complete.
    """

    header: Mapping
    facts: Mapping[str, TaskFacts]
    trials: "pd.DataFrame"
    searches: "pd.DataFrame"
    policies: tuple[str, ...]
    notes: tuple[str, ...]
    expected: int

    @property
    def suites(self) -> list[str]:
        """Names of the suites, in the order of the study."""
        return list(dict.fromkeys(facts.suite for facts in self.facts.values()))

    @property
    def num_trials(self) -> int:
        """Trials of a search."""
        longest = self.searches["num_trials"].max() if len(self.searches) else 0
        return int(self.header.get("trials") or longest)

    @property
    def axis(self) -> str:
        """What the horizons count: `"step"` for trials, or `"trainings"`."""
        return "trainings" if self.header.get("full_trainings") else "step"

    @property
    def horizons(self) -> list[int]:
        """Numbers of trials, or of full trainings, at which regret is reported."""
        wanted = self.header.get("horizons") or HORIZONS
        length = int(self.header.get("full_trainings") or self.num_trials)
        return [k for k in sorted(wanted) if k <= length] or [max(length, 1)]

    @property
    def num_ended(self) -> int:
        """Searches that finished, failed or were skipped."""
        return int((self.searches["end"] != RUNNING).sum())

    @property
    def random_policy(self) -> str | None:
        """Name of the random search, against which harm is measured."""
        name = self.header.get("random_policy")
        return name if name in self.policies else None

    def compared(self, suite: str) -> list[str]:
        """Policies that take part in the comparison on a suite."""
        rows = self.searches[self.searches["compared"] & (self.searches["suite"] == suite)]
        return [policy for policy in self.policies if policy in set(rows["policy"])]


def read_results(directory: Path) -> Results:
    """Reads a study's output folder; it may still be growing.

    A search that has no success yet counts as the worst that any search of its task has held as
    its incumbent, and at least as the median random configuration (regret 1).

    Raises:
        BenchmarkError: The folder is not a study's output, or its records contradict it.
    """
    import pandas as pd

    directory = Path(directory)
    header, facts = read_header(directory), read_tasks(directory)
    steps, ends = [], []
    for record in _records(directory, facts):
        last = record.end or record.steps[-1]
        search = (last.policy, last.task, last.seed)
        task = facts[last.task]
        epochs = 0
        for step in sorted(record.steps, key=lambda step: step.step):
            epochs += step.epochs
            values = [utility(value, task.direction) for value in (step.value, step.incumbent)]
            trainings = epochs / task.max_fidelity
            more = (step.simulated_s, epochs, trainings, step.suggestion_s, step.fidelity)
            steps.append((*search, task.suite, task.family, step.step, *values, *more))
        end = record.end or End(*search, RUNNING)
        ends.append((*search, task.suite, task.family, end.end, end.reason, dict(end.final)))
    columns = ["step", "utility", "incumbent", "seconds", "epochs", "trainings", "suggestion_s"]
    columns.append("fidelity")
    trials = pd.DataFrame(steps, columns=[*SEARCH, "suite", "family", *columns])
    searches = pd.DataFrame(ends, columns=[*SEARCH, "suite", "family", "end", "reason", "final"])
    trials = trials.drop_duplicates([*SEARCH, "step"], keep="last", ignore_index=True)

    counts = trials.groupby(SEARCH)["seconds"].agg(num_trials="size", seconds="last")
    searches = searches.join(counts, on=SEARCH)
    searches["num_trials"] = searches["num_trials"].fillna(0).astype(int)
    policies = tuple(header.get("policies") or sorted(set(searches["policy"])))
    trials["regret"], notes = normalised_regrets(trials, facts, header.get("random_policy"))
    searches["compared"], excluded = comparison(searches, trials, policies)
    trials = trials.join(searches.set_index(SEARCH)["compared"], on=SEARCH)
    num_seeds = int(header.get("seeds") or searches["seed"].nunique())
    expected = max(len(policies) * len(facts) * num_seeds, len(searches))
    return Results(header, facts, trials, searches, policies, (*notes, *excluded), expected)


def _records(directory: Path, facts: Mapping[str, TaskFacts]) -> Iterator[SearchRecord]:
    for path in sorted((directory / STEPS).glob("*.jsonl")):
        record = read_search(path)
        if not record.steps and record.end is None:
            continue
        task = (record.end or record.steps[-1]).task
        if task not in facts:
            raise BenchmarkError(
                f"{path} must hold a search on a task of tasks.json. Received: task={task!r}. "
                "Remove the file, or restore the tasks.json that the study began with."
            )
        yield record
