"""A lake in a folder of this machine, or one that is mounted.

A file is written aside under a hidden name, synced, renamed, and its folder synced. While it is written its
writer holds a lock on it, which the kernel takes back when the writer dies, however it dies: so what is left
aside without a lock is an orphan, and what has one is not.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from schemas.errors import LandingError

ORPHAN_SECONDS = 3600
"""Another machine's lock may be invisible here: what it wrote aside is an orphan when untouched for so long."""

ORPHANS = "_orphans"
"""Folder beside the files for those that are not of the table; readers pass over names that begin like this."""

_ASIDE = re.compile(r"\.[^/]+\.(?P<host>[^/]*)\.\d+\.[0-9a-f]{8}\.tmp")
_ROOM = "Make room or correct the permissions of the lake; then run again: nothing is lost."


class LocalLake:
    """A folder of this machine, or one mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def location(self, name: str) -> str:
        """The absolute path of a file."""
        return str((self.root / name).absolute())

    def write(self, name: str, data: bytes) -> None:
        """Makes the file exist with exactly these bytes, durably, in one step."""
        target = self.root / name
        try:
            _make_folder(target.parent)
            with _aside(target) as (aside, out):
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
                aside.replace(target)
            _sync(target.parent)
        except OSError as error:
            raise LandingError(
                f"{target} cannot be written: {error.strerror or error}.", remedy=_ROOM
            ) from error

    def confirm(self, name: str) -> None:
        """Makes a file durable whose writer may have died between the rename and the sync of the folder."""
        target = self.root / name
        try:
            _sync(target)
            _sync(target.parent)
            _sync(target.parent.parent)
        except OSError as error:
            raise LandingError(
                f"{target} cannot be made durable: {error.strerror or error}.", remedy=_ROOM
            ) from error

    def digest(self, name: str) -> str | None:
        """SHA-256 of the file, or ``None`` when it is not there."""
        try:
            with (self.root / name).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self.location(name), error) from error

    def files(self, folder: str) -> list[str]:
        """Names of the Parquet files in a folder, sorted; none when there is no such folder."""
        return [name for name in self._listed(folder) if name.endswith(".parquet")]

    def has(self, folder: str) -> bool:
        """Whether anything is in the folder."""
        return (self.root / folder).is_dir() and bool(self._listed(folder))

    def folders(self) -> list[str]:
        """Names of the folders of the lake: its schemas."""
        try:
            return sorted(p.name for p in self.root.iterdir() if p.is_dir() and _is_plain(p.name))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _listed(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                names = sorted(entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(self.location(folder), error) from error
        return [f"{folder}/{name}" for name in names if _is_plain(name)]

    def leftovers(self, folder: str) -> list[str]:
        """Files that writers who are gone left aside."""
        try:
            names = sorted(os.listdir(self.root / folder))  # noqa: PTH208 - hidden names too, and no Path each
        except OSError:
            return []
        return [f"{folder}/{name}" for name in names if self._is_orphan(folder, name)]

    def _is_orphan(self, folder: str, name: str) -> bool:
        ours = _ASIDE.fullmatch(name)
        if ours is None:
            return False
        path = self.root / folder / name
        try:
            if ours["host"] != _host() and path.stat().st_mtime > time.time() - ORPHAN_SECONDS:
                return False
            with path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its writer lives, or it is gone meanwhile
            return False
        return True

    def remove(self, name: str) -> None:
        """Removes a leftover; one that is gone meanwhile is no matter."""
        with contextlib.suppress(OSError):
            (self.root / name).unlink()

    def set_aside(self, name: str) -> str:
        """Moves a file out of the table into its `ORPHANS` folder; gives the name it has there."""
        folder, _, file = name.rpartition("/")
        aside = f"{folder}/{ORPHANS}/{uuid.uuid4().hex[:8]}-{file}"
        try:
            _make_folder((self.root / aside).parent)
            (self.root / name).replace(self.root / aside)
            _sync((self.root / aside).parent)
            _sync((self.root / name).parent)
        except OSError as error:
            raise LandingError(
                f"{self.location(name)} cannot be moved aside: {error.strerror or error}.", remedy=_ROOM
            ) from error
        return aside

    def make_folder(self, name: str) -> None:
        """Makes a folder of the lake, durably.

        Raises:
            LandingError: it cannot be made.
        """
        try:
            _make_folder(self.root / name)
        except OSError as error:
            raise LandingError(
                f"{self.location(name)} cannot be made: {error.strerror or error}.", remedy=_ROOM
            ) from error

    def file_system(self) -> tuple[Any, str]:
        """What pyarrow reads through, and the lake's path in it."""
        return None, str(self.root.absolute())


@contextlib.contextmanager
def _aside(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A hidden file beside the target, locked by us; gone at the end unless it was renamed."""
    while True:
        aside = target.parent / f".{target.stem}.{_host()}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp"
        with aside.open("xb") as out:
            try:
                with contextlib.suppress(OSError):  # a file system without locks: age must tell
                    fcntl.flock(out, fcntl.LOCK_EX)
                if not _is_still(aside, out):  # swept between its creation and the lock
                    continue
                yield aside, out
                return
            finally:
                with contextlib.suppress(OSError):
                    aside.unlink(missing_ok=True)


def _is_still(path: Path, stream: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _host() -> str:
    return socket.gethostname().replace("/", "_")


def _is_plain(name: str) -> bool:
    return not name.startswith((".", "_"))


def _make_folder(folder: Path) -> None:
    """Makes a folder and its parents; what is new is synced into its parent, or a power cut may take it."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync(made.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_commits(table: Path, since: int) -> None:
    """Makes the commits of a Delta table after a version durable, with the data files that they add."""
    log = table / "_delta_log"
    for commit in sorted(log.glob("*.json")):
        if not commit.stem.isdecimal() or int(commit.stem) <= since:
            continue
        actions = (json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines() if line)
        for added in (action["add"]["path"] for action in actions if "add" in action):
            with contextlib.suppress(FileNotFoundError):  # compacted and removed meanwhile
                _sync(table / unquote(added))
        _sync(commit)
    for folder in (log, table, table.parent):
        _sync(folder)


def _unreadable(location: str, error: OSError) -> LandingError:
    return LandingError(
        f"{location} cannot be read: {error.strerror or error}.",
        remedy="Correct the permissions of the lake, or the disk; then run again: nothing is lost.",
    )
