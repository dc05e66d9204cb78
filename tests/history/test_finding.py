"""Where trial logs are found."""

import shutil
from pathlib import Path

import pytest

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import TrialLog, find_logs

META_DATASET = Path(__file__).resolve().parents[2] / "meta_dataset"
LOGS = {"a": "image_linear-digits", "b": "text_bag-trec"}


@pytest.fixture
def folder(tmp_path):
    """A folder of two logs and of a folder that is none."""
    for name, log in LOGS.items():
        shutil.copytree(META_DATASET / log, tmp_path / name)
    (tmp_path / "unfinished" / "a").mkdir(parents=True)
    return tmp_path


def test_logs_and_folders_of_logs_are_opened_once(folder):
    logs, without = find_logs([f"{folder}/a/", str(folder), str(folder / "unfinished")])
    assert [log.card.name for log in logs] == ["image_linear/digits", "text_bag/trec"]
    assert without == [str(folder / "unfinished")]


def test_any_file_system_is_looked_at():
    pytest.importorskip("fsspec")
    TrialLog.open(str(META_DATASET / LOGS["a"])).write("memory://found/log")
    assert len(find_logs(["memory://found"])[0]) == 1


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
