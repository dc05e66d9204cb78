"""Runs a study: every policy on every task with every seed, in parallel, and goes on after a kill.

A search that was cut off asks its policy again, which answers as before, and takes the values
from the record instead of training again.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import joblib

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxFactory, Evaluation
from keras_metahpo.benchmark.clock import Clock
from keras_metahpo.benchmark.contestants import (
    NotAvailable,
    Problem,
    Proposal,
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
    Step,
    cell_file,
    read_search,
)
from keras_metahpo.benchmark.study import Study
from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.history import FAILED_UTILITY, utility
from keras_metahpo.parallel import unordered_results

SIMULATED = "simulated"
# Times KerasTuner's distance between seeds, this is still a seed for NumPy and Optuna.
NUM_SEEDS = 20_000


@dataclass(frozen=True)
class Cell:
    """One search of a study.

    Attributes:
        policy, task, seed: Which.
        suite: The suite's tasks, for policies that learn from the others.
    """

    policy: str
    task: str
    seed: int
    suite: dict[str, BlackboxFactory]


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


def run_search(
    study: Study,
    cell: Cell,
    blackbox: Blackbox,
    search: Search,
    recorded: list[Step],
    recorder: Recorder,
    clock: Clock | None = None,
) -> dict[str, float]:
    """Asks, trains and tells, step by step; returns the final model's metrics of a live task.

    Args:
        recorded: Steps of this search from before it was stopped.
        recorder: Where the steps go.
        clock: Of the policy; it may have run already.
    """
    clock = clock or Clock(study.suggestion_limit_s)
    best: Step | None = None
    simulated_s, device = 0.0, getattr(blackbox, "device", SIMULATED)
    epochs = 0
    for number in range(1, most_trials(study, blackbox) + 1):
        if study.full_trainings and epochs >= study.full_trainings * blackbox.card.max_fidelity:
            break
        with clock.limited():
            proposal = search.suggest()
        if proposal is None:
            break
        _check_legal(blackbox, proposal)
        fidelity = proposal.fidelity or blackbox.card.max_fidelity
        suggestion_s = clock.take()
        old = recorded[number - 1] if number <= len(recorded) else None
        if old is not None and (
            dict(old.configuration) == dict(proposal.configuration) and old.fidelity == fidelity
        ):
            step = old
        else:
            if old is not None:  # The policy answers otherwise than before: begin anew.
                recorded = []
                recorder.truncate(number - 1)
            evaluation, trial_s = _train(blackbox, proposal, fidelity)
            value = _finite(blackbox, evaluation)
            step = Step(
                policy=cell.policy,
                task=cell.task,
                seed=cell.seed,
                step=number,
                configuration=dict(proposal.configuration),
                fidelity=fidelity,
                value=value,
                incumbent=_better(blackbox, value, best),
                trial_s=trial_s,
                simulated_s=simulated_s + trial_s + suggestion_s,
                suggestion_s=suggestion_s,
                epochs=max(fidelity - proposal.trained, 0),
                device=device,
                message=evaluation.message,
            )
            recorder.add(step)
        simulated_s, epochs = step.simulated_s, epochs + step.epochs
        if best is None or (step.value is not None and step.incumbent == step.value):
            best = step
        curves = (_curve(blackbox, proposal, fidelity),) if search.needs_curves else ()
        with clock.limited():
            search.observe(proposal, step.value, *curves)
    final = getattr(blackbox, "final_metrics", None)
    if final is None or best is None or best.value is None:
        return {}
    return dict(final(best.configuration, cell.seed))


def most_trials(study: Study, blackbox: Blackbox) -> int:
    """How many trials a search can have; one costs an epoch at least."""
    if study.full_trainings is None:
        return study.trials
    return study.full_trainings * blackbox.card.max_fidelity


def _curve(blackbox: Blackbox, proposal: Proposal, fidelity: int) -> list[float | None]:
    curve = blackbox.curve(proposal.configuration, fidelity)
    return [_finite(blackbox, evaluation) for evaluation in curve]


def _check_legal(blackbox: Blackbox, proposal: Proposal) -> None:
    complete = blackbox.space.complete(proposal.configuration)
    if complete != dict(proposal.configuration):
        raise SearchSpaceError(
            f"A configuration must have a value for each active hyperparameter, {complete}. "
            f"Received: {dict(proposal.configuration)}."
        )


def _train(blackbox: Blackbox, proposal: Proposal, fidelity: int) -> tuple[Evaluation, float]:
    """The evaluation, and the seconds of the epochs that no earlier trial had trained."""
    evaluation = blackbox.evaluate(proposal.configuration, fidelity)
    if not 0 < proposal.trained < fidelity:
        return evaluation, evaluation.elapsed_s
    if blackbox.card.lookup == "live":  # It began anew; a tuner that goes on pays for the rest.
        return evaluation, evaluation.elapsed_s * (1 - proposal.trained / fidelity)
    earlier = blackbox.evaluate(proposal.configuration, proposal.trained)
    return evaluation, max(evaluation.elapsed_s - earlier.elapsed_s, 0.0)


def _finite(blackbox: Blackbox, evaluation: Evaluation) -> float | None:
    if blackbox.utility(evaluation) == FAILED_UTILITY:
        return None
    return float(evaluation.metrics[blackbox.card.objective])


def _better(blackbox: Blackbox, value: float | None, best: Step | None) -> float | None:
    incumbent = None if best is None else best.incumbent
    if value is None or incumbent is None:
        return incumbent if value is None else value
    direction = blackbox.card.direction
    return value if utility(value, direction) > utility(incumbent, direction) else incumbent
