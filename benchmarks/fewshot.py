"""Few-shot learners on Omniglot: trains one, tests it and writes what was done and what came out.

    python benchmarks/fewshot.py --learner prototypical --ways 5 --shots 1 --minutes 20 \
        --output benchmarks/results/fewshot

Accuracy is on 1000 episodes a setting (5 ways, and the ways of training; 1 and 5 shots) with 15
queries a class, drawn from the 423 test characters, rotated and unrotated. The classes are our own
draw with the published sizes, see `keras_metahpo.fewshot.class_splits`.

Weights and results are written after training and after each test: the same command goes on with
what is left to test.
"""

import argparse
import importlib
import itertools
import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from keras_metahpo.atomic import write_text
from keras_metahpo.fewshot import (
    EpisodeSampler,
    FewShotLearner,
    MetaTraining,
    conv4,
    evaluate,
    meta_train,
    omniglot,
    omniglot_split,
    stack_episodes,
)

TEST_QUERIES = 15
TEST_SEED, VALIDATION_SEED = 1, 2
TEST_WAYS, TEST_SHOTS = 5, (1, 5)
NUM_VALIDATION_EPISODES = 200
INDUCTIVE = "moving averages, not transductive"
TRANSDUCTIVE = "statistics of the test batch, transductive"


@dataclass(frozen=True)
class Contestant:
    """A learner of the benchmark; it is imported when it is chosen.

    Attributes:
        module: Where it is.
        class_name: Its class.
        arguments: From the ways of training to its arguments besides the backbone.
        any_ways: Whether it can be tested with other ways than it is trained with.
        batch_norm: What batch normalization uses at test.
        optimizer, learning_rate, episodes_per_batch: Of its training.
    """

    module: str
    class_name: str
    arguments: Callable[[int], dict] = lambda ways: {}
    any_ways: bool = True
    batch_norm: str = INDUCTIVE
    optimizer: str = "Adam"
    learning_rate: float = 1e-3
    episodes_per_batch: int = 1

    def make(self, size: int, filters: int, ways: int) -> FewShotLearner:
        module = importlib.import_module(f"keras_metahpo.fewshot.{self.module}")
        backbone = conv4((size, size, 1), filters)
        return getattr(module, self.class_name)(backbone, **self.arguments(ways))


CONTESTANTS = {
    "prototypical": Contestant("prototypical", "PrototypicalNetwork"),
    "prototypical-cosine": Contestant(
        "prototypical", "PrototypicalNetwork", lambda ways: {"distance": "cosine"}
    ),
    "matching": Contestant("matching", "MatchingNetwork"),
    "matching-full-context": Contestant(
        "matching", "MatchingNetwork", lambda ways: {"full_context": True}
    ),
    "graph": Contestant(
        "graph_network", "GraphNetwork", lambda ways: {"num_ways": ways}, any_ways=False
    ),
    "graph-one-head": Contestant(
        "graph_network",
        "GraphNetwork",
        lambda ways: {"num_ways": ways, "num_heads": 1},
        any_ways=False,
    ),
    "maml": Contestant(
        "maml",
        "MAML",
        lambda ways: {"num_ways": ways},
        any_ways=False,
        batch_norm=TRANSDUCTIVE,
        episodes_per_batch=4,
    ),
    "reptile": Contestant(
        "reptile",
        "Reptile",
        lambda ways: {"num_ways": ways},
        any_ways=False,
        batch_norm=TRANSDUCTIVE,
        optimizer="SGD",
        learning_rate=1.0,
        episodes_per_batch=5,
    ),
    "meta-networks": Contestant(
        "meta_networks", "MetaNetwork", lambda ways: {"num_ways": ways}, any_ways=False
    ),
}


def main() -> None:
    options = parse_options()
    console = Console()
    contestant = CONTESTANTS[options.learner]
    keras.utils.set_random_seed(options.seed)
    console.print("reading Omniglot (the first time takes a minute)")
    parts = omniglot_split(options.validation_classes).apply(omniglot(options.size))
    train = parts.train if options.no_rotations else parts.train.with_rotations()
    sampler = EpisodeSampler(train, options.ways, options.shots, options.queries)
    validation = EpisodeSampler(
        parts.validation, validation_ways(options, contestant), options.shots, TEST_QUERIES
    )
    learner = contestant.make(options.size, options.filters, options.ways)
    build(learner, sampler)
    options.output.mkdir(parents=True, exist_ok=True)
    name = f"{options.learner}_{options.ways}way_{options.shots}shot_seed{options.seed}"
    record = Record(options.output, name)
    expected = protocol(options, contestant)
    results = record.read(expected)
    if results is not None:
        learner.load_weights(record.weights)
    else:
        training = train_learner(learner, sampler, validation, options, contestant)
        results = {
            "protocol": expected,
            "machine": machine(),
            "training": {
                "seconds": round(training.elapsed_s, 1),
                "episodes": training.num_episodes,
                "best": asdict(training.best),
            },
            "test": [],
            "curve": [asdict(point) for point in training.curve],
        }
        learner.save_weights(record.weights)
        record.write(results)
    for row in tests(learner, parts.test, options, contestant, results["test"], console):
        results["test"].append(row)
        record.write(results)
    draw(results, name, options.output / f"{name}.png")
    report(results, name, console)


@dataclass(frozen=True)
class Record:
    """Where a run is kept."""

    folder: Path
    name: str

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.name}.weights.h5"

    @property
    def results(self) -> Path:
        return self.folder / f"{self.name}.json"

    def read(self, expected_protocol: dict) -> dict | None:
        """An earlier run of the same protocol, if its weights are there."""
        if not (self.results.exists() and self.weights.exists()):
            return None
        results = json.loads(self.results.read_text())
        return results if results["protocol"] == expected_protocol else None

    def write(self, results: dict) -> None:
        write_text(self.results, json.dumps(results, indent=1) + "\n")


def build(learner: FewShotLearner, sampler: EpisodeSampler) -> None:
    """Makes the weights, which a stopped run loads."""
    inputs, _ = stack_episodes([sampler.episode(np.random.default_rng(0))])
    learner(inputs)


def train_learner(
    learner: FewShotLearner,
    sampler: EpisodeSampler,
    validation: EpisodeSampler,
    options: argparse.Namespace,
    contestant: Contestant,
) -> MetaTraining:
    optimizer = getattr(keras.optimizers, contestant.optimizer)
    return meta_train(
        learner,
        sampler,
        validation.fixed_episodes(NUM_VALIDATION_EPISODES, VALIDATION_SEED),
        max_seconds=60 * options.minutes,
        optimizer=optimizer(options.learning_rate or contestant.learning_rate),
        num_halvings=options.halvings,
        episodes_per_batch=options.episodes_per_batch or contestant.episodes_per_batch,
        validate_every=options.validate_every,
        seed=options.seed,
        show_progress=True,
    )


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--learner", choices=CONTESTANTS, default="prototypical")
    add("--ways", type=int, default=5, help="classes of a training episode")
    add("--shots", type=int, default=1, help="support examples a class in training")
    add("--queries", type=int, default=5, help="queries a class in training")
    add("--minutes", type=float, default=20.0, help="of training, with its validations")
    add("--output", type=Path, default=Path("benchmarks/results/fewshot"))
    add("--seed", type=int, default=0, help="of weights and training episodes")
    add("--size", type=int, default=28, help="pixels")
    add("--filters", type=int, default=64, help="of each convolution of the backbone")
    add("--validation-classes", type=int, default=172, help="of the 1200 training characters")
    add("--no-rotations", action="store_true", help="train on upright characters only")
    add("--learning-rate", type=float, help="by default that of the learner")
    add("--halvings", type=int, default=5, help="of the learning rate over the training")
    add("--episodes-per-batch", type=int, help="by default that of the learner")
    add("--validate-every", type=int, default=1000, help="training episodes")
    add("--test-episodes", type=int, default=1000, help="of each setting")
    return parser.parse_args()


def validation_ways(options: argparse.Namespace, contestant: Contestant) -> int:
    """5, as in the test, where the learner allows it."""
    return min(TEST_WAYS, options.ways) if contestant.any_ways else options.ways


def tests(
    learner, characters, options, contestant: Contestant, done: list[dict], console: Console
) -> Iterator[dict]:
    """Accuracy with 5 ways and those of training, where the learner can be tested so."""
    all_ways = {options.ways, TEST_WAYS} if contestant.any_ways else {options.ways}
    kept = {(row["ways"], row["shots"], row["rotated"]) for row in done}
    for setting in itertools.product(sorted(all_ways), TEST_SHOTS, (True, False)):
        if setting in kept:
            continue
        ways, shots, rotated = setting
        console.print(f"testing {ways}-way {shots}-shot, rotated: {rotated}")
        classes = characters.with_rotations() if rotated else characters
        sampler = EpisodeSampler(classes, ways, shots, TEST_QUERIES)
        score = evaluate(learner, sampler.fixed_episodes(options.test_episodes, TEST_SEED))
        yield {
            "ways": ways,
            "shots": shots,
            "rotated": rotated,
            "accuracy": score.accuracy,
            "half_width_95": score.half_width,
            "episodes": score.num_episodes,
        }


def protocol(options: argparse.Namespace, contestant: Contestant) -> dict:
    """Everything that decides what the accuracies mean."""
    return {
        "data": "omniglot:3.0.0, ink 1 on 0, resized by averaging areas",
        "split": {
            "train": 1200 - options.validation_classes,
            "validation": options.validation_classes,
            "test": 423,
            "drawn": "by character, our own draw of these sizes",
        },
        "size": options.size,
        "rotations_in_training": not options.no_rotations,
        "backbone": f"conv4, {options.filters} filters",
        "learner": contestant.class_name,
        "arguments": contestant.arguments(options.ways),
        "batch_norm_at_test": contestant.batch_norm,
        "training_episodes": {
            "ways": options.ways,
            "shots": options.shots,
            "queries": options.queries,
            "per_batch": options.episodes_per_batch or contestant.episodes_per_batch,
        },
        "training_minutes": options.minutes,
        "test_queries": TEST_QUERIES,
        "optimizer": {
            "name": contestant.optimizer,
            "learning_rate": options.learning_rate or contestant.learning_rate,
            "halvings": options.halvings,
        },
        "seed": options.seed,
        "weights": f"best of the validations ({NUM_VALIDATION_EPISODES} upright episodes each)",
    }


def machine() -> dict:
    return {
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "tensorflow_threads": os.environ.get("TF_NUM_INTRAOP_THREADS", "as TensorFlow chooses"),
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "python": platform.python_version(),
    }


def draw(results: dict, title: str, path: Path) -> None:
    """Validation accuracy against seconds of training."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for points, style in (
        (results["curve"], {"marker": "o", "markersize": 3, "color": "#2b6cb0"}),
        ([results["training"]["best"]], {"marker": "o", "color": "#c05621"}),
    ):
        percent = [100 * point["validation_accuracy"] for point in points]
        axes.plot([point["elapsed_s"] for point in points], percent, **style)
    axes.set(xlabel="seconds of training", ylabel="validation accuracy (%)", title=title)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def report(results: dict, name: str, console: Console) -> None:
    training = results["training"]
    table = Table(title=f"{name}: {training['episodes']} episodes, {training['seconds']:.0f} s")
    for column in ("test", "rotated", "accuracy (%)"):
        table.add_column(column)
    for row in results["test"]:
        accuracy = f"{100 * row['accuracy']:.2f} ± {100 * row['half_width_95']:.2f}"
        table.add_row(
            f"{row['ways']}-way {row['shots']}-shot", "yes" if row["rotated"] else "no", accuracy
        )
    console.print(table)


if __name__ == "__main__":
    main()
