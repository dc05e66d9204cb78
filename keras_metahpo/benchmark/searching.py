"""One search of a study: asks a policy, trains what it proposes, and tells it.

A search that was cut off asks its policy again, which answers as before, and takes the values
from the record instead of training again.
"""

from dataclasses import dataclass

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxFactory, Evaluation
from keras_metahpo.benchmark.clock import Clock
from keras_metahpo.benchmark.contestants import Proposal, Search
from keras_metahpo.benchmark.records import Recorder, Step
from keras_metahpo.benchmark.study import Study
from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.history import FAILED_UTILITY, utility

SIMULATED = "simulated"


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


@dataclass
class _SoFar:
    """What the steps of a search add up to.

    Attributes:
        best: The step with the incumbent.
        simulated_s, epochs: Of all steps.
    """

    best: Step | None = None
    simulated_s: float = 0.0
    epochs: int = 0

    def add(self, step: Step) -> None:
        self.simulated_s = step.simulated_s
        self.epochs += step.epochs
        if self.best is None or (step.value is not None and step.incumbent == step.value):
            self.best = step


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
    so_far = _SoFar()
    for number in range(1, most_trials(study, blackbox) + 1):
        if _is_spent(study, blackbox, so_far.epochs):
            break
        with clock.limited():
            proposal = search.suggest()
        if proposal is None:
            break
        _check_legal(blackbox, proposal)
        fidelity = proposal.fidelity or blackbox.card.max_fidelity
        suggestion_s = clock.take()
        step = _recorded_step(recorded, number, proposal, fidelity)
        if step is None:
            if number <= len(recorded):  # The policy answers otherwise than before: begin anew.
                recorded = []
                recorder.truncate(number - 1)
            step = _trained_step(cell, blackbox, number, proposal, fidelity, suggestion_s, so_far)
            recorder.add(step)
        so_far.add(step)
        curves = (_curve(blackbox, proposal, fidelity),) if search.needs_curves else ()
        with clock.limited():
            search.observe(proposal, step.value, *curves)
    final, best = getattr(blackbox, "final_metrics", None), so_far.best
    if final is None or best is None or best.value is None:
        return {}
    return dict(final(best.configuration, cell.seed))


def _is_spent(study: Study, blackbox: Blackbox, epochs: int) -> bool:
    return bool(study.full_trainings) and epochs >= most_trials(study, blackbox)


def _recorded_step(
    recorded: list[Step], number: int, proposal: Proposal, fidelity: int
) -> Step | None:
    """The step as it was recorded, if the policy proposes the same again."""
    if number > len(recorded):
        return None
    step = recorded[number - 1]
    is_same = dict(step.configuration) == dict(proposal.configuration)
    return step if is_same and step.fidelity == fidelity else None


def _trained_step(
    cell: Cell,
    blackbox: Blackbox,
    number: int,
    proposal: Proposal,
    fidelity: int,
    suggestion_s: float,
    so_far: _SoFar,
) -> Step:
    evaluation, trial_s = _train(blackbox, proposal, fidelity)
    value = _finite(blackbox, evaluation)
    return Step(
        policy=cell.policy,
        task=cell.task,
        seed=cell.seed,
        step=number,
        configuration=dict(proposal.configuration),
        fidelity=fidelity,
        value=value,
        incumbent=_better(blackbox, value, so_far.best),
        trial_s=trial_s,
        simulated_s=so_far.simulated_s + trial_s + suggestion_s,
        suggestion_s=suggestion_s,
        epochs=max(fidelity - proposal.trained, 0),
        device=getattr(blackbox, "device", SIMULATED),
        message=evaluation.message,
    )


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
