"""Training many configurations of one structure at once, on one device (JAX).

A small model leaves most of a GPU idle, and most of a short training is compiling. Configurations
with the same layers and batch size are one model whose weights, numbers and learning rates have one
more axis: an epoch of all of them is one compiled call.
"""

from collections.abc import Callable, Sequence

from keras_metahpo.populations.population import Curve, Follower, Member, Population
from keras_metahpo.populations.structure import structure
from keras_metahpo.populations.trainings import NotCompilable, Prepared, example, signature

# Of several structures: a search or a collection comes back to the latest ones.
MOST_COMPILED = 4


class PopulationTrainer:
    """Trains populations; what was compiled for the latest ones serves the next of their kind."""

    def __init__(self):
        self._compiled: dict[str, Callable] = {}

    def train(
        self,
        trainings: Sequence[Prepared],
        seeds: Sequence[int | None],
        num_epochs: int,
        followers: Sequence[Follower] | None = None,
    ) -> list[tuple[Curve, int] | Exception]:
        """The curves of configurations, those of one structure trained at once as `fit` does each.

        Args:
            trainings: The configurations. With followers, each model has in the end the weights
                that its follower wanted kept last.
            seeds: Of the order of the examples, which numpy draws; `None` for the order they have.
            num_epochs: Of each training.
            followers: One for each configuration.

        Returns:
            For each configuration its curve and the size of its population, or why it could not be
            trained like that. A curve is a dictionary of metrics and `num_parameters` an epoch; its
            `elapsed_s` is an equal share of the population's and does not count compiling. It ends
            with an epoch whose loss is not finite, or after which its follower stops it.
        """
        results: list[tuple[Curve, int] | Exception] = [NotCompilable()] * len(trainings)
        populations: dict[str, list[int]] = {}
        for place, training in enumerate(trainings):
            populations.setdefault(structure_of_training(training), []).append(place)
        for kind, places in populations.items():
            members = [
                Member(trainings[p], seeds[p], followers[p] if followers else None) for p in places
            ]
            trained = self._train(kind, members, num_epochs)
            for place, result in zip(places, trained, strict=True):
                results[place] = result
        return results

    def _train(
        self, kind: str, members: Sequence["Member"], num_epochs: int
    ) -> list[tuple[Curve, int] | Exception]:
        """Trains a population; one that is too large for the memory, say, in halves."""
        try:
            curves = Population(members, num_epochs).train(kind, self._compiled)
            return [(curve, len(members)) for curve in curves]
        except Exception as reason:
            if len(members) == 1:
                return [reason]
        finally:
            for key in list(self._compiled)[:-MOST_COMPILED]:
                del self._compiled[key]
        middle = len(members) // 2
        halves = members[:middle], members[middle:]
        return [result for half in halves for result in self._train(kind, half, num_epochs)]


def built(training: Prepared) -> Prepared:
    """The training, with all variables of its model."""
    training.model._symbolic_build(data_batch=example(training.train))
    return training


def structure_of_training(training: Prepared) -> str:
    """What a compiled training depends on, as text."""
    sizes = [training.batch_size, training.validation_batch_size]
    shapes = [signature(training.train), signature(training.validation), sizes]
    return f"{structure(training.model)} {shapes}"
