"""Task definitions: what they are made of and how they are found."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_metahpo.tasks.checking import Finding, check_file
    from keras_metahpo.tasks.features import task_features
    from keras_metahpo.tasks.layers import CappedVocabulary, MaskedMean, SmoothedCrossEntropy
    from keras_metahpo.tasks.registry import get_task, library_directory, list_tasks
    from keras_metahpo.tasks.sources import (
        IMAGE_SETS,
        NEVER_RUN,
        TEXT_SETS,
        ArraySource,
        CatalogueEntry,
        CoarseLabels,
        DigitsSource,
        EmotionSource,
        FewExamples,
        ImageSource,
        Imbalanced,
        Inverted,
        Noisy,
        Occluded,
        OmniglotAlphabetSource,
        PermutedPixels,
        Rotated,
        Shrunk,
        Source,
        TextSource,
        Transform,
        TransformedSource,
    )
    from keras_metahpo.tasks.sources.episodes import (
        EpisodeSource,
        IntentEpisodes,
        OmniglotEpisodes,
        QuestionEpisodes,
        training_episodes,
    )
    from keras_metahpo.tasks.spread import Spread, measure_spread
    from keras_metahpo.tasks.suites import TaskSuite, get_suite, list_suites
    from keras_metahpo.tasks.task import DataSource, Task, TaskData, TaskHyperModel

__all__ = [
    "IMAGE_SETS",
    "NEVER_RUN",
    "TEXT_SETS",
    "ArraySource",
    "CappedVocabulary",
    "CatalogueEntry",
    "CoarseLabels",
    "DataSource",
    "DigitsSource",
    "EmotionSource",
    "EpisodeSource",
    "FewExamples",
    "Finding",
    "ImageSource",
    "Imbalanced",
    "IntentEpisodes",
    "Inverted",
    "MaskedMean",
    "Noisy",
    "Occluded",
    "OmniglotAlphabetSource",
    "OmniglotEpisodes",
    "PermutedPixels",
    "QuestionEpisodes",
    "Rotated",
    "Shrunk",
    "SmoothedCrossEntropy",
    "Source",
    "Spread",
    "Task",
    "TaskData",
    "TaskHyperModel",
    "TaskSuite",
    "TextSource",
    "Transform",
    "TransformedSource",
    "check_file",
    "get_suite",
    "get_task",
    "library_directory",
    "list_suites",
    "list_tasks",
    "measure_spread",
    "task_features",
    "training_episodes",
]

# Imported on first use, so that the command line starts without Keras. All else is in `sources`.
_LAZY = {
    "checking": ("Finding", "check_file"),
    "features": ("task_features",),
    "layers": ("CappedVocabulary", "MaskedMean", "SmoothedCrossEntropy"),
    "registry": ("get_task", "library_directory", "list_tasks"),
    "sources.episodes": (
        "EpisodeSource",
        "IntentEpisodes",
        "QuestionEpisodes",
        "QuestionEpisodes",
        "OmniglotEpisodes",
        "training_episodes",
    ),
    "spread": ("Spread", "measure_spread"),
    "suites": ("TaskSuite", "get_suite", "list_suites"),
    "task": ("DataSource", "Task", "TaskData", "TaskHyperModel"),
}
_MODULE_OF = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF.get(name, 'sources')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
