"""MetaTuner and `recommend` with real, tiny Keras models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

import keras_metahpo
from keras_metahpo import MetaTuner, TrialLog

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
DATA = {"x": X, "y": Y, "validation_data": (X, Y), "verbose": 0}
TIME_LIMIT_S = 240


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 8), activation="relu")])
    model.add(keras.layers.Dense(1))
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    model.compile(keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    return model


@pytest.fixture
def train(tmp_path):
    """Makes a MetaTuner and searches; returns the tuner."""

    def run(hypermodel=build, epochs=2, objective="val_loss", fit=None, **kwargs):
        defaults = {"max_trials": 1, "ranker": None, "seed": 1, "directory": tmp_path}
        tuner = MetaTuner(hypermodel, objective, **(defaults | kwargs))
        tuner.search(epochs=epochs, **(DATA | (fit or {})))
        return tuner

    return run


def curve(tuner, name: str, trial_id: str = "0") -> dict[int, list[float]]:
    history = tuner.oracle.get_trial(trial_id).metrics.get_history(name)
    return {observation.step: observation.value for observation in history}


def test_every_epoch_is_reported_with_its_time(train):
    tuner = train(epochs=3)
    for name in ("loss", "val_loss", "mae", "val_mae", "elapsed_s", "num_parameters"):
        assert sorted(curve(tuner, name)) == [0, 1, 2]
    elapsed = [value[0] for value in curve(tuner, "elapsed_s").values()]
    assert 0 < elapsed[0] < elapsed[1] < elapsed[2] < 60
    losses = [value[0] for value in curve(tuner, "val_loss").values()]
    assert tuner.oracle.get_trial("0").score == min(losses)
    log = tuner.oracle.export()
    assert log.card.max_fidelity == len(log.trials[0].measurements) == 3


def test_the_best_model_can_be_loaded_and_has_the_score(train):
    tuner = train(max_trials=2)
    model = tuner.get_best_models()[0]
    score = tuner.oracle.get_best_trials()[0].score
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(score, rel=1e-3)


def test_executions_are_averaged_epoch_by_epoch(train):
    tuner = train(executions_per_trial=2)
    losses = curve(tuner, "val_loss")
    assert [len(values) for values in losses.values()] == [2, 2]
    best = min(np.mean(values) for values in losses.values())
    assert tuner.oracle.get_trial("0").score == pytest.approx(best)


def test_only_epochs_with_the_objective_are_reported(train):
    tuner = train(epochs=4, fit={"validation_freq": 2})
    assert sorted(curve(tuner, "val_loss")) == [1, 3]
    assert tuner.oracle.get_trial("0").status == "COMPLETED"


def test_several_objectives_with_keras(train):
    objectives = [keras_tuner.Objective("val_loss", "min"), keras_tuner.Objective("val_mae", "max")]
    tuner = train(objective=objectives)
    summed = curve(tuner, "multi_objective")
    assert sorted(summed) == [0, 1]
    for epoch, (value,) in summed.items():
        expected = curve(tuner, "val_loss")[epoch][0] - curve(tuner, "val_mae")[epoch][0]
        assert value == pytest.approx(expected)


class NumberHyperModel(keras_tuner.HyperModel):
    """Trains, and then means another number than the losses."""

    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return 42.0


def test_a_number_that_fit_returns_is_the_score(train):
    tuner = train(NumberHyperModel(), epochs=1, objective=None, executions_per_trial=2)
    assert tuner.oracle.get_trial("0").score == 42.0
    assert curve(tuner, "default_objective") == {0: [42.0]}


class SilentHyperModel(NumberHyperModel):
    """Trains without KerasTuner's callbacks."""

    def fit(self, hp, model, *args, callbacks=(), **kwargs):
        return model.fit(*args, **kwargs)


def test_a_fit_without_our_callback_is_believed(train):
    tuner = train(SilentHyperModel())
    assert sorted(curve(tuner, "val_loss")) == [0, 1]
    assert tuner.oracle.get_trial("0").status == "COMPLETED"
    sparse = train(SilentHyperModel(), epochs=4, fit={"validation_freq": 2}, project_name="sparse")
    assert len(curve(sparse, "val_loss")) == 2


def build_branches(hp):
    """A conditional scope, and layers that only a Python loop finds."""
    model = keras.Sequential()
    kind = hp.Choice("kind", ["narrow", "wide"])
    for name, low in (("narrow", 1), ("wide", 5)):
        with hp.conditional_scope("kind", [name]):
            if kind == name:
                model.add(keras.layers.Dense(hp.Int(f"{name}_units", low, low + 3)))
    for i in range(hp.Int("layers", 1, 3)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 1, 4)))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mse")
    return model


def test_conditional_scopes_and_python_branches(train, quick_ranker):
    tuner = train(build_branches, epochs=1, max_trials=5, ranker=quick_ranker, floor=2)
    trials = tuner.oracle.finished_trials()
    assert [trial.status for trial in trials] == ["COMPLETED"] * 5
    for trial in trials:
        values = trial.hyperparameters.values
        other = "wide" if values["kind"] == "narrow" else "narrow"
        assert f"{values['kind']}_units" in values and f"{other}_units" not in values
    assert {"units_0", "units_1", "units_2"} <= set(tuner.oracle.export().space.names)


def test_a_model_that_cannot_be_built_fails_alone(train):
    def fragile(hp):
        model = build(hp)
        if hp.Boolean("broken", default=True):
            raise ValueError("negative dimension size")
        return model

    with pytest.raises(ValueError, match="negative dimension size"):
        train(fragile)  # KerasTuner builds once to find the space.

    calls = iter(range(100))

    def flaky(hp):
        if next(calls) == 1:
            raise ValueError("negative dimension size")
        return build(hp)

    tuner = train(flaky, epochs=1, max_trials=2)
    assert [t.status for t in tuner.oracle.finished_trials()] == ["FAILED", "COMPLETED"]


def test_a_hypermodel_is_needed_unless_run_trial_is_defined():
    with pytest.raises(ValueError, match=r"hypermodel must be.*Received: hypermodel=None"):
        MetaTuner(objective="val_loss", ranker=None)


def test_verbosity_may_change_between_searches(tune, capsys):
    tuner = tune(lambda hp: hp.Float("x", 0.0, 1.0), max_trials=2)
    tuner.search(verbose=0)
    assert "Running Trial" not in capsys.readouterr().out
    resumed = tune(lambda hp: hp.Float("x", 0.0, 1.0), max_trials=4)
    trial = resumed.oracle.create_trial("tuner0")
    resumed.oracle.verbose = 0
    resumed.oracle.verbose = 1
    assert trial.trial_id == "2"
    resumed.search(verbose=1)
    assert "Running Trial" in capsys.readouterr().out
    assert len(resumed.oracle.finished_trials()) == 4


def test_a_trial_may_begin_silently_and_end_aloud(tune, capsys):
    tuner = tune(lambda hp: hp.Float("x", 0.0, 1.0), max_trials=1)
    tuner.oracle.verbose = 0
    tuner.oracle.create_trial("tuner0")
    tuner.search(verbose=1)
    assert "Trial 1 Complete" in capsys.readouterr().out


@pytest.mark.parametrize("with_ranker", [True, False])
def test_a_recommendation_can_be_built(tiny_preset, with_ranker):
    hp = keras_metahpo.recommend(build_branches, ranker=tiny_preset if with_ranker else None)
    assert isinstance(hp, keras_tuner.HyperParameters)
    assert {"kind", "layers", "units_0"} <= set(hp.values)
    build_branches(hp).build((None, 4))


def test_a_recommendation_is_what_a_search_tries_first(tiny_preset, train):
    hp = keras_metahpo.recommend(build, ranker=tiny_preset, seed=1, objective="val_loss")
    tuner = train(epochs=1, ranker=tiny_preset)
    assert tuner.oracle.get_trial("0").hyperparameters.values == hp.values


def test_a_finished_search_is_recommended_from(train, tiny_preset):
    tuner = train(epochs=1, max_trials=3)
    best = tuner.get_best_hyperparameters()[0].values
    for entry in (tuner.project_dir, tuner.oracle.export()):
        hp = keras_metahpo.recommend(
            build, ranker=tiny_preset, history=[entry], objective="val_loss"
        )
        assert hp.values == best


def test_a_real_search_with_a_preset_explains_and_exports(train, tiny_preset, tmp_path):
    tuner = train(epochs=1, max_trials=3, ranker=tiny_preset, floor=3)
    assert "units" in str(tuner.oracle.explain("1"))
    tuner.oracle.export(str(tmp_path / "log"))
    assert len(TrialLog.open(str(tmp_path / "log")).trials) == 3


JAX_SEARCH = """
import json, sys
import numpy as np
import keras
import keras_metahpo

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 8)), keras.layers.Dense(1)])
    model.compile(optimizer=hp.Choice("optimizer", ["adam", "sgd"]), loss="mse")
    return model

x, y = np.zeros((32, 4), "float32"), np.zeros((32, 1), "float32")
tuner = keras_metahpo.MetaTuner(
    build, "val_loss", max_trials=2, ranker=sys.argv[1], seed=0, directory=sys.argv[2]
)
tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
tuner.oracle.explain("1"), tuner.oracle.export(), tuner.get_best_models()
print(json.dumps([
    keras.backend.backend(),
    [t.status for t in tuner.oracle.trials.values()],
    [t.expert for t in map(tuner.oracle.explain, tuner.oracle.trials)],
    "tensorflow" in sys.modules,
]))
"""


def test_a_search_on_jax_never_imports_tensorflow(tiny_preset, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", JAX_SEARCH, tiny_preset, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
    )
    assert result.returncode == 0, result.stderr
    backend, statuses, experts, has_tensorflow = json.loads(result.stdout.splitlines()[-1])
    assert (backend, statuses) == ("jax", ["COMPLETED"] * 2)
    assert not any("random" in expert for expert in experts)
    assert not has_tensorflow


def test_the_project_can_be_read_by_keras_tuner(train):
    tuner = train(epochs=1, max_trials=2)
    oracle = keras_tuner.oracles.RandomSearchOracle(objective="val_loss", max_trials=3)
    keras_tuner.Tuner(oracle, build, directory=Path(tuner.project_dir).parent)
    assert {k: t.score for k, t in oracle.trials.items()} == {
        k: t.score for k, t in tuner.oracle.trials.items()
    }
