"""The folder of the lake, here or on an object store: files appear whole or not at all.

Here: written aside under a hidden name in the same folder, synced, renamed, folder synced. On an object
store: one PUT. Readers of ``*.parquet`` never see a file being written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from fsspec.core import url_to_fs

from schemas.errors import LandingError

ORPHAN_SECONDS = 3600
"""Temporary files older than this were left by a writer that is gone."""


class Lake(Protocol):
    """Where files land. Names are ``<schema>/<file>``; locations are what a person or DuckDB can open."""

    def location(self, name: str) -> str:
        """The full address of a file."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Makes the file exist with exactly these bytes, durably, in one step."""
        ...

    def digest(self, name: str) -> str | None:
        """SHA-256 of the file, or ``None`` when it does not exist."""
        ...

    def files(self, folder: str) -> list[str]:
        """Names of the Parquet files in a folder, sorted."""
        ...

    def sweep(self, folder: str) -> None:
        """Removes what dead writers left."""
        ...

    def file_system(self) -> tuple[Any, str]:
        """What pyarrow reads through, and the lake's path in it."""
        ...


def open_lake(lake: str | Path) -> Lake:
    """The lake at a path or an fsspec URI."""
    text = str(lake)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if "://" not in text:
        return LocalLake(Path(text))
    try:
        system, root = url_to_fs(text)
    except Exception as error:
        raise LandingError(
            f"The lake cannot be reached: {type(error).__name__}.",
            remedy="Check its address, its credentials, and that the scheme's library is installed.",
        ) from error
    return RemoteLake(system, str(root).rstrip("/"))


class LocalLake:
    """A folder of this machine, or one mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def location(self, name: str) -> str:
        return str((self.root / name).absolute())

    def write(self, name: str, data: bytes) -> None:
        target = self.root / name
        aside = (
            target.parent / f".{target.stem}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp"
        )
        try:
            _make_folder(target.parent)
            try:
                with aside.open("wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                aside.replace(target)
            except BaseException:
                with contextlib.suppress(OSError):
                    aside.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        except OSError as error:
            raise LandingError(
                f"{target} cannot be written: {error.strerror or error}.",
                remedy="Make room or correct the permissions of the lake; then run again: nothing is lost.",
            ) from error

    def digest(self, name: str) -> str | None:
        try:
            with (self.root / name).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:  # whatever it is, writing will say it in better words
            return None

    def files(self, folder: str) -> list[str]:
        found = (self.root / folder).glob("*.parquet")
        return sorted(f"{folder}/{path.name}" for path in found if not path.name.startswith((".", "_")))

    def sweep(self, folder: str) -> None:
        before = time.time() - ORPHAN_SECONDS
        for orphan in (self.root / folder).glob(".*.tmp"):
            with contextlib.suppress(OSError):
                if orphan.stat().st_mtime < before:
                    orphan.unlink()

    def file_system(self) -> tuple[Any, str]:
        return None, str(self.root.absolute())


class RemoteLake:
    """An object store, or anything else fsspec writes to."""

    def __init__(self, system: Any, root: str) -> None:
        self.system, self.root = system, root

    def location(self, name: str) -> str:
        return str(self.system.unstrip_protocol(f"{self.root}/{name}"))

    def write(self, name: str, data: bytes) -> None:
        path = f"{self.root}/{name}"
        try:
            self.system.pipe_file(path, data)
            self.system.invalidate_cache(path.rpartition("/")[0])
        except Exception as error:
            raise LandingError(
                f"{self.location(name)} cannot be written: {type(error).__name__}.",
                remedy="Check the bucket and its credentials; then run again: nothing is lost.",
            ) from error

    def digest(self, name: str) -> str | None:
        try:
            return hashlib.sha256(self.system.cat_file(f"{self.root}/{name}")).hexdigest()
        except FileNotFoundError:
            return None

    def files(self, folder: str) -> list[str]:
        try:
            listed = self.system.ls(f"{self.root}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        names = (str(path).rpartition("/")[2] for path in listed)
        return sorted(
            f"{folder}/{n}" for n in names if n.endswith(".parquet") and not n.startswith((".", "_"))
        )

    def sweep(self, folder: str) -> None:
        """Nothing: a PUT that was not finished leaves no object."""

    def file_system(self) -> tuple[Any, str]:
        return self.system, self.root


def _make_folder(folder: Path) -> None:
    """Makes a folder and its parents; what is new is synced into its parent, or a power cut may take it."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(made.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
