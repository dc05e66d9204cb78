"""Timings: suggestions of every oracle, encoding, the ranker, reloading, a meta-training step.

pytest benchmarks --benchmark-only
"""

import itertools

import numpy as np
import pytest
from latency import response, space

from keras_metahpo.benchmark.contestants import Problem, get_contestant
from keras_metahpo.benchmark.contestants.kerastuner import load_preset
from keras_metahpo.benchmark.records import Recorder
from keras_metahpo.benchmark.searching import Cell, run_search
from keras_metahpo.benchmark.study import Study, SuiteSpec
from keras_metahpo.meta_training.batches import TokenizedTask, sample_batch
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.rankers import Preset
from keras_metahpo.space import SearchSpace

SPACE = SearchSpace.from_keras_tuner(space())
ORACLES = (
    "MetaOracle",
    "MetaOracle without a ranker",
    "RandomSearch",
    "BayesianOptimization",
    "Hyperband",
    "GridSearch",
)
# A Bayesian suggestion at 200 trials takes seconds.
ROUNDS = {"BayesianOptimization": 2}
STEPS, CONFIGURATIONS = 20, 512


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tell(search, proposal, rng) -> None:
    """Noise alone would be quick to model."""
    search.observe(proposal, response(proposal.configuration, rng))


@pytest.mark.parametrize("num_trials", [10, 50, 200])
@pytest.mark.parametrize("name", ORACLES)
def test_suggestion(benchmark, name, num_trials, rng):
    """One suggestion by an oracle whose project holds this many finished trials."""
    benchmark.group = f"suggestion after {num_trials} trials"
    rounds = ROUNDS.get(name, 10)
    problem = Problem("timing", SPACE, "max", 27, num_trials + rounds + 3)
    with get_contestant(name).start(problem, 0) as search:
        suggest, oracle = search.suggest, search.oracle
        if name not in ("Hyperband", "GridSearch"):  # Those plan their trials themselves.
            values = iter(SPACE.decode(SPACE.sample(num_trials, rng)))
            populate = oracle.populate_space
            oracle.populate_space = lambda _: {"status": "RUNNING", "values": dict(next(values))}
        for _ in range(num_trials):
            tell(search, suggest(), rng)
        if name not in ("Hyperband", "GridSearch"):
            oracle.populate_space = populate

        def suggest_and_tell():
            tell(search, suggest(), rng)

        benchmark.pedantic(suggest_and_tell, rounds=rounds, warmup_rounds=1)


def test_encoding(benchmark, rng):
    configurations = SPACE.decode(SPACE.sample(CONFIGURATIONS, rng))
    assert len(benchmark(SPACE.encode, configurations)) == CONFIGURATIONS


def test_decoding(benchmark, rng):
    points = SPACE.sample(CONFIGURATIONS, rng)
    assert len(benchmark(SPACE.decode, points)) == CONFIGURATIONS


def test_ranker_forward(benchmark, rng):
    ranker = load_preset(Preset().directory)
    points = SPACE.sample(CONFIGURATIONS, rng)
    assert benchmark(ranker.prior_mean, SPACE, points).shape == (CONFIGURATIONS,)


def test_reload_of_a_project_of_200_trials(benchmark, rng):
    problem = Problem("timing", SPACE, "max", 1, 200)
    with get_contestant("MetaOracle without a ranker").start(problem, 0) as search:
        values = iter(SPACE.decode(SPACE.sample(200, rng)))
        search.oracle.populate_space = lambda _: {"status": "RUNNING", "values": dict(next(values))}
        for _ in range(200):
            tell(search, search.suggest(), rng)
        benchmark.pedantic(search.oracle.reload, rounds=3)
        assert len(search.oracle.finished_trials()) == 200


def test_meta_training_step(benchmark, rng):
    import keras

    from keras_metahpo.rankers.in_context import new_network
    from keras_metahpo.rankers.losses import ranking_loss

    tasks = [TokenizedTask.of(synthetic_task(rng, 64)) for _ in range(16)]
    network = new_network()
    network.compile(optimizer=keras.optimizers.AdamW(1e-3), loss=ranking_loss)
    # Other shapes would compile anew: the same batches come again.
    batches = itertools.cycle([sample_batch(tasks, [], rng, 8, 32, 0.0)])

    def step():
        batch = next(batches)
        return network.train_on_batch(batch.tokens.as_dict(), batch.targets)

    assert np.isfinite(benchmark.pedantic(step, rounds=STEPS, warmup_rounds=1))


def test_runner_without_its_policy(benchmark, tmp_path):
    """What 50 steps cost beside the policy and the blackbox."""
    from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxCard, Evaluation
    from keras_metahpo.benchmark.contestants import Proposal, Search

    configurations = SPACE.decode(SPACE.sample(50, np.random.default_rng(0)))

    class Instant(Blackbox):
        card = BlackboxCard("instant", "timing", "score", "max")
        space = SPACE

        def evaluate(self, configuration, fidelity=None):
            return Evaluation({"score": 1.0}, 1.0)

        def reference(self):
            return None

    class Given(Search):
        def __init__(self):
            self.left = iter(configurations)

        def suggest(self):
            return Proposal(next(self.left))

        def observe(self, proposal, value):
            pass

    study = Study("timing", ("RandomSearch",), (SuiteSpec("lcbench"),), trials=50, seeds=1)
    cell = Cell("given", "instant", 0, {})

    def run():
        with Recorder(tmp_path / "given.jsonl") as recorder:
            run_search(study, cell, Instant(), Given(), [], recorder)

    benchmark(run)
