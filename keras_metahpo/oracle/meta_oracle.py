"""`MetaOracle`: an oracle that has already tuned other models."""

import logging
import os
from collections.abc import Mapping, Sequence

from keras_tuner.engine.trial import TrialStatus

from keras_metahpo._kerastuner import configuration_of
from keras_metahpo.explanation import Explanation, explain_configuration
from keras_metahpo.history import (
    TrialLog,
    TrialLogCard,
    load_logs,
    trial_from_state,
)
from keras_metahpo.oracle.budget import Budget
from keras_metahpo.oracle.experts import Experts
from keras_metahpo.oracle.stopping import StoppingOracle
from keras_metahpo.policies import (
    DEFAULT_CANDIDATE_SEARCH,
    Suggestion,
    propose_members,
    random_members,
    suggest_random,
)
from keras_metahpo.rankers import DEFAULT_PRESET, Ranker
from keras_metahpo.space import Configuration, SearchSpace

logger = logging.getLogger(__name__)

# Tells the random numbers of a population's members from those of its leader.
POPULATION = 1


class MetaOracle(StoppingOracle):
    """A KerasTuner oracle that has already tuned other models.

    Its first suggestion comes from a meta-learned ranker; the second is the search space's own
    default, if its author chose one and there is no `history`. From then on a Gaussian process,
    whose prior mean the ranker is, learns from this search how far the ranker is to be trusted.

    Args:
        objective: As in `keras_tuner.Oracle`.
        max_trials: Number of trials at most; fewer if the search space is exhausted.
        ranker: Name of a bundled preset, directory of a preset, a `Ranker`, or `None` to search
            without prior knowledge.
        history: Earlier searches of the same problem: trial logs (`TrialLog` or directories),
            KerasTuner project folders of any version, Optuna storages (`.db`, `.sqlite`) and
            tables of trials (`.csv`). Their best configurations are tried first, matched by the
            names of hyperparameters: unknown ones are dropped, missing ones take their default.
            With `max_epochs`, what they took tells what an epoch costs.
        initial_configurations: Configurations to try before anything else, as dictionaries;
            hyperparameters they do not name take their defaults.
        floor: Every `floor`-th trial is uniformly random, so that however misleading the ranker,
            the best of T trials is at least as good, in distribution, as random search's best of
            T // floor trials. `None` for no floor.
        candidate_search: How the configuration of the greatest expected improvement is looked for,
            with about as many evaluations each: `"sobol"` (a spread over the space, mutations of
            the best, refinement), `"genetic"` and `"particle_swarm"` (both need the extra
            `search`), or `"gradient"` (ascent of the ranker's score; on TensorFlow or JAX, with a
            preset or a `DifferentiableRanker`).
        surrogate: What predicts from this search's trials. `None`: the Gaussian process whose prior
            mean is the ranker. Else it decides alone, the ranker only explains, and it is a name,
            `"gp_rbf"`, `"gp_matern_12"`, `"gp_matern_32"` or `"gp_matern_52"` for a process without
            prior knowledge; or, as for `ranker`, a preset or a `Ranker`.
        max_epochs: Epochs of a full training. With it, promising configurations are trained further
            and the others stay where they stopped. Only `MetaTuner` can train so. `None`: every
            trial is trained as `search` says.
        max_epochs_total: Ends the search after so many epochs of all trials together.
        budget_s: Ends the search after so many seconds, those of interrupted sessions included.
        stop_when_unpromising: Ends the search when its latest suggestions were expected to improve
            the best value by next to nothing; with `max_epochs`, trainings that promise more go on.
            `False` says so once and goes on to `max_trials`.
        seed: Integer; 0 is a seed like any other. `None` for a random one.
        hyperparameters, allow_new_entries, tune_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: As in `keras_tuner.Oracle`.

    Raises:
        PresetError: if the ranker or the surrogate is unknown, damaged or of a later format.
        TrialLogError, ProjectError: if an entry of `history` cannot be read.
        ImportError: if `candidate_search` needs a package that is missing.

    Example:

    ```python
    oracle = keras_metahpo.MetaOracle(objective="val_accuracy", max_trials=20)
    tuner = keras_tuner.Tuner(oracle=oracle, hypermodel=build_model)
    tuner.search(x, y, validation_data=(x_val, y_val), epochs=10)
    ```
    """

    def __init__(
        self,
        objective=None,
        max_trials: int | None = 10,
        *,
        ranker: str | Ranker | None = DEFAULT_PRESET,
        history: Sequence[str | os.PathLike | TrialLog] = (),
        initial_configurations: Sequence[Configuration] = (),
        floor: int | None = 8,
        candidate_search: str = DEFAULT_CANDIDATE_SEARCH,
        surrogate: str | Ranker | None = None,
        max_epochs: int | None = None,
        max_epochs_total: int | None = None,
        budget_s: float | None = None,
        stop_when_unpromising: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            max_epochs=max_epochs,
            budget=Budget(max_epochs_total, budget_s),
            seed=seed,
            floor=floor,
            stop_when_unpromising=stop_when_unpromising,
            **kwargs,
        )
        if floor is not None and floor < 2:
            raise ValueError(
                "floor must be None or an integer of at least 2: with 1, every trial would be "
                f"random. Received: floor={floor}."
            )
        for configuration in initial_configurations:
            if not isinstance(configuration, Mapping):
                raise ValueError(
                    "initial_configurations must be dictionaries from hyperparameter names to "
                    f"values. Received: {configuration!r}."
                )
        self.ranker = ranker
        is_one = isinstance(history, (str, os.PathLike, TrialLog))
        self.history: list = [history] if is_one else list(history)
        self.initial_configurations = [dict(c) for c in initial_configurations]
        self.candidate_search = candidate_search
        self.surrogate = surrogate
        logs = load_logs(self.history, self.objective.name, self.objective.direction)
        self._experts = Experts(
            ranker, surrogate, candidate_search, logs, self.initial_configurations, floor
        )

    def populate_space(self, trial_id):
        """The next trial's values; falls back to a random configuration if anything fails."""
        try:
            return self._populate(trial_id)
        except Exception:
            logger.warning(
                "MetaOracle could not make a suggestion for trial %s and takes a random "
                "configuration instead. The search goes on; please report this.",
                trial_id,
                exc_info=True,
            )
        values = self.random_configuration()
        self._remember(trial_id, "random (fallback)", {})
        if values is None:
            return {"status": self._exhausted(), "values": None}
        return {
            "status": TrialStatus.RUNNING,
            "values": values | self.planned_epochs(self.max_epochs),
        }

    def _populate(self, trial_id) -> dict:
        step = self._take_decided()
        space = self._space()
        if step is not None:
            suggestion: Suggestion | None = Suggestion(
                step.configuration, step.expert, step.reasons
            )
        elif len(space) == 0 and not self.trials:
            # The first trial of an unknown space finds out what there is to tune.
            suggestion = Suggestion({}, "default")
        else:
            suggestion = self._suggest(space)
        if suggestion is None:
            return {"status": self._exhausted(), "values": None}
        self._remember(trial_id, suggestion.expert, suggestion.reasons)
        epochs = step.epochs if step is not None else self.max_epochs
        values = dict(suggestion.configuration) | self.planned_epochs(epochs)
        return {"status": TrialStatus.RUNNING, "values": values}

    def _suggest(self, space: SearchSpace) -> Suggestion | None:
        rng = self._generator(len(self.start_order))
        given = (space, self._search_history(), self._pending(), rng)
        if self._is_floor_due():
            return suggest_random(*given)
        policy = (
            self._experts.policy_without_floor if self.leads_populations else self._experts.policy
        )
        return policy.suggest(*given)

    def _propose_members(self, leader, is_random, names, num_members):
        rng = self._generator(len(self.start_order), POPULATION)
        given = (self._space(), self._search_history(), self._pending(), leader, names, num_members)
        if is_random:
            return random_members(*given, rng)
        return propose_members(self._experts.model, *given, rng)

    def _exhausted(self) -> str:
        """What to answer without a configuration: a running trial may yet find hyperparameters."""
        return TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED

    def _new_freeze_thaw_policy(self, max_epochs):
        return self._experts.freeze_thaw_policy(max_epochs)

    def explain(self, trial_id: str) -> Explanation:
        """Why a configuration was chosen.

        Args:
            trial_id: Id of a trial of this search.
        """
        if trial_id not in self.trials:
            raise KeyError(
                f"trial_id must be one of {sorted(self.trials)}. Received: {trial_id!r}."
            )
        suggestion = self._suggestions.get(trial_id, {"expert": "unknown", "reasons": {}})
        trial = self.trials[trial_id]
        return explain_configuration(
            trial_id=trial_id,
            space=self._space(),
            configuration=configuration_of(trial),
            expert=suggestion["expert"],
            reasons=suggestion["reasons"],
            ranker=self._experts.ranker,
            mean=self._predicted_scores(),
            trained_on=self._experts.trained_on,
        )

    def _predicted_scores(self):
        """Points to expected normal scores, by the model that decides and all finished trials."""
        space = self._space()
        acquisition = self._experts.model.problem(space, self._search_history()).score_function
        return lambda points: acquisition(points)[:, 1]

    def export(self, path: str | None = None, name: str | None = None) -> TrialLog:
        """This search as a trial log, which may serve as another search's `history`.

        Args:
            path: Directory to write it to; any that fsspec opens. `None` writes nothing.
            name: Name on the card; the project's name by default.
        """
        trials = [
            trial_from_state(t.get_state(), self.objective.direction, self.objective.name)
            for t in self.finished_trials()
        ]
        card = TrialLogCard(
            name=name or str(getattr(self, "_project_name", None) or "search"),
            objective=self.objective.name,
            direction=self.objective.direction,
            source="keras-metahpo search",
            max_fidelity=max([1, *(len(t.measurements) for t in trials)]),
            provenance={"made_by": type(self).__name__, "seed": self.seed},
        )
        log = TrialLog.from_trials(card, self._space(), trials)
        if path is not None:
            log.write(path)
        return log
