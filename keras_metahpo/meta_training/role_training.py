"""Trains the model that guesses roles from names and search spaces.

A glossary says how people call things; synthetic search spaces say what ranges, defaults and
categories each role has.

Shapes: i examples, r roles.
"""

import json

import numpy as np

from keras_metahpo.meta_training.synthetic.space import draw_space, draw_unnamed_space
from keras_metahpo.role_guessing.evidence import (
    NUM_FORMS,
    form_of,
    name_evidence,
    of_unit_length,
    value_evidence,
)
from keras_metahpo.role_guessing.model import FILE, OTHER, RoleModel
from keras_metahpo.space import Hyperparameter, role_of
from keras_metahpo.space.roles import ALIASES, ROLES

NUM_SPACES = 9000
NAMELESS = 0.07
HIDDEN_UNITS = 64
# Of a role's hyperparameters; a rarer form is a mistake.
RAREST_FORM = 0.05
INVERSE_REGULARIZATION = 30.0
# Roles and their places in the model's arrays.
PLACES = {role: place for place, role in enumerate((*ROLES, OTHER))}


def read_glossary() -> dict[str, list[str]]:
    """Names by role: those of the table of aliases and of the glossary, and of what is neither."""
    found = json.loads(FILE.with_name("glossary.json").read_text())
    return {
        role: list(dict.fromkeys([*ALIASES.get(role, ()), *found.get(role, ())])) for role in PLACES
    }


def train_role_model(glossary: dict[str, list[str]], seed: int = 0) -> RoleModel:
    """Trains both experts; a minute of a core. Needs scikit-learn.

    Args:
        glossary: Names by role, as `read_glossary` gives them.
        seed: Of everything.
    """
    return RoleModel(np.array([*PLACES]), *_train_on_names(glossary), *_train_on_values(seed))


def _train_on_names(glossary: dict[str, list[str]]) -> tuple:
    """Inverse document frequencies, weights and biases of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    examples = [(name, role) for role, names in glossary.items() for name in names]
    counts = np.stack([name_evidence(name) for name, _ in examples])
    labels = [PLACES[role] for _, role in examples]
    idf = np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0))) + 1.0
    evidence = of_unit_length(counts * idf)
    model = LogisticRegression(C=INVERSE_REGULARIZATION, max_iter=1000).fit(evidence, labels)
    return idf, model.coef_.T, model.intercept_


def _train_on_values(seed: int) -> tuple:
    """Weights and biases of a perceptron, frequencies of roles, and which forms they have."""
    from sklearn.neural_network import MLPClassifier

    examples = draw_examples(NUM_SPACES, np.random.default_rng(seed))
    evidence = np.stack([value_evidence(hp) for hp, _ in examples])
    labels = np.array([PLACES[role] for _, role in examples])
    network = MLPClassifier((HIDDEN_UNITS,), early_stopping=True, max_iter=60, random_state=seed)
    network.fit(evidence, labels)
    layers = zip(network.coefs_, network.intercepts_, strict=True)
    weights_and_biases = [array for layer in layers for array in layer]
    # Which form each example has, one column a form.
    forms = np.array([form_of(hp) for hp, _ in examples])[:, None] == np.arange(NUM_FORMS)
    counts = np.array([forms[labels == role].sum(axis=0) for role in PLACES.values()]).T
    totals = counts.sum(axis=0)
    return (*weights_and_biases, totals / totals.sum(), counts > RAREST_FORM * totals)


def draw_examples(num_spaces: int, rng: np.random.Generator) -> list[tuple[Hyperparameter, str]]:
    """Hyperparameters of synthetic search spaces and their roles."""
    found = []
    for _ in range(num_spaces):
        drawn = draw_unnamed_space(rng) if rng.random() < NAMELESS else draw_space(rng)
        for hp, role in zip(drawn.space.hyperparameters, drawn.roles, strict=True):
            told = None if role in (None, "irrelevant") else role_of(hp.name)
            found.append((hp, told or OTHER))
    return found
