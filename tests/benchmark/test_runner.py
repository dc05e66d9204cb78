"""Running studies: records, resuming, splits, and policies that misbehave."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from keras_metahpo.benchmark.records import cell_file, read_header, read_search, read_tasks
from keras_metahpo.benchmark.runner import run_study, search_seed
from keras_metahpo.benchmark.study import Study, SuiteSpec
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-2, 1e-4, 1.0, sampling="log"),
        Hyperparameter("units", "int", 8, 8, 64, step=8),
    ]
)
MISBEHAVING = """
import time
from keras_metahpo.benchmark.contestants import Contestant, NotAvailable, Proposal, Search


class Fixed(Search):
    def __init__(self, configurations):
        self.configurations = iter(configurations)

    def suggest(self):
        configuration = next(self.configurations, None)
        if configuration == "raise":
            raise RuntimeError("no idea")
        if configuration == "hang":
            time.sleep(60)
        return configuration and Proposal(configuration)

    def observe(self, proposal, value):
        with open(LOG, "a") as file:
            file.write(f"{proposal.configuration} {value}\\n")


class Misbehaving(Contestant):
    def __init__(self, configurations):
        self.configurations = configurations

    def start(self, problem, seed):
        if self.configurations == "absent":
            raise NotAvailable("gone fishing")
        return Fixed(self.configurations)


GOOD = {"learning_rate": 0.01, "units": 8}
LOG = __file__ + ".log"
raises = Misbehaving([GOOD, "raise"])
hangs = Misbehaving([GOOD, "hang"])
illegal = Misbehaving([GOOD, {"learning_rate": 7.0, "units": 8}])
incomplete = Misbehaving([{"learning_rate": 0.01}])
exhausted = Misbehaving([GOOD, {"learning_rate": 0.02, "units": 16}])
absent = Misbehaving("absent")
"""


def write_log(directory: Path, name: str, shift: float = 0.0, lookup: str = "surrogate") -> str:
    configurations = SPACE.decode(SPACE.sample(40, np.random.default_rng(1)))
    trials = [
        LoggedTrial(
            str(number),
            c,
            [{"loss": (np.log10(c["learning_rate"]) + 2 + shift) ** 2, "elapsed_s": 3.0}],
        )
        for number, c in enumerate(configurations)
    ]
    card = TrialLogCard(name, "loss", "min", lookup=lookup)
    return TrialLog.from_trials(card, SPACE, trials).write(str(directory / name))


@pytest.fixture
def study(tmp_path):
    """Makes a study of two logged tasks."""
    paths = [write_log(tmp_path, name, shift) for name, shift in (("a", 0.0), ("b", 0.5))]

    def make(*policies: str, **kwargs) -> Study:
        options = {"family": "quadratics"}
        suites = tuple(SuiteSpec("tabular", path, "logs", options) for path in paths)
        return Study("test", policies, suites, **({"trials": 6, "seeds": 2} | kwargs))

    return make


@pytest.fixture
def own(tmp_path):
    """Name of a policy in a file of one's own."""
    file = tmp_path / "own.py"
    file.write_text(MISBEHAVING)
    return lambda name: f"{file}:{name}"


def ends(output: Path, policy: str):
    return read_search(cell_file(output, policy, "a", 0)).end


def test_every_step_of_every_search_is_recorded(study, tmp_path):
    progress = []
    output = tmp_path / "out"
    run_study(
        study("RandomSearch", "Optuna TPE"), output, on_progress=lambda *a: progress.append(a)
    )
    assert [done for done, _, _ in progress] == list(range(9))
    assert {total for _, total, _ in progress} == {8}
    assert read_header(output)["policies"] == ["RandomSearch", "Optuna TPE"]
    assert set(read_tasks(output)) == {"a", "b"}
    for policy in ("RandomSearch", "Optuna TPE"):
        steps = read_search(cell_file(output, policy, "b", 1)).steps
        values = [step.value for step in steps]
        assert [step.incumbent for step in steps] == np.minimum.accumulate(values).tolist()
        assert [step.step for step in steps] == list(range(1, 7))
        costs = [step.trial_s + step.suggestion_s for step in steps]
        np.testing.assert_allclose([step.simulated_s for step in steps], np.cumsum(costs))
        assert ends(output, policy).end == "finished"


def test_seeds_are_searches_of_their_own(study, tmp_path):
    run_study(study("RandomSearch"), tmp_path / "out")
    first, second = (
        read_search(cell_file(tmp_path / "out", "RandomSearch", "a", seed)).steps for seed in (0, 1)
    )
    assert not {str(s.configuration) for s in first} & {str(s.configuration) for s in second}


def test_tasks_have_draws_of_their_own_and_policies_of_a_task_the_same_seed(study, tmp_path):
    run_study(study("RandomSearch"), tmp_path / "out")
    first, second = (
        read_search(cell_file(tmp_path / "out", "RandomSearch", task, 0)).steps for task in "ab"
    )
    assert not {str(s.configuration) for s in first} & {str(s.configuration) for s in second}
    seeds = {search_seed(task, seed) for task in "abcdefgh" for seed in range(10)}
    assert len(seeds) == 80
    assert search_seed("a", 0) == search_seed("a", 0)


@pytest.mark.parametrize("policy", ["RandomSearch", "Optuna TPE", "GP from the default"])
def test_a_search_cut_off_goes_on_and_repeats_nothing(study, tmp_path, policy):
    output = tmp_path / "out"
    run_study(study(policy), output)
    path = cell_file(output, policy, "a", 1)
    whole = path.read_text().splitlines()
    marked = [json.dumps(json.loads(line) | {"device": "recorded"}) for line in whole[:3]]
    path.write_text("\n".join([*marked, whole[3][:20]]))
    run_study(study(policy), output)
    resumed, uninterrupted = read_search(path).steps, whole[:-1]
    assert [s.device for s in resumed] == ["recorded"] * 3 + ["simulated"] * 3
    for step, line in zip(resumed, uninterrupted, strict=True):
        old = json.loads(line)
        assert (step.configuration, step.value) == (old["configuration"], old["value"])


def test_a_finished_study_is_left_alone_and_can_grow(study, tmp_path):
    output = tmp_path / "out"
    run_study(study("RandomSearch"), output)
    path = cell_file(output, "RandomSearch", "a", 0)
    before = path.stat().st_mtime_ns
    run_study(study("RandomSearch", "defaults by name", seeds=3), output)
    assert path.stat().st_mtime_ns == before
    assert ends(output, "defaults by name").end == "finished"


def test_another_study_is_refused_in_the_same_folder(study, tmp_path):
    run_study(study("RandomSearch"), tmp_path / "out")
    with pytest.raises(BenchmarkError, match="holds another study"):
        run_study(study("RandomSearch", trials=7), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "num_steps", "end", "reason"),
    [
        ("raises", 1, "failed", "RuntimeError: no idea"),
        ("hangs", 1, "failed", "must take at most 2 s"),
        ("illegal", 1, "failed", "must be a number from"),
        ("incomplete", 0, "failed", "each active hyperparameter"),
        ("exhausted", 2, "finished", ""),
        ("absent", 0, "skipped", "gone fishing"),
    ],
)
def test_a_misbehaving_policy_costs_its_own_search_only(
    study, own, tmp_path, name, num_steps, end, reason
):
    output = tmp_path / "out"
    run_study(study(own(name), "RandomSearch", suggestion_limit_s=2.0), output)
    record = read_search(cell_file(output, own(name), "a", 0))
    assert len(record.steps) == num_steps
    assert record.end.end == end
    assert reason in record.end.reason
    assert ends(output, "RandomSearch").end == "finished"


def test_what_was_skipped_is_tried_again(study, own, tmp_path):
    output = tmp_path / "out"
    run_study(study(own("absent")), output)
    path = cell_file(output, own("absent"), "a", 0)
    before = path.stat().st_mtime_ns
    run_study(study(own("absent")), output)
    assert path.stat().st_mtime_ns > before
    assert read_search(path).end.end == "skipped"


def test_what_failed_is_run_again_when_asked(study, own, tmp_path):
    output = tmp_path / "out"
    file = own("raises").partition(".py:")[0]
    run_study(study(own("raises")), output)
    Path(f"{file}.py").write_text(MISBEHAVING.replace('"raise"]', '{**GOOD, "units": 16}]'))
    run_study(study(own("raises")), output)
    assert ends(output, own("raises")).end == "failed"
    run_study(study(own("raises")), output, retry_failed=True)
    record = read_search(cell_file(output, own("raises"), "a", 0))
    assert (record.end.end, len(record.steps)) == ("finished", 2)


def test_leave_task_out_teaches_the_other_task_and_leave_family_out_nothing(study, tmp_path):
    run_study(study("portfolio", experience=20), tmp_path / "task")
    assert ends(tmp_path / "task", "portfolio").end == "finished"
    run_study(study("portfolio", split="leave-family-out"), tmp_path / "family")
    assert ends(tmp_path / "family", "portfolio").end == "skipped"


def test_negated_experience_misleads_a_portfolio(study, tmp_path):
    found = {}
    for adversarial in (False, True):
        output = tmp_path / str(adversarial)
        run_study(study("portfolio", experience=30, adversarial=adversarial), output)
        found[adversarial] = read_search(cell_file(output, "portfolio", "a", 0)).steps[0].value
    assert found[True] > 3 * found[False] + 1


@pytest.mark.usefixtures("ray_backend")
def test_a_ray_cluster_runs_a_study_through_joblib(study, tmp_path):
    run_study(study("RandomSearch", trials=3), tmp_path / "out", num_workers=2)
    assert ends(tmp_path / "out", "RandomSearch").end == "finished"


def test_searches_of_a_killed_study_are_not_repeated(study, own, tmp_path):
    """A real process, killed with SIGKILL in the middle."""
    output = tmp_path / "out"
    file = Path(own("slow").split(".py:")[0] + ".py")
    file.write_text(
        MISBEHAVING + "\nclass Slow(Fixed):\n    def suggest(self):\n        time.sleep(0.2)\n"
        "        return super().suggest()\n\n"
        "class SlowContestant(Contestant):\n    def start(self, problem, seed):\n"
        "        return Slow([{'learning_rate': 0.01, 'units': 8 * n} for n in range(1, 7)])\n\n"
        "slow = SlowContestant()\n"
    )
    toml = tmp_path / "study.toml"
    toml.write_text(
        f"name = 'kill'\ntrials = 6\nseeds = 1\npolicies = ['{file}:slow']\n"
        + "".join(f"[[suites]]\nkind = 'tabular'\npath = '{tmp_path / n}'\n" for n in "ab")
    )
    command = [sys.executable, "-m", "keras_metahpo.cli", "bench", "run", str(toml)]
    command += ["--output", str(output), "--workers", "1"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    path = cell_file(output, f"{file}:slow", "a", 0)
    deadline = time.monotonic() + 120
    while not (path.exists() and len(path.read_text().splitlines()) >= 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    recorded = path.read_text()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert path.read_text().startswith(recorded)
    assert len(read_search(path).steps) == 6
    assert (output / "report.html").exists()
    assert json.loads((output / "summary.json").read_text())
