"""What regularisers do: one function a role.

Every number is a rule of thumb of deep learning, blurred by noise from task to task.
"""

import numpy as np

from keras_metahpo.meta_training.synthetic.effect import (
    Effect,
    Setting,
    importance,
    softplus,
    strength,
)


def dropout(setting: Setting, rng) -> Effect:
    """Regularises, slows training, and beyond about a half drowns the signal."""
    rate = setting.values
    drowned = np.maximum(rate - rng.uniform(0.4, 0.8), 0.0)
    return Effect(
        regularization=strength(rng) * 2.0 * rate,
        training=-0.5 * rate,
        loss=importance(rng) * 4.0 * drowned,
    )


def _penalty(setting: Setting, rng, threshold: float) -> Effect:
    """Nothing below 10^threshold; regularises above; wipes out the weights two decades on."""
    exponent = np.log10(setting.values + 1e-12)
    start = rng.normal(threshold, 0.7)
    wiped_out = softplus(3.0 * (exponent - start - rng.uniform(1.5, 2.5)))
    return Effect(
        regularization=strength(rng) * 0.6 * softplus(2.0 * (exponent - start)) / 2.0,
        loss=importance(rng) * 0.5 * wiped_out,
    )


def weight_decay(setting: Setting, rng) -> Effect:
    return _penalty(setting, rng, threshold=-4.0)


def l1(setting: Setting, rng) -> Effect:
    return _penalty(setting, rng, threshold=-4.7)


def label_smoothing(setting: Setting, rng) -> Effect:
    """About 0.1 helps a little; 0.1 off costs a tenth of a unit."""
    best = max(rng.normal(0.08, 0.06), 0.0)
    return Effect(
        regularization=rng.uniform(0.0, 2.0) * setting.values,
        loss=importance(rng) * 10.0 * (setting.values - best) ** 2,
    )


def augmentation(setting: Setting, rng) -> Effect:
    """Stands for more data; too strong, it changes what is to be learnt."""
    amount = np.minimum(setting.values, 1.0)
    return Effect(
        regularization=rng.uniform(0.3, 1.5) * amount,
        training=-0.3 * amount,
        loss=importance(rng) * 0.6 * np.maximum(amount - rng.uniform(0.3, 1.2), 0.0),
    )


def mixing(setting: Setting, rng) -> Effect:
    """Mixup's alpha: a few tenths."""
    best = rng.uniform(0.0, 0.6)
    return Effect(
        regularization=rng.uniform(0.2, 1.2) * np.minimum(setting.values, 1.0),
        loss=importance(rng) * 0.5 * (setting.values - best) ** 2,
    )


EFFECTS = {
    effect.__name__: effect
    for effect in (
        dropout,
        weight_decay,
        l1,
        label_smoothing,
        augmentation,
        mixing,
    )
} | {"use_augmentation": augmentation}
