"""Contestants by name: the built-in ones, those of installed packages, and those of a file."""

import importlib.util
import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from keras_metahpo.benchmark.contestants.base import Contestant
from keras_metahpo.benchmark.contestants.freeze_thaw import FreezeThawContestant
from keras_metahpo.benchmark.contestants.kerastuner import MetaOracleContestant, OracleContestant
from keras_metahpo.benchmark.contestants.optuna import OptunaContestant
from keras_metahpo.benchmark.contestants.policy import PolicyContestant
from keras_metahpo.benchmark.contestants.pruning import DEHBContestant, PruningContestant
from keras_metahpo.benchmark.contestants.smac import SmacContestant
from keras_metahpo.benchmark.contestants.syne_tune import QuantileContestant, SchedulerContestant
from keras_metahpo.errors import BenchmarkError, unknown

logger = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "keras_metahpo.contestants"
RANDOM = "RandomSearch"

CONTESTANTS: dict[str, Contestant] = {
    "MetaOracle": MetaOracleContestant(),
    "MetaOracle without a ranker": MetaOracleContestant(ranker=None),
    "MetaOracle with history": MetaOracleContestant(uses_history=True),
    RANDOM: OracleContestant("RandomSearchOracle"),
    "BayesianOptimization": OracleContestant("BayesianOptimizationOracle"),
    "BayesianOptimization 5 initial": OracleContestant(
        "BayesianOptimizationOracle", {"num_initial_points": 5}
    ),
    "Hyperband": OracleContestant("HyperbandOracle"),
    "freeze and thaw": FreezeThawContestant(),
    "freeze and thaw without a ranker": FreezeThawContestant(ranker=None),
    "freeze and thaw by the ranker alone": FreezeThawContestant(decides_alone=True),
    "full trainings": FreezeThawContestant(is_frozen=False),
    "ASHA": PruningContestant("SuccessiveHalvingPruner", "RandomSampler"),
    "TPE with Hyperband": PruningContestant(
        "HyperbandPruner", "TPESampler", {"multivariate": True}
    ),
    "DEHB": DEHBContestant(),
    "Syne Tune BOHB": SchedulerContestant("BOHB"),
    "Syne Tune ASHA with CQR": SchedulerContestant("ASHACQR"),
    "GridSearch": OracleContestant("GridSearchOracle"),
    # Multivariate is the default since Optuna 5.
    "Optuna TPE": OptunaContestant("TPESampler", {"multivariate": False}),
    "Optuna TPE multivariate": OptunaContestant("TPESampler", {"multivariate": True}),
    "Optuna GP": OptunaContestant("GPSampler"),
    "SMAC": SmacContestant(),
    "Syne Tune CTS": QuantileContestant(),
    "portfolio": PolicyContestant("portfolio"),
    "portfolio then TPE": OptunaContestant(
        "TPESampler", {"multivariate": True}, starts_with_portfolio=True
    ),
    "defaults by name": PolicyContestant("defaults"),
    "GP from the default": PolicyContestant("gp"),
    "GP distance to defaults": PolicyContestant("gp-distance"),
}


def get_contestant(name: str) -> Contestant:
    """The contestant of a name, or of `FILE.py:NAME` or `FILE.py` (its `CONTESTANT`)."""
    if ".py" in name:
        return _from_file(name)
    known = CONTESTANTS | _installed()
    if name in known:
        return known[name]
    raise BenchmarkError(
        f"{unknown('policy', name, sorted(known))} A file's own is given as FILE.py:NAME."
    )


def list_contestants() -> list[str]:
    """All names, in the order in which a report shows them."""
    return list(CONTESTANTS | _installed())


@cache
def _installed() -> dict[str, Contestant]:
    """Contestants of other packages; a broken one warns and is left out."""
    found = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            found[entry.name] = _checked(entry.load(), entry.value)
        except Exception:
            logger.warning(
                "The policy %s of %s cannot be loaded.", entry.name, entry.value, exc_info=True
            )
    return found


def _from_file(name: str) -> Contestant:
    path, _, selected = name.partition(".py:")
    file = Path(path if not selected else f"{path}.py")
    spec = importlib.util.spec_from_file_location(f"keras_metahpo_contestant_{file.stem}", file)
    if spec is None or spec.loader is None or not file.exists():
        raise BenchmarkError(f"Expected the path of a Python file with a policy. Received: {file}.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BenchmarkError(
            f"{file} cannot be imported: {type(error).__name__}: {error}. Correct the file."
        ) from error
    return _checked(getattr(module, selected or "CONTESTANT", None), name)


def _checked(contestant: Contestant | Callable[[], Contestant] | None, where: str) -> Contestant:
    made = contestant() if isinstance(contestant, type) else contestant
    if not isinstance(made, Contestant):
        raise BenchmarkError(
            f"Expected {where} to be a `keras_metahpo.benchmark.contestants.Contestant`. "
            f"Received: {made!r}."
        )
    return made
