"""One object of a source, and how its bytes get here."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from flows.sources.uris import display_name
from schemas.errors import DocumentError, SourceError
from schemas.outcome import FailureReason

_CHUNK = 1 << 20
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A local copy: what was really in the object.

    ``version`` is the object's, or ``sha256:…`` where the source tells none.
    """

    path: Path
    sha256: str
    size: int
    media_type: str
    version: str


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One file or object, found but not fetched.

    Attributes:
        uri: free of credentials; the same in every run, so it names the input in the ledger.
        version: changes when the object does (size and time, or the store's tag); empty when the source
            tells neither, so that only its content can say.
        size: in bytes, as listed; 0 when unknown.
        fault: why it cannot be fetched, when that was clear on listing (a folder without permission).
    """

    uri: str
    version: str
    size: int
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    fault: str = ""

    @property
    def name(self) -> str:
        return display_name(self.uri)

    def fetch(self, to: Path, *, max_bytes: int | None = None) -> Fetched:
        """Copies the object to the file ``to``, hashing on the way; reads nothing twice.

        Raises:
            SourceError: it cannot be had (any more): an input that failed, never the end of a run.
            DocumentError: it is larger than ``max_bytes``; no more than that was read.
        """
        if self.fault:
            raise SourceError(f"{self.uri}: {self.fault}", remedy="Correct its permissions and run again.")
        if max_bytes is not None and self.size > max_bytes:
            raise _too_large(self.uri, max_bytes)
        hasher, size, head = hashlib.sha256(), 0, b""
        try:
            with self.open() as stream, to.open("wb") as out:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    if max_bytes is not None and size > max_bytes:
                        raise _too_large(self.uri, max_bytes)
                    head = head or chunk[:1024]
                    hasher.update(chunk)
                    out.write(chunk)
        except (DocumentError, SourceError):
            to.unlink(missing_ok=True)
            raise
        except Exception as error:  # every file system has exceptions of its own
            to.unlink(missing_ok=True)
            raise SourceError(
                f"{self.uri} cannot be fetched: {brief(error)}",
                remedy="Check that it is still there, and readable.",
            ) from error
        sha256 = hasher.hexdigest()
        return Fetched(to, sha256, size, sniff(head), self.version or f"sha256:{sha256}")


def _too_large(uri: str, max_bytes: int) -> DocumentError:
    return DocumentError(
        FailureReason.TOO_LARGE,
        f"{uri} is larger than {max_bytes} bytes.",
        remedy="Raise the limit of bytes per document if it is to be read.",
    )


def sniff(head: bytes) -> str:
    """The media type by the first bytes; a PDF's mark may stand anywhere in the first kilobyte."""
    for mark, media_type in _SIGNATURES:
        if head.startswith(mark):
            return media_type
    return "application/pdf" if b"%PDF-" in head else "application/octet-stream"


def brief(error: BaseException) -> str:
    """An exception in one line, without file names or addresses that may hold credentials."""
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    status = getattr(error, "status", None)  # aiohttp's; its message holds the whole address
    return f"{type(error).__name__}" + (f" {status}" if status else "")


def open_regular(path: Path) -> BinaryIO:
    """Opens a local file without ever waiting for one (a pipe put in its place would block for ever)."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file any more")
    return os.fdopen(handle, "rb")
