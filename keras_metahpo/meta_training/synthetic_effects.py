"""What each hyperparameter of a neural network does: one small function a role.

Every number is a rule of thumb of deep learning, stated where it is used, and most are blurred by
noise from task to task. Losses are in units of about the difference between a good and a mediocre
configuration. Shapes: n configurations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

Array = np.ndarray | float
DOUBLING = np.log10(2.0)  # a doubling, in decades
IGNORED = 0.12  # share of the tasks on which a given hyperparameter's own loss does not matter


@dataclass(frozen=True)
class Effect:
    """Contributions to the latent properties of n configurations; float arrays (n,) or numbers.

    Attributes:
        loss: Added directly.
        best_rate: Shift of log10 of the best learning rate.
        stability: Decades by which the divergence cliff moves away from the best learning rate.
        capacity: How much the network can represent; a unit is about two doublings of its width.
        regularization: How much capacity is held back from overfitting.
        training: log10 of the effective number of updates, relative to the usual.
        memory: log2 of the memory taken, relative to the usual.
    """

    loss: Array = 0.0
    best_rate: Array = 0.0
    stability: Array = 0.0
    capacity: Array = 0.0
    regularization: Array = 0.0
    training: Array = 0.0
    memory: Array = 0.0

    def __add__(self, other: "Effect") -> "Effect":
        return Effect(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def where(self, heard: np.ndarray) -> "Effect":
        """The effect on the configurations of bool array (n,), and none on the others."""
        return Effect(*(np.where(heard, getattr(self, f.name), 0.0) for f in fields(self)))


@dataclass(frozen=True)
class Setting:
    """How one role is set in n configurations.

    Attributes:
        values: Float array (n,). Physical values; indices into `choices` for labels.
        units: Float array (n,). Positions in the searched range.
        choices: Lower-case labels or Booleans; empty for a quantity.
    """

    values: np.ndarray
    units: np.ndarray
    choices: tuple[str | bool, ...] = ()

    def look_up(self, table: Mapping, noise: float, rng: np.random.Generator) -> np.ndarray:
        """Each configuration's entry of a table by label, blurred by `noise` for each label."""
        entries = np.array([table[choice] for choice in self.choices])
        return (entries + noise * rng.normal(size=len(entries)))[self.values.astype(int)]


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
    "sgd": OptimizerTraits(-1.1, 0.25, ("momentum", "nesterov")),
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


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def strength(rng: np.random.Generator, spread: float = 0.6) -> float:
    """How much something matters on this task: log-normal about 1."""
    return float(np.exp(spread * rng.normal()))


def importance(rng: np.random.Generator, spread: float = 0.6) -> float:
    """`strength`, and on some tasks nothing."""
    return 0.0 if rng.random() < IGNORED else strength(rng, spread)


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
    )


def _size(setting: Setting, usual: float, rng, share: float) -> Effect:
    """A network `usual` wide; wider ones want smaller rates (muP: up to 1 / width for Adam)."""
    doublings = np.log2(setting.values / usual)
    return Effect(
        capacity=strength(rng) * share * doublings,
        best_rate=-rng.uniform(0.0, 0.8) * DOUBLING * doublings,
        memory=doublings,
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
    hard = importance(rng) * 0.4 * softplus(2.5 * (doublings - comfortable))
    return Effect(
        capacity=strength(rng) * 0.5 * doublings,
        best_rate=-rng.uniform(0.0, 0.5) * doublings,
        stability=-0.15 * doublings,
        loss=hard,
        memory=doublings,
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
        loss=importance(rng) * 0.6 * np.maximum(amount - rng.uniform(0.1, 1.0), 0.0),
    )


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


ACTIVATIONS = {
    **{"relu": 0.0, "elu": 0.08, "gelu": -0.05, "selu": 0.1, "swish": -0.02, "leaky_relu": 0.0},
    **{"tanh": 0.25, "softplus": 0.25, "sigmoid": 0.7, "linear": 0.9},
}


def activation(setting: Setting, rng) -> Effect:
    """Rectifiers before saturating functions before none."""
    return Effect(loss=importance(rng) * 0.7 * setting.look_up(ACTIVATIONS, 0.15, rng))


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


SCHEDULES = {
    **{"constant": 0.2, "cosine": -0.15, "exponential": 0.05, "step": 0.0, "linear": -0.1},
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


def warmup(setting: Setting, rng) -> Effect:
    """A few per cent of the steps save large rates; a third of them is time lost."""
    fraction = setting.values
    return Effect(
        stability=rng.uniform(0.3, 0.8) * np.minimum(fraction / 0.1, 1.0),
        loss=importance(rng) * 5.0 * (fraction - rng.uniform(0.0, 0.15)) ** 2,
    )


INITIALIZERS = {
    **{"glorot_uniform": 0.0, "glorot_normal": 0.02, "he_normal": -0.02, "he_uniform": -0.02},
    **{"lecun_normal": 0.02, "orthogonal": -0.02, "random_normal": 0.12},
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
    )


def pooling(setting: Setting, rng) -> Effect:
    """A kind or a window; windows beyond 2 lose detail."""
    if setting.choices:
        kinds = {"max": -0.05, "avg": 0.05, "none": 0.1}
        return Effect(loss=importance(rng) * setting.look_up(kinds, 0.1, rng))
    return Effect(
        loss=importance(rng) * rng.normal(0.1, 0.1) * (setting.values - 2.0),
        memory=-(setting.values - 2.0),
    )


def epochs(setting: Setting, rng) -> Effect:
    """More updates; on small data they overfit in the end."""
    decades = np.log10(setting.values / 20)
    return Effect(
        training=rng.uniform(0.5, 1.0) * decades, regularization=-rng.uniform(0.0, 0.3) * decades
    )


def _saturating(setting: Setting, rng, usual: float) -> Effect:
    """More input helps with falling returns, and takes memory."""
    doublings = np.log2(setting.values / usual)
    gain = np.exp(-rng.uniform(0.3, 1.2) * doublings)
    return Effect(
        loss=importance(rng) * 0.2 * np.minimum(gain, 8.0) + rng.uniform(0.0, 0.05) * doublings,
        capacity=0.1 * doublings,
        memory=doublings,
    )


def vocabulary(setting: Setting, rng) -> Effect:
    return _saturating(setting, rng, usual=10_000)


def length(setting: Setting, rng) -> Effect:
    return _saturating(setting, rng, usual=128)


EFFECTS: dict[str, Callable[[Setting, np.random.Generator], Effect]] = {
    effect.__name__: effect
    for effect in (
        *(optimizer, batch_size, width, filters, embedding, depth, branch, model, dropout),
        *(weight_decay, l1, label_smoothing, augmentation, momentum, nesterov, beta_1, beta_2),
        *(epsilon, clip, activation, normalization, schedule, decay, warmup, initializer),
        *(init_scale, heads, kernel_size, pooling, epochs, vocabulary, length),
    )
}
