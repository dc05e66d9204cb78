"""Freezing and thawing real, tiny Keras models."""

import json
import logging
import os
import subprocess
import sys

import keras
import keras_tuner
import numpy as np
import pytest

from keras_metahpo import MetaOracle, MetaTuner
from keras_metahpo.policies import TrainingStep

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")
# Shuffling is drawn anew when a training goes on; the rest is not.
DATA = {"x": X, "y": Y, "validation_data": (X, Y), "verbose": 0, "shuffle": False}
MAX_EPOCHS = 6
FIRST = {"units": 8, "rate": 0.01}
OTHER = {"units": 4, "rate": 0.02}


def build(hp):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(hp.Int("units", 2, 16), activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1),
        ]
    )
    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), loss="mse", metrics=["mae"])
    return model


class Script:
    """Stands in for the policy: says what to train, step by step."""

    milestones = (2, MAX_EPOCHS)

    def __init__(self, *steps):
        self.steps = [TrainingStep(t, c, epochs, "script") for t, c, epochs in steps]

    def suggest(self, space, trials, pending, rng, may_begin=True):
        return self.steps.pop(0) if self.steps else None

    def frozen(self, trials):
        return [n for n, t in enumerate(trials) if t.may_go_on and t.epochs < MAX_EPOCHS]


class Witness(Script):
    """A script that keeps what it was shown."""

    def suggest(self, space, trials, pending, rng, may_begin=True):
        self.trials, self.pending = list(trials), list(pending)
        return super().suggest(space, trials, pending, rng, may_begin)


@pytest.fixture
def new_tuner(tmp_path):
    """Makes a tuner whose oracle follows a script of (trial, configuration, epochs)."""

    def make(*steps, hypermodel=build, objective="val_loss", **kwargs):
        defaults = {"max_trials": 9, "max_epochs": MAX_EPOCHS, "ranker": None, "seed": 1}
        tuner = MetaTuner(hypermodel, objective, directory=tmp_path, **(defaults | kwargs))
        if steps:
            tuner.oracle._freeze_thaw_policy = Script(*steps)
        return tuner

    return make


def curve(tuner, name: str = "val_loss", trial_id: str = "0") -> list[float]:
    history = tuner.oracle.get_trial(trial_id).metrics.get_history(name)
    assert [o.step for o in history] == list(range(len(history)))
    executions = tuner.executions_per_trial
    assert all(len(o.value) == executions for o in history)
    return [o.mean() for o in history]


def uninterrupted() -> dict[str, list[float]]:
    hp = keras_tuner.HyperParameters()
    hp.values = dict(FIRST)
    return build(hp).fit(**DATA, epochs=MAX_EPOCHS).history


def values(tuner, trial_id: str = "0") -> dict:
    return tuner.oracle.get_trial(trial_id).hyperparameters.values


def frozen_files(tuner, trial_id: str = "0") -> list[str]:
    folder = tuner.oracle.frozen_folder(trial_id)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_thawed_curve_is_that_of_an_uninterrupted_training(new_tuner):
    tuner = new_tuner((None, FIRST, 2), (None, OTHER, 2), (0, FIRST, 3), (1, FIRST, MAX_EPOCHS))
    tuner.search(**DATA)
    expected = uninterrupted()
    # The second thaw names trials by the order in which they last stopped.
    assert len(tuner.oracle.trials) == 2
    for name, found in expected.items():
        assert curve(tuner, name) == pytest.approx(found, abs=1e-5), name
    assert tuner.oracle.get_trial("0").score == pytest.approx(min(expected["val_loss"]), abs=1e-5)
    assert len(curve(tuner, trial_id="1")) == 2
    elapsed = curve(tuner, "elapsed_s")
    assert elapsed == sorted(elapsed)


def test_a_fully_trained_trial_leaves_nothing_to_go_on_from(new_tuner):
    tuner = new_tuner((None, FIRST, 2), (None, OTHER, 2), (0, FIRST, MAX_EPOCHS))
    tuner.search(**DATA)
    assert frozen_files(tuner) == []
    assert frozen_files(tuner, "1") == [
        "execution_0_epoch_00002.json",
        "execution_0_epoch_00002.weights.h5",
    ]


def test_the_best_weights_survive_a_thaw_that_is_worse(new_tuner):
    """SaveBestEpoch would begin anew, and overwrite them at its first epoch."""

    class Spoiled(keras_tuner.HyperModel):
        def build(self, hp):
            model = build(hp)
            # From the fourth epoch on the rate is absurd.
            schedule = keras.optimizers.schedules.PiecewiseConstantDecay([6], [0.01, 50.0])
            model.compile(keras.optimizers.SGD(schedule), loss="mse", metrics=["mae"])
            return model

    tuner = new_tuner((None, FIRST, 3), (0, FIRST, MAX_EPOCHS), hypermodel=Spoiled())
    tuner.search(**DATA)
    losses = curve(tuner)
    assert min(losses[:3]) < min(losses[3:])
    model = tuner.get_best_models()[0]
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(min(losses), abs=1e-5)


def test_a_thawed_trial_is_known_while_it_runs(new_tuner):
    witness = Witness((None, FIRST, 2), (0, FIRST, MAX_EPOCHS), (None, OTHER, 2), (None, FIRST, 2))
    tuner = new_tuner()
    oracle = tuner.oracle
    oracle._freeze_thaw_policy = witness
    begun = oracle.create_trial("one worker")
    tuner.on_trial_begin(begun)
    tuner._try_run_and_update_trial(begun, **DATA)
    tuner.on_trial_end(begun)
    thawed = oracle.create_trial("one worker")
    assert thawed.trial_id == begun.trial_id
    oracle.create_trial("another worker")
    assert [(t.epochs, t.may_go_on) for t in witness.trials] == [(2, False)]
    assert witness.trials[0].utility == pytest.approx(-min(curve(tuner)), rel=1e-6)
    assert witness.pending == []
    oracle.create_trial("a third worker")
    assert witness.pending == [OTHER]


def test_several_executions_go_on_each_from_its_own(new_tuner):
    def plain(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 9))])
        model.add(keras.layers.Dense(1))
        model.compile(keras.optimizers.Adam(0.01), loss="mse")
        return model

    tuner = new_tuner(
        (None, {"units": 3}, 2), (0, {"units": 3}, 4), hypermodel=plain, executions_per_trial=2
    )
    tuner.search(**DATA)
    assert len(curve(tuner)) == 4
    assert curve(tuner) == sorted(curve(tuner), reverse=True)  # Nobody began anew.
    assert {name[:11] for name in frozen_files(tuner)} == {"execution_0", "execution_1"}


def test_a_model_that_is_built_by_its_data_goes_on(new_tuner):
    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    def late(hp):
        hp.Float("rate", 0.1, 0.2)
        model = Late()
        model.compile("adam", loss="mse")
        return model

    tuner = new_tuner((None, {"rate": 0.1}, 2), (0, {"rate": 0.1}, 4), hypermodel=late)
    tuner.search(**DATA)
    assert len(curve(tuner)) == 4 and curve(tuner) == sorted(curve(tuner), reverse=True)


def failing_from(epoch: int):
    class Failing(keras_tuner.HyperModel):
        def build(self, hp):
            model = build(hp)
            inner = model.train_step

            def train_step(data):
                if int(keras.ops.convert_to_numpy(model.optimizer.iterations)) >= 2 * epoch:
                    raise RuntimeError("as told")
                return inner(data)

            model.train_step = train_step
            model.run_eagerly = True
            return model

    return Failing()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="`train_step` of TensorFlow")
def test_a_trial_that_fails_when_thawed_keeps_what_it_had(new_tuner, caplog):
    steps = [(None, FIRST, 2), (0, FIRST, MAX_EPOCHS), (None, OTHER, 2)]
    tuner = new_tuner(*steps, hypermodel=failing_from(3))
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA)
    trial = tuner.oracle.get_trial("0")
    assert trial.status == "COMPLETED" and len(curve(tuner)) == 2
    assert trial.score == min(curve(tuner))
    assert values(tuner)["tuner/is_over"] and "as told" in caplog.text
    assert not tuner.oracle._state(trial).may_go_on
    assert len(tuner.oracle.trials) == 2 and tuner.oracle.end_order.count("0") == 1


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
import test_freezing as t
from keras_metahpo import MetaTuner

class Killed(MetaTuner):
    def on_epoch_end(self, trial, model, epoch, logs=None):
        super().on_epoch_end(trial, model, epoch, logs)
        if sys.argv[3] == "training" and epoch == 3:
            os.kill(os.getpid(), 9)

    def on_trial_end(self, trial):
        if sys.argv[3] == "reporting" and trial.hyperparameters.values["tuner/initial_epoch"]:
            os.kill(os.getpid(), 9)
        super().on_trial_end(trial)

tuner = Killed(
    t.build, "val_loss", directory=sys.argv[1], max_trials=9, max_epochs=t.MAX_EPOCHS,
    ranker=None, seed=1,
)
tuner.oracle._freeze_thaw_policy = t.Script((None, t.FIRST, 2), (0, t.FIRST, 4))
tuner.search(**t.DATA)
"""


@pytest.mark.parametrize("moment", ["training", "reporting"])
def test_a_thaw_that_is_killed_goes_on_from_where_it_was_frozen(new_tuner, tmp_path, moment):
    here = os.path.dirname(__file__)
    command = [sys.executable, "-c", KILLED, str(tmp_path), here, moment]
    assert subprocess.run(command, capture_output=True, timeout=240).returncode == -9
    tuner = new_tuner((0, FIRST, MAX_EPOCHS))
    trial = tuner.oracle.get_trial("0")
    assert trial.status == "COMPLETED" and len(curve(tuner)) == 2
    tuner.search(**DATA)
    assert curve(tuner) == pytest.approx(uninterrupted()["val_loss"], abs=1e-5)
    assert list(tuner.oracle.trials) == ["0"] and tuner.oracle.end_order == ["0"]


def test_a_full_disk_costs_the_thaws_and_no_trial(new_tuner, caplog, monkeypatch):
    from keras_metahpo._kerastuner.frozen_training import FrozenTraining

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FrozenTraining, "save", full)
    tuner = new_tuner((None, FIRST, 2), (None, OTHER, 2))
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA)
    assert "No space left" in caplog.text and "trained to its end now" in caplog.text
    assert curve(tuner) == pytest.approx(uninterrupted()["val_loss"], abs=1e-5)
    assert tuner.oracle._state(tuner.oracle.get_trial("0")).epochs == MAX_EPOCHS


def test_without_its_files_a_frozen_trial_stays_what_it_is(new_tuner, caplog):
    tuner = new_tuner((None, FIRST, 2))
    tuner.search(**DATA)
    for path in tuner.oracle.frozen_folder("0").iterdir():
        path.unlink()
    tuner.oracle._freeze_thaw_policy = Script((0, FIRST, 4))
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA)
    assert "must be there" in caplog.text and len(curve(tuner)) == 2
    assert tuner.oracle.get_trial("0").status == "COMPLETED"


def stateful() -> dict:
    return {"callbacks": [keras.callbacks.ReduceLROnPlateau(patience=1)]}


def sparse() -> dict:
    return {"validation_freq": 4}


class OwnBatchSize(keras_tuner.HyperModel):
    """As KerasTuner's guide tunes a batch size."""

    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)


class OwnEpochs(OwnBatchSize):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epochs=5, **kwargs)


class TwoStages(OwnBatchSize):
    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return model.fit(*args, **kwargs)


class OwnNumber(OwnBatchSize):
    def fit(self, hp, model, *args, **kwargs):
        return min(model.fit(*args, **kwargs).history["val_loss"])


class Stubborn(keras.Sequential):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


def build_stubborn(hp):
    model = Stubborn([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1)), loss="mse")
    return model


@pytest.mark.parametrize(
    "hypermodel, fit, reason",
    [
        (build, stateful(), "ReduceLROnPlateau may remember"),
        (OwnEpochs(), {}, "`fit` of OwnEpochs goes its own way"),
        (TwoStages(), {}, "`fit` of TwoStages goes its own way"),
        (OwnNumber(), {}, "`fit` of OwnNumber goes its own way"),
        (build, sparse(), ""),
        (build_stubborn, {}, ""),
    ],
)
def test_what_could_not_go_on_unchanged_is_trained_in_one_go(
    new_tuner, caplog, hypermodel, fit, reason
):
    tuner = new_tuner((None, FIRST, 2), hypermodel=hypermodel)
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA, **fit)
    assert reason in caplog.text
    state = tuner.oracle._state(tuner.oracle.get_trial("0"))
    assert state.epochs == MAX_EPOCHS
    assert np.isfinite(state.utility)
    assert frozen_files(tuner) == []


def test_a_fit_that_passes_its_arguments_on_may_be_frozen(new_tuner):
    first = FIRST | {"batch_size": 32}
    tuner = new_tuner((None, first, 2), (0, first, MAX_EPOCHS), hypermodel=OwnBatchSize())
    tuner.search(**DATA)
    assert curve(tuner) == pytest.approx(uninterrupted()["val_loss"], abs=1e-5)


def test_a_fit_that_begins_anew_costs_the_thaw_and_no_result(new_tuner, caplog):
    class Forgetful(OwnBatchSize):
        def fit(self, hp, model, *args, initial_epoch=0, epochs=1, **kwargs):
            return model.fit(*args, epochs=epochs, **kwargs)

    tuner = new_tuner((None, FIRST, 2), (0, FIRST, MAX_EPOCHS), hypermodel=Forgetful())
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA)
    assert "must train from epoch 2 to 6. Received: epochs [0, 1, 2, 3, 4, 5]" in caplog.text
    assert len(curve(tuner)) == 2


def test_early_stopping_ends_a_trial_for_good(new_tuner):
    callbacks = [keras.callbacks.EarlyStopping(patience=0, min_delta=1e9)]
    tuner = new_tuner((None, FIRST, 2))
    tuner.search(**DATA, callbacks=callbacks)
    assert len(curve(tuner)) == 2
    state = tuner.oracle._state(tuner.oracle.get_trial("0"))
    assert state.epochs == MAX_EPOCHS and not state.may_go_on


def test_a_divergence_after_a_thaw_keeps_the_score_and_ends_the_trial(new_tuner):
    def exploding(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([6], [0.01, 1e30])
        hp.Int("units", 1, 9)
        model.compile(keras.optimizers.SGD(schedule), loss="mse")
        return model

    steps = [(None, {"units": 1}, 3), (0, {"units": 1}, 5)]
    tuner = new_tuner(*steps, hypermodel=exploding)
    tuner.search(**DATA)
    trial = tuner.oracle.get_trial("0")
    assert trial.status == "COMPLETED" and np.isfinite(trial.score)
    state = tuner.oracle._state(trial)
    assert state.epochs == MAX_EPOCHS and np.isfinite(state.utility)


def test_the_disk_holds_a_bounded_number_of_frozen_trainings(new_tuner, monkeypatch):
    monkeypatch.setattr("keras_metahpo.oracle.freeze_thaw.MOST_FROZEN", 2)
    steps = [(None, {"units": units, "rate": 0.01}, 2) for units in (2, 4, 8, 16)]
    tuner = new_tuner(*steps)
    tuner.search(**DATA)
    kept = [trial_id for trial_id in tuner.oracle.trials if frozen_files(tuner, trial_id)]
    assert len(kept) == 2
    assert [bool(values(tuner, t).get("tuner/is_over")) for t in "0123"].count(True) == 2
    tuner.get_best_models()


def test_epochs_of_all_trials_are_bounded(new_tuner):
    tuner = new_tuner(max_epochs_total=9, max_trials=50)
    tuner.search(**DATA)
    assert tuner.oracle.spent_epochs == 9
    total = sum(len(curve(tuner, trial_id=trial_id)) for trial_id in tuner.oracle.trials)
    assert total == 9
    tuner.get_best_models()


def test_epochs_are_bounded_without_freezing(new_tuner):
    tuner = new_tuner(max_epochs=None, max_epochs_total=5, max_trials=50)
    tuner.search(**DATA, epochs=3)
    assert tuner.oracle.spent_epochs == 6  # The trial that passes the mark is the last one.


def test_seconds_are_bounded_also_over_sessions(new_tuner):
    class Slow(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            import time

            time.sleep(0.3)

    tuner = new_tuner(budget_s=1.5, max_trials=50, max_epochs=None)
    tuner.search(**DATA, epochs=1000, callbacks=[Slow()])
    assert len(tuner.oracle.trials) == 1 and 1 <= len(curve(tuner, trial_id="00")) <= 6
    again = new_tuner(budget_s=1.5, max_trials=50, max_epochs=None)
    assert again.oracle.budget.spent_s >= 1.5
    again.search(**DATA, epochs=1000)
    assert len(again.oracle.trials) == 1
    again.get_best_models()


def test_a_training_that_the_budget_cut_short_goes_on_with_more(new_tuner, monkeypatch):
    tuner = new_tuner((None, FIRST, 4), budget_s=1000.0)
    monkeypatch.setattr(
        type(tuner), "is_out_of_time", lambda self: len(self._epochs) >= 2, raising=True
    )
    tuner.search(**DATA)
    assert len(curve(tuner)) == 2
    monkeypatch.undo()
    again = new_tuner((0, FIRST, MAX_EPOCHS), budget_s=2000.0)
    again.search(**DATA)
    assert curve(again) == pytest.approx(uninterrupted()["val_loss"], abs=1e-5)


def test_ctrl_c_ends_a_search_that_goes_on_later(new_tuner, caplog):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    tuner = new_tuner((None, FIRST, 2), (None, OTHER, 2), (0, FIRST, MAX_EPOCHS))
    interrupted = type(tuner).on_epoch_end

    def on_epoch_end(self, trial, model, epoch, logs=None):
        interrupted(self, trial, model, epoch, logs)
        if epoch == 3 and self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt

    tuner.interrupts = True
    tuner.on_epoch_end = on_epoch_end.__get__(tuner)
    with caplog.at_level(logging.WARNING):
        tuner.search(**DATA)
    assert "interrupted; 1 trials have ended" in caplog.text
    tuner.get_best_models()
    tuner.search(**DATA)
    assert curve(tuner) == pytest.approx(uninterrupted()["val_loss"], abs=1e-5)


def test_a_real_search_thaws_and_resumes(new_tuner):
    """The policy itself, on an unknown space, in two sessions."""
    new_tuner(max_trials=3).search(**DATA)
    tuner = new_tuner(max_trials=6)
    assert len(tuner.oracle.trials) == 3
    tuner.search(**DATA)
    oracle = tuner.oracle
    assert len(oracle.trials) == 6
    assert sorted(oracle.end_order) == sorted(oracle.trials)
    best = oracle.get_best_trials()[0]
    assert len(curve(tuner, trial_id=best.trial_id)) == MAX_EPOCHS
    for trial_id in oracle.trials:
        assert 2 <= len(curve(tuner, trial_id=trial_id)) <= MAX_EPOCHS
    json.dumps(oracle.get_state())
    assert oracle.explain(best.trial_id) is not None
    left, right = oracle.figure().axes
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert len(left.lines) == 2 * len(dots) == 12
    best_so_far = right.lines[-1].get_ydata()
    assert best_so_far[-1] == best.score and (np.diff(best_so_far) <= 0).all()
    assert right.lines[-1].get_xdata()[-1] == oracle.spent_epochs
    assert oracle.export().card.max_fidelity == MAX_EPOCHS


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"max_epochs": 0}, "max_epochs must be a positive number"),
        ({"max_epochs": 2.5}, "max_epochs must be a positive number"),
        ({"max_epochs_total": 0}, "max_epochs_total must be a positive number"),
        ({"budget_s": -1.0}, "budget_s must be a positive number"),
    ],
)
def test_illegal_budgets_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MetaOracle(objective=keras_tuner.Objective("loss", "min"), ranker=None, **arguments)


@pytest.mark.parametrize("arguments", [{"epochs": 3}, {"initial_epoch": 1}])
def test_epochs_are_the_tuners_business(new_tuner, arguments):
    with pytest.raises(ValueError, match="the tuner decides how long"):
        new_tuner().search(**DATA, **arguments)


def test_a_run_trial_of_its_own_cannot_be_frozen(tmp_path):
    class Own(MetaTuner):
        def run_trial(self, trial, **kwargs):
            return 1.0

    with pytest.raises(ValueError, match="max_epochs"):
        Own(objective="loss", max_epochs=4, ranker=None, directory=tmp_path)
