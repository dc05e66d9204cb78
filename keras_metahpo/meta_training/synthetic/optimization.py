"""What optimizers and their hyperparameters do: one function a role.

Every number is a rule of thumb of deep learning, blurred by noise from task to task.
"""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.meta_training.synthetic.effect import (
    DOUBLING,
    Effect,
    Setting,
    importance,
    sigmoid,
    softplus,
)


@dataclass(frozen=True)
class OptimizerTraits:
    """What sets an optimizer apart.

    Attributes:
        best_rate: log10 of its usual best learning rate (SGD: without momentum).
        loss: How much worse than Adam it usually ends, well tuned.
        uses: Roles of its own hyperparameters.
    """

    best_rate: float
    loss: float
    uses: tuple[str, ...] = ()


_ADAM = ("beta_1", "beta_2", "epsilon")
OPTIMIZERS = {
    "sgd": OptimizerTraits(-0.9, 0.25, ("momentum", "nesterov")),
    "adam": OptimizerTraits(-2.9, 0.0, _ADAM),
    "adamw": OptimizerTraits(-2.9, -0.05, _ADAM),
    "nadam": OptimizerTraits(-2.9, 0.0, _ADAM),
    "adamax": OptimizerTraits(-2.6, 0.1, _ADAM),
    "rmsprop": OptimizerTraits(-3.0, 0.1, ("momentum", "beta_2", "epsilon")),
    "adagrad": OptimizerTraits(-1.8, 0.35, ("epsilon",)),
    "adadelta": OptimizerTraits(-0.3, 0.5, ("beta_2", "epsilon")),
    "lion": OptimizerTraits(-3.8, 0.15, ("beta_1", "beta_2")),
    "ftrl": OptimizerTraits(-1.5, 0.6),
}


def optimizer(setting: Setting, rng) -> Effect:
    rates = {name: traits.best_rate for name, traits in OPTIMIZERS.items()}
    losses = {name: traits.loss for name, traits in OPTIMIZERS.items()}
    return Effect(
        best_rate=setting.look_up(rates, 0.2, rng),
        loss=importance(rng) * setting.look_up(losses, 0.25, rng),
    )


def batch_size(setting: Setting, rng) -> Effect:
    """Larger batches want larger rates (slope .5: square root, 1: linear), fewer updates follow."""
    doublings = np.log2(setting.values / 32)
    slope = rng.uniform(0.0, 1.0)
    # Large batches generalise slightly worse; very small ones are too noisy.
    loss = 0.03 * doublings + 0.015 * (doublings - rng.normal(0.0, 1.5)) ** 2
    return Effect(
        best_rate=slope * DOUBLING * doublings,
        training=-rng.uniform(0.2, 1.0) * DOUBLING * doublings,
        regularization=-0.05 * doublings,
        loss=importance(rng) * loss,
        memory=doublings,
        work=-0.5 * doublings,
    )


def epochs(setting: Setting, rng) -> Effect:
    """More updates; on small data they overfit in the end."""
    decades = np.log10(setting.values / 20)
    return Effect(
        training=rng.uniform(0.5, 1.0) * decades, regularization=-rng.uniform(0.0, 0.3) * decades
    )


def steps(setting: Setting, rng) -> Effect:
    """More updates, counted one by one."""
    return Effect(training=rng.uniform(0.5, 1.0) * np.log10(setting.values / 5000))


def momentum(setting: Setting, rng) -> Effect:
    """Multiplies the effective rate by 1 / (1 - m); near 0.9 is best, beyond 0.99 overshoots."""
    decades = -np.log10(np.maximum(1.0 - setting.values, 1e-4))
    return Effect(
        best_rate=-rng.uniform(0.7, 1.0) * decades,
        loss=importance(rng) * 0.25 * (decades - rng.normal(0.95, 0.35)) ** 2,
    )


def nesterov(setting: Setting, rng) -> Effect:
    return Effect(loss=rng.normal(-0.04, 0.08) * setting.values, stability=0.05 * setting.values)


def beta_1(setting: Setting, rng) -> Effect:
    """Adam's momentum: 0.9, that is one decade, is best, and flat around it."""
    decades = -np.log10(np.maximum(1.0 - setting.values, 1e-5))
    deviation = decades - rng.normal(1.0, 0.35)
    return Effect(
        best_rate=-0.2 * (decades - 1.0),
        loss=importance(rng, 0.9) * 0.15 * np.minimum(deviation**2, 4.0),
    )


def beta_2(setting: Setting, rng) -> Effect:
    """Between 0.99 and 0.9999 all is well; below, steps are noisy and large rates unstable."""
    decades = -np.log10(np.maximum(1.0 - setting.values, 1e-6))
    deviation = decades - rng.normal(2.6, 0.6)
    return Effect(
        stability=0.2 * np.minimum(deviation, 0.0),
        loss=importance(rng, 0.9) * 0.07 * np.minimum(deviation**2, 6.0),
    )


def epsilon(setting: Setting, rng) -> Effect:
    """Beyond the size of gradients it damps the steps as 1 / epsilon, which larger rates mend."""
    excess = np.log10(setting.values + 1e-12) - rng.normal(-3.0, 1.0)
    damping = np.log10(1.0 + 10.0 ** np.clip(excess, -6.0, 6.0))
    return Effect(best_rate=rng.uniform(0.5, 1.0) * damping, loss=importance(rng) * 0.1 * damping)


def clip(setting: Setting, rng) -> Effect:
    """Tight clipping tames large rates; tighter than usual gradients it slows training."""
    exponent = np.log10(np.maximum(setting.values, 1e-6))
    tightness = sigmoid(-2.0 * (exponent - rng.normal(0.3, 0.5)))
    slowed = softplus(-3.0 * (exponent - rng.normal(-1.3, 0.5)))
    return Effect(stability=rng.uniform(0.0, 0.8) * tightness, loss=importance(rng) * 0.15 * slowed)


SCHEDULES = {
    "constant": 0.2,
    "cosine": -0.15,
    "exponential": 0.05,
    "step": 0.0,
    "linear": -0.1,
    "warmup_cosine": -0.2,
}


def schedule(setting: Setting, rng) -> Effect:
    """Annealing beats a constant rate, and starts from a higher one."""
    annealed = setting.look_up({name: name != "constant" for name in SCHEDULES}, 0.0, rng)
    warm = setting.look_up({name: name.startswith("warmup") for name in SCHEDULES}, 0.0, rng)
    return Effect(
        loss=importance(rng) * setting.look_up(SCHEDULES, 0.12, rng),
        best_rate=rng.uniform(0.0, 0.4) * annealed,
        stability=0.3 * warm,
    )


def decay(setting: Setting, rng) -> Effect:
    """A factor per interval: close to 1 anneals too little, far below stops training early."""
    decades = -np.log10(np.clip(1.0 - setting.values, 1e-4, 0.95))
    best = rng.normal(1.0, 0.5)
    return Effect(
        loss=importance(rng) * 0.15 * (decades - best) ** 2,
        best_rate=-0.15 * (decades - 1.0),
        training=0.2 * np.minimum(decades - 1.0, 0.0),
    )


def time_decay(setting: Setting, rng) -> Effect:
    """Keras's old `decay`: the rate falls as 1 / (1 + decay * updates); too soon beyond 1e-2."""
    exponent = np.log10(setting.values + 1e-12)
    stopped = softplus(3.0 * (exponent - rng.normal(-2.5, 0.8))) / 3.0
    annealed = sigmoid(2.0 * (exponent - rng.normal(-4.0, 0.7)))
    return Effect(
        loss=importance(rng) * (0.5 * stopped - 0.15 * annealed),
        best_rate=rng.uniform(0.0, 0.5) * stopped,
    )


def warmup(setting: Setting, rng) -> Effect:
    """A few per cent of the steps save large rates; a third of them is time lost."""
    return _warmup(setting.values, rng)


def warmup_steps(setting: Setting, rng) -> Effect:
    total = 10.0 ** rng.uniform(4.0, 5.0)
    return _warmup(np.minimum(setting.values / total, 1.0), rng)


def _warmup(fraction: np.ndarray, rng) -> Effect:
    return Effect(
        stability=rng.uniform(0.3, 0.8) * np.minimum(fraction / 0.1, 1.0),
        loss=importance(rng) * 5.0 * (fraction - rng.uniform(0.0, 0.15)) ** 2,
    )


EFFECTS = {
    effect.__name__: effect
    for effect in (
        optimizer,
        batch_size,
        epochs,
        steps,
        momentum,
        nesterov,
        beta_1,
        beta_2,
        epsilon,
        clip,
        schedule,
        decay,
        time_decay,
        warmup,
        warmup_steps,
    )
}
