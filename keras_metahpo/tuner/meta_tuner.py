"""`MetaTuner`: a KerasTuner tuner driven by `MetaOracle`, which sees every epoch."""

import logging
import time
from typing import TYPE_CHECKING

from keras_tuner.engine.trial import TrialStatus

from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.oracle import MetaOracle
from keras_metahpo.space import SearchSpace
from keras_metahpo.tuner.curves import CurveTuner
from keras_metahpo.tuner.limits import why_no_populations, why_not_freezable

if TYPE_CHECKING:
    from keras_metahpo.tuner.populations import Populations

logger = logging.getLogger(__name__)

# A worker that has nothing to do asks again after this many seconds.
IDLE_S = 0.5

ORACLE_ARGUMENTS = (
    "ranker",
    "history",
    "initial_configurations",
    "floor",
    "candidate_search",
    "surrogate",
    "max_epochs",
    "max_epochs_total",
    "budget_s",
    "stop_when_unpromising",
    "seed",
    "hyperparameters",
    "tune_new_entries",
    "allow_new_entries",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
)


class MetaTuner(CurveTuner):
    """Tunes Keras models with prior knowledge; a drop-in for `keras_tuner.RandomSearch`.

    Args:
        hypermodel: As in `keras_tuner.Tuner`.
        objective, max_trials: As in `MetaOracle`.
        population: How many trials are trained at once, on one device, by JAX's vectorised map.
        **kwargs: Further arguments of `MetaOracle` (`max_epochs`, `max_epochs_total`, `budget_s`,
            `ranker`, `history`, `initial_configurations`, `floor`, `candidate_search`, `surrogate`,
            `seed`, ...) and of `keras_tuner.Tuner` (`directory`, `project_name`, `overwrite`,
            `executions_per_trial`, ...).

    With `max_epochs`, most trials are trained for a few epochs only, and promising ones go on
    later, on the same trial, from their last epoch and with the optimizer's state. A hypermodel's
    own `fit` must pass its arguments on to the model's. A trial is trained in one go where it could
    not go on unchanged: if that `fit` or the model's goes its own way, if a callback may remember
    earlier epochs, if the objective is not measured in the last epoch, or if the model cannot be
    saved; the log says why.

    With `population`, a trial that the oracle suggests is trained together with others that differ
    from it in what need not be compiled anew: rates, momenta, weight decay, dropout and the like.
    It needs `KERAS_BACKEND=jax`, NumPy arrays, and a `fit` without callbacks that look into it
    (`EarlyStopping` and `TerminateOnNaN` are understood); other trials are trained on their own,
    and the log says why. Every `floor`-th population is random, not every `floor`-th trial.

    With `executions_per_trial` above 1, the mean curve of the executions is reported, and a
    trial's score is its best epoch.

    Ctrl-C ends a search without an error: `get_best_models` answers, and `search` goes on.

    Raises:
        ValueError: if `population` is not a positive number, or is above 1 with `max_epochs` or
            with a `run_trial` of the subclass's own.
        SearchSpaceError: if an initial configuration has an illegal value.

    Example:

    ```python
    tuner = keras_metahpo.MetaTuner(build_model, objective="val_accuracy", max_trials=20)
    tuner.search(x, y, validation_data=(x_val, y_val), epochs=10)
    model = tuner.get_best_models()[0]
    ```
    """

    def __init__(
        self,
        hypermodel=None,
        objective=None,
        max_trials: int | None = 10,
        *,
        population: int = 1,
        **kwargs,
    ):
        if hypermodel is None and type(self).run_trial is MetaTuner.run_trial:
            raise ValueError(
                "hypermodel must be a `HyperModel` or a function that builds a model, unless a "
                "subclass defines `run_trial`. Received: hypermodel=None."
            )
        if kwargs.get("max_epochs") is not None and type(self).run_trial is not MetaTuner.run_trial:
            raise ValueError(
                "max_epochs needs the tuner's own `run_trial`, which can go on where a training "
                f"stopped. Received: max_epochs={kwargs['max_epochs']} and {type(self).__name__}, "
                "which defines `run_trial`. Leave max_epochs out, or do not define it."
            )
        self._check_population(population, kwargs.get("max_epochs"))
        oracle_kwargs = {name: kwargs.pop(name) for name in ORACLE_ARGUMENTS if name in kwargs}
        oracle = MetaOracle(objective=objective, max_trials=max_trials, **oracle_kwargs)
        super().__init__(
            oracle=oracle, hypermodel=hypermodel, max_epochs=oracle.max_epochs, **kwargs
        )
        # A worker knows the chief's oracle by a few calls only: it has a clock of its own.
        self._budget = oracle.budget
        self._check_initial_configurations(oracle)
        self.population = population
        self._populations: Populations | None = None
        self._others: list = []
        self._is_waiting = False

    def search(self, *fit_args, **fit_kwargs):
        """Searches; arguments as in `keras_tuner.Tuner.search`, but for `epochs` with `max_epochs`.

        Raises:
            ValueError: if `epochs` or `initial_epoch` contradicts `max_epochs`.
        """
        if self.max_epochs is not None:
            self._prepare_freezing(fit_kwargs)
        self._prepare_populations(fit_args, fit_kwargs)
        try:
            super().search(*fit_args, **fit_kwargs)
        except KeyboardInterrupt:
            if self.is_distributed():
                raise
            logger.warning(
                "The search was interrupted; %d trials have ended. `get_best_models` answers, and "
                "`search` goes on where it was.",
                len(self.oracle.finished_trials()),
            )

    def _prepare_freezing(self, fit_kwargs: dict) -> None:
        max_epochs = self.max_epochs
        for name, legal in (("epochs", max_epochs), ("initial_epoch", 0)):
            if fit_kwargs.get(name, legal) != legal:
                raise ValueError(
                    f"With max_epochs={max_epochs}, the tuner decides how long a trial is trained. "
                    f"Received: {name}={fit_kwargs[name]}. Leave it out."
                )
        reason = why_not_freezable(fit_kwargs.get("callbacks") or ())
        self.may_freeze = reason is None
        if reason:
            logger.warning(
                "Every trial is trained for all %d epochs in one go, because %s.",
                max_epochs,
                reason,
            )

    def _check_population(self, population: int, max_epochs: int | None) -> None:
        if not isinstance(population, int) or population < 1:
            raise ValueError(
                f"population must be a positive number of trials. Received: {population!r}."
            )
        if population > 1 and max_epochs is not None:
            raise ValueError(
                "A population's trials are all trained to the end; max_epochs would stop some of "
                f"them. Received: population={population} and max_epochs={max_epochs}. Leave one "
                "of them out."
            )
        if population > 1 and type(self).run_trial is not MetaTuner.run_trial:
            raise ValueError(
                f"population needs the tuner's own `run_trial`. Received: population={population} "
                f"and {type(self).__name__}, which defines `run_trial`. Leave population out, or "
                "do not define it."
            )

    def _prepare_populations(self, fit_args: tuple, fit_kwargs: dict) -> None:
        self._populations, self._others = None, []  # Of an interrupted search, perhaps.
        reason = why_no_populations(self) if self.population > 1 else None
        if reason:
            logger.warning("Trials are trained one at a time, because %s.", reason)
        elif self.population > 1:
            from keras_metahpo.tuner.populations import Populations

            self._populations = Populations(self, self.population, fit_args, fit_kwargs)
        self.oracle.leads_populations = self._populations is not None

    def is_out_of_time(self):
        return self._budget.is_out_of_time

    def on_search_begin(self):
        # Without this file, KerasTuner would restart an interrupted search from nothing.
        self.save()
        self._budget.begin()

    def pre_create_trial(self):
        if self._is_waiting:
            time.sleep(IDLE_S)
        self._is_waiting = True

    def on_trial_begin(self, trial):
        self._is_waiting = False
        super().on_trial_begin(trial)

    def on_trial_end(self, trial):
        others, self._others = self._others, []
        super().on_trial_end(trial)
        for other, status in others:
            other.status = status
            super().on_trial_end(other)

    def run_trial(self, trial, *args, **kwargs):
        """Trains the trial's model and reports every epoch to the oracle."""
        populations, self._populations = self._populations, None
        if populations is None:
            return super().run_trial(trial, *args, **kwargs)
        try:
            return self._run_population(populations, trial, *args, **kwargs)
        finally:
            self._populations = populations

    def _run_population(self, populations: "Populations", trial, *args, **kwargs):
        curves, others = populations.run(trial)
        for other in others:
            self.on_trial_begin(other)
            if other.trial_id in curves:
                self.report_curve(other, curves[other.trial_id])
                other.status = TrialStatus.COMPLETED
            else:
                self.run_trial_as_alone(other, *args, **kwargs)
            self._others.append((other, other.status))
            # Until it is ended, for a completed trial has a score.
            other.status = TrialStatus.RUNNING
        if trial.trial_id in curves:
            return self.report_curve(trial, curves[trial.trial_id])
        return super().run_trial(trial, *args, **kwargs)

    def _check_initial_configurations(self, oracle: MetaOracle) -> None:
        space = SearchSpace.from_keras_tuner(oracle.hyperparameters)
        for configuration in oracle.initial_configurations:
            known = {k: v for k, v in configuration.items() if k in space.names}
            try:
                space.complete(known)
            except SearchSpaceError as error:
                raise SearchSpaceError(f"initial_configurations: {error}") from error
            if unknown := sorted(set(configuration) - set(known)):
                # They may appear in mid-search, so this is not an error.
                logger.warning(
                    "initial_configurations name %s, which the search space %s does not have yet.",
                    unknown,
                    space.names,
                )
