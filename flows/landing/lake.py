"""The folder of the lake, here or on an object store: files appear whole or not at all.

Here: see `flows.landing.local`. On an object store: one PUT. Readers of ``*.parquet`` never see a file being
written.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from fsspec.core import url_to_fs
from fsspec.utils import get_protocol

from flows.landing.local import ORPHANS, LocalLake
from schemas.errors import LandingError, UsageError

OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "obs", "memory"}
)
"""Where one PUT makes a whole object or none. Elsewhere a reader could see half a file."""

_CHUNK = 1 << 20
_ONE_PUT = 5 << 30
"""So many bytes S3 takes in one PUT."""


class Lake(Protocol):
    """Where files land. Names are ``<schema>/<file>``; locations are what a person or DuckDB can open."""

    def location(self, name: str) -> str:
        """The full address of a file."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Makes the file exist with exactly these bytes, durably, in one step.

        Raises:
            LandingError: that was not possible, or nobody knows whether it was.
        """
        ...

    def confirm(self, name: str) -> None:
        """Makes a file that was found there as durable as `write` would have."""
        ...

    def digest(self, name: str) -> str | None:
        """SHA-256 of the file, or ``None`` when it does not exist."""
        ...

    def files(self, folder: str) -> list[str]:
        """Names of the Parquet files in a folder, sorted; none when there is no such folder."""
        ...

    def has(self, folder: str) -> bool:
        """Whether anything that readers see is in the folder."""
        ...

    def folders(self) -> list[str]:
        """Names of the folders of the lake: its schemas."""
        ...

    def leftovers(self, folder: str) -> list[str]:
        """Temporary files of writers that are gone; never one that is being written, never a foreign one."""
        ...

    def remove(self, name: str) -> None:
        """Removes a leftover."""
        ...

    def set_aside(self, name: str) -> str:
        """Moves a file out of the table, where readers do not look; gives the name it has there."""
        ...

    def file_system(self) -> tuple[Any, str]:
        """What pyarrow reads through, and the lake's path in it."""
        ...


def open_lake(lake: str | Path) -> Lake:
    """The lake at a path or an fsspec URI.

    Raises:
        LandingError: it cannot be reached.
        UsageError: files cannot appear there in one step.
    """
    text = str(lake)
    protocol = get_protocol(text)
    if protocol in ("file", "local"):
        return LocalLake(Path(unquote(urlsplit(text).path) if "://" in text else text))
    if protocol not in OBJECT_STORES:
        raise UsageError(
            f"A lake cannot be kept on {protocol}://: files do not appear there in one step.",
            remedy="Use a folder, a mounted share, or an object store (s3://, gs://, abfs://).",
        )
    try:
        system, root = url_to_fs(text, use_listings_cache=False)
    except Exception as error:
        raise LandingError(
            f"The lake cannot be reached: {type(error).__name__}.",
            remedy="Check its address, its credentials, and that the scheme's library is installed.",
        ) from error
    return RemoteLake(system, str(root).rstrip("/"))


class RemoteLake:
    """An object store that fsspec knows."""

    def __init__(self, system: Any, root: str) -> None:
        self.system, self.root = system, root

    def location(self, name: str) -> str:
        """The URI of an object."""
        return str(self.system.unstrip_protocol(f"{self.root}/{name}"))

    def write(self, name: str, data: bytes) -> None:
        """One PUT. When its reply is lost nobody knows, and the next `digest` tells."""
        more = {"chunksize": _ONE_PUT} if "s3" in self.system.protocol else {}  # or it comes in parts
        try:
            self.system.pipe_file(f"{self.root}/{name}", data, **more)
        except Exception as error:
            raise self._failed(name, "written", error) from error

    def confirm(self, name: str) -> None:
        """Nothing: what an object store has answered for is durable."""

    def digest(self, name: str) -> str | None:
        """SHA-256 of the object, read piece by piece."""
        hasher = hashlib.sha256()
        try:
            with self.system.open(f"{self.root}/{name}", "rb", cache_type="none") as stream:
                while piece := stream.read(_CHUNK):
                    hasher.update(piece)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._failed(name, "read", error) from error
        return hasher.hexdigest()

    def files(self, folder: str) -> list[str]:
        """Names of the objects that end in ``.parquet``."""
        return [name for name in self._listed(folder) if name.endswith(".parquet")]

    def has(self, folder: str) -> bool:
        """Whether an object's name begins with the folder's."""
        return bool(self._listed(folder))

    def folders(self) -> list[str]:
        """The first parts of the objects' names."""
        return [name.rpartition("/")[2] for name in self._listed("")]

    def _listed(self, folder: str) -> list[str]:
        path = f"{self.root}/{folder}".rstrip("/")
        try:
            listed = self.system.ls(path, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._failed(folder, "listed", error) from error
        names = {str(found).rstrip("/").rpartition("/")[2] for found in listed} - {path.rpartition("/")[2]}
        return sorted(f"{folder}/{n}".lstrip("/") for n in names if n and not n.startswith((".", "_")))

    def leftovers(self, folder: str) -> list[str]:
        """None: a PUT that was not finished leaves no object."""
        return []

    def remove(self, name: str) -> None:
        """Removes an object; one that is gone meanwhile is no matter."""
        with contextlib.suppress(FileNotFoundError):
            self.system.rm_file(f"{self.root}/{name}")

    def set_aside(self, name: str) -> str:
        """Copies the object out of the table, then removes it there."""
        folder, _, file = name.rpartition("/")
        aside = f"{folder}/{ORPHANS}/{uuid.uuid4().hex[:8]}-{file}"
        try:
            self.system.cp_file(f"{self.root}/{name}", f"{self.root}/{aside}")
            self.remove(name)
        except Exception as error:
            raise self._failed(name, "moved aside", error) from error
        return aside

    def file_system(self) -> tuple[Any, str]:
        """fsspec's file system, and the path of the lake in it."""
        return self.system, self.root

    def _failed(self, name: str, what: str, error: Exception) -> LandingError:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        return LandingError(
            f"{self.location(name)} cannot be {what}: {cause}",
            remedy="Check the bucket, its credentials and the network; then run again: nothing is lost.",
        )
