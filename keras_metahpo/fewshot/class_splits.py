"""Classes to train on, to select by and to test on: no class is in two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.examples import ClassExamples

NUM_OMNIGLOT_CHARACTERS = 1623
NUM_OMNIGLOT_TEST = 423
OMNIGLOT_SEED = 1623
# Vinyals et al. 2016 as used by Snell et al. 2017: 1028 to train, 172 to validate.
VINYALS_VALIDATION = 172


@dataclass(frozen=True)
class SplitExamples:
    """Examples of the three parts of a split.

    Attributes:
        train, validation, test: Examples of different classes.
    """

    train: ClassExamples
    validation: ClassExamples
    test: ClassExamples


@dataclass(frozen=True)
class ClassSplit:
    """Names of the classes of each part.

    Attributes:
        train, validation, test: Names; none is in two parts.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self):
        names = [*self.train, *self.validation, *self.test]
        if len(set(names)) != len(names):
            repeated = sorted({name for name in names if names.count(name) > 1})
            raise FewShotError(
                f"A class may be in one part of a split only. Received more than once: {repeated}."
            )

    def apply(self, examples: ClassExamples) -> SplitExamples:
        """The examples of each part."""
        return SplitExamples(
            *(examples.select(part) for part in (self.train, self.validation, self.test))
        )


def omniglot_split(num_validation: int = VINYALS_VALIDATION) -> ClassSplit:
    """Omniglot's 1623 characters: 1200 to train and validate, 423 to test.

    The sizes are the published ones and the draw is our own. Santoro et al. 2016 and Finn et al.
    2017 train on 1200 random characters and do not publish which; the list of Vinyals et al. 2016
    (1028, 172 and 423) is published, and this is not it. The test characters are the same for
    every `num_validation`. Characters are drawn one by one, so that test characters belong to
    alphabets that are trained on, as in all these papers.

    Args:
        num_validation: Characters out of the 1200 that are for validation. 172, the default, has
            the sizes of Vinyals et al.; 100 is usual beside the 1200/423 split, whose papers name
            no validation characters.
    """
    limit = NUM_OMNIGLOT_CHARACTERS - NUM_OMNIGLOT_TEST
    if not 0 < num_validation < limit:
        raise FewShotError(
            f"num_validation must be between 1 and {limit - 1} characters. "
            f"Received: num_validation={num_validation}."
        )
    order = omniglot_order()
    end = NUM_OMNIGLOT_TEST + num_validation
    test, validation, train = order[:NUM_OMNIGLOT_TEST], order[NUM_OMNIGLOT_TEST:end], order[end:]
    return ClassSplit(train, validation, test)


def omniglot_order() -> tuple[str, ...]:
    """The names of all characters, `alphabet/character01`, in the order drawn for the split.

    The order is stored, so that no change of NumPy's generators can change the split.
    """
    file = resources.files("keras_metahpo.fewshot") / "splits" / "omniglot_order.txt"
    return tuple(file.read_text(encoding="utf-8").split())


def draw_order(names: Sequence[str], seed: int) -> tuple[str, ...]:
    """The names in a random order that depends on the set of names and the seed only.

    `draw_order(omniglot_order(), OMNIGLOT_SEED)` made the stored order.
    """
    ordered = sorted(names)
    return tuple(ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered)))
