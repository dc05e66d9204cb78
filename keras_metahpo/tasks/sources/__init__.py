"""Where tasks get their arrays: image and text sets, arrays of one's own, and changed ones."""

from keras_metahpo.tasks.sources.arrays import ArraySource, DigitsSource
from keras_metahpo.tasks.sources.base import Source, Transform, TransformedSource
from keras_metahpo.tasks.sources.catalogue import (
    IMAGE_SETS,
    NEVER_RUN,
    TEXT_SETS,
    CatalogueEntry,
)
from keras_metahpo.tasks.sources.images import ImageSource, OmniglotAlphabetSource
from keras_metahpo.tasks.sources.texts import EmotionSource, TextSource
from keras_metahpo.tasks.sources.transforms import (
    CoarseLabels,
    FewExamples,
    Imbalanced,
    Inverted,
    Noisy,
    Occluded,
    PermutedPixels,
    Rotated,
    Shrunk,
)

__all__ = [
    "IMAGE_SETS",
    "NEVER_RUN",
    "TEXT_SETS",
    "ArraySource",
    "CatalogueEntry",
    "CoarseLabels",
    "DigitsSource",
    "EmotionSource",
    "FewExamples",
    "ImageSource",
    "Imbalanced",
    "Inverted",
    "Noisy",
    "Occluded",
    "OmniglotAlphabetSource",
    "PermutedPixels",
    "Rotated",
    "Shrunk",
    "Source",
    "TextSource",
    "Transform",
    "TransformedSource",
]
