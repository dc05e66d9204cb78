"""What the splits let a policy know of other tasks."""

from dataclasses import dataclass

import numpy as np
import pytest

from keras_metahpo.benchmark.blackbox import Blackbox, BlackboxCard, BlackboxFactory, Evaluation
from keras_metahpo.benchmark.experience import allowed, experience, held_out, logs_of, opened
from keras_metahpo.space import Hyperparameter, SearchSpace

LINE = SearchSpace([Hyperparameter("x", "float", 0.0, 0.0, 1.0)])
PLANE = SearchSpace([*LINE.hyperparameters, Hyperparameter("y", "float", 0.0, 0.0, 1.0)])


class Peak(Blackbox):
    """Best at `best`."""

    def __init__(self, card: BlackboxCard, space: SearchSpace, best: float):
        self.card, self.space, self.best = card, space, best

    def evaluate(self, configuration, fidelity=None):
        return Evaluation({"loss": abs(configuration["x"] - self.best)}, 1.0)

    def reference(self):
        return None


@dataclass(frozen=True)
class PeakFactory(BlackboxFactory):
    name: str
    family: str = "f"
    best: float = 0.5
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    is_plane: bool = False
    lookup: str = "surrogate"

    def open(self):
        card = BlackboxCard(
            self.name,
            self.family,
            "loss",
            "min",
            lookup=self.lookup,
            sources=self.sources,
            related=self.related,
        )
        return Peak(card, PLANE if self.is_plane else LINE, self.best)


def suite(*factories):
    return {factory.name: factory for factory in factories}


TARGET = PeakFactory("target", sources=("mnist",), related=("other family",))


@pytest.mark.parametrize(
    ("other", "splits"),
    [
        (TARGET, set()),
        (PeakFactory("same data", "g", sources=("mnist",)), set()),
        (PeakFactory("related", "other family"), set()),
        (PeakFactory("sibling"), {"leave-task-out"}),
        (PeakFactory("stranger", "g"), {"leave-task-out", "leave-family-out"}),
        (PeakFactory("wider", is_plane=True), {"leave-task-out", "leave-space-out"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_split_allows_what_it_says(other, splits):
    found = {
        split
        for split in ("leave-task-out", "leave-space-out", "leave-family-out")
        if allowed(opened(TARGET), opened(other), split)
    }
    assert found == splits


def test_presets_must_not_know_the_task_its_data_or_with_its_family_the_family():
    card = opened(TARGET).card
    assert held_out(card, "leave-task-out") == {"target", "mnist", "other family"}
    assert held_out(card, "leave-family-out") - held_out(card, "leave-task-out") == {"f"}


def test_logs_hold_the_same_configurations_and_their_own_tasks_best():
    factories = suite(TARGET, PeakFactory("a", best=0.123), PeakFactory("b", best=0.877))
    logs = experience(opened(TARGET), factories, "leave-task-out", 20, False)
    assert [log.card.name for log in logs] == ["a", "b"]
    first, second = (log.history() for log in logs)
    assert first.configurations == second.configurations
    # A local search comes nearer to each peak than 20 random configurations do.
    assert first.utilities.max() > -0.005
    assert second.utilities.max() > -0.005


def test_logs_do_not_depend_on_what_is_best_on_the_target():
    others = (PeakFactory("a", best=0.2), PeakFactory("b", best=0.8))
    tables = []
    for best in (0.1, 0.6):
        target = PeakFactory("target", best=best)
        logs = experience(opened(target), suite(target, *others), "leave-task-out", 20, False)
        tables.append([log.table for log in logs])
    assert tables[0] == tables[1]


def test_the_adversary_negates_outcomes():
    factories = suite(TARGET, PeakFactory("a", best=0.2))
    (log,) = experience(opened(TARGET), factories, "leave-task-out", 20, False)
    (negated,) = experience(opened(TARGET), factories, "leave-task-out", 20, True)
    np.testing.assert_array_equal(log.history().utilities, -negated.history().utilities)


def test_live_tasks_have_no_experience():
    live = PeakFactory("target", lookup="live")
    assert experience(opened(live), suite(live, PeakFactory("a")), "leave-task-out", 9, False) == []


def test_logs_of_a_suite_hold_the_best_of_each_task():
    factories = suite(PeakFactory("a", best=0.2), PeakFactory("b", best=0.8))
    logs = logs_of(factories, 20)
    assert [log.card.name for log in logs] == ["a", "b"]
    for log, best in zip(logs, (0.2, 0.8), strict=True):
        found = [configuration["x"] for configuration in log.history().configurations]
        assert len(found) > 20
        assert min(abs(x - best) for x in found) < 0.01
