"""Keeps the source bytes of documents by content hash, to show pages even when their source is gone."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from schemas.errors import LedgerError, SourceError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


class BlobStore:
    """A folder with one file per content, named by its SHA-256. Safe for many writers at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the bytes of ``sha256`` are, or would be.

        Raises:
            LedgerError: ``sha256`` is no hash; never lets a name reach outside the folder.
        """
        if not _SHA256.fullmatch(sha256):
            raise LedgerError(
                f"{sha256[:80]!r} is not a SHA-256.",
                remedy="The ledger is damaged; restore it from a backup.",
            )
        return self.folder / sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes are here."""
        return self.path(sha256).is_file()

    def put(self, source: Path, sha256: str) -> Path:
        """Copies ``source`` into the store, once.

        The copy is hashed on its way, flushed to disk under a temporary name and renamed, so that a name
        in the folder always means complete and right bytes.

        Raises:
            SourceError: the bytes are not those of ``sha256``: the file changed since it was read.
        """
        target = self.path(sha256)
        if target.is_file():
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=self.folder)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out, source.open("rb") as data:
                while chunk := data.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if digest.hexdigest() != sha256:
                raise SourceError(
                    f"{source}: the file changed while it was being processed.", remedy="Run again."
                )
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return target
