"""Few-shot learning with Keras: episodes, learners, training and evaluation."""

from keras_metahpo.fewshot.backbone import conv4, text_cnn, word_average
from keras_metahpo.fewshot.class_splits import ClassSplit, SplitExamples, omniglot_split
from keras_metahpo.fewshot.episode import Episode, stack_episodes
from keras_metahpo.fewshot.evaluation import FewShotScore, evaluate
from keras_metahpo.fewshot.examples import ClassExamples, fake_examples
from keras_metahpo.fewshot.graph_network import GraphNetwork
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.maml import MAML
from keras_metahpo.fewshot.matching import MatchingNetwork
from keras_metahpo.fewshot.meta_networks import MetaNetwork
from keras_metahpo.fewshot.omniglot import omniglot
from keras_metahpo.fewshot.prototypical import PrototypicalNetwork
from keras_metahpo.fewshot.reptile import Reptile
from keras_metahpo.fewshot.sampler import (
    EpisodeDataset,
    EpisodeSampler,
    FixedEpisodeDataset,
    FixedEpisodes,
)
from keras_metahpo.fewshot.texts import clinc150, trec
from keras_metahpo.fewshot.training import MetaTraining, compile_learner, meta_train

__all__ = [
    "MAML",
    "ClassExamples",
    "ClassSplit",
    "Episode",
    "EpisodeDataset",
    "EpisodeSampler",
    "FewShotLearner",
    "FewShotScore",
    "FixedEpisodeDataset",
    "FixedEpisodes",
    "GraphNetwork",
    "MatchingNetwork",
    "MetaNetwork",
    "MetaTraining",
    "PrototypicalNetwork",
    "Reptile",
    "SplitExamples",
    "clinc150",
    "compile_learner",
    "conv4",
    "evaluate",
    "fake_examples",
    "meta_train",
    "omniglot",
    "omniglot_split",
    "stack_episodes",
    "text_cnn",
    "trec",
    "word_average",
]
