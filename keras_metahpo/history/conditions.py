"""Conditions of hyperparameters, from which configurations have them and which do not.

Optuna and spreadsheets record no conditions: `momentum` is just missing where `optimizer` is
`adam`. Without a condition, its default would be learnt from where it was never used.
"""

from collections.abc import Sequence
from dataclasses import replace

from keras_metahpo.space import Condition, Configuration, Hyperparameter

# Whole numbers with more legal values than this switch nothing on or off.
MAX_PARENT_VALUES = 64


def with_conditions(
    hyperparameters: Sequence[Hyperparameter], configurations: Sequence[Configuration]
) -> list[Hyperparameter]:
    """Hyperparameters with the simplest condition that explains where each one is missing.

    Args:
        hyperparameters: Without conditions, a name once.
        configurations: What they were seen in.

    Returns:
        The hyperparameters in their order. One that is never missing, or whose absence no other
        hyperparameter explains, stays unconditional.
    """
    present = {
        hp.name: frozenset(row for row, c in enumerate(configurations) if hp.name in c)
        for hp in hyperparameters
    }
    found = []
    for hp in hyperparameters:
        # The nearest parent is the rarest one; it is present wherever its child is, and elsewhere.
        parents = [p for p in hyperparameters if present[p.name] > present[hp.name]]
        parents.sort(key=lambda p: (p.is_numeric, len(present[p.name])))
        conditions = (
            _condition(parent, configurations, present[parent.name], present[hp.name])
            for parent in parents
        )
        condition = next((c for c in conditions if c is not None), None)
        found.append(replace(hp, conditions=(condition,)) if condition else hp)
    return found


def _condition(
    parent: Hyperparameter,
    configurations: Sequence[Configuration],
    parent_rows: frozenset[int],
    child_rows: frozenset[int],
) -> Condition | None:
    """The parent's values with which the child is there, if it is never there with others."""
    inside = {configurations[row][parent.name] for row in child_rows}
    outside = {configurations[row][parent.name] for row in parent_rows - child_rows}
    if not inside or inside & outside:
        return None
    if not parent.is_numeric:
        return Condition(parent.name, tuple(c for c in parent.choices if c in inside))
    if parent.kind != "int" or parent.num_values > MAX_PARENT_VALUES:
        return None
    legal = {value: parent.number(value) for value in parent.values()}
    with_child, without = ([parent.number(v) for v in side] for side in (inside, outside))
    if min(with_child) > max(without):
        return Condition(parent.name, tuple(v for v, n in legal.items() if n > max(without)))
    if max(with_child) < min(without):
        return Condition(parent.name, tuple(v for v, n in legal.items() if n < min(without)))
    return None
