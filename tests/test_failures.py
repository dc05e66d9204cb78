"""What fails: objectives that are not finite, trials that raise, rankers that are broken."""

import json
import logging
import math
import shutil
import threading
from pathlib import Path

import keras_tuner
import numpy as np
import pytest

from keras_metahpo import MetaOracle
from keras_metahpo.errors import PresetError
from keras_metahpo.rankers import Prediction, Ranker
from keras_metahpo.testing.oracles import mixed_space, smooth

MIN, MAX = (keras_tuner.Objective("score", direction) for direction in ("min", "max"))
NOT_FINITE = [math.nan, math.inf, -math.inf]


def assert_lock_is_free(oracle) -> None:
    worker = threading.Thread(target=oracle.create_trial, args=("another",), daemon=True)
    worker.start()
    worker.join(timeout=20)
    assert not worker.is_alive(), "the oracle's lock was left behind"


@pytest.mark.parametrize("objective", [MIN, MAX], ids=["min", "max"])
@pytest.mark.parametrize("value", NOT_FINITE)
def test_an_objective_that_is_not_finite_is_a_failure_and_ranks_last(tune, objective, value):
    results = iter([0.5, value, 0.3, value, 0.4])
    tuner = tune(lambda hp: next(results), objective=objective, hyperparameters=mixed_space())
    tuner.search(verbose=0)
    trials = tuner.oracle.get_best_trials(5)
    scores = [trial.score for trial in trials[:3]]
    assert scores == ([0.3, 0.4, 0.5] if objective is MIN else [0.5, 0.4, 0.3])
    assert [trial.status for trial in trials] == ["COMPLETED"] * 3 + ["FAILED"] * 2
    utilities = tuner.oracle.export().history().utilities
    assert np.isneginf(utilities).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("objective", [MIN, MAX], ids=["min", "max"])
def test_a_trial_that_diverges_late_keeps_its_best_finite_epoch(tune, objective):
    tuner = tune(None, objective=objective, hyperparameters=mixed_space(), max_trials=1)

    def report(hp):
        for epoch, value in enumerate([math.nan, 0.2, 0.4, math.inf, -math.inf]):
            tuner.oracle.update_trial("0", {"score": value}, step=epoch)

    tuner.function = report
    tuner.search(verbose=0)
    trial = tuner.oracle.get_trial("0")
    assert (trial.status, trial.score) == ("COMPLETED", 0.2 if objective is MIN else 0.4)
    assert trial.best_step == (1 if objective is MIN else 2)


def test_failures_keep_the_search_away(tune):
    """A failed region must count as bad, not as unknown: half of the line diverges."""
    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    tuner = tune(
        lambda hp: math.inf if hp.get("x") > 0.5 else hp.get("x"),
        objective=MAX,
        hyperparameters=space,
        max_trials=16,
        floor=None,
        max_consecutive_failed_trials=16,
    )
    tuner.search(verbose=0)
    later = [t.status for t in tuner.oracle.finished_trials()[6:]]
    assert later.count("COMPLETED") > later.count("FAILED")


def test_a_trial_that_raises_fails_alone_and_says_why(tune):
    count = iter(range(10))

    def evaluate(hp):
        if next(count) in (0, 2):
            raise ValueError("the shapes do not match")
        return 0.5

    tuner = tune(evaluate, hyperparameters=mixed_space())
    tuner.search(verbose=0)
    statuses = [trial.status for trial in tuner.oracle.finished_trials()]
    assert statuses == ["FAILED", "COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    saved = json.loads(Path(tuner.project_dir, "trial_0", "trial.json").read_text())
    assert "the shapes do not match" in saved["message"]


@pytest.mark.parametrize("first", [*NOT_FINITE, ValueError("out of memory")])
def test_a_retried_trial_recovers(tune, first):
    tried = []

    def evaluate(hp):
        tried.append(dict(hp.values))
        if len(tried) > 1:
            return 0.25
        if isinstance(first, Exception):
            raise first
        return first

    tuner = tune(evaluate, hyperparameters=mixed_space(), max_trials=2, max_retries_per_trial=1)
    tuner.search(verbose=0)
    trial = tuner.oracle.trials["0"]
    assert (trial.status, trial.score, trial.message) == ("COMPLETED", 0.25, None)
    assert tried[0] == tried[1] != tried[2]
    assert [o.value for o in trial.metrics.get_history("default_objective")] == [[0.25]]


def test_retries_come_to_an_end(tune):
    results = iter([math.nan] * 3 + [0.5])
    tuner = tune(
        lambda hp: next(results),
        hyperparameters=mixed_space(),
        max_trials=2,
        max_retries_per_trial=2,
    )
    tuner.search(verbose=0)
    assert [t.status for t in tuner.oracle.finished_trials()] == ["FAILED", "COMPLETED"]
    assert next(results, None) is None


def test_too_many_failures_stop_the_search_cleanly_and_it_can_go_on(tune):
    broken = True

    def evaluate(hp):
        if broken:
            raise ValueError("no such layer")
        return 0.5

    arguments = {"hyperparameters": mixed_space(), "max_consecutive_failed_trials": 2}
    tuner = tune(evaluate, **arguments)
    with pytest.raises(RuntimeError, match=r"max_consecutive_failed_trials=2(.|\n)*no such layer"):
        tuner.search(verbose=0)
    assert tuner.oracle.ongoing_trials == {}
    files = sorted(Path(tuner.project_dir).glob("trial_*/trial.json"))
    assert [json.loads(file.read_text())["status"] for file in files] == ["FAILED"] * 2
    broken = False
    resumed = tune(evaluate, **arguments)
    resumed.search(verbose=0)
    expected = ["FAILED"] * 2 + ["COMPLETED"] * 3
    assert [t.status for t in resumed.oracle.finished_trials()] == expected
    assert_lock_is_free(tuner.oracle)


def test_forbidden_hyperparameters_stop_the_search_cleanly(tune):
    arguments = {"hyperparameters": mixed_space(), "allow_new_entries": False}
    tuner = tune(lambda hp: hp.Float("surprise", 0.0, 1.0), **arguments)
    with pytest.raises(RuntimeError, match="allow_new_entries"):
        tuner.search(verbose=0)
    resumed = tune(smooth, **arguments)
    resumed.search(verbose=0)
    assert [t.status for t in resumed.oracle.finished_trials()] == ["COMPLETED"] * 5
    assert_lock_is_free(tuner.oracle)


class BrokenRanker(Ranker):
    """Works for some calls, then does not."""

    def __init__(self, answer, good_calls: int):
        self.answer = answer
        self.good_calls = good_calls

    def tokens(self, space, points):
        return points

    def score(self, context, query):
        self.good_calls -= 1
        mean = query.units.sum(axis=1)
        if self.good_calls < 0:
            mean = self.answer(mean)
        ones = np.ones_like(mean)[None]
        return Prediction(mean[None], ones, mean[None], 0 * ones)


def no_answer(mean):
    raise RuntimeError("the device is lost")


@pytest.mark.parametrize("good_calls", [0, 5])
@pytest.mark.parametrize(
    "answer",
    [no_answer, lambda mean: mean * math.nan, lambda mean: mean * math.inf, lambda mean: mean[:1]],
    ids=["raises", "NaN", "infinite", "wrong shape"],
)
def test_a_broken_ranker_costs_a_warning_and_not_the_search(tune, caplog, answer, good_calls):
    ranker = BrokenRanker(answer, good_calls)
    hp = keras_tuner.HyperParameters()
    hp.Float("a", 0.0, 1.0)
    tuner = tune(lambda hp: hp.get("a"), ranker=ranker, hyperparameters=hp, max_trials=8)
    with caplog.at_level(logging.WARNING, "keras_metahpo"):
        tuner.search(verbose=0)
    trials = tuner.oracle.finished_trials()
    assert [trial.status for trial in trials] == ["COMPLETED"] * 8
    assert len({str(trial.hyperparameters.values) for trial in trials}) == 8
    assert [r for r in caplog.records if r.name.startswith("keras_metahpo")]


@pytest.fixture
def preset(tiny_preset, tmp_path) -> Path:
    """A copy of the tiny preset, to be damaged."""
    return Path(shutil.copytree(tiny_preset, tmp_path / "preset"))


def test_an_unknown_ranker_is_refused_with_the_nearest_name(preset, monkeypatch):
    preset.rename(preset.with_name("large"))
    bundled = "keras_metahpo.rankers.presets.presets_directory"
    monkeypatch.setattr(bundled, lambda: preset.parent)
    assert MetaOracle(MAX, ranker="large").ranker == "large"
    with pytest.raises(PresetError, match=r"\['large'\].*Received: 'larg'. Did you mean 'large'"):
        MetaOracle(MAX, ranker="larg")


@pytest.mark.parametrize("name", ["config.json", "card.json", "model.weights.h5"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_preset_is_refused_when_the_oracle_is_made(preset, name, damage):
    if damage == "missing":
        (preset / name).unlink()
    else:
        content = (preset / name).read_bytes()
        (preset / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(PresetError, match=name):
        MetaOracle(MAX, ranker=str(preset))


def test_a_preset_of_a_later_format_asks_for_an_upgrade(preset):
    config = json.loads((preset / "config.json").read_text())
    (preset / "config.json").write_text(json.dumps(config | {"format_version": 99}))
    with pytest.raises(PresetError, match=r"format 99.*[Uu]pgrade"):
        MetaOracle(MAX, ranker=str(preset))
