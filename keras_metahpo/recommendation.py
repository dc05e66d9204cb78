"""The best configuration before any trial."""

import os
from collections.abc import Sequence

import keras_tuner
import numpy as np

from keras_metahpo._kerastuner import discover_space
from keras_metahpo.history import History, TrialLog, load_logs
from keras_metahpo.policies import build_model_policy, build_policy
from keras_metahpo.rankers import DEFAULT_PRESET, Preset, Ranker
from keras_metahpo.space import SearchSpace


def recommend(
    build,
    *,
    ranker: str | Ranker | None = DEFAULT_PRESET,
    history: Sequence[str | os.PathLike | TrialLog] = (),
    objective: str = "val_accuracy",
    seed: int = 0,
) -> keras_tuner.HyperParameters:
    """The configuration that a search with these arguments would try first.

    Args:
        build: Hypermodel, or function that builds a model from `HyperParameters`.
        ranker, history: As in `MetaOracle`.
        objective: What entries of `history` optimised.
        seed: Integer.

    Returns:
        `HyperParameters` with the recommended values.

    Example:

    ```python
    model = build_model(keras_metahpo.recommend(build_model))
    ```
    """
    hyperparameters = discover_space(build)
    target = keras_tuner.Oracle(objective=objective).objective
    logs = load_logs(history, target.name, target.direction)
    loaded = ranker if ranker is None or isinstance(ranker, Ranker) else Preset(ranker).load()
    suggestion = build_policy(build_model_policy(loaded), logs).suggest(
        SearchSpace.from_keras_tuner(hyperparameters), History(), [], np.random.default_rng(seed)
    )
    # An empty history leaves no space exhausted; only one without hyperparameters gives nothing.
    hyperparameters.values = dict(suggestion.configuration) if suggestion else {}
    return hyperparameters
