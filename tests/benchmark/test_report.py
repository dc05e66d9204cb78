"""The report: its page, its numbers, its figures, and studies that are not complete."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from keras_metahpo.benchmark import figures
from keras_metahpo.benchmark.page import _duration
from keras_metahpo.benchmark.plot_axes import spread
from keras_metahpo.benchmark.report import write_report
from keras_metahpo.errors import BenchmarkError

TARGETS = [
    {"suite": "tables@1", "policy": "MetaOracle", "metric": "regret@5", "at_most": 0.9},
    {"suite": "tables@1", "policy": "grid", "metric": "regret@5", "than": "MetaOracle"},
    {
        "suite": "keras@1",
        "policy": "MetaOracle",
        "metric": "time_speed_up",
        "than": "grid",
        "at_least": 1,
    },
    {"suite": "tables@1", "policy": "smac", "metric": "regret@5", "at_most": 0.9},
    {
        "suite": "mean of families",
        "policy": "MetaOracle",
        "metric": "regret@3",
        "than": "random",
        "than_metric": "regret@10",
    },
]


@pytest.fixture(scope="module")
def report(made_up_study, tmp_path_factory):
    """The made-up study's folder with its report."""
    directory = tmp_path_factory.mktemp("reports") / "study"
    shutil.copytree(made_up_study, directory)
    header = json.loads((directory / "header.json").read_text())
    header |= {"targets": TARGETS}
    (directory / "header.json").write_text(json.dumps(header))
    assert write_report(directory) == directory / "report.html"
    return directory


@pytest.fixture(scope="module")
def page(report):
    return (report / "report.html").read_text()


@pytest.fixture(scope="module")
def summary(report):
    return json.loads((report / "summary.json").read_text())


class Tags(HTMLParser):
    """Collects opened and closed tags, and attributes that load or lead somewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.references, self.stray = [], [], []

    def handle_starttag(self, tag, attributes):
        names = ("src", "href", "xlink:href", "srcset", "action", "data")
        self.references += [value for name, value in attributes if name in names]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.stray.append(tag)


def test_page_is_self_contained_and_well_formed(page):
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert not tags.stray
    assert tags.references
    assert all(reference.startswith(("#", "data:")) for reference in tags.references)
    assert "<script" not in page
    assert "@import" not in page
    assert "url(http" not in page


def test_ids_are_unique_but_for_glyphs_and_anchors_lead_somewhere(page):
    ids = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'<a href="#([^"]+)"', page)) <= ids
    clips = re.findall(r'<clipPath id="([^"]+)"', page)
    assert len(clips) == len(set(clips))


def test_reasons_are_escaped_and_listed(page):
    assert "ValueError: &lt;no&gt; such trial &amp; more" in page
    assert "the grid is larger than &lt;allowed&gt;" in page
    assert "smac is not installed" in page
    assert "curves/0, seed 0" in page


def test_page_shows_what_was_measured(page, summary):
    regret = summary["policies"]["MetaOracle"]["tables@1"]["regret@5"]
    assert f"{regret:.3f}" in page
    for text in ("live/1", "macro f1", "two cores", "0123456789abcdef", "mean of families"):
        assert text in page
    assert "not complete" not in page


def test_summary_is_by_policy_and_suite(summary):
    assert summary["complete"]
    assert summary["searches"] == {
        "expected": 180,
        "finished": 148,
        "failed": 1,
        "skipped": 31,
        "running": 0,
    }
    assert summary["policies"]["smac"] == {}
    numbers = summary["policies"]["MetaOracle"]
    assert list(numbers) == ["tables@1", "keras@1", "mean of families"]
    for k in (1, 3, 5, 10):
        assert {f"regret@{k}", f"rank@{k}", f"worse_than_random@{k}"} <= set(numbers["tables@1"])
        low, high = (numbers["tables@1"][f"regret_{end}@{k}"] for end in ("low", "high"))
        assert low <= numbers["tables@1"][f"regret@{k}"] <= high
    assert numbers["keras@1"]["seconds"] == pytest.approx(12 * 2 * 2.0)
    assert "final_recall" in numbers["keras@1"]
    assert summary["policies"]["random"]["tables@1"]["worse_than_random@5"] == 0
    assert summary["policies"]["random"]["tables@1"]["trial_speed_up"] == 1


def test_targets_are_met_missed_or_open(summary, page):
    judged = summary["targets"]
    assert [target["status"] for target in judged] == ["met", "missed", "met", "open", "met"]
    assert judged[1]["low"] <= judged[1]["difference"] <= judged[1]["high"]
    assert judged[1]["difference"] == pytest.approx(
        judged[1]["value"] - judged[1]["bound"], abs=1e-5
    )
    assert "smac has no regret@5" in judged[3]["reason"]
    assert judged[4]["bound"] == summary["policies"]["random"]["mean of families"]["regret@10"]
    for status in ("met", "missed", "open"):
        assert f"<strong>{status}</strong>" in page


def test_figures_are_written_as_png_and_svg(report):
    names = {path.name for path in (report / "figures").iterdir()}
    for figure in ("regret-trials", "regret-time", "time-to-target", "ranks-10"):
        assert {f"tables@1-{figure}.png", f"tables@1-{figure}.svg"} <= names
    assert (report / "figures" / "tables@1-ranks-10.png").read_bytes().startswith(b"\x89PNG")


def test_report_of_a_study_under_way(write_study):
    values = {(policy, "a", 0): [0.1, 0.5] for policy in ("MetaOracle", "random")}
    values |= {("MetaOracle", "a", 1): [0.3]}
    directory = write_study(values, ends={("MetaOracle", "a", 1): None}, trials=2, seeds=2)
    page = write_report(directory).read_text()
    assert "This study is not complete" in page
    summary = json.loads((directory / "summary.json").read_text())
    assert not summary["complete"]
    assert summary["searches"]["running"] == 1
    assert summary["policies"]["MetaOracle"]["tables@1"]["regret@1"] == pytest.approx(0.9)
    # One task: no interval, and JSON has no NaN.
    assert summary["policies"]["MetaOracle"]["tables@1"]["regret_low@1"] is None


def test_report_of_a_study_without_any_record(write_study):
    directory = write_study({}, policies=["MetaOracle", "random"], trials=5)
    assert "no policy has finished a search" in write_report(directory).read_text()
    assert json.loads((directory / "summary.json").read_text())["policies"]["MetaOracle"] == {}


def test_report_of_one_policy_with_the_header_of_an_old_study(write_study):
    directory = write_study({("lonely", "a/<b>", 0): [0.2, -0.5], ("lonely", "c", 0): [1.2, 1.4]})
    (directory / "header.json").write_text("{}")
    for path in (directory / "steps").iterdir():
        path.write_text(path.read_text().replace('"fidelity": 10', '"fidelity": 5', 1))
    page = write_report(directory).read_text()
    assert "a/&lt;b&gt;" in page
    assert "<b>" not in page
    # Where fidelities differ, trials are not the only measure.
    assert (directory / "figures" / "tables@1-regret-epochs.svg").exists()


def test_target_without_a_bound_is_an_error(write_study):
    directory = write_study(
        {("MetaOracle", "a", 0): [0.1]},
        targets=[{"suite": "x", "policy": "MetaOracle", "metric": "regret@1"}],
    )
    with pytest.raises(BenchmarkError, match="'at_most', 'at_least' or 'than'"):
        write_report(directory)


def test_colours_do_not_depend_on_the_other_policies():
    many = figures.colours(["MetaOracle", "tpe", "RandomSearch", "grid", "gp"], ["MetaOracle"])
    few = figures.colours(["RandomSearch", "MetaOracle", "tpe"], ["MetaOracle"])
    assert few == {name: many[name] for name in few}
    assert len(set(figures.colours([f"policy {n}" for n in range(15)]).values())) == 15


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0042, "4.2 ms"), (0.02, "20 ms"), (1.5, "1.5 s"), (100, "1.7 min"), (90000, "1 d")],
)
def test_durations_have_two_digits(seconds, text):
    assert _duration(seconds) == text.replace(" ", "\N{NO-BREAK SPACE}")
    assert _duration(None) == "\N{EN DASH}"


def test_labels_are_moved_apart_within_their_room():
    places = spread([0.5, 0.5, 0.51, 0.99, 1.0], 0.1)
    gaps = [b - a for a, b in pairwise(places)]
    assert min(gaps) >= 0.1 - 1e-9
    assert max(places) <= 1
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]


@pytest.mark.parametrize("width", [400, 1280])
def test_browser_shows_the_page_without_errors(report, tmp_path, width):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no headless browser is installed (chromium or google-chrome)")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2000"]
    # Whatever the page asked for would fail, and be logged.
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={tmp_path / 'page.png'}"]
    done = subprocess.run(
        [*command, (report / "report.html").as_uri()], capture_output=True, text=True, timeout=120
    )
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert "CONSOLE" not in done.stderr
