"""The laws of oracles: MetaOracle obeys them all, KerasTuner's own where they can."""

import keras_tuner
import pytest

from keras_metahpo import MetaOracle
from keras_metahpo.testing import OracleLaws
from keras_metahpo.testing.oracles import OBJECTIVE


def fails_upstream(law, reason: str):
    """A law that an oracle of KerasTuner 1.4.8 is known to break."""

    def test(self, make_oracle, tmp_path):
        law(self, make_oracle, tmp_path)

    return pytest.mark.xfail(strict=True, reason=reason)(test)


class KerasTunerLaws(OracleLaws):
    """What KerasTuner's base class breaks for all of its oracles."""

    test_a_diverged_trial_is_never_the_best = fails_upstream(
        OracleLaws.test_a_diverged_trial_is_never_the_best, "inf stays COMPLETED"
    )
    test_a_refused_report_leaves_no_lock_behind = fails_upstream(
        OracleLaws.test_a_refused_report_leaves_no_lock_behind,
        "`synchronized` keeps the lock when the method raises",
    )


class TestMetaOracleWithoutRanker(OracleLaws):
    @pytest.fixture
    def make_oracle(self):
        return lambda **kwargs: MetaOracle(OBJECTIVE, ranker=None, seed=1, **kwargs)


class TestMetaOracleWithRanker(OracleLaws):
    @pytest.fixture
    def make_oracle(self, quick_ranker):
        return lambda **kwargs: MetaOracle(OBJECTIVE, ranker=quick_ranker, seed=1, **kwargs)


class TestRandomSearch(KerasTunerLaws):
    @pytest.fixture
    def make_oracle(self):
        return lambda **kwargs: keras_tuner.oracles.RandomSearchOracle(OBJECTIVE, seed=1, **kwargs)


class TestBayesianOptimization(KerasTunerLaws):
    test_values_are_legal_and_plain_python = fails_upstream(
        OracleLaws.test_values_are_legal_and_plain_python, "values are numpy.float64"
    )
    test_a_hyperparameter_may_appear_while_another_trial_runs = fails_upstream(
        OracleLaws.test_a_hyperparameter_may_appear_while_another_trial_runs,
        "its Gaussian process was fitted to fewer features",
    )
    test_no_configuration_is_tried_twice = fails_upstream(
        OracleLaws.test_no_configuration_is_tried_twice, "it does not deduplicate"
    )

    @pytest.fixture
    def make_oracle(self):
        # Its suggestions take seconds, so few of them follow the random ones.
        return lambda **kwargs: keras_tuner.oracles.BayesianOptimizationOracle(
            OBJECTIVE, num_initial_points=5, seed=1, **kwargs
        )


class TestHyperband(KerasTunerLaws):
    plans_its_own_trials = True

    @pytest.fixture
    def make_oracle(self):
        return lambda **kwargs: keras_tuner.oracles.HyperbandOracle(
            OBJECTIVE, max_epochs=9, seed=1, **kwargs
        )


class TestGridSearch(KerasTunerLaws):
    test_resuming_keeps_finished_trials_and_goes_on = fails_upstream(
        OracleLaws.test_resuming_keeps_finished_trials_and_goes_on,
        "KeyError: the interrupted trial is not in its ordered list",
    )
    test_a_hyperparameter_may_appear_while_another_trial_runs = fails_upstream(
        OracleLaws.test_a_hyperparameter_may_appear_while_another_trial_runs,
        "KeyError: the trial that runs has no value to continue from",
    )

    @pytest.fixture
    def make_oracle(self):
        return lambda **kwargs: keras_tuner.oracles.GridSearchOracle(OBJECTIVE, seed=1, **kwargs)
