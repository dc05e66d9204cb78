"""Values that are tried first: by the role that a name reveals, or because someone chose them."""

from collections.abc import Sequence

import numpy as np

from keras_metahpo.history import History
from keras_metahpo.policies.base import Policy, Suggestion, tried_keys, untried
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.policies.random import RandomPolicy
from keras_metahpo.space import Configuration, Hyperparameter, SearchSpace, Value, role_of

# Defaults of Keras' optimisers and layers where it has one, else what its examples use.
DEFAULT_OF_ROLE: dict[str, Value] = {
    "learning_rate": 1e-3,
    "batch_size": 32,
    "weight_decay": 1e-4,
    "l1": 1e-5,
    "dropout": 0.25,
    "momentum": 0.9,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-7,
    "width": 128,
    "filters": 32,
    "embedding": 128,
    "depth": 2,
    "kernel_size": 3,
    "activation": "relu",
    "optimizer": "adam",
    "schedule": "cosine",
    "label_smoothing": 0.0,
    "clip": 1.0,
    "normalization": True,
    "initializer": "glorot_uniform",
    "heads": 4,
    "nesterov": True,
}
# Keras' own default.
SGD_LEARNING_RATE = 0.01

# In units of the range: this near its middle is the middle.
MIDDLE = 0.02


class DefaultsPolicy(Policy):
    """Defaults by name, then the search space's own defaults, then random search."""

    name = "defaults"

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        points = nearest_points(space, [named_defaults(space), space.default_configuration()])
        left = untried(points, tried_keys(space, history, pending))
        if len(left):
            return Suggestion(space.decode(left)[0], self.name)
        return RandomPolicy().suggest(space, history, pending, rng)


def named_defaults(space: SearchSpace) -> dict[str, Value]:
    """The rule table's configuration; the space's defaults where a name says nothing known."""
    roles = {name: role_of(name) for name in space.names}
    rules = {name: DEFAULT_OF_ROLE[role] for name, role in roles.items() if role in DEFAULT_OF_ROLE}
    configuration = space.decode(nearest_points(space, [rules]))[0]
    if _trains_with_sgd(configuration):
        rates = (name for name, role in roles.items() if role == "learning_rate")
        rules |= dict.fromkeys(rates, SGD_LEARNING_RATE)
        configuration = space.decode(nearest_points(space, [rules]))[0]
    return configuration


def has_chosen_default(space: SearchSpace) -> bool:
    """Whether the default of a search space tells what its author thinks good.

    Where an author says nothing, KerasTuner takes the lowest or the first value, and ConfigSpace,
    from which benchmark tables come, the middle. Any other value was chosen, and beside it the
    others were left as they are.
    """
    return any(_is_chosen(hp) for hp in space.hyperparameters if hp.num_values > 1)


def _is_chosen(hp: Hyperparameter) -> bool:
    number = hp.number(hp.default)
    if number == (hp.low if hp.is_numeric else 0.0):
        return False
    has_middle = hp.is_numeric or not any(isinstance(c, (bool, str)) for c in hp.choices)
    if not has_middle or hp.num_values == 2:
        return True
    distance = abs(float(hp.units(np.array(number))) - 0.5)
    return distance > MIDDLE + 0.5 / hp.num_values


def _trains_with_sgd(configuration: Configuration) -> bool:
    roles = {name: role_of(name) for name in configuration}
    optimizers = [configuration[name] for name, role in roles.items() if role == "optimizer"]
    if optimizers:
        return any("sgd" in str(optimizer).lower() for optimizer in optimizers)
    # Among Keras' usual optimisers, only SGD is tuned by its momentum.
    return "momentum" in roles.values()
