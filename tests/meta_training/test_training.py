"""Meta-training learns, is reproducible and writes an honest card."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.meta_training.augmentation import augment
from keras_metahpo.meta_training.batches import TokenizedTask, listwise_weights, sample_batch
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.meta_training.preset import train_preset
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.trainer import rank_correlations
from keras_metahpo.meta_training.training import train_ranker
from keras_metahpo.rankers import Context, Preset
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

WITH_SGD = Condition("optimizer", ("sgd",))
SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, low=0.0, high=0.99, conditions=(WITH_SGD,)),
        Hyperparameter("dropout", "float", 0.0, low=0.0, high=0.8),
    ]
)
SMALL = TrainingConfig(
    num_steps=60,
    num_synthetic_tasks=40,
    batch_size=4,
    num_configurations=24,
    evaluate_every=30,
    learning_rate=3e-3,
    network={"num_members": 1, "width": 16, "num_blocks": 1, "embedding": 4},
)


def make_log(name: str, family: str, seed: int) -> TrialLog:
    """A task whose accuracy is best near a learning rate of 10^-3."""
    rng = np.random.default_rng(seed)
    trials = []
    for i, configuration in enumerate(SPACE.decode(SPACE.sample(64, rng))):
        distance = abs(np.log10(configuration["learning_rate"]) + 3)
        accuracy = float(np.exp(-distance) + 0.01 * rng.normal())
        trials.append(LoggedTrial(f"{i:03d}", configuration, [{"val_accuracy": accuracy}]))
    card = TrialLogCard(name, "val_accuracy", "max", licence="CC0", features={"tags": family})
    return TrialLog.from_trials(card, SPACE, trials)


@pytest.fixture(scope="module")
def task():
    return SourceTask.from_trial_log(make_log("a", "image", 0))


def test_augmented_tasks_stay_legal_and_large_enough(task):
    rng = np.random.default_rng(0)
    names, sizes = set(), set()
    for _ in range(200):
        augmented = augment(task, rng, min_rows=24)
        assert len(augmented.points) == len(augmented.utilities) >= 24
        # Every row can be decoded and encoded again in the augmented space.
        encoded = augmented.space.encode(augmented.space.decode(augmented.points))
        np.testing.assert_allclose(encoded.units, augmented.points.units, atol=1e-9)
        names |= set(augmented.space.names)
        sizes.add(len(augmented.points))
    assert len(names) > len(SPACE) and len(sizes) > 1


def test_augmentation_leaves_the_task_untouched(task):
    before = task.points.numbers.copy(), task.utilities.copy()
    rng = np.random.default_rng(1)
    for _ in range(50):
        augment(task, rng, min_rows=24)
    np.testing.assert_array_equal(task.points.numbers, before[0])
    np.testing.assert_array_equal(task.utilities, before[1])


def test_batches_are_sorted_best_first(task):
    rng = np.random.default_rng(0)
    batch = sample_batch([TokenizedTask.of(task)], [task], rng, 6, 24, recorded_share=0.5)
    assert batch.targets.shape == (6, 24, 4)
    assert np.all(np.diff(batch.targets[..., 0], axis=1) <= 0)
    assert batch.tokens.active.shape[:2] == (6, 24)


def test_a_configuration_is_context_or_query_or_padding(task):
    few = task.take(np.arange(10))
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(20):
        batch = sample_batch([TokenizedTask.of(few)], [], rng, 4, 24, recorded_share=0.0)
        is_query = batch.targets[..., 2] > 0
        assert not np.any(is_query & batch.observed)
        assert np.all((is_query | batch.observed).sum(axis=1) == 10)
        assert not is_query[:, 10:].any() and not batch.observed[:, 10:].any()
        # Scores of the context are known, those of queries are not; weights the other way round.
        for known in (batch.scores, batch.variances, batch.costs):
            assert np.all(known[~batch.observed] == 0)
        assert np.all(batch.targets[..., 1][~is_query] == 0)
        sizes |= set(batch.observed.sum(axis=1).tolist())
    assert {0, 1} < sizes and max(sizes) <= 6


def test_training_learns_from_a_context_what_names_do_not_tell():
    config = replace(SMALL, num_steps=500, batch_size=8, num_synthetic_tasks=1, recorded_share=1.0)
    rng = np.random.default_rng(3)
    tasks = [_bowl(rng.random(), rng) for _ in range(40)]
    ranker = train_ranker(tasks[8:], [], config).ranker
    assert ranker.known_names == {"x"}
    correlations = []
    for task in tasks[:8]:
        context = Context(
            ranker.tokens(task.space, task.points[:12]),
            task.utilities[None, :12],
            np.ones((1, 12), bool),
        )
        found = ranker.score(context, ranker.tokens(task.space, task.points[12:])).mean[0]
        correlations.append(spearmanr(found, task.utilities[12:]).statistic)
    assert np.mean(correlations) > 0.4


def _bowl(best: float, rng) -> SourceTask:
    space = SearchSpace([Hyperparameter("x", "float", 0.0, low=0.0, high=1.0)])
    points = space.sample(40, rng)
    return SourceTask(f"bowl {best}", "bowl", space, points, -np.abs(points.units[:, 0] - best))


def test_the_tied_worst_have_no_listwise_weight():
    weights = listwise_weights(np.array([2.0, 1.0, -1.0, -1.0]))
    assert weights[0] > weights[1] > 0
    assert np.all(weights[2:] == 0)


def test_training_learns_the_order_of_a_recorded_task(task):
    config = replace(SMALL, num_steps=150, recorded_share=1.0)
    result = train_ranker([task], [], config)
    assert rank_correlations(result.ranker, [task])["image"] > 0.5


def test_equal_seeds_give_equal_rankers(task):
    config = replace(SMALL, num_steps=20, evaluate_every=10)
    one, other = (train_ranker([task], [], config) for _ in range(2))
    np.testing.assert_allclose(
        one.ranker.prior_mean(SPACE, task.points),
        other.ranker.prior_mean(SPACE, task.points),
        atol=1e-4,
    )


def test_card_says_what_was_trained_on_and_held_out(tmp_path):
    logs = [make_log("a", "image", 0), make_log("b", "text", 1)]
    stages = set()
    card = train_preset(logs, ["text"], SMALL, tmp_path / "p", lambda d, t, s: stages.add(s))
    assert [entry["name"] for entry in card["trained_on"]] == ["a"]
    assert card["early_stopping_on"] == ["b"]
    assert stages == {"drawing synthetic tasks", "training"}
    preset = Preset(tmp_path / "p")
    assert preset.card["best_step"] in (30, 60)
    assert len(preset.card["curve"]) == 2
    json.dumps(preset.card)
    preset.load()
