"""What the learners that use gradients of a support set have in common."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.examples import ClassExamples
from keras_metahpo.fewshot.fast_weights import cross_entropies
from keras_metahpo.fewshot.maml import MAML
from keras_metahpo.fewshot.meta_networks import MetaNetwork
from keras_metahpo.fewshot.reptile import Reptile
from keras_metahpo.fewshot.sampler import EpisodeDataset, EpisodeSampler, FixedEpisodeDataset

WAYS = 3


def new_backbone(num_inputs=12):
    return keras.Sequential(
        [
            keras.Input((num_inputs,)),
            layers.Dense(8),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]
    )


LEARNERS = {
    "maml": lambda b: MAML(b, inner_steps=2),
    "maml-finn": lambda b: MAML(b, num_ways=WAYS),
    "maml-first-order": lambda b: MAML(b, WAYS, first_order=True, transductive=False),
    "meta-sgd": lambda b: MAML(b, learn_inner_learning_rates=True),
    "reptile": lambda b: Reptile(b, inner_learning_rate=0.01, eval_steps=3),
    "reptile-sgd": lambda b: Reptile(
        b, WAYS, inner_learning_rate=0.1, inner_optimizer="sgd", eval_steps=3, transductive=False
    ),
    "meta-network": lambda b: MetaNetwork(b, WAYS, width=16, meta_width=8),
}


@pytest.fixture(params=LEARNERS)
def learner(request):
    keras.utils.set_random_seed(1)
    return compiled(LEARNERS[request.param](new_backbone()))


def compiled(learner, run_eagerly=True):
    optimizer = (
        keras.optimizers.SGD(1.0) if isinstance(learner, Reptile) else keras.optimizers.Adam(0.01)
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    learner.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=run_eagerly)
    return learner


def hidden_signal(num_classes=40, seed=0):
    """Classes that differ in 3 of 12 directions; the other 9 are noise, larger than the signal."""
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(np.random.default_rng(99).normal(size=(12, 12)))[0]
    means = 2.0 * rng.normal(size=(num_classes, 1, 3)) + 0.3 * rng.normal(size=(num_classes, 10, 3))
    noise = 4.0 * rng.normal(size=(num_classes, 10, 9))
    arrays = (np.concatenate([means, noise], axis=-1) @ mixing).astype("float32")
    return ClassExamples(tuple(arrays), tuple(f"class {c}" for c in range(num_classes)))


@pytest.fixture(scope="module")
def train():
    return EpisodeSampler(hidden_signal(), WAYS, shots=2, queries=4)


@pytest.fixture(scope="module")
def test():
    sampler = EpisodeSampler(hidden_signal(seed=1), WAYS, shots=2, queries=4)
    return FixedEpisodeDataset(sampler.fixed_episodes(80, seed=3), episodes_per_batch=20)


@pytest.fixture(scope="module")
def inputs(train):
    return train.batch(np.random.default_rng(0), num_episodes=1)[0]


def values(learner):
    return [ops.convert_to_numpy(v).copy() for v in learner.variables]


@pytest.mark.parametrize("name", ["maml", "reptile", "meta-network"])
def test_fit_learns_to_adapt_to_unseen_classes(name, train, test):
    keras.utils.set_random_seed(1)
    learner = compiled(LEARNERS[name](new_backbone()), run_eagerly=False)
    before = learner.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    learner.fit(EpisodeDataset(train, num_batches=250, episodes_per_batch=4), verbose=0)
    after = learner.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    assert before < 0.65
    assert after > before + 0.15
    assert after > 0.7


def test_predicting_changes_no_variable(learner, inputs):
    first = ops.convert_to_numpy(learner(inputs))
    before = values(learner)
    learner.predict(inputs, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(learner(inputs)), first, atol=1e-6)
    for a, b in zip(before, values(learner), strict=True):
        np.testing.assert_array_equal(a, b)


def test_saved_and_loaded_gives_equal_logits(learner, inputs, tmp_path):
    logits = ops.convert_to_numpy(learner(inputs))
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(inputs)), logits, atol=1e-5)
    assert json.dumps(loaded.get_config()) == json.dumps(learner.get_config())


@pytest.mark.parametrize("name", ["maml", "reptile", "meta-network"])
def test_training_is_deterministic_for_a_seed(name, train):
    def trained():
        keras.utils.set_random_seed(5)
        learner = compiled(LEARNERS[name](new_backbone()))
        learner.fit(EpisodeDataset(train, num_batches=2, episodes_per_batch=1), verbose=0)
        return values(learner)

    for a, b in zip(trained(), trained(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("name", ["maml", "maml-first-order", "reptile"])
def test_statistics_of_batches_are_not_kept(name, train):
    backbone = new_backbone()
    learner = compiled(LEARNERS[name](backbone))
    learner.fit(EpisodeDataset(train, num_batches=2, episodes_per_batch=1), verbose=0)
    for model in (backbone, learner.backbone):
        np.testing.assert_array_equal(model.layers[1].moving_mean, np.zeros(8))
        np.testing.assert_array_equal(model.layers[1].moving_variance, np.ones(8))


@pytest.mark.parametrize("name", ["maml", "reptile"])
def test_a_head_of_zeros_treats_classes_alike(name, inputs):
    learner = LEARNERS[name](new_backbone())
    order = [2, 0, 1]
    turned = {"support": inputs["support"][:, order], "query": inputs["query"]}
    logits = ops.convert_to_numpy(learner(inputs))
    np.testing.assert_allclose(ops.convert_to_numpy(learner(turned)), logits[..., order], atol=2e-4)


@pytest.mark.parametrize("name", ["maml", "maml-finn", "reptile", "reptile-sgd"])
def test_adapting_lowers_the_support_loss(name, inputs):
    learner = LEARNERS[name](new_backbone())
    support = ops.convert_to_tensor(inputs["support"][0])
    learner(inputs)
    labels = np.repeat(np.arange(WAYS), 2)
    examples = ops.reshape(support, (WAYS * 2, -1))

    def loss(weights):
        return float(ops.mean(cross_entropies(learner.logits(weights, examples), labels)))

    after = loss(learner.adapted_weights(support, 5))
    assert after < 0.9 * loss(learner.initial_weights(WAYS))


@pytest.mark.parametrize("name", ["maml-first-order", "reptile-sgd", "meta-network"])
def test_without_transduction_a_query_does_not_depend_on_others(name, inputs):
    learner = LEARNERS[name](new_backbone())
    alone = {"support": inputs["support"], "query": inputs["query"][:, :1]}
    np.testing.assert_allclose(
        ops.convert_to_numpy(learner(alone)),
        ops.convert_to_numpy(learner(inputs))[:, :1],
        atol=1e-4,
    )


def test_without_transduction_queries_are_normalised_like_the_support_set(inputs):
    learner = LEARNERS["maml-first-order"](new_backbone())
    support = inputs["support"]
    learner(inputs)
    examples = support[0].reshape(WAYS * 2, -1)
    weights = learner.initial_weights(WAYS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(learner.logits_after(weights, examples, examples)),
        ops.convert_to_numpy(learner.logits(weights, examples)),
        atol=1e-4,
    )


def test_adapt_gives_a_classifier_of_labels(learner):
    data = hidden_signal(num_classes=WAYS)
    examples = np.concatenate([array[:2] for array in data.arrays])
    classify = learner.adapt(examples, np.repeat(["a", "b", "c"], 2))
    assert set(classify(examples)) <= {"a", "b", "c"}


@pytest.mark.parametrize("name", ["maml-finn", "reptile-sgd", "meta-network"])
def test_other_ways_than_the_head_has_are_refused(name):
    inputs = {"support": np.zeros((1, 4, 2, 12), "float32"), "query": np.zeros((1, 3, 12))}
    with pytest.raises(FewShotError, match=r"num_ways=3.*4 classes"):
        LEARNERS[name](new_backbone())(inputs)


@pytest.mark.parametrize("learner_class", [MAML, Reptile])
@pytest.mark.parametrize(
    "argument, value",
    [("num_ways", 1), ("inner_learning_rate", 0.0), ("inner_steps", 0), ("eval_steps", 0)],
)
def test_impossible_arguments_are_refused(learner_class, argument, value):
    with pytest.raises(FewShotError, match=f"Received: {argument}={value}"):
        learner_class(new_backbone(), **{argument: value})


def test_random_backbones_are_refused():
    backbone = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    with pytest.raises(FewShotError, match="no Dropout"):
        MAML(backbone)


def test_backbones_must_be_built():
    with pytest.raises(FewShotError, match="built=False"):
        MAML(keras.Sequential([layers.Dense(3)]))
