"""How well roles of hyperparameters are guessed whose names no table of aliases knows.

    python benchmarks/guessing.py --output benchmarks/results/guessing.json

Real hyperparameters of the task library go by names of `synonyms.json`, of which none is in the
glossary that the model learnt from: how often is the role told by letters, by ranges and values, by
both? And synthetic search spaces: how well does the bundled ranker order their configurations under
such names, with guesses and without? `--train` trains the bundled model anew first, a minute.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from renaming import drawn_synonym, nothing, renamed_space, unseen_names
from rich.console import Console
from rich.table import Table

from keras_metahpo.history import find_logs
from keras_metahpo.meta_training.role_training import read_glossary, train_role_model
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.meta_training.trainer import rank_correlations
from keras_metahpo.rankers import DEFAULT_PRESET, Preset
from keras_metahpo.role_guessing import RoleModel
from keras_metahpo.role_guessing.model import FILE
from keras_metahpo.space import Hyperparameter, role_of

SURE = (0.5, 0.7, 0.9)
NUM_TASKS, NUM_CONFIGURATIONS, SEED = 150, 96, 777
# Synthetic spaces that have a role to guess in most of their hyperparameters.
LEAST_KNOWN, FEWEST = 0.7, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path("meta_dataset"), help="folder of them")
    parser.add_argument("--train", action="store_true", help="the bundled model, from its glossary")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/guessing.json"))
    options = parser.parse_args()
    if options.train:
        train_role_model(read_glossary()).save(FILE)
    model, names = RoleModel.load(FILE), unseen_names()
    correlations, told = orders_before_any_trial()
    results = {
        "names": sum(map(len, names.values())),
        "library": told_roles(model, names, options.logs),
        "synthetic tasks": correlations,
        "roles told on synthetic tasks": told,
    }
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    for part in ("library", "synthetic tasks"):
        columns = list(next(iter(results[part].values())))
        table = Table(part, *columns)
        for row, figures in results[part].items():
            table.add_row(row, *(f"{figures[column]:.3f}" for column in columns))
        Console().print(table)


def told_roles(model: RoleModel, names: dict[str, list[str]], logs: Path) -> dict[str, dict]:
    """Of pairs of a real hyperparameter and a name: the share told, each role counting the same."""
    found: dict[tuple, Hyperparameter] = {}
    for log in find_logs([str(logs)])[0]:
        for hp in log.space.hyperparameters:
            found.setdefault((role_of(hp.name), hp.low, hp.high, hp.choices, hp.default), hp)
    pairs = [(key[0], name, hp) for key, hp in found.items() for name in names.get(key[0], ())]
    roles = np.array([role for role, _, _ in pairs])
    _, group, sizes = np.unique(roles, return_inverse=True, return_counts=True)
    weights = 1.0 / sizes[group]
    guesses: dict[str, Callable] = {
        "letters": lambda name, hp: model.by_name(name),
        "ranges and values": lambda name, hp: model.by_values(hp),
        "both": model.probabilities,
    }
    rows = {}
    for evidence, guess in guesses.items():
        probabilities = np.array([guess(name, hp) for _, name, hp in pairs])
        right = model.roles[probabilities.argmax(axis=1)] == roles
        row = {"told": np.average(right, weights=weights)}
        for least in SURE:
            sure = probabilities.max(axis=1) >= least
            row[f"share above {least}"] = np.average(sure, weights=weights)
            row[f"told above {least}"] = np.average(right[sure], weights=weights[sure])
        rows[evidence] = {column: round(float(figure), 4) for column, figure in row.items()}
    return rows


def orders_before_any_trial() -> tuple[dict[str, dict], float]:
    """Of the ranker's order before any trial with the true one, and the share of roles told."""
    ranker = Preset(DEFAULT_PRESET).load()
    known = ranker.known_names
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[float]] = {}
    told = []
    for task in synthetic_tasks(rng):
        roles = [role_of(name) for name in task.space.names]
        spaces = {
            "their own names": task.space,
            "other names": renamed_space(task.space, drawn_synonym(rng)),
            "no names": renamed_space(task.space, nothing),
        }
        for label, space in spaces.items():
            renamed = [replace(task, space=space)]
            ranker.known_names = frozenset(space.names)  # Of what is known nothing is guessed.
            rows.setdefault(label, []).append(rank_correlations(ranker, renamed)["mean"])
            ranker.known_names = known
            if space is not task.space:
                guessed = rank_correlations(ranker, renamed)["mean"]
                rows.setdefault(f"{label}, guessed", []).append(guessed)
        found = ranker.guesses(spaces["other names"])
        for name, role in zip(spaces["other names"].names, roles, strict=True):
            if role is not None:
                told.append(name in found and found[name].role == role)
    summary = {
        label: {"mean": round(float(np.mean(row)), 4), "median": round(float(np.median(row)), 4)}
        for label, row in rows.items()
    }
    return summary, round(float(np.mean(told)), 4)


def synthetic_tasks(rng: np.random.Generator):
    """Tasks whose hyperparameters mostly have a role."""
    found = 0
    while found < NUM_TASKS:
        task = synthetic_task(rng, NUM_CONFIGURATIONS)
        known = np.mean([role_of(name) is not None for name in task.space.names])
        if len(task.space) >= FEWEST and known >= LEAST_KNOWN:
            found += 1
            yield task


if __name__ == "__main__":
    main()
