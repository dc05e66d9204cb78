"""What a report says of a preset: its card, its size and how it does on synthetic tasks."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.trainer import NOT_FAMILIES
from keras_metahpo.rankers import Preset
from keras_metahpo.rankers.presets import WEIGHTS
from keras_metahpo.training_report.checking import Check, check_ranker


@dataclass(frozen=True)
class PresetFacts:
    """A preset and its check.

    Attributes:
        label: What it is called on the page.
        card: Its card.
        network: Configuration of its network.
        num_weights: Of the network.
        weights_bytes: Size of the file.
        zero_shot, in_context: Before any trial, and after some.
    """

    label: str
    card: Mapping
    network: Mapping
    num_weights: int
    weights_bytes: int
    zero_shot: Check
    in_context: Check

    @property
    def checks(self) -> tuple[Check, Check]:
        return self.zero_shot, self.in_context

    @property
    def training(self) -> Mapping:
        """The configuration of its training; empty where the card does not say."""
        return self.card.get("training", {})

    @property
    def curve(self) -> Sequence[Mapping[str, float]]:
        """One dictionary an evaluation: step, loss, rank correlations by family, their mean."""
        return self.card.get("curve", ())

    @property
    def break_even(self) -> Mapping[str, float]:
        """As `meta_training.break_even` computes it; empty where the card does not say."""
        return self.card.get("break_even", {})

    @property
    def last_loss(self) -> float:
        """NaN where the card does not say."""
        return float(self.curve[-1].get("loss", "nan")) if self.curve else float("nan")

    @property
    def families(self) -> list[str]:
        """The held-out families of its curve."""
        return sorted({name for point in self.curve for name in point} - set(NOT_FAMILIES))

    @property
    def sources(self) -> dict[str, tuple[int, int]]:
        """Recorded tasks and their trials, by what stands before the slash of the tasks' names."""
        tasks: Counter[str] = Counter()
        trials: Counter[str] = Counter()
        for entry in self.card.get("trained_on", ()):
            source = entry["name"].partition("/")[0]
            tasks[source] += 1
            trials[source] += entry.get("num_trials", 0)
        return {source: (tasks[source], trials[source]) for source in sorted(tasks)}

    def correlations(self, part: str) -> Mapping[str, float]:
        """Zero-shot rank correlations of the card by family.

        Args:
            part: `"trained"` or `"held_out"`.
        """
        return self.card.get("rank_correlations", {}).get(part, {})


def read_facts(
    preset: str | os.PathLike,
    tasks: Sequence[SourceTask],
    label: str = "",
    on_task: Callable[[int], None] = lambda num_tasks: None,
) -> PresetFacts:
    """Loads a preset and checks it.

    Args:
        preset: Its name or directory.
        tasks: As `check_tasks` gives them.
        label: What it is called on the page; the folder's name by default.
        on_task: Called with the number of tasks that were checked since the last call.
    """
    found = Preset(preset)
    ranker = found.load()
    zero_shot, in_context = check_ranker(ranker, tasks, on_task)
    return PresetFacts(
        label=label or Path(found.directory).resolve().name,
        card=found.card,
        network=found.config["network"],
        num_weights=ranker.network.count_params(),
        weights_bytes=(found.directory / WEIGHTS).stat().st_size,
        zero_shot=zero_shot,
        in_context=in_context,
    )
