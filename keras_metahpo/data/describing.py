"""How trial logs are described, one after the other and then task by task."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from keras_metahpo.data import importance
from keras_metahpo.data.correlation import epoch_correlations, ranks, task_correlations
from keras_metahpo.data.description import Description, SpaceDescription, TaskDescription
from keras_metahpo.data.labels import labels_of, require_extra
from keras_metahpo.data.spread import Spread, measure_spread
from keras_metahpo.data.trials import Trials, read_trials
from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import TrialLog
from keras_metahpo.space import SearchSpace

# With fewer, importances and rank correlations are mostly luck.
MIN_CONFIGURATIONS = 10


def describe(
    logs: Sequence[TrialLog], on_step: Callable[[int, int, str], None] = lambda *_: None
) -> Description:
    """Describes trial logs; one about which little can be said has notes that say so.

    Args:
        logs: Of any tasks.
        on_step: Called with the number of steps done, of how many, and what is being done.

    Raises:
        ImportError: The extra `data` is not installed.
    """
    require_extra()
    if not logs:
        raise TrialLogError("Expected at least one trial log. Received: none.")
    labels = labels_of(logs)
    all_trials = [read_trials(log) for log in logs]
    by_space: dict[SearchSpace, list[int]] = {}
    for number, log in enumerate(logs):
        by_space.setdefault(log.space, []).append(number)
    comparable = {
        space: [n for n in numbers if _is_telling(all_trials[n].first_utilities)]
        for space, numbers in by_space.items()
    }
    comparable = {space: n if len(n) > 1 else [] for space, n in comparable.items()}
    total = len(logs) + sum(map(len, comparable.values()))
    done = 0

    def advance(what: str) -> None:
        nonlocal done
        done += 1
        on_step(done, total, what)

    on_step(0, total, "importances")
    tasks = []
    for log, label, trials in zip(logs, labels, all_trials, strict=True):
        tasks.append(_describe_task(log, label, trials))
        advance("importances")
    spaces = []
    for space, numbers in by_space.items():
        compared = comparable[space]
        known = [
            (all_trials[n].configurations, ranks(all_trials[n].first_utilities)) for n in compared
        ]
        spaces.append(
            SpaceDescription(
                hyperparameters=tuple(space.names),
                labels=tuple(labels[n] for n in numbers),
                compared=tuple(labels[n] for n in compared),
                correlations=task_correlations(space, known, lambda: advance("task by task")),
            )
        )
    return Description(tuple(tasks), tuple(spaces))


def _is_telling(utilities: np.ndarray) -> bool:
    """Whether enough configurations finished, and not all with the same result."""
    finite = utilities[np.isfinite(utilities)]
    return len(finite) >= MIN_CONFIGURATIONS and len(np.unique(utilities)) > 1


def _describe_task(log: TrialLog, label: str, trials: Trials) -> TaskDescription:
    utilities, curves = trials.first_utilities, trials.curves[trials.first]
    spread = measure_spread(trials, log.card.direction)
    facts: dict = {}
    if _is_telling(utilities):
        found = importance.importances(log.space, trials.configurations, ranks(utilities))
        facts["importances"] = dict(sorted(found.items(), key=lambda item: -item[1]))
        if curves.shape[1] > 1:
            facts["correlations"] = epoch_correlations(curves, utilities)
    seconds = trials.seconds[np.isfinite(trials.utilities) & np.isfinite(trials.seconds)]
    return TaskDescription(
        label=label,
        family=log.card.family,
        path=log.path,
        objective=log.card.objective,
        direction=log.card.direction,
        num_trials=len(trials.utilities),
        num_failed=int(np.isinf(trials.utilities).sum()),
        num_configurations=len(trials.configurations),
        seconds=float(np.median(seconds)) if len(seconds) else math.nan,
        spread=spread,
        active={
            name: sum(name in c for c in trials.configurations) / len(trials.configurations)
            for name in log.space.names
            if trials.configurations
        },
        notes=tuple(_notes(log, utilities, curves, spread)),
        **facts,
    )


def _notes(log: TrialLog, utilities: np.ndarray, curves: np.ndarray, spread: Spread) -> list[str]:
    if not len(utilities):
        return ["the log holds no trial"]
    num_finished = int(np.isfinite(utilities).sum())
    if not num_finished:
        reasons = [trial.message for trial in log.trials if trial.message]
        why = f", the first one because: {reasons[0]}" if reasons else ""
        return [f"every trial failed{why}"]
    notes = []
    if num_finished < MIN_CONFIGURATIONS:
        notes.append(
            f"importances and rank correlations need {MIN_CONFIGURATIONS} finished configurations; "
            f"there are {num_finished}: collect more"
        )
    elif not _is_telling(utilities):
        notes.append("all configurations have the same result, so none of them can be ranked")
    if len(utilities) > importance.MAX_CONFIGURATIONS:
        notes.append(
            f"importances are those of {importance.MAX_CONFIGURATIONS} configurations of "
            f"{len(utilities)}, drawn at random"
        )
    if not spread.num_repeated:
        notes.append("no configuration was trained from several seeds, so seeds cannot be judged")
    if curves.shape[1] < 2:
        notes.append("one measurement a trial, so there are no curves")
    return notes
