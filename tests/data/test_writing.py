"""The page, its pictures and its numbers."""

import json
import re

import pytest

from keras_metahpo.data import describe
from keras_metahpo.data.writing import number_text, percent_text, write_description


@pytest.fixture(scope="module")
def directory(logs, tmp_path_factory):
    directory = tmp_path_factory.mktemp("description") / "new"
    assert write_description(describe(logs), directory) == directory / "describe.html"
    return directory


@pytest.fixture(scope="module")
def page(directory):
    return (directory / "describe.html").read_text()


def test_all_files_are_there(directory):
    names = {"describe.html", "describe.json", "spread.png", "importance.png", "fidelity.png"}
    assert {path.name for path in directory.iterdir()} == names | {"correlation-1.png"}
    assert len(json.loads((directory / "describe.json").read_text())["tasks"]) == 4


def test_page_needs_no_network(page):
    references = re.findall(r'(?:src|href|srcset|action)="([^"]*)"', page)
    assert references
    assert all(reference.startswith(("#", "data:")) for reference in references)
    assert "<script" not in page
    assert "url(http" not in page


def test_anchors_lead_somewhere_and_clips_do_not_collide(page):
    ids = re.findall(r' id="([^"]+)"', page)
    assert set(re.findall(r'<a href="#([^"]+)"', page)) <= set(ids)
    clips = re.findall(r'<clipPath id="([^"]+)"', page)
    assert len(clips) == len(set(clips))


def test_names_are_escaped_and_notes_shown(page):
    assert "one/&lt;b&gt;" in page
    assert "<b>" not in page
    assert "every trial failed, the first one because: out of memory" in page


def test_page_holds_the_numbers(page):
    assert "4 trial logs" in page
    assert "63 trials of 62 configurations; 3 trials failed." in page
    assert re.search(r"in \d\d %", page)  # The share of configurations in which momentum is active.


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (1234.5, "1234"), (2e9, "2e+09"), (float("nan"), "\N{EN DASH}")],
)
def test_numbers_are_short(value, text):
    assert number_text(value) == text


def test_shares_are_per_cent():
    assert percent_text(0.126) == "13 %"
