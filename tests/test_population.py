"""`MetaTuner(population=K)`: trials trained at once are what `fit` makes of each."""

import logging

import keras
import keras_tuner
import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_metahpo
from keras_metahpo.policies import FLOOR

IS_JAX = keras.backend.backend() == "jax"
on_jax = pytest.mark.skipif(not IS_JAX, reason="populations are trained on JAX")
X, Y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")
TRAIN, VALIDATION = (X[:300], Y[:300]), (X[300:500], Y[300:500])
EPOCHS = 4


def build(hp):
    start = keras.initializers.GlorotUniform(seed=3)
    model = keras.Sequential([keras.Input((64,))])
    model.add(keras.layers.Dense(hp.Choice("units", [8, 16]), "relu", kernel_initializer=start))
    model.add(keras.layers.Dense(10, "softmax", kernel_initializer=start))
    optimizer = keras.optimizers.Adam(
        hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"), beta_1=hp.Float("beta_1", 0.5, 0.99)
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tuner_of(
    folder, hypermodel=build, max_trials=12, population=4, objective="val_accuracy", **arguments
):
    return keras_metahpo.MetaTuner(
        hypermodel,
        objective=objective,
        max_trials=max_trials,
        population=population,
        directory=folder,
        project_name="search",
        **{"seed": 5, **arguments},
    )


def search(tuner, *data, **arguments):
    given = {"validation_data": VALIDATION, "epochs": EPOCHS, "verbose": 0} | arguments
    tuner.search(*(data or TRAIN), **given)
    return [tuner.oracle.trials[trial_id] for trial_id in sorted(tuner.oracle.trials)]


def curve(trial, name="val_accuracy"):
    return [o.mean() for o in trial.metrics.get_history(name)]


def leaders(tuner):
    """The trial that each trial was trained with, or itself."""
    given = tuner.oracle._suggestions
    return [given[trial_id]["reasons"].get("leader", trial_id) for trial_id in sorted(given)]


@on_jax
def test_every_member_is_trained_as_fit_trains_it(tmp_path):
    tuner = tuner_of(tmp_path)
    trials = search(tuner, shuffle=False, batch_size=50)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 12
    assert len(set(leaders(tuner))) == 3
    for trial in (trials[1], trials[6]):
        model = build(trial.hyperparameters)
        fitted = model.fit(
            *TRAIN,
            validation_data=VALIDATION,
            epochs=EPOCHS,
            shuffle=False,
            batch_size=50,
            verbose=0,
        )
        for name in ("loss", "val_loss", "val_accuracy"):
            np.testing.assert_allclose(curve(trial, name), fitted.history[name], atol=1e-5)


@on_jax
def test_members_differ_in_what_need_not_be_compiled_anew(tmp_path):
    tuner = tuner_of(tmp_path)
    trials = {trial.trial_id: trial.hyperparameters.values for trial in search(tuner)}
    for trial_id, leader in zip(sorted(trials), leaders(tuner), strict=True):
        assert trials[trial_id]["units"] == trials[leader]["units"]
    assert len({tuple(sorted(values.items())) for values in trials.values()}) == 12


@on_jax
def test_the_best_epoch_of_every_trial_is_there_to_load(tmp_path):
    tuner = tuner_of(tmp_path)
    trials = search(tuner, epochs=8)
    for trial in trials[:6]:
        _, accuracy = tuner.load_model(trial).evaluate(*VALIDATION, verbose=0)
        assert accuracy == pytest.approx(trial.score, abs=1e-6)
        assert trial.score == max(curve(trial))
    again = tuner_of(tmp_path)
    _, accuracy = again.get_best_models()[0].evaluate(*VALIDATION, verbose=0)
    assert accuracy == pytest.approx(max(trial.score for trial in trials), abs=1e-6)


@on_jax
def test_early_stopping_stops_each_member_where_it_would_stop_fit(tmp_path):
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=1, restore_best_weights=True)
    tuner = tuner_of(tmp_path, max_trials=4)
    trials = search(tuner, callbacks=[stop], epochs=60, shuffle=False)
    assert len(set(leaders(tuner))) == 1
    lengths = []
    for trial in trials:
        seen = curve(trial)
        lengths.append(len(seen))
        is_stuck = [now <= max(seen[:epoch]) for epoch, now in enumerate(seen) if epoch]
        assert is_stuck.index(True) == len(seen) - 2 if True in is_stuck else len(seen) == 60
    assert min(lengths) < 60


@on_jax
def test_the_last_examples_are_for_validation(tmp_path):
    apart = tuner_of(tmp_path / "apart", max_trials=4)
    validation_data = (X[240:300], Y[240:300])
    expected = search(apart, X[:240], Y[:240], validation_data=validation_data, shuffle=False)
    split = tuner_of(tmp_path / "split", max_trials=4)
    trials = search(split, shuffle=False, validation_data=None, validation_split=0.2)
    for trial, other in zip(trials, expected, strict=True):
        assert trial.hyperparameters.values == other.hyperparameters.values
        np.testing.assert_allclose(curve(trial), curve(other), atol=1e-6)


@on_jax
def test_a_member_that_diverges_or_cannot_be_built_fails_alone(tmp_path):
    def fragile(hp):
        model = build(hp)
        if hp.Float("dropout", 0.0, 0.5) > 0.3:
            raise keras_tuner.errors.FailedTrialError("no such dropout")
        if hp.get("learning_rate") > 0.01:
            model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.nan))
        return model

    tuner = tuner_of(
        tmp_path,
        fragile,
        max_trials=24,
        objective="val_loss",
        ranker=None,
        max_consecutive_failed_trials=24,
    )
    trials = search(tuner, epochs=2)
    assert len(trials) == 24
    reasons = set()
    for trial in trials:
        values = trial.hyperparameters.values
        if values["dropout"] > 0.3 or values["learning_rate"] > 0.01:
            assert trial.status == "FAILED"
            reasons.add(values["dropout"] > 0.3)
        else:
            assert len(curve(trial, "val_loss")) == 2
    assert reasons == {False, True}


@on_jax
def test_an_interrupted_population_is_trained_again(tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    tuner = tuner_of(tmp_path)
    ends = []

    def on_trial_end(trial):
        ends.append(trial)
        type(tuner).on_trial_end(tuner, trial)
        monkeypatch.setattr("keras_metahpo.populations.population.Population.train", interrupted)

    tuner.on_trial_end = on_trial_end
    trials = search(tuner)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 4 + ["RUNNING"] * 4
    monkeypatch.undo()
    resumed = search(tuner_of(tmp_path))
    assert [trial.status for trial in resumed] == ["COMPLETED"] * 12
    assert [curve(trial) for trial in resumed[:4]] == [curve(trial) for trial in trials[:4]]
    kept = [trial.hyperparameters.values for trial in trials]
    assert [trial.hyperparameters.values for trial in resumed[:8]] == kept


@on_jax
def test_every_floor_th_population_is_random(tmp_path):
    tuner = tuner_of(tmp_path, max_trials=20, floor=2, ranker=None)
    search(tuner, epochs=1)
    experts = [given["expert"] for _, given in sorted(tuner.oracle._suggestions.items())]
    by_leader: dict = {}
    for leader, expert in zip(leaders(tuner), experts, strict=True):
        by_leader.setdefault(leader, set()).add(expert)
    is_random = [experts == {FLOOR} for experts in by_leader.values()]
    assert is_random == [False, True, False, True, False]


@on_jax
def test_a_search_space_that_grows(tmp_path):
    def growing(hp):
        model = keras.Sequential([keras.Input((64,))])
        for number in range(hp.Int("layers", 1, 3)):
            model.add(keras.layers.Dense(hp.Int(f"units_{number}", 4, 6), "relu"))
        model.add(keras.layers.Dense(10, "softmax"))
        optimizer = keras.optimizers.SGD(hp.Float("learning_rate", 1e-3, 1.0, sampling="log"))
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = tuner_of(tmp_path, growing, max_trials=16)
    trials = search(tuner, epochs=1)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 16
    assert len(set(leaders(tuner))) < 16


class LookingInto(keras.callbacks.Callback):
    pass


class OwnFit(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, **kwargs)
        return {"val_accuracy": max(history.history["val_accuracy"])}


class TwoFits(OwnFit):
    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return model.fit(*args, **kwargs)


@pytest.mark.parametrize(
    "reason, tuner_arguments, search_arguments",
    [
        ("LookingInto needs a fit of its own", {}, {"callbacks": [LookingInto()]}),
        ("fit is called with class_weight", {}, {"class_weight": {0: 2.0}}),
        ("OwnFit needs what the model's returns", {"hypermodel": OwnFit()}, {}),
        ("TwoFits does more than call the model's", {"hypermodel": TwoFits()}, {}),
        ("executions_per_trial is above 1", {"executions_per_trial": 2}, {}),
    ],
)
def test_what_cannot_be_trained_at_once_is_trained_alone(
    tmp_path, caplog, reason, tuner_arguments, search_arguments
):
    with caplog.at_level(logging.WARNING):
        tuner = tuner_of(tmp_path, max_trials=3, **tuner_arguments)
        trials = search(tuner, epochs=1, **search_arguments)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 3
    assert len(set(leaders(tuner))) == 3
    if not IS_JAX:
        reason = f"the backend is {keras.backend.backend()}, not jax (set KERAS_BACKEND=jax)"
    assert sum(reason in message for message in caplog.messages) == 1


def test_populations_exclude_what_would_be_silently_ignored(tmp_path):
    with pytest.raises(ValueError, match=r"positive number of trials\. Received: 0"):
        tuner_of(tmp_path, population=0)
    with pytest.raises(ValueError, match=r"population=4 and max_epochs=9\. Leave one"):
        tuner_of(tmp_path, max_epochs=9)

    class Own(keras_metahpo.MetaTuner):
        def run_trial(self, trial, *args, **kwargs):
            return 0.0

    with pytest.raises(ValueError, match="Own, which defines `run_trial`"):
        Own(objective=keras_tuner.Objective("score", "max"), population=2, directory=tmp_path)
