"""Runs every search of a study, in parallel, and goes on after a kill."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import joblib

from keras_metahpo.benchmark.blackbox import Blackbox
from keras_metahpo.benchmark.clock import Clock
from keras_metahpo.benchmark.contestants import (
    NotAvailable,
    Problem,
    Search,
    get_contestant,
)
from keras_metahpo.benchmark.experience import experience, held_out, opened
from keras_metahpo.benchmark.header import start_output, suites_of
from keras_metahpo.benchmark.records import (
    FAILED,
    FINISHED,
    SKIPPED,
    End,
    Recorder,
    SearchRecord,
    cell_file,
    read_search,
)
from keras_metahpo.benchmark.searching import Cell, most_trials, run_search
from keras_metahpo.benchmark.study import Study
from keras_metahpo.parallel import unordered_results

# Times KerasTuner's distance between seeds, this is still a seed for NumPy and Optuna.
NUM_SEEDS = 20_000


def run_study(
    study: Study,
    output: Path,
    data: str | None = None,
    num_workers: int = 1,
    retry_failed: bool = False,
    on_progress: Callable[[int, int, str], None] = lambda done, total, label: None,
) -> None:
    """Runs what is missing of a study.

    Args:
        study: What to run.
        output: Folder of the results; a study that was stopped goes on.
        data: Folder below which the suites' paths lie.
        num_workers: Processes, if no other joblib backend has been chosen by
            `joblib.parallel_config`.
        retry_failed: Whether searches that failed are run again.
        on_progress: Called with (searches done, in all, name of the last one).
    """
    suites = suites_of(study, data)
    start_output(study, suites, output, num_workers)
    cells = [
        Cell(policy, task, seed, factories)
        for factories in suites.values()
        for task in factories
        for policy in study.policies
        for seed in range(study.seeds)
    ]
    missing = [cell for cell in cells if not is_over(output, cell, retry_failed)]
    done = len(cells) - len(missing)
    on_progress(done, len(cells), "")
    calls = (joblib.delayed(run_cell)(study, cell, output) for cell in missing)
    for count, label in enumerate(unordered_results(calls, num_workers), start=done + 1):
        on_progress(count, len(cells), label)


def is_over(output: Path, cell: Cell, retry_failed: bool = False) -> bool:
    """Whether nothing is left to do; what was skipped is tried again, for it may be installed."""
    path = cell_file(output, cell.policy, cell.task, cell.seed)
    if not path.exists():
        return False
    end = read_search(path).end
    again = {SKIPPED, FAILED} if retry_failed else {SKIPPED}
    return end is not None and end.end not in again


def run_cell(study: Study, cell: Cell, output: Path) -> str:
    """Runs one search and records it; whatever goes wrong is recorded, not raised."""
    path = cell_file(output, cell.policy, cell.task, cell.seed)
    record = read_search(path) if path.exists() else SearchRecord([], None)
    with Recorder(path, record.steps) as recorder:
        end = End(cell.policy, cell.task, cell.seed, FINISHED)
        try:
            blackbox = opened(cell.suite[cell.task])
            clock = Clock(study.suggestion_limit_s)
            with clock.limited():
                search = _start(study, cell, blackbox)
            with search:
                final = run_search(study, cell, blackbox, search, record.steps, recorder, clock)
            end = replace(end, final=final)
        except NotAvailable as reason:
            end = replace(end, end=SKIPPED, reason=str(reason))
        except Exception as error:
            end = replace(end, end=FAILED, reason=f"{type(error).__name__}: {error}")
        recorder.add(end)
    return f"{cell.policy} on {cell.task}"


def _start(study: Study, cell: Cell, blackbox: Blackbox) -> Search:
    card = blackbox.card
    contestant = get_contestant(cell.policy)
    contestant.check()
    problem = Problem(
        name=card.name,
        space=blackbox.space,
        direction=card.direction,
        max_fidelity=card.max_fidelity,
        num_trials=most_trials(study, blackbox),
        pool=blackbox.pool,
        experience=experience(
            blackbox, cell.suite, study.split, study.experience, study.adversarial
        ),
        held_out=held_out(card, study.split),
        is_adversarial=study.adversarial,
    )
    return contestant.start(problem, search_seed(cell.task, cell.seed))


def search_seed(task: str, seed: int) -> int:
    """The seed of all policies' searches on a task, from 0 to 19999.

    Other tasks have other ones: with the same draws on every task, one lucky configuration would
    decide a mean over tasks. `OracleSearch` spreads them for KerasTuner.
    """
    digest = hashlib.sha256(json.dumps([task, seed]).encode()).digest()
    return int.from_bytes(digest[:8], "big") % NUM_SEEDS
