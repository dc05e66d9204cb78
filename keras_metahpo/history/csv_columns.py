"""Which columns of a table are hyperparameters, and the search space that their values suggest."""

import math
import re
from collections.abc import Mapping, Sequence

from keras_metahpo.history.conditions import with_conditions
from keras_metahpo.space import Configuration, Hyperparameter, SearchSpace, Value

TRIAL_ID, EPOCH, ELAPSED_S, STATUS, MESSAGE = "trial_id", "epoch", "elapsed_s", "status", "message"
# Of trial logs, Optuna's data frames, Ray Tune and Weights & Biases: what has such a prefix is a
# hyperparameter, and nothing else is.
PREFIXES = ("hp:", "params_", "config/", "config.")
# Without a prefix, a column of numbers under such a name is a result and no hyperparameter.
METRIC = re.compile(
    r"(val|test)_.*|value|objective|(.*_)?(loss|acc|accuracy|auc|f1|mae|mse|rmse|error|score)"
    r"|(.*_)?(time|duration|runtime|seconds|timestamp|elapsed)(_s|_sec)?",
    re.IGNORECASE,
)
# Row numbers of data frames and databases, and names of trials.
INDEX = re.compile(
    r"(unnamed.*|index|number|id|name|run|run_name|trial|trial_name)?", re.IGNORECASE
)
# Decades that positive numbers span to be on a logarithmic scale.
LOG_DECADES = 2
# Texts that never repeat are names or comments; of fewer trials that cannot be said.
MIN_TEXTS = 8


def hyperparameter_columns(
    columns: Mapping[str, Sequence], objective: str, names: Sequence[str] | None = None
) -> dict[str, str]:
    """Columns that are hyperparameters, by the name of the hyperparameter.

    Args:
        columns: A value a trial by name of column; `None` is a missing one.
        objective: What is no hyperparameter.
        names: Of the search space, if it is known.
    """
    reserved = {TRIAL_ID, EPOCH, ELAPSED_S, STATUS, MESSAGE, objective}
    prefix = next((p for p in PREFIXES if any(c.startswith(p) for c in columns)), None)
    if prefix is not None:
        found = {c.removeprefix(prefix): c for c in columns if c.startswith(prefix)}
        found = {n: c for n, c in found.items() if any(v is not None for v in columns[c])}
    else:
        found = {c: c for c in columns if c not in reserved}
        if names is None:
            found = {c: c for c in found if _may_be_tuned(c, columns[c])}
    return found if names is None else {n: c for n, c in found.items() if n in names}


def _may_be_tuned(name: str, values: Sequence) -> bool:
    """Whether a column may be a hyperparameter, by its name and its values."""
    given = [value for value in values if value is not None]
    if not given or INDEX.fullmatch(name):
        return False
    if all(isinstance(value, str) for value in given):
        return len(given) < MIN_TEXTS or len(set(given)) < len(given)
    is_scalar = all(isinstance(value, (bool, int, float, str)) for value in given)
    return is_scalar and not METRIC.fullmatch(name)


def infer_space(configurations: Sequence[Configuration]) -> SearchSpace:
    """The smallest search space of configurations, each of which may lack some hyperparameters."""
    names = dict.fromkeys(name for configuration in configurations for name in configuration)
    hyperparameters = [
        _infer(name, [c[name] for c in configurations if name in c]) for name in names
    ]
    return SearchSpace(with_conditions(hyperparameters, configurations))


def _infer(name: str, values: Sequence[Value]) -> Hyperparameter:
    distinct = tuple(dict.fromkeys(values))
    if all(isinstance(value, bool) for value in values):
        return Hyperparameter(name, "boolean", False, choices=(False, True))
    if len(distinct) == 1:
        return Hyperparameter(name, "fixed", distinct[0], choices=distinct)
    numbers = [value for value in distinct if isinstance(value, (int, float))]
    if len(numbers) < len(distinct):
        return Hyperparameter(name, "choice", distinct[0], choices=distinct)
    low, high = min(numbers), max(numbers)
    kind = "int" if all(isinstance(number, int) for number in numbers) else "float"
    is_log = low > 0 and math.log10(high) - math.log10(low) >= LOG_DECADES
    step = 1 if kind == "int" and not is_log else None
    sampling = "log" if is_log else "linear"
    return Hyperparameter(
        name, kind, low, low=low, high=high, step=step, sampling=sampling, ordered=True
    )
