"""Study files: what they may say, and what they are told when they say something else."""

import pytest

from keras_metahpo.benchmark.study import Study, SuiteSpec, read_study
from keras_metahpo.errors import BenchmarkError

GOOD = """
name = "example"
policies = ["RandomSearch", "MetaOracle"]
trials = 20
[[suites]]
kind = "lcbench"
path = "lcbench"
tasks = ["3945"]
[[targets]]
suite = "lcbench"
policy = "MetaOracle"
metric = "regret@5"
at_most = 0.07
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write


def test_a_study_file_is_read(written):
    study = read_study(written(GOOD))
    assert study.suites == (SuiteSpec("lcbench", "lcbench", options={"tasks": ["3945"]}),)
    assert study.targets[0]["at_most"] == 0.07
    header = study.as_header()
    assert header["random_policy"] == "RandomSearch"
    assert header["horizons"] == [1, 3, 5, 10]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("RandomSearch", "RandomSaerch", "Did you mean.*RandomSearch"),
        ("trials = 20", "trials = 0", "trials must be a positive"),
        ("trials = 20", "trails = 20", "expected entries"),
        ("trials = 20", 'split = "leave-tasks-out"', "Did you mean 'leave-task-out'"),
        ('kind = "lcbench"', "", "needs a `kind`"),
        ('name = "example"', "", "name"),
        ("[[suites]]", "[[suites]", "study.toml"),
    ],
)
def test_what_is_wrong_with_a_study_file_is_named(written, old, new, message):
    with pytest.raises(BenchmarkError, match=message):
        read_study(written(GOOD.replace(old, new)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BenchmarkError, match=r"nothing\.toml"):
        read_study(tmp_path / "nothing.toml")


def test_more_seeds_and_policies_are_the_same_study_and_other_trials_are_not():
    suites = (SuiteSpec("lcbench", "lcbench"),)
    study = Study("s", ("RandomSearch",), suites)
    assert Study("s", ("Optuna TPE",), suites, seeds=3).fingerprint == study.fingerprint
    assert Study("s", ("RandomSearch",), suites, trials=7).fingerprint != study.fingerprint
