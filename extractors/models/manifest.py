"""The manifest of a model folder: each file with its SHA-256 and size, written last, held against at every load."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from extractors.models.guard import MANIFEST, check_file, check_name, files_of, is_known, refused
from schemas.errors import ModelError

_HEX = r"[0-9a-f]{64}"
_MAX_BYTES = 64 << 20
_AGAIN = "Do not use it. Fetch it again with `parquetry models fetch`, and find out who changed it."


class FileEntry(BaseModel):
    """One file: hash of its bytes, and how many they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=f"^{_HEX}$")
    size: int | None = Field(None, ge=0)


class Manifest(BaseModel):
    """What a model consists of, and where it came from.

    Attributes:
        name: in the store.
        revision: commit of the hub it came from, else the digest.
        uri: where it came from, pinned, without credentials.
        source_version: what the source said of its files then: while it says the same, nothing is fetched again.
        fetched_at: when, ISO 8601, UTC.
        base: of a tuned model, the stored model that it is built on, as ``NAME@DIGEST``; or ``embedded-base``.
        files: by name in the folder; all there are, but this.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    revision: str = ""
    uri: str = ""
    source_version: str = ""
    fetched_at: str = ""
    base: str | None = None
    files: dict[str, FileEntry]

    @field_validator("files", mode="before")
    @classmethod
    def _bare_hashes(cls, value: Any) -> Any:
        """The base's own manifest has hashes alone."""
        if not isinstance(value, dict):
            return value
        return {name: {"sha256": one} if isinstance(one, str) else one for name, one in value.items()}

    @property
    def digest(self) -> str:
        """Hash of the files and the base: the same on every machine, whenever and from wherever it was fetched."""
        return digest_of(self.files, self.base)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size or 0 for entry in self.files.values())


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that was looked through to the last byte: hashes by name, digest, and its manifest if it has one."""

    files: dict[str, FileEntry]
    digest: str
    manifest: Manifest | None


def digest_of(files: dict[str, FileEntry], base: str | None) -> str:
    """Hash of what a model consists of; sizes follow from the bytes."""
    content = {"base": base, "files": {name: one.sha256 for name, one in files.items() if name != MANIFEST}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; ``None`` when it has none.

    Raises:
        ModelError: it is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            found = Manifest.model_validate_json(file.read(_MAX_BYTES))
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path} is no manifest of a model.", remedy=_AGAIN) from error
    for name in found.files:
        check_name(folder, name)
    return found


def check_folder(folder: Path, digest: str | None = None) -> Checked:
    """Looks through a model folder: every file against the rules of `guard`, and against the manifest.

    The weights are read once, for their hashes. A folder without a manifest is held against the rules alone.

    Args:
        folder: of the model.
        digest: what its digest must be.

    Raises:
        ModelError: a file is missing, changed, unknown to the manifest, or of a kind that can hold code.
    """
    manifest = read_manifest(folder)
    try:
        paths = files_of(folder)
        for name, path in paths.items():
            check_file(folder, name, path)
        entries = {name: entry_of(path) for name, path in paths.items() if name != MANIFEST}
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be read: {error.strerror or error}.", remedy="Check its permissions."
        ) from error
    if manifest is not None:
        _compare(folder, manifest, entries)
    if digest is not None and (manifest is None or manifest.digest != digest):
        raise ModelError(f"{folder} is not the model {digest[:12]} that was asked for.", remedy=_AGAIN)
    base = manifest.base if manifest else None
    known = {name: one for name, one in entries.items() if manifest or is_known(folder, name)}
    return Checked(entries, digest_of(known, base), manifest)


def entry_of(path: Path) -> FileEntry:
    """Hash and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(sha256=digest, size=file.tell())


def _compare(folder: Path, manifest: Manifest, found: dict[str, FileEntry]) -> None:
    if missing := sorted(manifest.files.keys() - found.keys()):
        raise ModelError(f"{folder} is not complete: {missing[0]} is missing.", remedy=_AGAIN)
    if strange := sorted(found.keys() - manifest.files.keys()):
        raise refused(folder, strange[0], "it is not in the manifest", _AGAIN)
    for name, entry in manifest.files.items():
        if found[name].sha256 != entry.sha256 or entry.size not in (None, found[name].size):
            raise refused(folder, name, "it was changed: its SHA-256 is not that of the manifest", _AGAIN)
