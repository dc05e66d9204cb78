"""Laws that every KerasTuner oracle should obey.

Subclass `OracleLaws` in a test module, and give it a pytest fixture `make_oracle`:

```python
class TestMyOracle(OracleLaws):
    @pytest.fixture
    def make_oracle(self):
        return lambda **kwargs: MyOracle(objective=OBJECTIVE, seed=1, **kwargs)
```
"""

import json
import math
from collections.abc import Callable, Mapping

import keras_tuner

from keras_metahpo.space import SearchSpace

OBJECTIVE = keras_tuner.Objective("score", "max")
# Hyperband writes its bookkeeping into the hyperparameter values.
INTERNAL_PREFIX = "tuner/"
# Calls after which an oracle that only says IDLE is taken for stuck.
MAX_CALLS = 200

Function = Callable[[keras_tuner.HyperParameters], float]


def open_project(oracle: keras_tuner.Oracle, directory, name: str = "search"):
    """Tells an oracle where to keep its files, as `keras_tuner.Tuner` does; returns it."""
    oracle._set_project_dir(str(directory), name)
    return oracle


def finish(oracle: keras_tuner.Oracle, trial, value: float, status: str = "COMPLETED") -> None:
    """Reports an objective and ends the trial, as `keras_tuner.Tuner` does."""
    oracle.update_trial(trial.trial_id, {oracle.objective.name: value})
    trial.status = status
    oracle.end_trial(trial)


def drive(
    oracle: keras_tuner.Oracle,
    function: Function,
    max_trials: int | None = None,
    tuner_id: str = "tuner0",
) -> list[dict]:
    """Runs trials that evaluate a function instead of training a model.

    Args:
        oracle: Any oracle with a project.
        function: Objective of a configuration; may declare hyperparameters.
        max_trials: Trials at most; until the oracle stops by default.
        tuner_id: Who asks.

    Returns:
        The values with which each trial began, in order.
    """
    configurations: list[dict] = []
    for _ in range(MAX_CALLS):
        if len(configurations) == max_trials:
            return configurations
        trial = oracle.create_trial(tuner_id)
        if trial.status == "STOPPED":
            return configurations
        if trial.status == "IDLE":
            continue
        configurations.append(dict(trial.hyperparameters.values))
        finish(oracle, trial, function(trial.hyperparameters))
    raise AssertionError(f"The oracle did not stop within {MAX_CALLS} calls of create_trial.")


def mixed_space() -> keras_tuner.HyperParameters:
    """Every kind of hyperparameter, with a conditional one below each of two choices."""
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    hp.Float("dropout", 0.0, 0.5, step=0.1)
    hp.Int("units", 8, 512, sampling="log")
    hp.Int("layers", 1, 4)
    hp.Boolean("normalize")
    hp.Fixed("epochs", 3)
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.99)
    with hp.conditional_scope("optimizer", ["adam"]):
        hp.Float("beta_1", 0.8, 0.99)
    return hp


def smooth(hp: keras_tuner.HyperParameters) -> float:
    """An objective over `mixed_space`."""
    return -((math.log10(hp.get("learning_rate")) + 3) ** 2) - hp.get("dropout")


def grid(num_a: int = 3, num_b: int = 2) -> keras_tuner.HyperParameters:
    """A discrete space of `num_a * num_b` configurations."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", list(range(num_a)))
    hp.Choice("b", [f"b{i}" for i in range(num_b)])
    return hp


class OracleLaws:
    """The laws; `make_oracle(**kwargs)` must pass the arguments of `keras_tuner.Oracle` on."""

    # Whether the oracle itself knows when to stop, and has no `max_trials`.
    plans_its_own_trials = False

    def make(self, make_oracle, directory, max_trials: int = 6, **kwargs):
        """An oracle over `mixed_space`, unless another is given."""
        kwargs.setdefault("hyperparameters", mixed_space())
        if not self.plans_its_own_trials:
            kwargs["max_trials"] = max_trials
        return open_project(make_oracle(**kwargs), directory)

    def test_values_are_legal_and_plain_python(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        space = SearchSpace.from_keras_tuner(mixed_space())
        for values in drive(oracle, smooth, 6):
            assert {type(value) for value in values.values()} <= {bool, int, float, str}
            space.complete(_public(values))

    def test_exactly_the_active_hyperparameters_have_values(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        space = SearchSpace.from_keras_tuner(mixed_space())
        for values in drive(oracle, smooth, 6):
            assert set(_public(values)) == set(space.complete(_public(values)))

    def test_max_trials_is_respected(self, make_oracle, tmp_path):
        if self.plans_its_own_trials:
            return
        oracle = self.make(make_oracle, tmp_path, max_trials=4)
        assert len(drive(oracle, smooth)) == len(oracle.trials) == 4
        assert oracle.create_trial("tuner0").status == "STOPPED"

    def test_a_tuner_that_asks_twice_gets_its_running_trial(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        first, other = oracle.create_trial("tuner0"), oracle.create_trial("tuner1")
        assert oracle.create_trial("tuner0").trial_id == first.trial_id != other.trial_id

    def test_best_trials_come_best_first(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        drive(oracle, smooth, 5)
        scores = [trial.score for trial in oracle.get_best_trials(5)]
        assert scores == sorted(scores, reverse=True)

    def test_state_survives_json(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        drive(oracle, smooth, 3)
        other = self.make(make_oracle, tmp_path)
        other.trials = dict(oracle.trials)
        other.set_state(json.loads(json.dumps(oracle.get_state())))
        assert _comparable(other.get_state()) == _comparable(oracle.get_state())

    def test_resuming_keeps_finished_trials_and_goes_on(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        drive(oracle, smooth, 3)
        interrupted = oracle.create_trial("tuner0")
        resumed = self.make(make_oracle, tmp_path)
        resumed.reload()
        finished = {k: t.score for k, t in oracle.trials.items() if t.status == "COMPLETED"}
        assert len(finished) == 3
        assert finished.items() <= {k: t.score for k, t in resumed.trials.items()}.items()
        again = resumed.create_trial("tuner0")
        assert again.trial_id == interrupted.trial_id
        assert again.hyperparameters.values == interrupted.hyperparameters.values
        finish(resumed, again, 0.0)
        drive(resumed, smooth, 1)
        assert len(resumed.trials) == 5

    def test_overwriting_begins_anew(self, make_oracle, tmp_path):
        class FunctionTuner(keras_tuner.Tuner):
            def run_trial(self, trial, **kwargs):
                return smooth(trial.hyperparameters)

        for overwrite, num_trials in ((False, 6), (False, 6), (True, 0)):
            oracle = self.make(make_oracle, tmp_path)
            tuner = FunctionTuner(oracle=oracle, directory=tmp_path, overwrite=overwrite)
            if num_trials and not oracle.trials:
                drive(oracle, smooth, num_trials)
                tuner.save()
            assert len(oracle.trials) == num_trials

    def test_a_fixed_space_ends_cleanly(self, make_oracle, tmp_path):
        hp = keras_tuner.HyperParameters()
        hp.Fixed("units", 8)
        oracle = self.make(make_oracle, tmp_path, hyperparameters=hp)
        assert _public(drive(oracle, lambda hp: 1.0)[0]) == {"units": 8}

    def test_a_hyperparameter_may_appear_while_another_trial_runs(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path, max_trials=12, hyperparameters=None)
        space = keras_tuner.HyperParameters()
        space.Float("x", 0.0, 1.0)
        oracle.update_space(space)
        drive(oracle, lambda hp: hp.get("x"), 6)
        first, second = oracle.create_trial("tuner0"), oracle.create_trial("tuner1")
        first.hyperparameters.Int("appeared", 1, 9)
        finish(oracle, first, 0.5)
        third = oracle.create_trial("tuner0")
        assert 1 <= third.hyperparameters.values["appeared"] <= 9
        finish(oracle, third, 0.6)
        finish(oracle, second, 0.7)
        drive(oracle, lambda hp: hp.get("x"), 3)

    def test_no_configuration_is_tried_twice(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path, max_trials=12, hyperparameters=grid())
        configurations = drive(oracle, lambda hp: float(hp.get("a")))
        assert len({tuple(sorted(_public(c).items())) for c in configurations}) == len(
            configurations
        )

    def test_a_diverged_trial_is_never_the_best(self, make_oracle, tmp_path):
        oracle = self.make(make_oracle, tmp_path)
        results = iter([0.1, math.inf, -math.inf])
        drive(oracle, lambda hp: next(results), 3)
        assert oracle.get_best_trials()[0].score == 0.1
        assert [t.status for t in oracle.trials.values()] == ["COMPLETED", "FAILED", "FAILED"]

    def test_a_refused_report_leaves_no_lock_behind(self, make_oracle, tmp_path):
        import threading

        oracle = self.make(make_oracle, tmp_path)
        trial = oracle.create_trial("tuner0")
        try:
            oracle.update_trial(trial.trial_id, {"another_metric": 1.0})
        except ValueError:
            pass
        else:
            raise AssertionError("A report without the objective must be refused.")
        arguments = (trial.trial_id, {oracle.objective.name: 1.0})
        worker = threading.Thread(target=oracle.update_trial, args=arguments, daemon=True)
        worker.start()
        worker.join(timeout=2)
        assert not worker.is_alive()


def _public(values: Mapping) -> dict:
    return {k: v for k, v in values.items() if not k.startswith(INTERNAL_PREFIX)}


def _comparable(state: Mapping) -> dict:
    """A state as JSON gives it back, its sets in order."""
    decoded = dict(json.loads(json.dumps(state)))
    return decoded | {"tried_so_far": sorted(decoded["tried_so_far"])}
