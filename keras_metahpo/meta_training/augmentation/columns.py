"""Augmentations of which hyperparameters there are, what they are called and how choices stand."""

from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.augmentation.rebuilding import numbered, rebuild, renamed
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.draft import draw_unnamed
from keras_metahpo.meta_training.synthetic.groups import IRRELEVANT
from keras_metahpo.meta_training.synthetic.hyperparameter import pick
from keras_metahpo.space import SearchSpace, role_of
from keras_metahpo.space.roles import ALIASES

# Of each name by itself.
RENAME_PROBABILITY = 0.5
MAX_ADDED = 2


def drop(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Leaves out one hyperparameter on which no other depends; what it did becomes noise."""
    hyperparameters = task.space.hyperparameters
    parents = {condition.parent for hp in hyperparameters for condition in hp.conditions}
    # Those without which something is still searched.
    names = [
        name
        for name in task.space.names
        if name not in parents
        and any(hp.num_values > 1 for hp in hyperparameters if hp.name != name)
    ]
    if not names:
        return task
    dropped = pick(names, rng)
    columns = [c for c, hp in enumerate(hyperparameters) if hp.name != dropped]
    kept = [hyperparameters[c] for c in columns]
    return rebuild(task, kept, task.points.numbers[:, columns])


def add_irrelevant(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Adds one or two hyperparameters on which nothing depends, drawn as the synthetic prior does.

    Their values are random, so that the order of configurations tells nothing of them.
    """
    hyperparameters = list(task.space.hyperparameters)
    numbers = [task.points.numbers]
    for _ in range(int(rng.integers(1, MAX_ADDED + 1))):
        name = numbered(pick(IRRELEVANT, rng), {hp.name for hp in hyperparameters})
        hp = draw_unnamed(name, (), rng)
        hyperparameters.append(hp)
        numbers.append(hp.numbers(rng.random((len(task.points), 1))))
    return rebuild(task, hyperparameters, np.concatenate(numbers, axis=1))


def permute_choices(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Lists the choices of unordered hyperparameters in another order; configurations stay."""
    hyperparameters = list(task.space.hyperparameters)
    numbers = task.points.numbers.copy()
    for column, hp in enumerate(hyperparameters):
        if hp.kind != "choice" or not hp.is_categorical:
            continue
        order = rng.permutation(len(hp.choices))
        active = task.points.active[:, column]
        numbers[active, column] = order.argsort()[numbers[active, column].astype(int)]
        choices = tuple(hp.choices[old] for old in order)
        hyperparameters[column] = replace(hp, choices=choices)
    return rebuild(task, hyperparameters, numbers)


def rename(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Gives hyperparameters other names of the same role."""
    names: dict[str, str] = {}
    for name in task.space.names:
        role = role_of(name)
        free = [a for a in ALIASES.get(role or "", ()) if a not in names.values()]
        if free and rng.random() < RENAME_PROBABILITY:
            names[name] = str(rng.choice(free))
        else:
            names[name] = name
    if len(set(names.values())) < len(names):
        return task
    return replace(task, space=SearchSpace(renamed(task.space.hyperparameters, names)))
