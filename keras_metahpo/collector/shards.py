"""The trials of an unfinished collection: one JSON file each, under any fsspec directory.

A trial's file is written in one step, when the trial is finished. Groups of trials are claimed by
one process at a time, so that several machines may collect into one directory; a claim that was
not renewed for a while belongs to nobody, and says which trial its owner died in.
"""

import contextlib
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_metahpo.atomic import replacing
from keras_metahpo.collector.owners import is_gone

# A trial that killed this many processes is a failure.
MOST_DEATHS = 3
CORRUPT_SUFFIX = ".corrupt"


class Shards:
    """Trials and claims of one task.

    Args:
        directory: Local path or URL that fsspec knows; made when first written to.
    """

    def __init__(self, directory: str):
        import fsspec

        self.directory = directory
        self._files, self._root = fsspec.core.url_to_fs(directory)
        self._root = self._root.rstrip("/")

    def finished(self) -> set[str]:
        """Ids of the trials that have a file."""
        return {name.removesuffix(".json") for name in self._list_trials(".json")}

    def write(self, trial_id: str, record: dict[str, Any]) -> None:
        """Writes a finished trial: its record, a dictionary that JSON can say."""
        self.write_text(_trial_file(trial_id), json.dumps(record | {"trial_id": trial_id}))

    def read(self) -> list[dict[str, Any]]:
        """All whole records, by trial id; a damaged file is put aside, and its trial is missing."""
        records = []
        for trial_id in sorted(self.finished()):
            file = _trial_file(trial_id)
            try:
                text = self.read_text(file)
                if text is not None:  # Another process may have put it aside.
                    records.append(_json_object(text) | {"trial_id": trial_id})
            except ValueError:
                with contextlib.suppress(FileNotFoundError):
                    self._files.mv(self._path(file), self._path(file + CORRUPT_SUFFIX))
        return records

    def corrupt(self) -> list[str]:
        """Paths of damaged files that were put aside."""
        return sorted(self._path(f"trials/{name}") for name in self._list_trials(CORRUPT_SUFFIX))

    def remove(self) -> None:
        """Removes everything, the directory too; several processes may do so at once."""
        while self._exists(self._root):
            with contextlib.suppress(FileNotFoundError):
                self._files.rm(self._root, recursive=True)

    def claim(
        self, group: str, owner: str, lease_s: float, dead_owners: frozenset[str] = frozenset()
    ) -> "Claim | None":
        """The right to train a group; `None` while another process has it.

        Args:
            group: Name of the group.
            owner: Name of the caller.
            lease_s: A claim that was not renewed for so long is void.
            dead_owners: Owners whose claims are void at once, as are those of processes of this
                machine that have ended.
        """
        claim = Claim(self, group, owner)
        if self.write_once(claim.file, claim.text()):
            return claim
        other = self.read_claim(claim.file)
        other_owner = str(other.get("owner"))
        if other_owner not in dead_owners and not is_gone(other_owner):
            renewed = other["time"] if "time" in other else self._modified(claim.file)
            if time.time() - renewed < lease_s:
                return None
        claim.deaths = dict(other.get("deaths", {}))
        begun = other.get("trial")
        if begun is not None and begun not in self.finished():
            claim.deaths[begun] = claim.deaths.get(begun, 0) + 1
        claim.renew()
        return claim

    def read_claim(self, file: str) -> dict[str, Any]:
        """What a claim says; nothing if it is gone or damaged."""
        try:
            return _json_object(self.read_text(file) or "{}")
        except ValueError:
            return {}

    def read_text(self, file: str) -> str | None:
        """A file's content; `None` where there is none.

        Args:
            file: Path from the directory, as of all methods that take a file.
        """
        try:
            return self._files.cat_file(self._path(file)).decode()
        except FileNotFoundError:
            return None

    def write_text(self, file: str, text: str) -> None:
        """Writes a file in one step, in place of an earlier one."""
        path = self._path(file)
        if self._is_local():
            with replacing(path) as temporary:
                temporary.write_bytes(text.encode())
        else:  # Object stores show an object when it is whole.
            self._files.makedirs(_folder(path), exist_ok=True)
            self._files.pipe_file(path, text.encode())

    def write_once(self, file: str, text: str) -> bool:
        """Writes a file in one step unless another process has; whether it did."""
        path = self._path(file)
        self._files.makedirs(_folder(path), exist_ok=True)
        if self._is_local():
            return _create(Path(path), text.encode())
        # Some file systems take "x" for "w" (s3fs issue 973).
        if self._exists(path):
            return False
        try:
            with self._files.open(path, "xb") as opened:
                opened.write(text.encode())
        except FileExistsError:
            return False
        except (ValueError, NotImplementedError):  # Others do not know "x".
            self._files.pipe_file(path, text.encode())
        return True

    def delete(self, file: str) -> None:
        """Deletes a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(file))

    def _path(self, file: str) -> str:
        return f"{self._root}/{file}"

    def _list_trials(self, suffix: str) -> list[str]:
        # A listing that is kept would hide what other machines have written.
        self._files.invalidate_cache()
        try:
            paths = self._files.ls(self._path("trials"), detail=False)
        except FileNotFoundError:
            return []
        names = [str(path).rpartition("/")[2] for path in paths]
        return [name for name in names if name.endswith(suffix) and not name.startswith(".")]

    def _exists(self, path: str) -> bool:
        self._files.invalidate_cache()
        return self._files.exists(path)

    def _modified(self, file: str) -> float:
        """When a file was written, in seconds; now if that cannot be told."""
        self._files.invalidate_cache()
        try:
            return self._files.modified(self._path(file)).timestamp()
        except (FileNotFoundError, NotImplementedError):
            return time.time()

    def _is_local(self) -> bool:
        from fsspec.implementations.local import LocalFileSystem

        return isinstance(self._files, LocalFileSystem)


@dataclass
class Claim:
    """A group that one process trains.

    Attributes:
        shards: Where.
        group: Name of the group.
        owner: Name of the process, or of the collection that it belongs to.
        deaths: Trial id -> processes that died in it.
        begun: The trial that is being trained, or was last.
    """

    shards: Shards
    group: str
    owner: str
    deaths: dict[str, int] = field(default_factory=dict)
    begun: str | None = None

    @property
    def file(self) -> str:
        return f"claims/{self.group}.json"

    def text(self) -> str:
        """What other processes are told."""
        content = {"owner": self.owner, "time": time.time()}
        return json.dumps(content | {"trial": self.begun, "deaths": self.deaths})

    def begin(self, trial_id: str) -> None:
        """Renews the claim and says which trial is being trained."""
        self.begun = trial_id
        self.renew()

    def renew(self) -> None:
        """Begins the lease anew."""
        self.shards.write_text(self.file, self.text())

    def release(self) -> None:
        """Gives the claim back, unless it is another's since its lease was over."""
        if self.shards.read_claim(self.file).get("owner") == self.owner:
            self.shards.delete(self.file)

    def is_hopeless(self, trial_id: str) -> bool:
        """Whether a trial has killed so many processes that it is not tried again."""
        return self.deaths.get(trial_id, 0) >= MOST_DEATHS


def _trial_file(trial_id: str) -> str:
    return f"trials/{trial_id}.json"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _json_object(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError(f"Expected a JSON object. Received: {text[:100]!r}.")
    return content


def _create(path: Path, content: bytes) -> bool:
    """Creates a local file that is whole as soon as it is there; `False` if there is one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        _move_unless_exists(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _move_unless_exists(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # A file system without hard links.
        with target.open("xb") as opened:
            opened.write(source.read_bytes())
