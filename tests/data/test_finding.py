"""Where logs are found, what they are called, and what is needed to describe them."""

import sys

import pytest

from keras_metahpo.data.finding import find_logs, labels_of, require_extra
from keras_metahpo.errors import TrialLogError

from .conftest import drawn, log_of


@pytest.fixture
def folder(tmp_path):
    """A folder of two logs and of a folder that is none."""
    for name in ("a", "b"):
        log_of([(c, [1.0]) for c in drawn(2)], name=f"made/{name}").write(str(tmp_path / name))
    (tmp_path / "unfinished" / "a").mkdir(parents=True)
    return tmp_path


def test_logs_and_folders_of_logs_are_opened_once(folder):
    logs, without = find_logs([f"{folder}/a/", str(folder), str(folder / "unfinished")])
    assert [log.card.name for log in logs] == ["made/a", "made/b"]
    assert without == [str(folder / "unfinished")]


def test_any_file_system_is_looked_at():
    pytest.importorskip("fsspec")
    log_of([(c, [1.0]) for c in drawn(2)]).write("memory://described/log")
    assert len(find_logs(["memory://described"])[0]) == 1


def test_no_log_at_all_is_an_error_that_says_where_logs_come_from(folder):
    with pytest.raises(TrialLogError, match=r"unfinished.*metahpo collect"):
        find_logs([str(folder / "unfinished")])


def test_missing_folder_is_an_error_even_beside_logs(folder):
    with pytest.raises(TrialLogError, match=r"nowhere, which does not exist"):
        find_logs([str(folder), str(folder / "nowhere")])


def test_damaged_log_is_named(folder):
    (folder / "b" / "space.json").unlink()
    with pytest.raises(TrialLogError, match=r"b, where space.json is missing"):
        find_logs([str(folder)])


def test_labels_are_names_unless_they_would_be_the_same(folder):
    log_of([(c, [1.0]) for c in drawn(2)], name="made/a").write(str(folder / "again"))
    logs, _ = find_logs([str(folder)])
    assert labels_of(logs) == [f"made/a ({folder}/a)", f"made/a ({folder}/again)", "made/b"]


@pytest.mark.parametrize(
    ("features", "family"),
    [({}, "made"), ({"tags": "image,mlp"}, "image"), ({"tags": "x", "family": "y"}, "y")],
)
def test_family_is_what_the_features_say_or_the_name(features, family):
    assert log_of([(drawn(1)[0], [1.0])], features=features).card.family == family


@pytest.mark.parametrize("module", ["optuna", "sklearn", "matplotlib", "jinja2", "pandas"])
def test_missing_package_names_the_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{module}.*keras-metahpo\[data\]"):
        require_extra()
