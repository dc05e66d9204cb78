"""Source tasks: what trial logs say of trainings before they ended."""

import numpy as np
import pytest

from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.meta_training.augmentation.ranges import crop, freeze, shift
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("rate", "float", 0.01, 1e-4, 1.0, sampling="log"),
        Hyperparameter("units", "choice", 8, choices=(8, 16), ordered=True),
    ]
)


def logged(accuracies: list[list[float]], epoch_s=1.0) -> SourceTask:
    """A task of curves, one a trial; an empty one failed."""
    rng = np.random.default_rng(0)
    configurations = SPACE.decode(SPACE.sample(len(accuracies), rng))
    trials = [
        LoggedTrial(
            str(number),
            configuration,
            [
                {"accuracy": value, "elapsed_s": 7.0 + epoch * epoch_s * (number + 1)}
                for epoch, value in enumerate(curve)
            ],
            status="COMPLETED" if curve else "FAILED",
        )
        for number, (configuration, curve) in enumerate(
            zip(configurations, accuracies, strict=True)
        )
    ]
    fidelity = max(map(len, accuracies))
    card = TrialLogCard("log", "accuracy", "max", fidelity="epoch", max_fidelity=fidelity)
    return SourceTask.from_trial_log(TrialLog.from_trials(card, SPACE, trials))


def test_early_epochs_are_wrong_by_as_many_ranks_as_they_are():
    """After 2 and 4 of 8 epochs the first two trials stand the other way round."""
    late = [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9]
    early = [0.5] * 8
    last = [0.05] * 8
    task = logged([late, early, last])
    step = task.early_errors[1, 0]
    assert step > 0
    assert task.early_errors[:, :2] == pytest.approx(np.array([[-step] * 2, [step] * 2, [0.0] * 2]))
    # One epoch of 8 says nothing, and less does not exist.
    assert np.isnan(task.early_errors[:, 2:]).all()


def test_a_failed_trial_has_no_early_error_and_no_cost():
    task = logged([[0.2] * 4, [0.3] * 4, []])
    assert task.early_errors[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert task.costs[:2].tolist() == pytest.approx([1.0, 2.0]) and np.isnan(task.costs[2])


def test_trials_of_one_measurement_have_no_early_ones():
    task = logged([[0.2], [0.3]])
    assert np.isnan(task.early_errors).all()


def test_what_is_known_of_a_configuration_goes_with_it():
    rng = np.random.default_rng(0)
    task = logged(rng.random((60, 8)).cumsum(axis=1).tolist())
    rows = zip(task.utilities.tolist(), task.early_errors, task.costs, strict=True)
    known = {utility: (errors, cost) for utility, errors, cost in rows}
    sizes = set()
    for _ in range(20):
        found = shift(freeze(crop(task, rng, 10), rng, 10), rng)
        sizes.add(len(found.points))
        for row, utility in enumerate(found.utilities.tolist()):
            errors, cost = known[utility]
            np.testing.assert_array_equal(found.early_errors[row], errors)
            assert found.costs[row] == cost
    assert min(sizes) < 60


def test_parts_of_different_length_are_refused():
    task = logged([[0.2] * 4, [0.3] * 4])
    with pytest.raises(ValueError, match=r"2 utilities.*2, 1 and 2"):
        SourceTask("x", "x", SPACE, task.points, task.utilities, task.early_errors[:1], task.costs)
