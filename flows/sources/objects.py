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

from extractors.reading.media import PDF, UNKNOWN, detect_media_type
from flows.archives.kinds import HEAD_BYTES, container_type
from flows.sources.uris import display_name
from schemas.errors import DocumentError, SourceError
from schemas.outcome import FailureReason

_CHUNK = 1 << 20
_ARCHIVE_NAMES = (".zip", ".eml")


class StillWrittenError(SourceError):
    """The object changed while it was read. It is left alone: the next run finds it as it is then."""


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
        open: its bytes as a stream.
        fault: why it cannot be fetched, when that was clear on listing (a folder without permission).
        modified: when it was changed last, in seconds since 1970; ``None`` when it shows only when it is whole.
        again: the same object as it is now; ``None`` where it cannot change unnoticed. Raises `SourceError`.
        unsettled: it is still being written, and left for the next run.
    """

    uri: str
    version: str
    size: int
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    fault: str = ""
    modified: float | None = field(default=None, compare=False)
    again: Callable[[], SourceObject] | None = field(default=None, repr=False, compare=False)
    unsettled: bool = False

    @property
    def name(self) -> str:
        return display_name(self.uri)

    def fetch(
        self, to: Path, *, max_bytes: int | None = None, max_archive_bytes: int | None = None
    ) -> Fetched:
        """Copies the object to the file ``to``, hashing on the way; reads nothing twice.

        Args:
            to: the file, overwritten.
            max_bytes: of one document; ``None``: no limit.
            max_archive_bytes: of an archive or e-mail, if that may be larger.

        Raises:
            SourceError: it cannot be had (any more): an input that failed, never the end of a run.
            StillWrittenError: it changed while it was read.
            DocumentError: it is larger than the limit; no more than that was read.
        """
        if self.fault:
            raise SourceError(f"{self.uri}: {self.fault}", remedy="Correct its permissions and run again.")
        larger = max(max_bytes or 0, max_archive_bytes or 0) if max_bytes is not None else None
        listed = larger if self.name.lower().endswith(_ARCHIVE_NAMES) else max_bytes
        if listed is not None and self.size > listed:
            raise _too_large(self.uri, listed)
        try:
            got = self._copy(to, max_bytes, larger)
            if self.again is not None and self.version and self.again().version != self.version:
                raise StillWrittenError(f"{self.uri} is being written.", remedy="The next run takes it.")
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        return got

    def _copy(self, to: Path, max_bytes: int | None, larger: int | None) -> Fetched:
        hasher, size, head, most = hashlib.sha256(), 0, b"", larger
        try:
            with self.open() as stream, to.open("wb") as out:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    if len(head) < HEAD_BYTES:
                        head = (head + chunk)[:HEAD_BYTES]
                        most = max_bytes if container_type(head) is None else larger
                    if most is not None and size > most:
                        raise _too_large(self.uri, most)
                    hasher.update(chunk)
                    _write(out, chunk)
        except (DocumentError, SourceError):
            raise
        except Exception as error:  # every file system has exceptions of its own
            raise SourceError(
                f"{self.uri} cannot be fetched: {brief(error)}",
                remedy="Check that it is still there, and readable.",
            ) from error
        sha256 = hasher.hexdigest()
        return Fetched(to, sha256, size, sniff(head), self.version or f"sha256:{sha256}")


def _write(out: BinaryIO, chunk: bytes) -> None:
    try:
        out.write(chunk)
        if len(chunk) < _CHUNK:
            out.flush()  # the disk that is full says so here, not on closing
    except OSError as error:
        raise SourceError(
            f"The copy cannot be written to {Path(out.name).parent}: {error.strerror or error}.",
            remedy="Make room there and run again.",
        ) from error


def _too_large(uri: str, max_bytes: int) -> DocumentError:
    return DocumentError(
        FailureReason.TOO_LARGE,
        f"{uri} is larger than {max_bytes} bytes.",
        remedy="Raise the limit of bytes per document if it is to be read.",
    )


def sniff(head: bytes) -> str:
    """The media type by the first bytes (`HEAD_BYTES` of them); a PDF's mark may stand in the first kilobyte."""
    found = detect_media_type(head)
    if found == PDF and not head.startswith(
        b"%PDF"
    ):  # an e-mail may have the mark in its first kilobyte, too
        return container_type(head) or found
    return container_type(head) or found if found == UNKNOWN else found


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
