"""Where backups are kept: a folder or a bucket. Files by their hash, shared by all backups; manifests by date.

objects/ab/abcd…            bytes of lake and home folder, each once, whichever backups have them
backups/20261129T020000Z/   manifest.json, files.jsonl, the ledger's dump
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from pydantic import ValidationError

from flows.backup.manifest import FORMAT, MANIFEST, Manifest
from flows.sources import public_uri
from schemas.errors import LandingError, UsageError

_CHUNK = 1 << 20


class BackupPlace:
    """A place at a path or an fsspec URI. What it has under a hash has these bytes, or is refused."""

    def __init__(self, uri: str) -> None:
        self.shown = public_uri(uri)
        try:
            self._system, root = url_to_fs(uri, use_listings_cache=False)
        except Exception as error:
            raise UsageError(
                f"The place for backups cannot be reached: {type(error).__name__}.",
                remedy="Give a folder, or a URI whose library is installed, such as s3://bucket/backups.",
            ) from error
        self._root = str(root).rstrip("/")
        self._local = "file" in self._protocols()
        self._known: dict[str, set[str]] = {}

    def _protocols(self) -> tuple[str, ...]:
        found: Any = self._system.protocol
        return (found,) if isinstance(found, str) else tuple(found)

    def has_object(self, sha256: str) -> bool:
        """Whether the bytes of a hash are here. Asked once for all that begin alike, not file by file."""
        shard = sha256[:2]
        if shard not in self._known:
            folder = self._path(f"objects/{shard}")
            there = self._did("listed", self._system.exists, folder)
            listed = self._did("listed", self._system.ls, folder, detail=False) if there else []
            self._known[shard] = {str(found).rpartition("/")[2] for found in listed}
        return sha256 in self._known[shard]

    def put_object(self, file: Path, sha256: str) -> bool:
        """Keeps a file under its hash; no when it is here already."""
        if self.has_object(sha256):
            return False
        self.put(file, _object(sha256))
        self._known[sha256[:2]].add(sha256)
        return True

    def put(self, file: Path, name: str) -> None:
        """Copies a file here; it appears whole or not at all.

        Raises:
            LandingError: the place cannot be written.
        """
        if not self._local:
            self._did("written", self._system.put_file, str(file), self._path(name))
            return
        target = Path(self._path(name))
        aside = target.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with file.open("rb") as data, aside.open("xb") as out:
                os.fchmod(out.fileno(), 0o600)
                shutil.copyfileobj(data, out, _CHUNK)
                out.flush()
                os.fsync(out.fileno())
            aside.replace(target)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise self._failed("written", error) from error

    def get(self, name: str, file: Path, sha256: str) -> None:
        """Copies something from here, and holds it against its hash.

        Raises:
            LandingError: it is missing, or its bytes are others.
        """
        self._did("read", self._system.get_file, self._path(name), str(file))
        if digest(file) != sha256:
            file.unlink()
            raise LandingError(
                f"{self.shown}/{name} is damaged: its bytes are not those that were backed up.",
                remedy="Restore another backup (--list shows them), or copy this file from another place.",
            )

    def get_object(self, sha256: str, file: Path) -> None:
        """Copies the bytes of a hash from here; see `get`."""
        self.get(_object(sha256), file, sha256)

    def backups(self) -> list[str]:
        """Names of all whole backups, oldest first."""
        folder = self._path("backups")
        if not self._did("listed", self._system.exists, folder):
            return []
        listed = self._did("listed", self._system.ls, folder, detail=False)
        names = sorted(str(found).rstrip("/").rpartition("/")[2] for found in listed)
        return [name for name in names if self._system.exists(self._path(f"backups/{name}/{MANIFEST}"))]

    def manifest(self, backup_id: str) -> Manifest:
        """What a backup says of itself.

        Raises:
            UsageError: there is none of that name, or a newer program made it.
        """
        path = self._path(f"backups/{backup_id}/{MANIFEST}")
        try:
            found = Manifest.model_validate_json(self._system.cat_file(path))
        except (FileNotFoundError, ValidationError) as error:
            raise UsageError(
                f"{self.shown} has no readable backup {backup_id!r}.", remedy="--list shows which there are."
            ) from error
        if found.format > FORMAT:
            raise UsageError(
                f"Backup {backup_id} was made by parquetry {found.version}, in a format of a newer program.",
                remedy="Restore it with that version.",
            )
        return found

    def remove_backup(self, backup_id: str) -> None:
        """Takes a backup away, its manifest first; its objects stay until `sweep`."""
        folder = self._path(f"backups/{backup_id}")
        self._did("removed", self._system.rm_file, f"{folder}/{MANIFEST}")
        self._did("removed", self._system.rm, folder, recursive=True)

    def sweep(self, wanted: set[str]) -> int:
        """Removes objects that no backup has; gives their number."""
        folder = self._path("objects")
        self._known.clear()
        if not self._did("listed", self._system.exists, folder):
            return 0
        removed = 0
        for path in self._did("listed", self._system.find, folder):
            if str(path).rpartition("/")[2] not in wanted:
                self._did("removed", self._system.rm_file, path)
                removed += 1
        return removed

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _did(self, what: str, act: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return act(*arguments, **options)
        except Exception as error:  # whatever a storage library raises
            raise self._failed(what, error) from error

    def _failed(self, what: str, error: Exception) -> LandingError:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        return LandingError(
            f"The place for backups, {self.shown}, cannot be {what}: {cause}",
            remedy="Check its address, its credentials and its room; then run again: nothing is half there.",
        )


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _object(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}"
