"""What is refused before a search begins, and in which words."""

import sys

import keras
import pytest

from keras_metahpo import MetaOracle, MetaTuner
from keras_metahpo.policies import build_model_policy, check_candidate_search
from keras_metahpo.policies.candidate_search import GradientSearch, new_candidate_search
from keras_metahpo.rankers import InContextRanker, Preset

EVOLUTION = "keras_metahpo.policies.candidate_search.evolution"


def test_an_unknown_name_is_answered_with_all_names_and_the_closest():
    with pytest.raises(ValueError) as error:
        MetaOracle("val_loss", ranker=None, candidate_search="particle_swam")
    assert "['sobol', 'genetic', 'particle_swarm', 'gradient']" in str(error.value)
    assert "Received: 'particle_swam'. Did you mean 'particle_swarm'?" in str(error.value)


@pytest.mark.parametrize("name", [None, 3, "", ["sobol"]])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="must be one of"):
        check_candidate_search(name, None)


@pytest.mark.parametrize("name", ["genetic", "particle_swarm"])
def test_without_pymoo_the_oracle_is_not_made(name, monkeypatch):
    for module in [m for m in sys.modules if m.split(".")[0] == "pymoo"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pymoo", None)
    monkeypatch.delitem(sys.modules, EVOLUTION, raising=False)
    for make in (
        lambda: MetaOracle("val_loss", ranker=None, candidate_search=name),
        lambda: build_model_policy(None, candidate_search=name),
    ):
        with pytest.raises(ImportError, match=r"keras-metahpo\[search\]") as error:
            make()
        assert name in str(error.value)
    check_candidate_search("sobol", None)


def test_a_ranker_without_a_gradient_is_refused(quick_ranker):
    for ranker, received in ((quick_ranker, "a QuickRanker"), (None, "None")):
        for make in (
            lambda ranker=ranker: MetaOracle(
                "val_loss", ranker=ranker, candidate_search="gradient"
            ),
            lambda ranker=ranker: build_model_policy(ranker, candidate_search="gradient"),
        ):
            with pytest.raises(ValueError, match=f"prior_gradient.*Received: ranker={received}"):
                make()


def test_a_backend_without_a_gradient_is_refused(tiny_preset, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match=r"Received: 'torch'. Set KERAS_BACKEND"):
        MetaOracle("val_loss", ranker=tiny_preset, candidate_search="gradient")


def test_a_preset_has_a_gradient(tiny_preset):
    check_candidate_search("gradient", Preset(tiny_preset))
    ranker = Preset(tiny_preset).load()
    assert isinstance(ranker, InContextRanker)
    assert isinstance(new_candidate_search("gradient", ranker), GradientSearch)


def test_the_tuner_passes_it_on(tmp_path):
    tuner = MetaTuner(
        lambda hp: None,
        "val_loss",
        ranker=None,
        candidate_search="genetic",
        directory=tmp_path,
    )
    assert tuner.oracle.candidate_search == "genetic"
    assert MetaOracle("val_loss", ranker=None).candidate_search == "sobol"
