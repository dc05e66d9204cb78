"""The latent loss of configurations: deep-learning knowledge of all hyperparameters together.

Shapes: n configurations, d hyperparameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.meta_training.synthetic import architecture, optimization, regularization
from keras_metahpo.meta_training.synthetic.effect import (
    Effect,
    Setting,
    importance,
    sigmoid,
    softplus,
    strength,
)
from keras_metahpo.meta_training.synthetic.functions import generic_function, smooth_function
from keras_metahpo.meta_training.synthetic.optimization import OPTIMIZERS
from keras_metahpo.meta_training.synthetic.space import SyntheticSpace
from keras_metahpo.space import Hyperparameter, Points
from keras_metahpo.space.points import INACTIVE_UNIT

# Role -> what it does.
EFFECTS = architecture.EFFECTS | optimization.EFFECTS | regularization.EFFECTS
# Rates and momenta in code that does not search them: Keras's defaults, or somewhere sensible.
FIXED_RATE_SPREAD = 0.5
FIXED_MOMENTA = (0.0, 0.9)
# Searches are often given fewer epochs than a full training, at the most by these decades: larger
# rates and smaller batches win.
SHORT, MAX_SHORTAGE = 0.6, 1.5
BEST_RATE_SPREAD = 0.4  # decades by which tasks differ for reasons no hyperparameter explains
# Most of the response is knowledge; this is the largest share of its spread left to chance.
MAX_UNEXPLAINED = 0.8


@dataclass(frozen=True)
class Response:
    """What training would give without noise.

    Attributes:
        loss: Float array (n,). Lower is better; on no particular scale.
        beyond: Float array (n,). Decades of the learning rate beyond the divergence cliff.
        memory: Float array (n,). log2 of the memory taken, relative to the usual.
        work: Float array (n,). log2 of the seconds of an epoch, relative to the usual.
    """

    loss: np.ndarray
    beyond: np.ndarray
    memory: np.ndarray
    work: np.ndarray


def generic_response(
    synthetic: SyntheticSpace, points: Points, rng: np.random.Generator
) -> Response:
    """The response of a problem that is no deep learning."""
    loss = generic_function(_positions(synthetic, points, points.active, rng), rng)
    return Response(loss, np.full(len(loss), -np.inf), np.zeros(len(loss)), np.zeros(len(loss)))


def deep_learning_response(
    synthetic: SyntheticSpace, points: Points, rng: np.random.Generator
) -> Response:
    """The response of training a network; hyperparameters that are not heard have no effect."""
    settings = _Settings(synthetic, points)
    total = _background(settings, rng)
    for role, effect in EFFECTS.items():
        if settings.is_heard(role).any():
            total += settings.effect_of(role, effect, rng)
    rate, beyond = _rate_loss(_log_rate(settings, total, rng), total, rng)
    loss = rate + _fit_loss(total, rng) + _training_loss(total, rng) + total.loss
    loss = loss + np.zeros(len(points))
    unexplained = MAX_UNEXPLAINED * rng.random() ** 2 * loss.std()
    positions = _positions(synthetic, points, settings.heard, rng)
    loss = loss + unexplained * smooth_function(positions, rng)
    nothing = np.zeros(len(points))
    return Response(loss, beyond, total.memory + nothing, total.work + nothing)


class _Settings:
    """The values of each role, and where they are heard.

    A value has an effect only if it is active, its layer exists and the optimizer uses it.

    Attributes:
        columns: Columns of each role.
        heard: Bool array (n, d).
    """

    def __init__(self, synthetic: SyntheticSpace, points: Points):
        self.synthetic, self.points = synthetic, points
        self.columns: dict[str, list[int]] = {}
        for column, role in enumerate(synthetic.roles):
            if role is not None:
                self.columns.setdefault(role, []).append(column)
        self.heard = points.active & np.array([role is not None for role in synthetic.roles])
        if "depth" in self.columns:
            layers = np.array(synthetic.layers)
            self.heard &= (layers == 0) | (layers < self["depth"].values[:, None])
        for role in self.columns:
            users = [name for name, traits in OPTIMIZERS.items() if role in traits.uses]
            if users:
                self.heard[:, self.columns[role]] &= self.optimizer_in(users)[:, None]

    def effect_of(self, role: str, effect: Callable, rng: np.random.Generator) -> Effect:
        """What a role does where it is heard; several lists of labels share its importance."""
        columns = self.columns[role]
        if len(columns) == 1 or not self._has_labels(columns[0]):
            return effect(self[role], rng).where(self.is_heard(role))
        total = Effect()
        for column, part in zip(columns, rng.dirichlet(np.ones(len(columns))), strict=True):
            total += (effect(self._setting([column]), rng) * part).where(self.heard[:, column])
        return total

    def __getitem__(self, role: str) -> Setting:
        """The role's setting: the mean of its heard quantities, or the first of its labels."""
        return self._setting(self.columns[role])

    def _has_labels(self, column: int) -> bool:
        hp = self.synthetic.space.hyperparameters[column]
        return hp.is_categorical and hp.kind != "fixed"

    def _setting(self, columns: Sequence[int]) -> Setting:
        hps = [self.synthetic.space.hyperparameters[column] for column in columns]
        numbers = [self._legal_numbers(hp, c) for hp, c in zip(hps, columns, strict=True)]
        if self._has_labels(columns[0]):
            choices = tuple(c.lower() if isinstance(c, str) else c for c in hps[0].choices)
            return Setting(numbers[0], choices)
        values = [hp.physical(n) for hp, n in zip(hps, numbers, strict=True)]
        if len(columns) == 1:
            return Setting(values[0])
        weights = self.heard[:, columns].astype(float)
        # Where nothing is heard any legal value will do: the effect is masked afterwards.
        weights[weights.sum(axis=1) == 0] = 1.0
        return Setting((weights * np.stack(values, 1)).sum(axis=1) / weights.sum(axis=1))

    def is_heard(self, role: str) -> np.ndarray:
        """Bool array (n,): the configurations in which the role has an effect."""
        return self.heard[:, self.columns.get(role, [])].any(axis=1)

    def optimizer_in(self, names: Sequence[str]) -> np.ndarray:
        """Bool array (n,): the configurations trained with one of these optimizers."""
        if "optimizer" not in self.columns:
            return np.full(len(self.points), self.synthetic.optimizer in names)
        setting = self["optimizer"]
        return np.array([c in names for c in setting.choices])[setting.values.astype(int)]

    def _legal_numbers(self, hp: Hyperparameter, column: int) -> np.ndarray:
        """The numbers of a column, the default's where it is inactive: float array (n,)."""
        numbers = self.points.numbers[:, column]
        return np.where(np.isnan(numbers), hp.number(hp.default), numbers)


def _background(settings: _Settings, rng) -> Effect:
    """What is not searched: the optimizer with its momentum, and the task itself."""
    shift = rng.normal(0.0, BEST_RATE_SPREAD)
    if "optimizer" not in settings.columns:
        shift += OPTIMIZERS[settings.synthetic.optimizer].best_rate
    shortage = rng.uniform(0.0, MAX_SHORTAGE) if rng.random() < SHORT else 0.0
    shift += rng.uniform(0.0, 0.5) * shortage
    if "momentum" not in settings.columns:
        fixed = FIXED_MOMENTA[int(rng.integers(len(FIXED_MOMENTA)))]
        shift = shift + np.log10(1.0 - fixed) * settings.optimizer_in(["sgd"])
    return Effect(best_rate=shift, training=-shortage)


def _log_rate(settings: _Settings, total: Effect, rng) -> np.ndarray:
    """log10 of the learning rates; one that suits the typical configuration if not searched."""
    fixed = np.mean(total.best_rate) + FIXED_RATE_SPREAD * rng.normal()
    if "learning_rate" not in settings.columns:
        return np.full(len(settings.points), fixed)
    searched = np.log10(settings["learning_rate"].values)
    return np.where(settings.is_heard("learning_rate"), searched, fixed)


def _rate_loss(log_rate: np.ndarray, total: Effect, rng) -> tuple[np.ndarray, np.ndarray]:
    """A U in log10 of the learning rate with a cliff; also the decades beyond the cliff."""
    distance = log_rate - total.best_rate
    # Many updates make up for small rates; large batches and few epochs do not have them.
    patience = 10.0 ** (0.2 * np.clip(total.training, -2.0, 2.0))
    slow, fast = rng.uniform(0.5, 1.4) * patience, rng.uniform(0.4, 1.1)
    scaled = np.abs(distance) / np.where(distance < 0, slow, fast)
    # Quadratic near the optimum and linear far off, as loss curves flatten towards chance.
    curve = np.where(scaled < 1.0, scaled**2, 2.0 * scaled - 1.0)
    beyond = distance - rng.uniform(0.4, 1.6) - np.maximum(total.stability, -0.3)
    jump = rng.uniform(1.0, 5.0) * sigmoid(rng.uniform(5.0, 14.0) * beyond)
    return 0.8 * strength(rng, 0.5) * curve + jump, beyond


def _fit_loss(total: Effect, rng) -> np.ndarray:
    """Underfitting of small or stifled networks, overfitting of large and free ones."""
    needed = rng.normal(0.0, 0.9)  # what the patterns take
    supported = rng.normal(0.6, 1.3)  # what the amount of data pays for
    lacking = softplus(2.0 * (needed - total.capacity + 0.5 * total.regularization)) / 2.0
    excess = softplus(1.5 * (total.capacity - supported - total.regularization)) / 1.5
    return 0.8 * importance(rng) * lacking + 0.5 * importance(rng) * excess


def _training_loss(total: Effect, rng) -> np.ndarray:
    """A power law of the number of updates."""
    exponent = rng.uniform(0.3, 1.2)
    return 0.3 * importance(rng) * 10.0 ** (-exponent * np.clip(total.training, -2.0, 2.0))


def _positions(synthetic: SyntheticSpace, points: Points, heard: np.ndarray, rng) -> np.ndarray:
    """Unit positions for generic functions; unordered choices lie anywhere. Float array (n, d)."""
    positions = points.units.copy()
    for column, hp in enumerate(synthetic.space.hyperparameters):
        if hp.is_categorical:
            codes = np.nan_to_num(points.numbers[:, column]).astype(int)
            positions[:, column] = rng.random(len(hp.choices))[codes]
    return np.where(heard, positions, INACTIVE_UNIT)
