"""Properties of the encoding on random conditional search spaces, against KerasTuner."""

import json
import math
import random

import keras_tuner
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_metahpo.space import SearchSpace

SETTINGS = settings(deadline=None, max_examples=40)
SAMPLINGS = st.sampled_from(["linear", "log", "reverse_log"])


@st.composite
def declarations(draw, name: str):
    """A call on `HyperParameters` that declares `name`."""
    kind = draw(st.sampled_from(["Int", "Float", "Choice", "Boolean", "Fixed"]))
    if kind == "Int":
        low = draw(st.integers(1, 40))
        high = low + draw(st.integers(0, 500))
        step = draw(st.none() | st.integers(2, 8))
        return kind, (name, low, high), {"step": step, "sampling": draw(SAMPLINGS)}
    if kind == "Float":
        low = draw(st.floats(1e-6, 1.0))
        high = low * draw(st.sampled_from([1.0, 1.5, 10.0, 1e5]))
        step = draw(st.none() | st.sampled_from([1.25, 3, 10]))
        return kind, (name, low, high), {"step": step, "sampling": draw(SAMPLINGS)}
    if kind == "Choice":
        values = draw(
            st.sampled_from([["a", "b", "c"], [1, 2, 4, 2], [0.5, 0.1], [True, False], ["only"]])
        )
        return kind, (name, values), {"default": draw(st.none() | st.sampled_from(values))}
    if kind == "Boolean":
        return kind, (name,), {"default": draw(st.booleans())}
    return kind, (name, draw(st.sampled_from([3, 0.25, "adam", True]))), {}


@st.composite
def hyperparameters(draw):
    """A `HyperParameters` with conditional scopes up to three deep; names may occur again."""
    hp = keras_tuner.HyperParameters()
    depth_of_scope = 3

    def fill(depth: int, path: tuple[str, ...]) -> None:
        for _ in range(draw(st.integers(1, 3))):
            # A few names only, so that one often stands under several conditions.
            name = draw(st.sampled_from([n for n in "abcdefgh" if n not in path]))
            kind, args, kwargs = draw(declarations(name))
            getattr(hp, kind)(*args, **kwargs)
            if depth < depth_of_scope and draw(st.booleans()):
                declared = next(p for p in hp.space if p.name == name)
                legal = sorted({declared.prob_to_value(u / 8) for u in range(8)}, key=repr)
                parent_values = draw(st.lists(st.sampled_from(legal), min_size=1, max_size=2))
                with hp.conditional_scope(name, parent_values):
                    fill(depth + 1, (*path, name))

    fill(0, ())
    return hp


def acyclic(hp: keras_tuner.HyperParameters) -> bool:
    """Whether the names can be ordered; one name may depend on another both ways round."""
    parents: dict[str, set] = {}
    for p in hp.space:
        parents.setdefault(p.name, set()).update(c.name for c in p.conditions)
    while parents:
        ready = [n for n, required in parents.items() if not required & set(parents)]
        if not ready:
            return False
        for name in ready:
            del parents[name]
    return True


SPACES = hyperparameters().filter(acyclic)
SEEDS = st.integers(0, 2**32 - 1)


def sample(hp, seed, num_points=6):
    space = SearchSpace.from_keras_tuner(hp)
    points = space.sample(num_points, np.random.default_rng(seed))
    return space, points, space.decode(points)


@given(SPACES, SEEDS)
@SETTINGS
def test_decoding_and_encoding_change_nothing(hp, seed):
    space, points, configurations = sample(hp, seed)
    again = space.encode(configurations)
    assert again.keys() == points.keys()
    assert np.array_equal(again.active, points.active)
    assert np.array_equal(again.units, points.units)
    assert space.decode(again) == configurations


@given(SPACES, SEEDS)
@SETTINGS
def test_snapping_the_units_of_points_gives_the_same_configurations(hp, seed):
    space, points, configurations = sample(hp, seed)
    assert np.all((points.units >= 0.0) & (points.units <= 1.0))
    for configuration, again in zip(
        configurations, space.decode(space.snap(points.units)), strict=True
    ):
        assert configuration.keys() == again.keys()
        for name, value in configuration.items():
            # Continuous values move in their last digits only.
            same = value == again[name]
            assert same or math.isclose(value, again[name], rel_tol=1e-9)


@given(SPACES, SEEDS)
@SETTINGS
def test_active_hyperparameters_are_those_that_kerastuner_holds_active(hp, seed):
    space, _, configurations = sample(hp, seed)
    for configuration in [*configurations, space.default_configuration()]:
        theirs = hp.copy()
        theirs.values = dict(configuration)
        assert set(configuration) == {n for n in space.names if theirs.is_active(n)}


@given(SPACES, SEEDS)
@SETTINGS
def test_decoded_values_are_plain_and_accepted_by_kerastuner(hp, seed):
    space, _, configurations = sample(hp, seed)
    for configuration in configurations:
        assert all(type(v) in (bool, int, float, str) for v in configuration.values())
        assert json.loads(json.dumps(configuration)) == configuration
        assert space.complete(configuration) == configuration
        theirs = keras_tuner.HyperParameters.from_config(space.get_config())
        theirs.values = dict(configuration)
        for name, value in configuration.items():
            first_active = next(p for p in theirs.space if p.name == name and theirs.is_active(p))
            assert -1e-9 <= first_active.value_to_prob(value) <= 1 + 1e-9
        received = keras_tuner.HyperParameters.from_proto(theirs.to_proto())
        # KerasTuner leaves defaults of inactive hyperparameters behind.
        assert received.values.items() >= configuration.items()


@given(SPACES, SEEDS)
@SETTINGS
def test_kerastuner_adds_and_removes_nothing(hp, seed):
    space, _, configurations = sample(hp, seed)
    # KerasTuner's own `ensure_active_values` drops an active value with an inactive namesake.
    assume(len(space.names) == len(space))
    for configuration in configurations:
        theirs = keras_tuner.HyperParameters.from_config(space.get_config())
        theirs.values = dict(configuration)
        theirs.ensure_active_values()
        assert theirs.values == configuration


@given(SPACES)
@SETTINGS
def test_defaults_are_kerastuners(hp):
    space = SearchSpace.from_keras_tuner(hp)
    ordered = keras_tuner.HyperParameters.from_config(space.get_config())
    fresh = keras_tuner.HyperParameters()
    fresh.merge(ordered, overwrite=False)
    assert space.default_configuration() == fresh.values


@given(SPACES)
@SETTINGS
def test_config_round_trips(hp):
    space = SearchSpace.from_keras_tuner(hp)
    config = json.loads(json.dumps(space.get_config()))
    assert SearchSpace.from_config(config) == space
    theirs = keras_tuner.HyperParameters.from_config(config)
    assert SearchSpace.from_keras_tuner(theirs) == space


@given(SPACES, SEEDS)
@SETTINGS
def test_order_of_declaration_and_of_grpc_do_not_matter(hp, seed):
    space = SearchSpace.from_keras_tuner(hp)
    shuffled = list(space.hyperparameters)
    random.Random(seed).shuffle(shuffled)
    received = keras_tuner.HyperParameters.from_proto(hp.to_proto())
    for other in (SearchSpace(shuffled), SearchSpace.from_keras_tuner(received)):
        assert other == space
        seen: set[str] = set()
        for item in other.hyperparameters:
            assert all(c.parent in seen for c in item.conditions)
            seen.add(item.name)
