"""What a source of models has: its files by name, each with what is known of it, and how to get them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from schemas.errors import ModelError

_CHUNK = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file. ``sha256`` and ``git_sha1`` (of a git blob) are the source's word, to be held against."""

    size: int | None
    copy: Callable[[Path], None] = field(repr=False)
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A model at its source, as it was when it was listed.

    Attributes:
        uri: pinned where the source has revisions; free of credentials.
        name: what it is called in the store unless the user says otherwise.
        revision: the commit of a hub; ``None`` where content alone tells.
        files: by name, all that there are.
        version: changes when any file does; empty where the source tells nothing of the kind.
        unchanged: whether it still is as it was listed.
    """

    uri: str
    name: str
    revision: str | None
    files: dict[str, SourceFile]
    version: str = ""
    unchanged: Callable[[], bool] = field(default=lambda: True, repr=False)


def write_stream(stream: BinaryIO, to: Path) -> None:
    """Copies a stream into a new file that is on the disk when this returns."""
    with to.open("xb") as out:
        shutil.copyfileobj(stream, out, _CHUNK)
        out.flush()
        os.fsync(out.fileno())


def disk_full(cache: Path, error: OSError) -> ModelError | None:
    """The error that says so, if that is what it was."""
    if error.errno not in FULL:
        return None
    return ModelError(
        f"The disk of {cache} is full; nothing of the model was kept.",
        remedy="Make room there, or set another folder as cache in parquetry.toml (PARQUETRY_CACHE).",
    )


def default_name(last: str, parent: str = "") -> str:
    """A name for the store from the end of an address; `parquetry train` calls every folder ``model``."""
    return parent if last == "model" and parent else last
