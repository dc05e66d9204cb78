"""The public data sets of the library, with what a task's card says about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from keras_metahpo.tasks.sources.arrays import DigitsSource
from keras_metahpo.tasks.sources.base import Source, Transform
from keras_metahpo.tasks.sources.images import ImageSource, OmniglotAlphabetSource
from keras_metahpo.tasks.sources.texts import EmotionSource, TextSource
from keras_metahpo.tasks.sources.transforms import Inverted
from keras_metahpo.tasks.task import Task

# Tag of tasks whose data this project has not had: they are checked on fake data only.
NEVER_RUN = "never-run"
# A training sees about so many examples: 8 epochs of 2000. Fewer examples need more epochs.
NUM_EXAMPLES_SEEN, MIN_EPOCHS, MAX_EPOCHS = 16_000, 8, 16


@dataclass(frozen=True)
class CatalogueEntry:
    """A data set as tasks use it.

    Attributes:
        source: Its arrays.
        licence, citation: Of the data.
        tags: Added to those of its tasks.
    """

    source: Source
    licence: str
    citation: str
    tags: tuple[str, ...] = ()

    def with_(self, *transforms: Transform) -> "CatalogueEntry":
        """The same data set, changed."""
        return replace(self, source=self.source.with_(*transforms))

    @property
    def num_epochs(self) -> int:
        """Epochs of a full training."""
        wanted = round(NUM_EXAMPLES_SEEN / self.source.num_train)
        return min(MAX_EPOCHS, max(MIN_EPOCHS, wanted))

    def task(
        self,
        name: str,
        build: Callable,
        fit_arguments: Callable[..., Mapping[str, Any]],
        tags: tuple[str, ...],
        max_fidelity: int | None = None,
    ) -> Task:
        """A task on this data set.

        Args:
            name: `stem/variant`.
            build: `build(hp, source)` returns a compiled model.
            fit_arguments: As of `Task`.
            tags: The family first.
            max_fidelity: Epochs; `num_epochs` if none are given.
        """
        return Task(
            name=name,
            build=partial(build, source=self.source),
            data=self.source,
            max_fidelity=max_fidelity or self.num_epochs,
            fit_arguments=fit_arguments,
            tags=(*tags, *self.tags),
            licence=self.licence,
            citation=self.citation,
        )


def _omniglot(alphabet: int, num_classes: int) -> CatalogueEntry:
    # White strokes on black, like the other sets; black on white hardly anything is learnt.
    source = OmniglotAlphabetSource(alphabet, num_classes).with_(Inverted())
    return CatalogueEntry(source, "MIT", "Lake et al. 2015")


def _cmaterdb(source: ImageSource) -> CatalogueEntry:
    return CatalogueEntry(source, "Apache-2.0", "Das et al. 2012")


def _trec(label: str, num_classes: int) -> CatalogueEntry:
    source = TextSource("trec:1.0.0", "text", label, num_classes, length=24)
    return CatalogueEntry(source, "unknown", "Li and Roth 2002")


def _clinc(label: str, num_classes: int, num_train: int) -> CatalogueEntry:
    dataset, test = "clinc_oos:0.1.0", "test[:1500]"
    source = TextSource(dataset, "text", label, num_classes, num_train, 1000, test, length=20)
    return CatalogueEntry(source, "CC BY 3.0", "Larson et al. 2019")


def _emotions(grouped: bool) -> CatalogueEntry:
    return CatalogueEntry(EmotionSource(grouped), "CC BY 4.0", "Demszky et al. 2020")


IMAGE_SETS: Mapping[str, CatalogueEntry] = {
    "mnist": CatalogueEntry(ImageSource("mnist:3.0.1", 10), "CC BY-SA 3.0", "LeCun et al. 1998"),
    "fashion_mnist": CatalogueEntry(
        ImageSource("fashion_mnist:3.0.1", 10), "MIT", "Xiao et al. 2017"
    ),
    "cmaterdb_bangla": _cmaterdb(ImageSource("cmaterdb/bangla:1.0.0", 10)),
    "cmaterdb_devanagari": _cmaterdb(
        ImageSource("cmaterdb/devanagari:1.0.0", 10, 1800, 700, num_test=500)
    ),
    "digits": CatalogueEntry(DigitsSource(), "CC BY 4.0", "Alpaydin and Kaynak 1998"),
    "omniglot_bengali": _omniglot(11, 46),
    "omniglot_gujarati": _omniglot(22, 48),
    "omniglot_korean": _omniglot(30, 40),
    "omniglot_tifinagh": _omniglot(48, 55),
    "kmnist": CatalogueEntry(
        ImageSource("kmnist:3.0.1", 10), "CC BY-SA 4.0", "Clanuwat et al. 2018", (NEVER_RUN,)
    ),
    # Its labels are 1 to 26; label 0 does not occur.
    "emnist_letters": CatalogueEntry(
        ImageSource("emnist/letters:3.1.0", 27), "public domain", "Cohen et al. 2017", (NEVER_RUN,)
    ),
}

TEXT_SETS: Mapping[str, CatalogueEntry] = {
    "imdb": CatalogueEntry(
        TextSource(
            "imdb_reviews/plain_text:1.0.0",
            *("text", "label", 2, 2000, 1000, "test[:1000]"),
            length=48,
        ),
        "unknown",
        "Maas et al. 2011",
    ),
    # Labels of SST-2's test split are secret; its validation split stands in.
    "sst2": CatalogueEntry(
        TextSource("glue/sst2:2.0.0", "sentence", "label", 2, test_split="validation", length=24),
        "unknown",
        "Socher et al. 2013",
    ),
    "trec": _trec("label-coarse", 6),
    "trec_fine": _trec("label-fine", 47),
    "clinc_intents": _clinc("intent", 150, 3000),
    "clinc_domains": _clinc("domain", 10, 2000),
    "goemotions": _emotions(grouped=False),
    "goemotions_groups": _emotions(grouped=True),
}
