"""Hyperparameters as KerasTuner 1.0 to 1.4 wrote them, in the form of today.

Up to 1.0.1 a condition was part of a name (`optimizer=sgd/momentum`), and inactive hyperparameters
had values, too. Up to 1.1 every Int had a step of 1, even a logarithmic one, where a step is a
factor today. Later versions differ in nothing that matters here.
"""

from collections.abc import Mapping, Sequence

from keras_metahpo.space import Value

# Hyperband writes its bookkeeping into the hyperparameter values.
INTERNAL_PREFIX = "tuner/"


def modern_hyperparameters(config: Mapping) -> tuple[list[dict], dict[str, Value]]:
    """Entries of a search space and the active values, from a trial's `hyperparameters`.

    Args:
        config: What `HyperParameters.get_config()` returned in any version.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: where the file is damaged.
    """
    values: dict[str, Value] = dict(config["values"])
    entries = [entry for entry in config["space"] if _is_tunable(entry)]
    if any("conditions" not in entry["config"] for entry in entries):
        entries, values = _without_conditions_in_names(entries, values)
    return [_modern_entry(entry) for entry in entries], values


def _is_tunable(entry: Mapping) -> bool:
    config = entry["config"]
    # In 1.0.0 the value of a Fixed could be anything that JSON knows.
    is_scalar = isinstance(config.get("value", 0), (bool, int, float, str))
    return is_scalar and not config["name"].startswith(INTERNAL_PREFIX)


def _modern_entry(entry: Mapping) -> dict:
    config = dict(entry["config"])
    if config.get("sampling") in ("log", "reverse_log") and config.get("step") == 1:
        config["step"] = None
    return {"class_name": entry["class_name"], "config": config}


def _without_conditions_in_names(
    entries: Sequence[Mapping], values: Mapping[str, Value]
) -> tuple[list[dict], dict[str, Value]]:
    """Conditions as entries of their own; of the values, those of active hyperparameters."""
    old = {entry["config"]["name"]: entry for entry in entries}
    modern: list[dict] = []
    active: dict[str, Value] = {}
    for old_name, entry in old.items():
        name, conditions = _split(old_name, old)
        config = {**entry["config"], "name": name, "conditions": conditions}
        modern.append({"class_name": entry["class_name"], "config": config})
        parents = [condition["config"] for condition in conditions]
        is_active = all(active.get(p["name"]) in p["values"] for p in parents)
        if is_active and old_name in values:
            active.setdefault(name, values[old_name])
    return modern, active


def _split(old_name: str, old: Mapping[str, Mapping]) -> tuple[str, list[dict]]:
    """`head/kind=b/drop` is the name `head/drop` and the condition that `head/kind` is `b`."""
    scopes: list[str] = []
    conditions: list[dict] = []
    *parts, leaf = old_name.split("/")
    for position, part in enumerate(parts):
        parent, has_values, texts = part.partition("=")
        old_parent = "/".join([*parts[:position], parent])
        if not has_values:
            scopes.append(part)
        elif old_parent in old:
            parent_config = {
                "name": "/".join([*scopes, parent]),
                "values": _typed(old[old_parent], texts.split(",")),
            }
            conditions.append({"class_name": "Parent", "config": parent_config})
        else:
            return old_name, []  # Not a condition after all.
    return "/".join([*scopes, leaf]), conditions


def _typed(parent: Mapping, texts: Sequence[str]) -> list[Value]:
    """The parent's values that read like this; conditions were kept as text."""
    kind, config = parent["class_name"], parent["config"]
    if kind in ("Int", "Float"):
        return [int(text) if kind == "Int" else float(text) for text in texts]
    known = {"Choice": config.get("values"), "Fixed": [config.get("value")]}
    return [value for value in known.get(kind) or (False, True) if str(value) in texts]
