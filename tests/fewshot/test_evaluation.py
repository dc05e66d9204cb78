import keras
import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot import (
    MAML,
    GraphNetwork,
    MatchingNetwork,
    MetaNetwork,
    Reptile,
    conv4,
    stack_episodes,
)
from keras_metahpo.fewshot.evaluation import FewShotScore, evaluate, evaluation_batch_size
from keras_metahpo.fewshot.examples import fake_examples
from keras_metahpo.fewshot.prototypical import PrototypicalNetwork
from keras_metahpo.fewshot.sampler import EpisodeSampler


def flat_learner() -> PrototypicalNetwork:
    """Nearest class mean in pixels."""
    inputs = keras.Input((4, 4, 1))
    return PrototypicalNetwork(keras.Model(inputs, keras.layers.Flatten()(inputs)))


def episodes(noise: float, num_episodes: int = 40):
    examples = fake_examples(num_classes=10, num_examples=10, shape=(4, 4, 1), noise=noise)
    return EpisodeSampler(examples, ways=5, shots=2, queries=3).fixed_episodes(num_episodes, 0)


def test_interval_is_that_of_the_mean_over_episodes():
    score = FewShotScore((0.5, 0.7, 0.9, 0.9))
    assert score.accuracy == pytest.approx(0.75)
    assert score.half_width == pytest.approx(1.96 * np.std([5, 7, 9, 9], ddof=1) / 20, rel=1e-4)
    assert str(score) == "75.00 ± 18.77 % (4 episodes)"
    assert np.isnan(FewShotScore((0.5,)).half_width)


def test_same_classes_are_certain_and_mere_noise_is_chance():
    assert evaluate(flat_learner(), episodes(noise=0.0)).accuracy == 1.0
    score = evaluate(flat_learner(), episodes(noise=1.0))
    assert abs(score.accuracy - 0.2) < 3 * score.half_width < 0.2


def test_each_episode_has_its_accuracy_whatever_the_batches(monkeypatch):
    learner, given = flat_learner(), episodes(noise=0.7, num_episodes=7)
    together = evaluate(learner, given)
    monkeypatch.setattr("keras_metahpo.fewshot.evaluation.EXAMPLES_AT_ONCE", 75)
    assert evaluation_batch_size(given) == 3
    assert evaluate(learner, given) == together
    assert together.accuracies[2] == evaluate(learner, given[2:3]).accuracies[0]


def test_logits_that_are_not_finite_are_a_failure_and_not_chance():
    given = episodes(noise=0.5, num_episodes=3)
    examples = given[0].support.copy()
    examples[1] = np.nan
    bad = type(given[0])(examples, given[0].query)
    with pytest.raises(FewShotError, match="finite"):
        evaluate(flat_learner(), [bad, given[1]])


LEARNERS = {
    "prototypical": PrototypicalNetwork,
    "matching": MatchingNetwork,
    "matching, full context": lambda backbone: MatchingNetwork(backbone, full_context=True),
    "graph": lambda backbone: GraphNetwork(backbone, num_ways=5, num_layers=1, width=4),
    "maml": lambda backbone: MAML(backbone, num_ways=5),
    "reptile": lambda backbone: Reptile(backbone, eval_steps=3),
    "meta network": lambda backbone: MetaNetwork(backbone, num_ways=5, width=6, meta_width=4),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_episodes_of_several_shots_one_after_another(name):
    learner = LEARNERS[name](conv4((4, 4, 1), filters=4, num_blocks=1))
    examples = fake_examples(num_classes=10, num_examples=10, shape=(4, 4, 1), noise=0.3)
    for shots in (1, 3, 2, 1):
        drawn = EpisodeSampler(examples, ways=5, shots=shots, queries=2).fixed_episodes(2, 0)
        inputs, _ = stack_episodes(list(drawn))
        directly = keras.ops.convert_to_numpy(learner(inputs, training=False))
        np.testing.assert_allclose(learner.predict_on_batch(inputs), directly, atol=1e-4)


def test_no_episodes_are_refused():
    with pytest.raises(FewShotError, match="at least one"):
        evaluate(flat_learner(), [])
