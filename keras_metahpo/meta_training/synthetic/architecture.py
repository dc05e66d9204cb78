"""What the size and shape of a network do: one function a role.

Every number is a rule of thumb of deep learning, blurred by noise from task to task.
"""

import numpy as np

from keras_metahpo.meta_training.synthetic.effect import (
    DOUBLING,
    Effect,
    Setting,
    importance,
    softplus,
    strength,
)


def _size(setting: Setting, usual: float, rng, share: float) -> Effect:
    """A network `usual` wide; wider ones want smaller rates (muP: up to 1 / width for Adam)."""
    doublings = np.log2(setting.values / usual)
    return Effect(
        capacity=strength(rng) * share * doublings,
        best_rate=-rng.uniform(0.0, 0.8) * DOUBLING * doublings,
        memory=doublings,
        work=doublings,
    )


def width(setting: Setting, rng) -> Effect:
    return _size(setting, 96, rng, share=0.5)


def filters(setting: Setting, rng) -> Effect:
    return _size(setting, 32, rng, share=0.6)


def embedding(setting: Setting, rng) -> Effect:
    return _size(setting, 64, rng, share=0.35)


def depth(setting: Setting, rng) -> Effect:
    """Adds capacity; deep plain networks train badly, and only at smaller rates."""
    doublings = np.log2(np.maximum(setting.values, 0.5) / 2.5)
    comfortable = rng.normal(1.0, 0.7)
    hard = importance(rng) * 0.3 * softplus(2.5 * (doublings - comfortable))
    return Effect(
        capacity=strength(rng) * 0.5 * doublings,
        best_rate=-rng.uniform(0.0, 0.5) * doublings,
        stability=-0.15 * doublings,
        loss=hard,
        memory=doublings,
        work=doublings,
    )


def branch(setting: Setting, rng) -> Effect:
    """An optional layer."""
    return Effect(
        capacity=rng.uniform(0.2, 0.8) * setting.values,
        loss=rng.normal(-0.05, 0.15) * setting.values,
    )


def model(setting: Setting, rng) -> Effect:
    """Architectures differ most, and which is best is the task's affair."""
    return Effect(
        loss=importance(rng) * setting.look_up(dict.fromkeys(setting.choices, 0.0), 0.6, rng),
        capacity=setting.look_up(dict.fromkeys(setting.choices, 0.0), 0.4, rng),
        best_rate=setting.look_up(dict.fromkeys(setting.choices, 0.0), 0.2, rng),
    )


ACTIVATIONS = {
    "relu": 0.0,
    "elu": 0.08,
    "gelu": -0.05,
    "selu": 0.1,
    "swish": -0.02,
    "leaky_relu": 0.0,
    "tanh": 0.25,
    "softplus": 0.25,
    "sigmoid": 0.7,
    "linear": 0.9,
}


def activation(setting: Setting, rng) -> Effect:
    """Rectifiers before saturating functions before none."""
    return Effect(loss=importance(rng) * setting.look_up(ACTIVATIONS, 0.15, rng))


OPERATIONS = {
    "conv_3x3": -0.4,
    "sep_conv_3x3": -0.3,
    "conv_5x5": -0.25,
    "sep_conv_5x5": -0.25,
    "conv_1x1": -0.2,
    "dil_conv_3x3": -0.1,
    "skip_connect": -0.05,
    "identity": -0.05,
    "max_pool_3x3": 0.15,
    "avg_pool_3x3": 0.15,
    "none": 0.4,
}


def operation(setting: Setting, rng) -> Effect:
    """Of an edge in a cell: convolutions learn, poolings do not, and nothing is a loss."""
    return Effect(loss=importance(rng, 0.3) * setting.look_up(OPERATIONS, 0.2, rng))


NORMALIZATIONS = {"none": 0.0, "batch": 1.0, "layer": 0.9, "group": 0.8, False: 0.0, True: 1.0}


def normalization(setting: Setting, rng) -> Effect:
    """Usually helps, and always allows larger rates."""
    amount = setting.look_up(NORMALIZATIONS, 0.0, rng)
    taste = setting.look_up(dict.fromkeys(setting.choices, 0.0), 0.1, rng)
    return Effect(
        loss=importance(rng) * (rng.normal(-0.2, 0.25) * amount + taste),
        best_rate=rng.uniform(0.0, 0.5) * amount,
        stability=rng.uniform(0.2, 0.8) * amount,
        regularization=rng.uniform(0.0, 0.3) * amount,
    )


INITIALIZERS = {
    "glorot_uniform": 0.0,
    "glorot_normal": 0.02,
    "he_normal": -0.02,
    "he_uniform": -0.02,
    "lecun_normal": 0.02,
    "orthogonal": -0.02,
    "random_normal": 0.12,
}


def initializer(setting: Setting, rng) -> Effect:
    """Those that scale with the fan are alike; a fixed standard deviation is worse."""
    return Effect(loss=importance(rng) * setting.look_up(INITIALIZERS, 0.08, rng))


def init_scale(setting: Setting, rng) -> Effect:
    """Signals vanish below and explode above about 0.05."""
    deviation = np.log10(setting.values) - rng.normal(-1.3, 0.4)
    return Effect(
        loss=importance(rng) * 0.3 * deviation**2, stability=-0.2 * np.maximum(deviation, 0.0)
    )


def heads(setting: Setting, rng) -> Effect:
    """Two to eight do equally well."""
    deviation = np.log2(setting.values) - rng.normal(2.0, 0.8)
    return Effect(loss=importance(rng) * 0.03 * deviation**2)


def kernel_size(setting: Setting, rng) -> Effect:
    """Three to five; larger ones add parameters."""
    deviation = np.abs(setting.values - rng.uniform(2.5, 5.5))
    return Effect(
        loss=importance(rng) * 0.08 * deviation,
        capacity=0.1 * (setting.values - 3.0),
        memory=0.3 * (setting.values - 3.0),
        work=0.3 * (setting.values - 3.0),
    )


POOLINGS = {"max": -0.05, "avg": 0.05, "none": 0.1}


def pooling(setting: Setting, rng) -> Effect:
    return Effect(loss=importance(rng) * setting.look_up(POOLINGS, 0.1, rng))


def pool_size(setting: Setting, rng) -> Effect:
    """Windows beyond 2 save memory and lose detail."""
    wider = setting.values - 2.0
    return Effect(loss=importance(rng) * rng.normal(0.1, 0.1) * wider, memory=-wider, work=-wider)


def _saturating(setting: Setting, rng, usual: float) -> Effect:
    """More input helps with falling returns, and takes memory."""
    doublings = np.log2(setting.values / usual)
    gain = np.exp(-rng.uniform(0.3, 1.2) * doublings)
    return Effect(
        loss=importance(rng) * 0.2 * np.minimum(gain, 8.0) + rng.uniform(0.0, 0.05) * doublings,
        capacity=0.1 * doublings,
        memory=doublings,
        work=doublings,
    )


def vocabulary(setting: Setting, rng) -> Effect:
    return _saturating(setting, rng, usual=10_000)


def length(setting: Setting, rng) -> Effect:
    return _saturating(setting, rng, usual=128)


EFFECTS = {
    effect.__name__: effect
    for effect in (
        width,
        filters,
        embedding,
        depth,
        branch,
        model,
        activation,
        operation,
        normalization,
        initializer,
        init_scale,
        heads,
        kernel_size,
        pooling,
        pool_size,
        vocabulary,
        length,
    )
} | {"use_normalization": normalization}
