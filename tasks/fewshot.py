"""Few-shot learners as tuning problems: 5-way 1-shot accuracy on classes never trained on.

Every configuration is trained on about as many examples, so that more ways, queries or episodes a
step mean fewer steps.
"""

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
from keras_metahpo.tasks import IntentEpisodes, OmniglotEpisodes, Task, training_episodes

OMNIGLOT, INTENTS = OmniglotEpisodes(), IntentEpisodes()
SETS = {
    "omniglot": (OMNIGLOT, "MIT", "Lake et al. 2015"),
    "clinc150": (INTENTS, "CC BY 3.0", "Larson et al. 2019"),
}
# A validation looks at 4000 examples; more epochs would cost more than the training.
MAX_FIDELITY = 5
EXAMPLES_PER_EPOCH = 6000
SUPPORT = 1


def image_backbone(hp, normalizations=("batch", "layer", "none")):
    """Four-block convolutions, as deep and wide as is tuned."""
    filters = hp.Int("filters", 8, 48, sampling="log", default=24)
    num_blocks = hp.Int("num_blocks", 2, 4, default=3)
    normalization = hp.Choice("normalization", list(normalizations))
    return conv4(OMNIGLOT.input_shape, filters, num_blocks, normalization)


def text_backbone(hp):
    width = hp.Int("embedding_dim", 16, 128, sampling="log", default=64)
    dropout = hp.Float("dropout", 0.0, 0.6)
    if hp.Choice("encoder", ["average", "cnn"]) == "average":
        return word_average(INTENTS.length, INTENTS.vocabulary_size, width, dropout)
    with hp.conditional_scope("encoder", ["cnn"]):
        filters = hp.Int("num_filters", 16, 96, sampling="log", default=48)
    return text_cnn(INTENTS.length, INTENTS.vocabulary_size, width, filters, dropout=dropout)


def outer_optimizer(hp, name="learning_rate", low=1e-5, high=0.1, default=1e-3):
    """Adam, or SGD with its own momentum."""
    learning_rate = hp.Float(name, low, high, sampling="log", default=default)
    if hp.Choice("optimizer", ["adam", "sgd"]) == "adam":
        return keras.optimizers.Adam(learning_rate)
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.99, default=0.9)
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
    return compiled(learner, outer_optimizer(hp, "lr"))


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
    return compiled(learner, outer_optimizer(hp))


def build_maml(hp):
    five_way_episodes(hp)
    learner = MAML(
        image_backbone(hp, ("batch",)),
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
        image_backbone(hp, ("batch",)),
        inner_learning_rate=hp.Float("inner_lr", 1e-4, 0.1, sampling="log", default=1e-3),
        inner_steps=hp.Int("inner_iterations", 2, 10, default=5),
        eval_steps=hp.Int("eval_iterations", 5, 30, step=5, default=10),
    )
    return compiled(learner, outer_optimizer(hp, "meta_step_size", 1e-4, 1.0, 1e-2))


def build_meta_network(hp):
    five_way_episodes(hp)
    learner = MetaNetwork(
        image_backbone(hp),
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


def _task(hypermodel, variant, build, episodes):
    source, licence, citation = SETS[variant]

    def prepare(hp, data):
        ways, queries, episodes_per_batch = episodes(hp)
        return training_episodes(
            data, ways, SUPPORT, queries, episodes_per_batch, EXAMPLES_PER_EPOCH
        )

    return Task(
        name=f"fewshot/{hypermodel}_{variant}",
        build=build,
        data=source,
        max_fidelity=MAX_FIDELITY,
        prepare=prepare,
        fit_arguments=lambda hp: {"validation_batch_size": 25},
        tags=("fewshot", hypermodel, variant),
        licence=licence,
        citation=citation,
    )


TASKS = [
    _task("prototypical", "omniglot", build_prototypical, wide_episodes),
    _task("matching", "omniglot", build_matching, wide_episodes),
    _task("graph", "omniglot", build_graph, five_way_episodes),
    _task("maml", "omniglot", build_maml, five_way_episodes),
    _task("reptile", "omniglot", build_reptile, five_way_episodes),
    _task("meta_network", "omniglot", build_meta_network, five_way_episodes),
    _task("prototypical", "clinc150", build_text_prototypical, wide_episodes),
    _task("matching", "clinc150", build_text_matching, wide_episodes),
]
