"""Presets are checked before a search begins."""

import json

import numpy as np
import pytest

from keras_metahpo.errors import PresetError
from keras_metahpo.rankers import InContextRanker, Preset, list_presets, save_preset
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.space import Hyperparameter, SearchSpace


@pytest.fixture
def directory(tmp_path):
    config = {"width": 8, "num_members": 1, "num_blocks": 1, "embedding": 4}
    ranker = InContextRanker(new_network(config))
    return save_preset(ranker, tmp_path / "preset", {"limits": "none"})


def space_of(name):
    return SearchSpace([Hyperparameter(name, "int", 32, low=8, high=256)])


def test_a_preset_knows_the_names_that_it_was_trained_on(directory):
    space = space_of("neuron_number")
    assert Preset(directory).load().guesses(space)["neuron_number"].role == "width"
    card = json.loads((directory / "card.json").read_text())
    card["trained_on"] = [{"name": "mine", "hyperparameters": ["neuron_number"]}]
    (directory / "card.json").write_text(json.dumps(card))
    assert Preset(directory).load().guesses(space) == {}


def test_a_guessed_role_ranks_as_its_commonest_name_does(directory):
    ranker = Preset(directory).load()
    unknown, known = space_of("neuron_number"), space_of("units")
    points = known.sample(8, np.random.default_rng(0))
    np.testing.assert_array_equal(
        ranker.prior_mean(unknown, points), ranker.prior_mean(known, points)
    )


def test_unknown_name_offers_the_bundled_ones():
    with pytest.raises(PresetError, match=r"path of a directory.*Did you mean 'base'"):
        Preset("bass")


@pytest.mark.parametrize("name", ["config.json", "card.json", "model.weights.h5"])
def test_missing_file_is_named(directory, name):
    (directory / name).unlink()
    with pytest.raises(PresetError, match=name):
        Preset(directory)


@pytest.mark.parametrize("name", ["config.json", "card.json", "model.weights.h5"])
def test_truncated_file_is_named(directory, name):
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(PresetError, match=f"{name}.*(cannot be read|damaged)"):
        Preset(directory)


def test_later_format_asks_for_an_upgrade(directory):
    config = json.loads((directory / "config.json").read_text()) | {"format_version": 99}
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match=r"format 99.*Upgrade"):
        Preset(directory)


@pytest.mark.parametrize("name", list_presets())
def test_bundled_presets_prefer_a_sane_learning_rate(name):
    preset = Preset(name)
    assert preset.card["limits"]
    assert preset.card["trained_on"]
    space = SearchSpace(
        [
            Hyperparameter("learning_rate", "float", 1e-6, low=1e-6, high=10.0, sampling="log"),
            Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        ]
    )
    rates = (1e-6, 1e-3, 10.0)
    points = space.encode([{"learning_rate": rate, "optimizer": "adam"} for rate in rates])
    low, good, high = preset.load().prior_mean(space, points)
    assert good > low + 0.5
    assert good > high + 0.5
    assert np.isfinite([low, good, high]).all()


def test_cards_of_the_bundled_presets_tell_what_they_know_and_cost():
    assert list_presets() == ["base", "broad"]
    base, broad = (Preset(name).card for name in list_presets())
    families = {entry["name"].partition("/")[0] for entry in base["trained_on"]}
    tables = {"fcnet", "hpobench", "lcbench", "nasbench201", "taskset"}
    assert not families & tables  # Studies on them may be made with the default.
    known = {entry["name"] for entry in broad["trained_on"]}
    assert {entry["name"] for entry in base["trained_on"]} < known
    assert tables < {name.partition("/")[0] for name in known}
    for card in (base, broad):
        assert card["break_even"]["searches"] > 1
