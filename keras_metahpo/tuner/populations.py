"""Several trials trained at once on one device, as members of a population (JAX)."""

import logging
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from keras_metahpo.populations.names import exchangeable_names
from keras_metahpo.populations.population import Curve
from keras_metahpo.populations.trainer import PopulationTrainer, built, structure_of_training
from keras_metahpo.populations.trainings import NotCompilable, Prepared
from keras_metahpo.space import SearchSpace
from keras_metahpo.tuner.recorded_fit import prepare_recorded, record_fit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Recorded:
    """A training, and what else its hypermodel wants of it."""

    training: Prepared
    num_epochs: int
    is_shuffled: bool
    callbacks: Sequence[keras.callbacks.Callback]

    @property
    def kind(self) -> str:
        """Equal for trainings that can be done at once."""
        return f"{structure_of_training(self.training)} {self.num_epochs} {self.is_shuffled}"


class Populations:
    """Trains a tuner's trials together with others like them.

    Args:
        tuner: A `MetaTuner`; its oracle proposes the others.
        size: How many trials are trained at once.
        args, kwargs: Of the tuner's `search`.
    """

    def __init__(self, tuner, size: int, args: tuple, kwargs: Mapping[str, Any]):
        self._tuner = tuner
        self._size = size
        self._args = args
        self._kwargs = dict(kwargs)
        self._trainer = PopulationTrainer()
        self._names: dict[tuple, list[str]] = {}
        self._told: set[str] = set()

    def run(self, leader) -> tuple[dict[str, Curve], list]:
        """Trains a trial, which runs, with others like it, which begin.

        Returns:
            The curves of those that could be trained so, by id, and the other trials.
        """
        others = self._recruit(leader)
        return self._train([leader, *others]), others

    def _recruit(self, leader) -> list:
        """New trials that differ from one in exchangeable hyperparameters only."""
        space = SearchSpace.from_keras_tuner(self._tuner.oracle.hyperparameters)
        if space.hyperparameters not in self._names:
            rng = np.random.default_rng(0)
            names = exchangeable_names(space, lambda c: self._kind_of(space, c), rng)
            self._names[space.hyperparameters] = names
            logger.info("A population's trials may differ in %s.", names)
        tuner_ids = [f"{self._tuner.tuner_id}-{number}" for number in range(1, self._size)]
        names = self._names[space.hyperparameters]
        return self._tuner.oracle.create_members(leader, tuner_ids, names)

    def _train(self, trials: Sequence) -> dict[str, Curve]:
        """The curves of trials whose weights are saved now; the log says why others have none."""
        recorded: dict[str, _Recorded] = {}
        for trial in trials:
            try:
                recorded[trial.trial_id] = self._record(trial.hyperparameters)
            except NotCompilable as reason:
                self._tell(str(reason))
            except Exception:  # It will fail in the same way on its own, and be told.
                logger.debug("Trial %s cannot be built.", trial.trial_id, exc_info=True)
        curves: dict[str, Curve] = {}
        for num_epochs in sorted({one.num_epochs for one in recorded.values()}):
            equally_long = {t: one for t, one in recorded.items() if one.num_epochs == num_epochs}
            curves |= self._train_recorded(equally_long, num_epochs)
        return curves

    def _train_recorded(
        self, recorded: Mapping[str, _Recorded], num_epochs: int
    ) -> dict[str, Curve]:
        members = list(recorded.values())
        is_verbose = self._kwargs.get("verbose", "auto") != 0
        progress = _Progress(num_epochs * len(members), self._tuner.oracle.objective, is_verbose)
        results = self._trainer.train(
            _sharing_data([member.training for member in members]),
            [random.randrange(2**31) if member.is_shuffled else None for member in members],
            num_epochs,
            [_TrialFollower(self._tuner, member, progress) for member in members],
        )
        progress.end()
        curves: dict[str, Curve] = {}
        for (trial_id, member), result in zip(recorded.items(), results, strict=True):
            if isinstance(result, Exception):
                self._tell(repr(result))
                continue
            try:
                self._tuner.save_best_weights(trial_id, member.training.model)
            except Exception as error:
                self._tell(f"its weights cannot be saved: {error!r}")
                continue
            curves[trial_id] = result[0]
        return curves

    def _record(self, hp) -> _Recorded:
        model = self._tuner.build_quickly(hp)
        callbacks = self._tuner.copies_of(self._kwargs.get("callbacks") or ())
        kwargs = self._kwargs | {"callbacks": callbacks}
        arguments = record_fit(self._tuner.hypermodel, hp, model, self._args, kwargs)
        return _Recorded(
            built(prepare_recorded(model, arguments)),
            int(arguments["epochs"]),
            bool(arguments["shuffle"]),
            list(arguments["callbacks"] or ()),
        )

    def _kind_of(self, space: SearchSpace, configuration: Mapping) -> str:
        hp = space.to_keras_tuner()
        hp.values = dict(configuration)
        try:
            return self._record(hp).kind
        except NotCompilable as reason:
            self._tell(str(reason))
        except Exception:
            logger.debug("%s cannot be built.", configuration, exc_info=True)
        return uuid.uuid4().hex

    def _tell(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            logger.warning("Some trials are trained on their own, because %s.", reason)


class _TrialFollower:
    """Keeps a trial's best epoch, and stops its training where its callbacks do."""

    def __init__(self, tuner, recorded: _Recorded, progress: "_Progress"):
        self._tuner = tuner
        self._recorded = recorded
        self._progress = progress
        self._best: float | None = None

    def begin(self) -> None:
        self._best = None
        for callback in self._recorded.callbacks:
            callback.set_model(self._recorded.training.model)
            callback.on_train_begin()

    def see(self, epoch: int, metrics: Mapping[str, float]) -> tuple[bool, bool]:
        model = self._recorded.training.model
        model.stop_training = False
        for callback in self._recorded.callbacks:
            callback.on_epoch_end(epoch, dict(metrics))
        is_best = self._is_best(metrics)
        self._progress.add(self._best)
        return is_best, not (model.stop_training or self._tuner.is_out_of_time())

    def _is_best(self, metrics: Mapping[str, float]) -> bool:
        """Whether no epoch was better; as with KerasTuner, the first one counts in any case."""
        objective = self._tuner.oracle.objective
        if not objective.has_value(metrics):
            return False
        value = objective.get_value(metrics)
        is_best = self._best is None or objective.better_than(value, self._best)
        self._best = value if is_best else self._best
        return is_best


class _Progress:
    """A bar over the epochs of all members."""

    def __init__(self, num_epochs: int, objective, is_shown: bool):
        self._objective = objective
        self._name = f"best {objective.name}"
        self._best: float | None = None
        self._bar = (
            keras.utils.Progbar(num_epochs, stateful_metrics=[self._name], unit_name="epoch")
            if is_shown
            else None
        )

    def add(self, value: float | None) -> None:
        if value is not None and (
            self._best is None or self._objective.better_than(value, self._best)
        ):
            self._best = value
        if self._bar is not None:
            values = [] if self._best is None else [(self._name, self._best)]
            self._bar.add(1, values)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.target, finalize=True)


def _sharing_data(trainings: Sequence[Prepared]) -> list[Prepared]:
    """The trainings, with the first's arrays wherever those of another one are equal to them."""
    first = trainings[0]
    return [
        replace(
            training,
            train=_equal_or_own(first.train, training.train),
            validation=_equal_or_own(first.validation, training.validation),
        )
        for training in trainings
    ]


def _equal_or_own(known: tuple, own: tuple) -> tuple:
    if len(keras.tree.flatten(known)) != len(keras.tree.flatten(own)):
        return own  # Of another structure.
    pairs = zip(keras.tree.flatten(known), keras.tree.flatten(own), strict=True)
    is_equal = all(a is b or (a.dtype == b.dtype and np.array_equal(a, b)) for a, b in pairs)
    return known if is_equal else own
