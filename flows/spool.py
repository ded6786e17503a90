"""Local copies of documents between discovery and extraction, on bounded disk.

Each process has a folder of its own, named after host and process, so that a later one can clear away what a
killed one left behind.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

DEFAULT_MAX_BYTES = 4 << 30


class Spool:
    """Files by content hash. Above ``max_bytes`` nothing more is kept: it is fetched again when needed."""

    def __init__(self, folder: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._host = _host()
        self._max_bytes = max_bytes
        self._kept = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clear_left_behind(folder)
        self.also: Path | None = None
        """The folder of another process, whose copies may be taken and dropped as well."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self._host}-{os.getpid()}-", dir=folder))

    def new(self) -> Path:
        """A name that is free, for a download."""
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self.folder)
        os.close(handle)
        return Path(name)

    def keep(self, path: Path, name: str) -> bool:
        """Takes a download over under its name (a hash); deletes it and says no when there is no room for it."""
        size, there = path.stat().st_size, self.folder / name
        with self._lock:
            known = there.exists()
            room = known or self._kept + size <= self._max_bytes
            if room and not known:
                path.replace(there)
                self._kept += size
                return True
        path.unlink()
        return room

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more would be kept."""
        with self._lock:
            return self._kept + size <= self._max_bytes

    def find(self, sha256: str) -> Path | None:
        """The kept copy, if there is one."""
        for folder in filter(None, (self.folder, self.also)):
            if (path := folder / sha256).is_file():
                return path
        return None

    def drop(self, path: Path) -> None:
        """Deletes a copy that is not needed any more."""
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return
        if not path.name.startswith("incoming-") and path.parent == self.folder:
            with self._lock:
                self._kept = max(0, self._kept - size)

    def close(self) -> None:
        """Deletes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear_left_behind(self, folder: Path) -> None:
        for old in _of_dead_processes(folder, self._host):
            shutil.rmtree(old, ignore_errors=True)


def left_behind(folder: Path, before: float) -> Iterator[Path]:
    """Folders of processes that are gone: of this host by their number, of others by their age.

    Args:
        folder: that of all spools.
        before: seconds since 1970; where nothing has changed since, no process of another host is at work.
    """
    host = _host()
    dead = set(_of_dead_processes(folder, host))
    for found in folder.glob("*-*-*"):
        if found in dead or (not found.name.startswith(f"{host}-") and _last_change(found) < before):
            yield found


def _of_dead_processes(folder: Path, host: str) -> Iterator[Path]:
    for old in folder.glob(f"{host}-*-*"):
        pid = old.name.removeprefix(f"{host}-").split("-")[0]
        if pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid)):
            yield old


def _last_change(folder: Path) -> float:
    """Seconds since 1970; never, when it is going away just now."""
    try:
        return max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return float("inf")


def _host() -> str:
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
