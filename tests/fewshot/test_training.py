import keras
import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import conv4, text_cnn, word_average
from keras_metahpo.fewshot.callbacks import Budget
from keras_metahpo.fewshot.evaluation import evaluate
from keras_metahpo.fewshot.examples import fake_examples
from keras_metahpo.fewshot.graph_network import GraphNetwork
from keras_metahpo.fewshot.matching import MatchingNetwork
from keras_metahpo.fewshot.prototypical import PrototypicalNetwork
from keras_metahpo.fewshot.sampler import EpisodeSampler
from keras_metahpo.fewshot.training import meta_train

SHAPE = (8, 8, 1)
CHANCE = 1 / 3
WORDS = {"length": 8, "vocabulary_size": 40}
TEXTS = {"shape": (8,), "vocabulary_size": 40}


def samplers(**kwargs) -> list[EpisodeSampler]:
    """Of training classes and of others."""
    arguments = {"num_classes": 30, "shape": SHAPE, "noise": 0.3} | kwargs
    examples = fake_examples(**arguments)
    return [
        EpisodeSampler(examples.select(names), ways=3, shots=1, queries=3)
        for names in (examples.names[:20], examples.names[20:])
    ]


def small_learner() -> PrototypicalNetwork:
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    outputs = keras.layers.Dense(4)(keras.layers.Flatten()(inputs))
    return PrototypicalNetwork(keras.Model(inputs, outputs))


def train(learner, **kwargs):
    train_sampler, validation_sampler = samplers()
    arguments = {"num_episodes": 60, "validate_every": 20, "episodes_per_batch": 2} | kwargs
    return meta_train(learner, train_sampler, validation_sampler.fixed_episodes(30, 0), **arguments)


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (lambda: PrototypicalNetwork(conv4(SHAPE, filters=8, num_blocks=2)), {}),
        (lambda: MatchingNetwork(text_cnn(**WORDS)), TEXTS),
        (lambda: GraphNetwork(word_average(**WORDS), 3, num_layers=1, num_heads=2), TEXTS),
    ],
    ids=["prototypical", "matching", "graph"],
)
def test_training_beats_chance_on_new_classes(make, data):
    keras.utils.set_random_seed(0)
    learner = make()
    train_sampler, test_sampler = samplers(**data)
    meta_train(
        learner,
        train_sampler,
        test_sampler.fixed_episodes(30, seed=0),
        num_episodes=400,
        episodes_per_batch=8,
        validate_every=200,
        optimizer=keras.optimizers.Adam(5e-3),
    )
    score = evaluate(learner, test_sampler.fixed_episodes(60, seed=1))
    assert score.accuracy - score.half_width > CHANCE + 0.2


def test_curve_and_best_weights_are_those_of_the_validations(capsys):
    learner = small_learner()
    result = train(learner, num_episodes=50, show_progress=True)
    assert "50 episodes" in capsys.readouterr().out
    assert [point.num_episodes for point in result.curve] == [20, 40, 50]
    seconds = [point.elapsed_s for point in result.curve]
    assert seconds == sorted(seconds)
    assert result.num_episodes == 50
    score = evaluate(learner, samplers()[1].fixed_episodes(30, 0))
    assert score.accuracy == pytest.approx(result.best.validation_accuracy, abs=1e-6)


def test_the_same_seeds_give_the_same_weights():
    first, second = small_learner(), small_learner()
    for learner in (first, second):
        train(learner, num_episodes=8)
    for one, two in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_seconds_end_the_training():
    result = train(small_learner(), num_episodes=None, max_seconds=1.5)
    assert result.elapsed_s >= 1.5
    before_last = result.curve[-2].elapsed_s if len(result.curve) > 1 else 0.0
    assert before_last < 1.5


def test_patience_ends_the_training():
    learner = small_learner()
    still = keras.optimizers.SGD(0.0)
    result = train(learner, num_episodes=2000, optimizer=still, patience=2)
    assert result.num_episodes == 60  # The first validation and two that are no better.


def test_learning_rate_is_halved_over_the_budget():
    rates = []

    class Recorder(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    optimizer = keras.optimizers.Adam(0.008)
    train(
        small_learner(),
        num_episodes=80,
        num_halvings=3,
        optimizer=optimizer,
        callbacks=[Recorder()],
    )
    np.testing.assert_allclose(rates, [0.008, 0.004, 0.002, 0.001], rtol=1e-5)


def test_a_loss_that_is_not_finite_is_a_failure():
    with pytest.raises(FewShotError, match="finite"):
        train(small_learner(), optimizer=keras.optimizers.SGD(1e30))


@pytest.mark.parametrize("limits", [{}, {"num_episodes": 0}, {"max_seconds": -1.0}])
def test_a_budget_is_required(limits):
    with pytest.raises(FewShotError, match="budget"):
        train(small_learner(), **{"num_episodes": None, **limits})


def test_spent_budget_is_the_larger_share():
    budget = Budget(num_episodes=10, max_seconds=1e6, episodes_per_batch=2)
    budget.on_train_begin()
    budget.episodes_done = 4
    assert budget.spent == 0.4
