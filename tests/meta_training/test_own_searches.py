"""Fine-tuning on one's own searches learns what the bundled preset does not know."""

import json
from dataclasses import replace

import numpy as np
import pytest

from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.meta_training.fine_tuning import FINE_TUNING, MAX_FORGOTTEN, restrain
from keras_metahpo.meta_training.own_searches import fine_tune_preset, is_learnable
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.meta_training.trainer import rank_correlations
from keras_metahpo.rankers import InContextRanker, Preset
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.space import Hyperparameter, SearchSpace

# Best where no prior expects it: a learning rate near 1, much dropout, much weight decay.
SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-4, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd", "rmsprop")),
        Hyperparameter("dropout", "float", 0.0, low=0.0, high=0.8),
        Hyperparameter("units", "int", 16, low=16, high=512, sampling="log"),
        Hyperparameter("weight_decay", "float", 1e-6, low=1e-6, high=0.1, sampling="log"),
    ]
)
SHORT = replace(
    FINE_TUNING, num_steps=40, num_synthetic_tasks=60, learning_rate=1e-3, evaluate_every=40
)


def planted(name: str, seed: int, num_trials: int = 30) -> TrialLog:
    rng = np.random.default_rng(seed)
    points = SPACE.sample(num_trials, rng)
    far = np.array([0.95, 0.5, 0.9, 0.5, 0.9])
    distance = (points.units - far) ** 2 @ np.array([4.0, 0.0, 1.0, 0.0, 1.5])
    accuracies = np.exp(-distance) + 0.02 * rng.normal(size=num_trials)
    trials = [
        LoggedTrial(f"{n:03d}", c, [{"val_accuracy": float(a)}])
        for n, (c, a) in enumerate(zip(SPACE.decode(points), accuracies, strict=True))
    ]
    return TrialLog.from_trials(TrialLogCard(name, "val_accuracy", "max"), SPACE, trials)


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory):
    """One short fine-tuning of the bundled preset: its result, its directory, its stages."""
    directory = tmp_path_factory.mktemp("learnt") / "preset"
    logs = [planted(f"search {n}", n) for n in range(2)]
    stages = set()
    result = fine_tune_preset(
        Preset(), logs, directory, SHORT, lambda done, total, stage: stages.add(stage)
    )
    return result, directory, stages


def test_a_planted_optimum_is_ranked_better_on_searches_never_seen(fine_tuned):
    result, directory, _ = fine_tuned
    unseen = [SourceTask.from_trial_log(planted("unseen", seed, 100)) for seed in (50, 51)]
    before = rank_correlations(Preset().load(), unseen)["mean"]
    after = rank_correlations(Preset(directory).load(), unseen)["mean"]
    assert before < 0.3
    assert after > before + 0.3
    assert result.after["mean"] > result.before["mean"] + 0.3
    assert set(result.before) == set(result.after) == {"search 0", "search 1", "mean"}


def test_little_of_the_synthetic_prior_is_forgotten(fine_tuned):
    result, directory, _ = fine_tuned
    assert result.synthetic_after >= result.synthetic_before - MAX_FORGOTTEN
    rng = np.random.default_rng(12345)
    others = [synthetic_task(rng, 64) for _ in range(48)]
    before = rank_correlations(Preset().load(), others)["mean"]
    after = rank_correlations(Preset(directory).load(), others)["mean"]
    assert after > before - 2 * MAX_FORGOTTEN


def test_the_card_says_what_it_was_made_of(fine_tuned):
    result, directory, stages = fine_tuned
    card, old = Preset(directory).card, Preset().card
    names = [entry["name"] for entry in card["trained_on"]]
    assert names == [*(e["name"] for e in old["trained_on"]), "search 0", "search 1"]
    assert card["fine_tuned_on"] == ["search 0", "search 1"]
    assert card["fine_tuned_from"] == {"name": "base", "sha256": old["sha256"]}
    assert card["rank_correlations"]["held_out"] == result.after
    assert card["training"]["num_steps"] == SHORT.num_steps
    assert [point["step"] for point in card["curve"]] == [0, 40]
    assert card["best_step"] == 40
    assert stages == {
        "drawing synthetic tasks",
        *(f"cross-validation {n} of 2" for n in (1, 2)),
        "training",
    }
    json.dumps(card)


def test_fine_tuning_leaves_the_preset_it_starts_from_alone(fine_tuned):
    Preset()  # Its weights still have the hash of its card.


def tiny(seed: int) -> InContextRanker:
    ranker = InContextRanker(
        new_network({"width": 8, "num_members": 2, "num_blocks": 1, "embedding": 4})
    )
    rng = np.random.default_rng(seed)
    ranker.network.set_weights([rng.normal(size=w.shape) for w in ranker.network.get_weights()])
    return ranker


def test_weights_go_back_to_the_start_until_little_is_forgotten():
    start, ranker = tiny(0), tiny(1)
    probes = [SourceTask.from_trial_log(planted("probe", 9))]
    last = ranker.network.get_weights()
    assert restrain(ranker, start, probes, limit=-1.0) == 1.0
    np.testing.assert_array_equal(ranker.network.get_weights()[0], last[0])
    assert restrain(ranker, start, probes, limit=1.1) == 0.0
    np.testing.assert_array_equal(ranker.network.get_weights()[0], start.network.get_weights()[0])


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], True),
        ([0.1, 0.2, 0.3, 0.4], False),
        ([0.5] * 9, False),
        ([float("nan")] * 9, False),
        ([], False),
    ],
)
def test_a_search_can_be_learnt_from_if_its_trials_differ(accuracies, expected):
    trials = [
        LoggedTrial(str(n), {}, [{"acc": a}], status="COMPLETED" if np.isfinite(a) else "FAILED")
        for n, a in enumerate(accuracies)
    ]
    card = TrialLogCard("log", "acc", "max")
    assert is_learnable(TrialLog.from_trials(card, SPACE, trials)) == expected
    assert not is_learnable(TrialLog.from_trials(card, SearchSpace([]), trials))
