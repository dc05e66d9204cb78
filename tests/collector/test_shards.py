"""Trials and claims of an unfinished collection, on a local directory and on another file system.

What processes do at the same time is tested where file systems promise something: locally.
"""

import contextlib
import errno
import json
import os
import resource
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.collector.shards import MOST_DEATHS, Shards

FEW = settings(max_examples=25, deadline=None, derandomize=True)
LEASE_S = 60.0
RECORD = {"configuration": {"units": 4, "bias": True}, "measurements": [{"loss": 0.1}]}
DAMAGED = [b"", b'{"owner": "a", "ti', b"[]", b'"a"', b"null", b"\xff\xfe"]


def in_memory() -> Shards:
    return Shards(f"memory://{uuid.uuid4().hex}/unfinished/task")


@pytest.fixture(params=["local", "memory"])
def shards(request, tmp_path) -> Shards:
    return in_memory() if request.param == "memory" else Shards(str(tmp_path / "un/finished"))


@pytest.fixture
def local(tmp_path) -> Shards:
    return Shards(str(tmp_path / "shards"))


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """The seconds since 1970 that shards go by."""
    clock = SimpleNamespace(now=time.time())
    monkeypatch.setattr(
        "keras_metahpo.collector.shards.time", SimpleNamespace(time=lambda: clock.now)
    )
    return clock


def put(shards: Shards, file: str, content: bytes) -> None:
    """Writes a file behind the back of the class."""
    files, root = fsspec.core.url_to_fs(shards.directory)
    files.makedirs(f"{root}/{file}".rpartition("/")[0], exist_ok=True)
    files.pipe_file(f"{root}/{file}", content)


def all_files(shards: Shards) -> list[str]:
    files, root = fsspec.core.url_to_fs(shards.directory)
    return [path.removeprefix(root + "/") for path in files.find(root)]


@contextlib.contextmanager
def full_disk(num_bytes: int):
    """The operating system refuses longer files, after that many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def race(function, num_threads: int = 2) -> list:
    """Results of simultaneous calls with 0, 1, ..."""
    barrier = threading.Barrier(num_threads)

    def call(number):
        barrier.wait()
        return function(number)

    with ThreadPoolExecutor(num_threads) as threads:
        return list(threads.map(call, range(num_threads)))


def test_nothing_is_there_before_the_first_trial(shards):
    assert shards.finished() == set()
    assert shards.read() == []
    assert shards.corrupt() == []
    assert shards.read_text("plan.json") is None
    assert all_files(shards) == []


def test_written_trials_are_finished_and_read_in_the_order_of_their_ids(shards):
    for trial_id in ("s001-0", "s000-0-1", "s000-0", "t20r0g00-0"):
        shards.write(trial_id, RECORD)
    ids = ["s000-0", "s000-0-1", "s001-0", "t20r0g00-0"]
    assert shards.finished() == set(ids)
    assert shards.read() == [RECORD | {"trial_id": trial_id} for trial_id in ids]
    assert Shards(shards.directory).read() == shards.read()


def test_trial_written_again_is_replaced(shards):
    shards.write("a", {"status": "FAILED"})
    shards.write("a", {"status": "COMPLETED"})
    assert shards.read() == [{"status": "COMPLETED", "trial_id": "a"}]


def test_id_is_that_of_the_file(shards):
    shards.write("a", {"trial_id": ""})
    assert shards.read() == [{"trial_id": "a"}]
    assert json.loads(shards.read_text("trials/a.json")) == {"trial_id": "a"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@FEW
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_records_come_back_as_they_were(record):
    shards = in_memory()
    shards.write("a", record)
    assert shards.read() == [record | {"trial_id": "a"}]


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_trial_is_put_aside_and_missing(shards, content):
    for trial_id in ("a", "b", "c"):
        shards.write(trial_id, RECORD)
    put(shards, "trials/b.json", content)
    assert [record["trial_id"] for record in shards.read()] == ["a", "c"]
    assert shards.finished() == {"a", "c"}
    (path,) = shards.corrupt()
    assert path.endswith("/trials/b.json.corrupt")
    files, _ = fsspec.core.url_to_fs(shards.directory)
    assert files.cat_file(path) == content
    assert shards.read_text("trials/b.json") is None

    shards.write("b", RECORD)
    assert [record["trial_id"] for record in shards.read()] == ["a", "b", "c"]
    assert shards.corrupt() == [path]


def test_damaged_trials_are_named_whatever_the_directory_is_called(tmp_path):
    shards = Shards(str(tmp_path / "logs [1]*"))
    put(shards, "trials/a.json", b"")
    assert shards.read() == []
    assert shards.corrupt() == [f"{tmp_path}/logs [1]*/trials/a.json.corrupt"]


def test_trial_that_another_process_puts_aside_meanwhile_is_missing(shards, monkeypatch):
    shards.write("a", RECORD)
    monkeypatch.setattr(shards, "finished", lambda: {"a", "gone"})
    assert [record["trial_id"] for record in shards.read()] == ["a"]


@pytest.mark.parametrize("name", [".a.json.1234.tmp", ".a.json", "a.json.tmp", "notes.txt"])
def test_other_files_are_no_trials(shards, name):
    shards.write("b", RECORD)
    put(shards, f"trials/{name}", b"{}")
    assert shards.finished() == {"b"}
    assert [record["trial_id"] for record in shards.read()] == ["b"]
    assert shards.corrupt() == []


def test_trials_of_other_machines_are_seen_through_a_kept_listing(monkeypatch):
    """Object stores keep listings for as long as the file system object lives."""
    kept: dict = {}
    plain_ls = MemoryFileSystem.ls

    def ls(self, path, detail=True, **kwargs):
        if (path, detail) not in kept:
            kept[path, detail] = plain_ls(self, path, detail, **kwargs)
        return kept[path, detail]

    shards = in_memory()
    monkeypatch.setattr(MemoryFileSystem, "ls", ls)
    monkeypatch.setattr(MemoryFileSystem, "invalidate_cache", lambda *args: kept.clear())
    shards.write("a", RECORD)
    assert shards.finished() == {"a"}
    shards.write("b", RECORD)
    assert shards.finished() == {"a", "b"}


def test_killed_writer_leaves_no_trial(local):
    local.write("a", RECORD)
    code = (
        "import os, signal, sys\n"
        "from keras_metahpo.collector.shards import Shards\n"
        "os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Shards(sys.argv[1]).write('b', {'status': 'COMPLETED'})\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, local.directory], check=False)
    assert killed.returncode == -9
    assert len(all_files(local)) == 2  # The temporary file stays, and does no harm.
    assert local.finished() == {"a"}
    assert [record["trial_id"] for record in local.read()] == ["a"]
    assert local.corrupt() == []
    local.write("b", RECORD)
    assert local.finished() == {"a", "b"}


@pytest.mark.parametrize("earlier", [True, False])
def test_full_disk_leaves_what_was_there(local, earlier):
    if earlier:
        local.write("a", RECORD)
    before = local.read()
    with full_disk(100), pytest.raises(OSError, match="File too large"):
        local.write("a", {"message": 1000 * "x"})
    assert local.read() == before
    assert all_files(local) == ["trials/a.json"] * earlier


def test_failing_replacement_leaves_nothing(local, monkeypatch):
    def replace(*args):
        raise OSError(errno.EIO, "no luck")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="no luck"):
        local.write("a", RECORD)
    assert all_files(local) == []


def test_remove_leaves_nothing_and_may_be_repeated(shards):
    shards.write("a", RECORD)
    shards.write_once("plan.json", "{}")
    assert shards.claim("s000", "me", LEASE_S)
    put(shards, "trials/b.json.corrupt", b"")
    for _ in range(2):
        shards.remove()
        assert all_files(shards) == []
        assert not fsspec.core.url_to_fs(shards.directory)[0].exists(shards.directory)
    shards.write("a", RECORD)
    assert shards.finished() == {"a"}


def test_removal_goes_on_where_another_process_was_quicker(shards, monkeypatch):
    for trial_id in ("a", "b"):
        shards.write(trial_id, RECORD)
    files, root = fsspec.core.url_to_fs(shards.directory)
    plain_rm, calls = files.rm, []

    def rm(path, **kwargs):
        calls.append(path)
        if len(calls) == 1:
            files.rm_file(f"{root}/trials/a.json")
            raise FileNotFoundError(f"{root}/trials/a.json")
        plain_rm(path, **kwargs)

    monkeypatch.setattr(files, "rm", rm)
    shards.remove()
    assert all_files(shards) == []


def test_remove_spares_neighbours(tmp_path):
    one, other = Shards(str(tmp_path / "task")), Shards(str(tmp_path / "task-2"))
    one.write("a", RECORD)
    other.write("a", RECORD)
    one.remove()
    assert other.finished() == {"a"}


def test_simultaneous_removals_and_reads_agree(local):
    for _ in range(20):
        for number in range(20):
            put(local, f"trials/{number}.json", b"{}")
        race(lambda number: local.remove() if number < 2 else local.read(), 3)
        assert all_files(local) == []


def test_text_comes_back(shards):
    shards.write_text("plan.json", "größer ≥ 1")
    assert shards.read_text("plan.json") == "größer ≥ 1"
    shards.write_text("plan.json", "other")
    assert shards.read_text("plan.json") == "other"
    shards.delete("plan.json")
    shards.delete("plan.json")
    assert shards.read_text("plan.json") is None


def test_only_the_first_writes_once(shards):
    assert shards.write_once("plan.json", "first")
    assert not shards.write_once("plan.json", "second")
    assert shards.read_text("plan.json") == "first"
    assert all_files(shards) == ["plan.json"]


def test_of_simultaneous_writers_exactly_one_wins(local):
    for turn in range(150):
        file = f"rounds/{turn}.json"
        won = race(lambda number, file=file: local.write_once(file, str(number)), 3)
        assert won.count(True) == 1
        assert local.read_text(file) == str(won.index(True))
    assert len(all_files(local)) == 150


def test_what_is_written_once_is_never_seen_in_part(local):
    text = 200_000 * "x"

    def write_or_read(number):
        if number:
            return local.write_once(file, text)
        seen = None
        while not seen:
            seen = local.read_text(file)
            assert seen in (None, text)
        return True

    for turn in range(30):
        file = f"{turn}.json"
        assert race(write_or_read) == [True, True]


def test_full_disk_leaves_nothing_half_written_once(local):
    with full_disk(100), pytest.raises(OSError, match="File too large"):
        local.write_once("plan.json", 1000 * "x")
    assert all_files(local) == []
    assert local.write_once("plan.json", "x")


def test_write_once_without_hard_links(local, monkeypatch):
    def link(*args, **kwargs):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    for turn in range(50):
        file = f"{turn}.json"
        won = race(lambda number, file=file: local.write_once(file, str(number)))
        assert won.count(True) == 1
        assert local.read_text(file) == str(won.index(True))
    assert len(all_files(local)) == 50


@pytest.mark.parametrize("error", [None, ValueError, NotImplementedError])
def test_write_once_where_exclusive_creation_is_ignored_or_unknown(monkeypatch, error):
    plain_open = MemoryFileSystem._open

    def open_(self, path, mode="rb", **kwargs):
        if "x" in mode and error is not None:
            raise error(mode)
        return plain_open(self, path, mode.replace("x", "w"), **kwargs)

    monkeypatch.setattr(MemoryFileSystem, "_open", open_)
    shards = in_memory()
    assert shards.write_once("plan.json", "first")
    assert not shards.write_once("plan.json", "second")
    assert shards.read_text("plan.json") == "first"


def test_claim_excludes_others_until_it_is_released(shards):
    claim = shards.claim("s000", "me", LEASE_S)
    assert shards.claim("s000", "you", LEASE_S) is None
    assert shards.claim("s000", "me", LEASE_S) is None  # Another worker of the same collection.
    assert shards.claim("s001", "you", LEASE_S) is not None
    claim.release()
    assert shards.claim("s000", "you", LEASE_S).owner == "you"


def test_claims_are_no_trials(shards):
    shards.claim("s000", "me", LEASE_S).begin("s000-0")
    assert shards.finished() == set()
    assert shards.read() == []


def test_of_simultaneous_claims_exactly_one_is_granted(local):
    for turn in range(50):
        claims = race(lambda number, turn=turn: local.claim(str(turn), str(number), LEASE_S), 4)
        (granted,) = [claim for claim in claims if claim is not None]
        assert local.read_claim(granted.file)["owner"] == granted.owner


def test_claim_is_void_when_its_lease_is_over(shards, clock):
    shards.claim("s000", "me", LEASE_S)
    clock.now += LEASE_S - 1
    assert shards.claim("s000", "you", LEASE_S) is None
    clock.now += 2
    assert shards.claim("s000", "you", LEASE_S).owner == "you"
    assert shards.claim("s000", "third", LEASE_S) is None


@pytest.mark.parametrize("renew", [lambda c: c.renew(), lambda c: c.begin("s000-0")])
def test_renewed_claim_has_a_new_lease(shards, clock, renew):
    claim = shards.claim("s000", "me", LEASE_S)
    clock.now += LEASE_S - 1
    renew(claim)
    clock.now += LEASE_S - 1
    assert shards.claim("s000", "you", LEASE_S) is None
    clock.now += 2
    assert shards.claim("s000", "you", LEASE_S) is not None


def test_claim_of_a_dead_owner_is_void_at_once(shards):
    shards.claim("s000", "dead", LEASE_S)
    shards.claim("s001", "living", LEASE_S)
    dead = frozenset({"dead", "other"})
    assert shards.claim("s000", "me", LEASE_S) is None
    assert shards.claim("s000", "me", LEASE_S, dead).owner == "me"
    assert shards.claim("s001", "me", LEASE_S, dead) is None


def test_trial_that_was_begun_and_not_finished_is_a_death(shards):
    claim = shards.claim("s000", "first", LEASE_S)
    claim.begin("s000-0")
    shards.write("s000-0", RECORD)
    claim.begin("s000-1")
    claim = shards.claim("s000", "second", LEASE_S, frozenset({"first"}))
    assert claim.deaths == {"s000-1": 1}
    assert not claim.is_hopeless("s000-1")


def test_trial_finished_after_its_beginning_is_no_death(shards):
    claim = shards.claim("s000", "first", LEASE_S)
    claim.begin("s000-0")
    shards.write("s000-0", RECORD)
    assert shards.claim("s000", "second", 0.0).deaths == {}


def test_death_before_any_trial_is_begun_is_nobodys(shards):
    shards.claim("s000", "first", LEASE_S)
    assert shards.claim("s000", "second", 0.0).deaths == {}


def test_trial_is_hopeless_after_most_deaths(shards):
    owners = [f"owner {number}" for number in range(MOST_DEATHS + 1)]
    for number, owner in enumerate(owners):
        claim = shards.claim("s000", owner, LEASE_S, frozenset(owners[:number]))
        assert claim.deaths == ({"s000-0": number} if number else {})
        assert claim.is_hopeless("s000-0") == (number >= MOST_DEATHS)
        assert not claim.is_hopeless("s000-1")
        claim.begin("s000-0")


def test_deaths_are_counted_by_trial_and_kept_when_nothing_new_was_begun(shards):
    shards.claim("s000", "a", LEASE_S).begin("s000-0")
    shards.claim("s000", "b", 0.0).begin("s000-1")
    shards.claim("s000", "c", 0.0)
    assert shards.claim("s000", "d", 0.0).deaths == {"s000-0": 1, "s000-1": 1}


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_claim_ages_like_any_other(shards, clock, content):
    put(shards, "claims/s000.json", content)
    assert shards.claim("s000", "me", LEASE_S) is None
    clock.now += LEASE_S + 5
    claim = shards.claim("s000", "me", LEASE_S)
    assert (claim.owner, claim.deaths) == ("me", {})
    assert shards.claim("s000", "you", LEASE_S) is None


def test_claim_that_is_released_while_another_looks_is_not_granted(shards, monkeypatch):
    monkeypatch.setattr(shards, "write_once", lambda file, text: False)
    assert shards.claim("s000", "me", LEASE_S) is None


def test_release_spares_a_claim_that_was_taken_over(shards):
    slow = shards.claim("s000", "slow", LEASE_S)
    assert shards.claim("s000", "quick", 0.0) is not None
    slow.release()
    assert shards.claim("s000", "third", LEASE_S) is None


def test_release_of_a_claim_that_is_gone_does_nothing(shards):
    claim = shards.claim("s000", "me", LEASE_S)
    claim.release()
    claim.release()
    claim = shards.claim("s000", "me", LEASE_S)
    shards.remove()
    claim.release()
    assert all_files(shards) == []
