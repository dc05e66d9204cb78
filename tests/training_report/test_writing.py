"""The page about one training or several."""

import re
from dataclasses import replace

import numpy as np
import pytest

from keras_metahpo.meta_training.break_even import break_even
from keras_metahpo.training_report import Check, PresetFacts, write_report

RNG = np.random.default_rng(0)
CARD = {
    "trained_on": [
        {"name": "image/<b>", "num_trials": 20},
        {"name": "image/two", "num_trials": 30},
        {"name": "text/three", "num_trials": 5},
    ],
    "synthetic_tasks": 9,
    "early_stopping_on": ["speech/held"],
    "rank_correlations": {"trained": {"image": 0.81}, "held_out": {"speech": -0.42}},
    "limits": "Knows little.",
    "keras": "3",
    "backend": "jax",
    "training": {"num_steps": 20, "seed": 3, "network": {}},
    "curve": [
        {"step": step, "loss": 20.5 - step, "speech": 0.01 * step, "mean": 0.01 * step}
        for step in (5, 10, 15, 20)
    ],
    "best_step": 15,
    "training_s": 12.5,
    "break_even": {"collecting_s": 99.5, "trial_s": 2.0, "saved_trials": 25, "searches": 3},
}


def facts(label: str = "mine", **changes) -> PresetFacts:
    checks = (Check(n, RNG.uniform(-1, 1, 6), RNG.normal(size=60)) for n in (0, 16))
    return PresetFacts(label, CARD | changes, {"width": 8}, 1234, 5_000_000, *checks)


def test_a_page_holds_what_the_card_says_and_needs_no_network(tmp_path):
    path = write_report([facts()], tmp_path / "new")
    assert path == tmp_path / "new" / "report.html"
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    page = path.read_text()
    references = re.findall(r'(?:src|href|srcset|action)="([^"]*)"', page)
    assert all(reference.startswith(("#", "data:")) for reference in references)
    assert "<script" not in page and "url(http" not in page and "<b>" not in page
    assert page.count("<svg") == 3 and "prefers-color-scheme: dark" in page
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for text in (
        *("A ranker trained on 3 recorded and 9 synthetic tasks", "after 15 of 20 steps"),
        *("image 2 50", "text 1 5", "all 3 55", "speech -0.42", "image 0.81", "1234 5 MB"),
        *(
            "Knows little.",
            "seconds of training 12.5",
            "99.5",
            "these 3 of 2 s",
            "3, jax",
            "network: width 8",
        ),
        "Held out, for early stopping alone: speech/held.",
    ):
        assert text in words


def test_several_presets_are_columns(tmp_path):
    several = [facts("seed-0"), facts("seed-1", best_step=20), facts("seed-2", curve=[])]
    page = write_report(several, tmp_path).read_text()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "3 rankers compared" in words and "best step 15 20 15" in words
    clips = re.findall(r'<clipPath id="([^"]+)"', page)
    assert len(clips) == len(set(clips))


@pytest.mark.parametrize(
    "curve", [[], [{"step": 5, "loss": 2.0}], [{"step": 0, "a": 0.1, "mean": 0.1}]]
)
def test_curves_of_any_kind_are_drawn(tmp_path, curve):
    page = write_report([facts(curve=curve), facts("other", curve=curve)], tmp_path).read_text()
    assert page.count("<svg") == (3 if curve else 2)


def test_a_card_that_says_little_is_enough(tmp_path):
    little = replace(facts(), card={"name": "tiny"})
    page = write_report([little], tmp_path).read_text()
    assert "A ranker trained on 0 recorded and 0 synthetic tasks" in page
    untimed = break_even([], training_s=1.0)
    page = write_report([facts(break_even=untimed), little], tmp_path).read_text()
    assert "break-even" in page and "of its recorded trials" in page
