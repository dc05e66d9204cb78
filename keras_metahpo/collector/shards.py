"""The trials of an unfinished collection: one JSON file each, under any fsspec directory.

A trial's file is written in one step, when the trial is finished. Groups of trials are claimed by
one process at a time, so that several machines may collect into one directory; a claim that was
not renewed for a while belongs to nobody, and says which trial its owner died in.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from keras_metahpo.atomic import write_text

# A trial that killed this many processes is a failure.
MOST_DEATHS = 2
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
        # A listing that is kept would hide what other machines have written.
        self._files.use_listings_cache = False

    def finished(self) -> set[str]:
        """Ids of the trials that have a file."""
        return {name.removesuffix(".json") for name in self._list("trials")}

    def write(self, trial_id: str, record: dict[str, Any]) -> None:
        self._write(f"trials/{trial_id}.json", json.dumps({"trial_id": trial_id} | record))

    def read(self) -> list[dict[str, Any]]:
        """All whole records, by trial id; a damaged file is put aside, and its trial is missing."""
        records = []
        for name in sorted(self._list("trials")):
            path = f"{self._root}/trials/{name}"
            try:
                record = json.loads(self._files.cat_file(path))
                records.append({key: record[key] for key in record} | {"trial_id": name[:-5]})
            except (ValueError, TypeError):
                self._files.mv(path, path + CORRUPT_SUFFIX)
        return records

    def corrupt(self) -> list[str]:
        """Paths of damaged files that were put aside."""
        found = self._files.glob(f"{self._root}/trials/*{CORRUPT_SUFFIX}")
        return sorted(str(path) for path in found)

    def read_text(self, name: str) -> str | None:
        """A file beside the trials; `None` where there is none."""
        try:
            return self._files.cat_file(f"{self._root}/{name}").decode()
        except FileNotFoundError:
            return None

    def write_once(self, name: str, text: str) -> bool:
        """Writes a file unless another process has; whether it did."""
        path = f"{self._root}/{name}"
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            with self._files.open(path, "xb") as file:
                file.write(text.encode())
        except FileExistsError:
            return False
        except (ValueError, NotImplementedError):  # A file system that cannot create exclusively.
            if self._files.exists(path):
                return False
            self._files.pipe_file(path, text.encode())
        return True

    def claim(
        self, group: str, owner: str, lease_s: float, dead_owners: frozenset[str] = frozenset()
    ) -> "Claim | None":
        """The right to train a group; `None` while another process has it.

        Args:
            group: Name of the group.
            owner: Name of the caller.
            lease_s: A claim that was not renewed for so long is void.
            dead_owners: Owners whose claims are void at once.
        """
        claim = Claim(self, group, owner)
        if self.write_once(claim.file, claim.text()):
            return claim
        try:
            other = json.loads(self.read_text(claim.file) or "{}")
        except ValueError:
            other = {}  # Being written, or damaged: it ages like any other.
        renewed = other.get("time", self._age_basis(claim.file))
        if other.get("owner") not in dead_owners and time.time() - renewed < lease_s:
            return None
        claim.deaths = dict(other.get("deaths", {}))
        begun = other.get("trial")
        if begun is not None and begun not in self.finished():
            claim.deaths[begun] = claim.deaths.get(begun, 0) + 1
        claim.renew()
        return claim

    def remove(self) -> None:
        """Removes everything, the directory too."""
        self._files.rm(self._root, recursive=True)

    def _age_basis(self, name: str) -> float:
        try:
            return self._files.modified(f"{self._root}/{name}").timestamp()
        except (FileNotFoundError, NotImplementedError):
            return time.time()

    def _list(self, folder: str) -> list[str]:
        try:
            paths = self._files.ls(f"{self._root}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        names = [str(path).rpartition("/")[2] for path in paths]
        return [name for name in names if name.endswith(".json") and not name.startswith(".")]

    def _write(self, name: str, text: str) -> None:
        path = f"{self._root}/{name}"
        if "file" in self._protocols():
            write_text(path, text)
        else:  # Object stores show an object when it is whole.
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, text.encode())

    def _protocols(self) -> tuple[str, ...]:
        protocol = self._files.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@dataclass
class Claim:
    """A group that one process trains.

    Attributes:
        shards: Where.
        group: Name of the group.
        owner: Name of the process, or of the collection that it belongs to.
        deaths: Trial id -> processes that died in it.
    """

    shards: Shards
    group: str
    owner: str
    deaths: dict[str, int] = field(default_factory=dict)
    _trial: str | None = None

    @property
    def file(self) -> str:
        return f"claims/{self.group}.json"

    def text(self) -> str:
        content = {"owner": self.owner, "time": time.time()}
        return json.dumps(content | {"trial": self._trial, "deaths": self.deaths})

    def begin(self, trial_id: str) -> None:
        """Renews the claim and says which trial is being trained."""
        self._trial = trial_id
        self.renew()

    def renew(self) -> None:
        self.shards._write(self.file, self.text())

    def release(self) -> None:
        """Gives the claim back."""
        self.shards._files.rm_file(f"{self.shards._root}/{self.file}")

    def is_hopeless(self, trial_id: str) -> bool:
        """Whether a trial has killed so many processes that it is not tried again."""
        return self.deaths.get(trial_id, 0) >= MOST_DEATHS
