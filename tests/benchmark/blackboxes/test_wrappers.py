"""Wrappers: what each changes, what it leaves alone, and that they compose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.benchmark.blackboxes.adversaries import Permuted, SignFlipped
from keras_metahpo.benchmark.blackboxes.packages import PackageFactory
from keras_metahpo.benchmark.blackboxes.tabular import TabularBlackbox
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Noisy, Pooled
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import LoggedTrial, TrialLog

from .conftest import make_log

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def pool(mixed_space):
    """30 recorded configurations, one of them failed."""
    log = make_log(mixed_space)
    failure = LoggedTrial("f", mixed_space.default_configuration(), [], status="FAILED")
    trials = [*log.trials, failure]
    return TabularBlackbox(TrialLog.from_trials(log.card, mixed_space, trials))


@pytest.fixture(scope="module")
def grid():
    return PackageFactory("nasbench201", "cifar10").open()


@pytest.fixture(scope="module")
def surrogate(mixed_space):
    return TabularBlackbox(make_log(mixed_space, lookup="surrogate"))


@pytest.mark.parametrize("wrapper", [Noisy, SignFlipped, Permuted, Pooled])
def test_wrapped_tasks_have_names_of_their_own_and_name_what_they_wrap(wrapper, pool):
    card = wrapper(pool).card
    assert card.name == f"made/up+{wrapper.name}"
    assert "made/up" in card.sources
    assert wrapper(pool).space == pool.space


@pytest.mark.parametrize("wrapper", [Noisy, SignFlipped, Permuted, Pooled])
@pytest.mark.parametrize("inner", ["pool", "grid", "surrogate"])
def test_equal_wrappers_answer_equally(wrapper, inner, request):
    blackbox = request.getfixturevalue(inner)
    points = blackbox.space.sample(5, np.random.default_rng(0))
    for configuration in blackbox.space.decode(points):
        first, second = (wrapper(blackbox).evaluate(configuration) for _ in range(2))
        np.testing.assert_equal(first.metrics, second.metrics)


def test_noise_is_unbiased_and_of_the_size_asked_for(grid):
    noisy = Noisy(grid, std=0.2, seed=1)
    reference = grid.reference()
    points = grid.space.sample(400, np.random.default_rng(0))
    evaluations = [noisy.evaluate(c) for c in grid.space.decode(points)]
    errors = np.array([e.metrics["val_acc"] - e.metrics["noiseless"] for e in evaluations])
    errors /= reference.best - reference.median
    assert abs(errors.mean()) < 0.04
    assert errors.std() == pytest.approx(0.2, rel=0.1)
    assert noisy.reference() == reference


def test_noise_differs_from_seed_to_seed_and_failures_stay_failed(pool, mixed_space):
    configuration = pool.pool[0]
    values = {Noisy(pool, seed=s).evaluate(configuration).metrics["val_loss"] for s in range(5)}
    assert len(values) == 5
    failed = Noisy(pool).evaluate(mixed_space.default_configuration())
    assert np.isnan(failed.metrics["val_loss"])


def test_noise_needs_a_reference(pool, monkeypatch):
    monkeypatch.setattr(pool, "reference", lambda: None)
    with pytest.raises(BenchmarkError, match=r"Received: 'made/up'"):
        Noisy(pool).evaluate(pool.pool[0])


@pytest.mark.parametrize("inner", ["pool", "grid"])
def test_sign_flip_reverses_the_order(inner, request):
    blackbox = request.getfixturevalue(inner)
    points = blackbox.space.sample(50, np.random.default_rng(0))
    configurations = blackbox.space.decode(points)
    straight, flipped = (utilities_of(b, configurations) for b in (blackbox, SignFlipped(blackbox)))
    finite = np.isfinite(straight)
    np.testing.assert_array_equal(flipped[finite], -straight[finite])
    np.testing.assert_array_equal(flipped[~finite], straight[~finite])
    reference = SignFlipped(blackbox).reference()
    assert reference.best >= flipped.max() - 1e-9 or inner == "grid"
    assert reference.best > reference.median


def test_permutation_of_a_pool_keeps_the_outcomes(pool):
    permuted = Permuted(pool, seed=3)
    before, after = (utilities_of(b, pool.pool) for b in (pool, permuted))
    assert sorted(before) == sorted(after)
    assert list(before) != list(after)
    assert permuted.reference() == pool.reference()


def test_permutation_of_a_grid_is_one(grid):
    permuted = Permuted(grid)
    everything = list(grid.space.configurations())[:3000]
    stand_ins = permuted.stand_ins(everything)
    assert len({tuple(c.values()) for c in stand_ins}) == len(everything)
    before, after = grid.utilities(everything), grid.utilities(stand_ins)
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.1


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_permutation_elsewhere_gives_legal_configurations(surrogate, seed):
    rng = np.random.default_rng(seed)
    configurations = surrogate.space.decode(surrogate.space.sample(5, rng))
    for stand_in in Permuted(surrogate, seed).stand_ins(configurations):
        assert surrogate.space.complete(stand_in) == stand_in


def test_permutation_elsewhere_has_a_reference_of_its_own(surrogate, monkeypatch):
    monkeypatch.setattr("keras_metahpo.benchmark.blackboxes.wrappers.REFERENCE_SIZE", 50)
    assert "50 permuted configurations" in Permuted(surrogate).reference().how


@pytest.mark.parametrize("inner", ["pool", "grid", "surrogate"])
def test_pools_have_their_size_and_their_own_reference(inner, request):
    blackbox = request.getfixturevalue(inner)
    pooled = Pooled(blackbox, size=20, seed=1)
    assert len(pooled.pool) == len({tuple(c.items()) for c in pooled.pool}) == 20
    assert pooled.card.lookup == "pool"
    utilities = utilities_of(blackbox, pooled.pool)
    assert pooled.reference().best == utilities.max()
    points = blackbox.space.sample(20, np.random.default_rng(9))
    found = utilities_of(pooled, blackbox.space.decode(points))
    assert set(found) <= set(utilities)


def test_pools_differ_from_seed_to_seed_and_are_never_larger_than_what_there_is(pool):
    first, second = (Pooled(pool, size=10, seed=s).pool for s in (0, 1))
    assert first != second
    assert len(Pooled(pool, size=1000).pool) == len(pool.pool)


def test_wrappers_compose(grid):
    blackbox = Noisy(SignFlipped(Pooled(grid, size=30)), std=0.0)
    straight = Pooled(grid, size=30)
    np.testing.assert_array_equal(
        utilities_of(blackbox, straight.pool), -utilities_of(straight, straight.pool)
    )
