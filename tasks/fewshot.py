"""Few-shot learners as tuning problems: 5-way accuracy on classes never trained on.

One example a class is given, and three of TREC's questions: from one, which question it is shows
hardly more with good settings than with bad ones.

Every configuration of a task is trained on about as many examples, so that more ways, queries or
episodes a step mean fewer steps.
"""

from dataclasses import dataclass, replace

import keras

from keras_metahpo.fewshot import (
    MAML,
    GraphNetwork,
    MatchingNetwork,
    MetaNetwork,
    PrototypicalNetwork,
    Reptile,
    compile_learner,
    conv4,
    text_cnn,
    word_average,
)
from keras_metahpo.tasks import (
    IntentEpisodes,
    OmniglotEpisodes,
    QuestionEpisodes,
    Task,
    training_episodes,
)

OMNIGLOT, INTENTS, QUESTIONS = OmniglotEpisodes(), IntentEpisodes(), QuestionEpisodes(shots=3)
SETS = {
    "omniglot": (OMNIGLOT, "MIT", "Lake et al. 2015"),
    "clinc150": (INTENTS, "CC BY 3.0", "Larson et al. 2019"),
    "trec": (QUESTIONS, "unknown", "Li and Roth 2002"),
}


@dataclass(frozen=True)
class Budget:
    """What a trial costs: about ten seconds on one core.

    Attributes:
        epochs: Each ends with a validation.
        examples_per_epoch: Training examples, support and queries.
        num_episodes: Of a validation.
    """

    epochs: int = 5
    examples_per_epoch: int = 3000
    num_episodes: int = 200


QUESTION_BUDGET = Budget(examples_per_epoch=5000)
# These learners take several times as long for each example.
ADAPTING = Budget(epochs=4, examples_per_epoch=1500, num_episodes=50)
# Those that adapt without gradients; with fewer examples it is luck whether they begin to learn.
LEARNT_ADAPTATION = Budget(epochs=4, examples_per_epoch=4000, num_episodes=50)
# The dearest one: it trains on every episode of a validation for up to a dozen steps.
REPEATING = Budget(epochs=4, examples_per_epoch=1000, num_episodes=50)


def image_backbone(hp, normalizations=("batch", "layer", "none"), widest=48):
    """Blocks of convolutions, as deep and wide as is tuned."""
    filters = hp.Int("filters", 8, widest, sampling="log", default=widest // 2)
    num_blocks = hp.Int("num_blocks", 2, 4, default=3)
    normalization = hp.Choice("normalization", list(normalizations))
    return conv4(OMNIGLOT.input_shape, filters, num_blocks, normalization)


def text_backbone(hp):
    width = hp.Int("embedding_dim", 16, 128, sampling="log", default=64)
    dropout = hp.Float("dropout", 0.0, 0.6)
    encoder = hp.Choice("encoder", ["average", "cnn"])
    with hp.conditional_scope("encoder", ["cnn"]):
        filters = hp.Int("num_filters", 16, 96, sampling="log", default=48)
    if encoder == "average":
        return word_average(INTENTS.length, INTENTS.vocabulary_size, width, dropout)
    return text_cnn(INTENTS.length, INTENTS.vocabulary_size, width, filters, dropout=dropout)


def outer_optimizer(hp, name="learning_rate", low=1e-5, high=0.1, default=1e-3):
    """Adam, or SGD with its own momentum."""
    learning_rate = hp.Float(name, low, high, sampling="log", default=default)
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.99, default=0.9)
    if optimizer == "adam":
        return keras.optimizers.Adam(learning_rate)
    return keras.optimizers.SGD(learning_rate, momentum=momentum)


def compiled(learner, optimizer):
    compile_learner(learner, optimizer)
    return learner


def build_prototypical(hp):
    wide_episodes(hp)
    distance = hp.Choice("distance", ["squared_euclidean", "cosine"])
    return compiled(PrototypicalNetwork(image_backbone(hp), distance), outer_optimizer(hp))


def build_matching(hp):
    wide_episodes(hp)
    scale = hp.Float("similarity_scale", 1.0, 100.0, sampling="log", default=10.0)
    learner = MatchingNetwork(image_backbone(hp), scale, hp.Boolean("full_context"))
    # Beyond a rate of .01 the seed decides more than the configuration.
    return compiled(learner, outer_optimizer(hp, "lr", high=0.01))


def build_graph(hp):
    five_way_episodes(hp)
    learner = GraphNetwork(
        image_backbone(hp),
        OMNIGLOT.ways,
        num_layers=hp.Int("graph_layers", 0, 2, default=1),
        num_heads=hp.Choice("num_heads", [1, 2, 4], default=2),
        width=hp.Int("graph_width", 8, 48, step=8, default=24),
        dropout=hp.Float("dropout_rate", 0.0, 0.6),
    )
    return compiled(learner, outer_optimizer(hp, low=1e-4, default=3e-3))


def build_maml(hp):
    five_way_episodes(hp)
    learner = MAML(
        image_backbone(hp, ("batch",), widest=24),
        OMNIGLOT.ways,
        inner_learning_rate=hp.Float("inner_lr", 0.01, 2.0, sampling="log", default=0.4),
        inner_steps=hp.Int("inner_steps", 1, 3),
        eval_steps=hp.Int("eval_steps", 1, 5, default=3),
        first_order=hp.Boolean("first_order"),
    )
    return compiled(learner, outer_optimizer(hp, "outer_lr"))


def build_reptile(hp):
    five_way_episodes(hp)
    learner = Reptile(
        image_backbone(hp, ("batch",), widest=24),
        inner_learning_rate=hp.Float("inner_lr", 1e-3, 0.1, sampling="log", default=1e-2),
        inner_steps=hp.Int("inner_iterations", 2, 8, default=4),
        eval_steps=hp.Int("eval_iterations", 2, 12, step=2, default=6),
    )
    return compiled(learner, outer_optimizer(hp, "meta_step_size", 1e-4, 1.0, 1e-2))


def build_meta_network(hp):
    five_way_episodes(hp)
    learner = MetaNetwork(
        # Without a normalization it is luck whether it begins to learn.
        image_backbone(hp, ("batch", "layer"), widest=24),
        OMNIGLOT.ways,
        width=hp.Int("width", 16, 96, sampling="log", default=48),
        meta_width=hp.Int("meta_width", 5, 40, sampling="log", default=20),
    )
    return compiled(learner, outer_optimizer(hp))


def build_text_prototypical(hp):
    wide_episodes(hp)
    distance = hp.Choice("distance", ["squared_euclidean", "cosine"])
    return compiled(PrototypicalNetwork(text_backbone(hp), distance), outer_optimizer(hp))


def build_text_matching(hp):
    wide_episodes(hp)
    scale = hp.Float("similarity_scale", 1.0, 100.0, sampling="log", default=10.0)
    return compiled(MatchingNetwork(text_backbone(hp), scale), outer_optimizer(hp, "lr"))


def wide_episodes(hp):
    """Ways, queries and episodes a batch; more ways than in the test may help (Snell et al.)."""
    ways = hp.Int("train_ways", 5, 20, step=5, default=10)
    return ways, hp.Int("train_queries", 1, 9, step=2, default=5), 1


def five_way_episodes(hp):
    """The ways of the test, which these learners are made for."""
    queries = hp.Int("num_queries", 1, 9, step=2, default=5)
    return OMNIGLOT.ways, queries, hp.Choice("meta_batch_size", [1, 2, 4], default=2)


def _task(hypermodel, variant, build, episodes, budget=Budget(), version="1"):
    source, licence, citation = SETS[variant]

    def prepare(hp, data):
        ways, queries, episodes_per_batch = episodes(hp)
        return training_episodes(
            data, ways, source.shots, queries, episodes_per_batch, budget.examples_per_epoch
        )

    return Task(
        name=f"fewshot/{hypermodel}_{variant}",
        build=build,
        data=replace(source, num_episodes=budget.num_episodes),
        max_fidelity=budget.epochs,
        prepare=prepare,
        fit_arguments=lambda hp: {"validation_batch_size": 25},
        tags=("fewshot", hypermodel, variant),
        licence=licence,
        citation=citation,
        version=version,
    )


TASKS = [
    _task("prototypical", "omniglot", build_prototypical, wide_episodes),
    _task("matching", "omniglot", build_matching, wide_episodes, version="2"),
    _task("graph", "omniglot", build_graph, five_way_episodes, LEARNT_ADAPTATION, "2"),
    _task("maml", "omniglot", build_maml, five_way_episodes, ADAPTING),
    _task("reptile", "omniglot", build_reptile, five_way_episodes, REPEATING, "2"),
    _task(
        "meta_network", "omniglot", build_meta_network, five_way_episodes, LEARNT_ADAPTATION, "3"
    ),
    _task("prototypical", "trec", build_text_prototypical, wide_episodes, QUESTION_BUDGET, "2"),
    _task("matching", "trec", build_text_matching, wide_episodes, QUESTION_BUDGET, "2"),
    _task("prototypical", "clinc150", build_text_prototypical, wide_episodes),
    _task("matching", "clinc150", build_text_matching, wide_episodes),
]
