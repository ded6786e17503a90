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
from pathlib import Path

DEFAULT_MAX_BYTES = 4 << 30


class Spool:
    """Files by content hash. Above ``max_bytes`` nothing more is kept: it is fetched again when needed."""

    def __init__(self, folder: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._host = "".join(c if c.isalnum() else "_" for c in socket.gethostname())
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
        for old in folder.glob(f"{self._host}-*-*"):
            pid = old.name.removeprefix(f"{self._host}-").split("-")[0]
            if pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid)):
                shutil.rmtree(old, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
