"""Settings that must hold before any test imports TensorFlow, and what many tests need."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.register_assert_rewrite("keras_metahpo.testing")


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory) -> str:
    """Directory of a preset with a small network of random weights."""
    from keras_metahpo.rankers import InContextRanker, save_preset
    from keras_metahpo.rankers.in_context import new_network

    network = new_network({"width": 8, "num_members": 1, "num_blocks": 1, "embedding": 4})
    directory = tmp_path_factory.mktemp("presets") / "tiny"
    return str(save_preset(InContextRanker(network), directory, {"name": "tiny"}))


@pytest.fixture(scope="session")
def quick_ranker():
    """A ranker without a network: it likes every hyperparameter high."""
    import numpy as np

    from keras_metahpo.rankers import Prediction, Ranker, stack, tokenize

    class QuickRanker(Ranker):
        def tokens(self, space, points):
            return stack([tokenize(space, points)])

        def score(self, context, query):
            centred_units = query.cells[..., 0]
            mean = np.where(query.active, centred_units, 0.0).sum(axis=2)
            ones = np.ones_like(mean)
            return Prediction(mean=mean, standard_deviation=ones, score=mean, failure=0 * ones)

    return QuickRanker()


@pytest.fixture
def tune(tmp_path):
    """Makes a `MetaTuner` that evaluates a function of `HyperParameters` instead of training."""
    from keras_metahpo import MetaTuner

    class FunctionTuner(MetaTuner):
        def __init__(self, function, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.function = function

        def run_trial(self, trial, **kwargs):
            return self.function(trial.hyperparameters)

    def make(function, **kwargs):
        defaults = {
            "max_trials": 5,
            "ranker": None,
            "seed": 1,
            "directory": tmp_path,
            "project_name": "search",
        }
        return FunctionTuner(function, **(defaults | kwargs))

    return make


@pytest.fixture
def ray_backend(monkeypatch):
    """Joblib's Ray backend, on a Ray of its own on loopback."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # One user, on loopback.
    ray = pytest.importorskip("ray", reason="ray is not installed")
    import joblib
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    try:
        with joblib.parallel_config(backend="ray"):
            yield
    finally:
        ray.shutdown()
