"""Where members go: files with numbers for names, within limits, each told to the parent. Standard library only."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from flows.archives.kinds import HEAD_BYTES
from flows.archives.limits import RATIO_FROM, DiskError, Limits, RefusedError, TotalSpentError
from flows.archives.names import Labels

Descend = Callable[[Path, str, str, int], None]
"""Unpacks an archive in an archive: its file, type, label and depth."""
Written = tuple[Path, str, int]
"""A file, its SHA-256 and its size."""
_MEGA = 1_000_000


class Out:
    """The way out of the child. ``only`` names the one member that is wanted; all others are passed over."""

    def __init__(self, folder: Path, limits: Limits, only: str | None) -> None:
        self._folder, self._limits, self._only = folder, limits, only
        self._unpacked = self._members = self._files = 0
        self.labels = Labels()
        self.reported = 0

    def wants(self, name: str) -> bool:
        """Whether a member, or something in it, is asked for."""
        return self._only is None or self._only == name or self._only.startswith(name)

    def count(self) -> None:
        """One more member, of any level.

        Raises:
            TotalSpentError: that is too many.
        """
        self._members += 1
        if self._members > self._limits.max_members:
            raise TotalSpentError("archive_limit", _more_than(self._limits.max_members))

    def check_count(self, members: int) -> None:
        """Raises `RefusedError` when one archive holds so many: its list alone would fill the books."""
        if members > self._limits.max_members:
            raise RefusedError("archive_limit", _more_than(self._limits.max_members))

    def check_size(self, size: int) -> None:
        """Raises `RefusedError` when a member says of itself that it is too large."""
        if size > self._limits.max_member_bytes:
            raise RefusedError("too_large", _larger(self._limits.max_member_bytes))

    def write(self, chunks: Iterable[bytes], packed: int | None) -> Written:
        """Writes a member to a file; gives its path, hash and size. What passes a limit leaves no file.

        Args:
            chunks: the bytes, unpacked piece by piece.
            packed: its size as packed, ``None`` when that is not known.

        Raises:
            RefusedError: the member passes a limit of its own.
            TotalSpentError: the archive passes its limit.
        """
        path = self._folder / f"{self._files:06d}"
        self._files += 1
        hasher, size = hashlib.sha256(), 0
        try:
            with path.open("wb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    self._unpacked += len(chunk)
                    self._check(size, packed)
                    hasher.update(chunk)
                    _write(out, chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path, hasher.hexdigest(), size

    def _check(self, size: int, packed: int | None) -> None:
        limits = self._limits
        if size > limits.max_member_bytes:
            raise RefusedError("too_large", _larger(limits.max_member_bytes))
        if packed is not None and size > RATIO_FROM and size > limits.max_ratio * max(packed, 1):
            raise RefusedError(
                "archive_limit", f"it unpacks to more than {limits.max_ratio:g} times its size: a bomb"
            )
        if self._unpacked > limits.max_total_bytes:
            raise TotalSpentError(
                "archive_limit",
                f"the archive unpacks to more than {limits.max_total_bytes / _MEGA:g} MB, which is the limit",
            )

    def deeper(self, depth: int) -> None:
        """Raises `RefusedError` when archives at that depth are not opened."""
        if depth > self._limits.max_depth:
            raise RefusedError(
                "archive_limit", f"archives within archives are opened to a depth of {self._limits.max_depth}"
            )

    @property
    def min_inline_bytes(self) -> int:
        """See `Limits`."""
        return self._limits.min_inline_bytes

    def take(self, name: str, written: Written, kind: str | None, depth: int, descend: Descend) -> None:
        """A member that is written: handed on, or opened in turn if it holds others (``kind``: its archive type).

        Raises:
            RefusedError: it is an archive that is not opened, or cannot be.
            TotalSpentError: a limit of the whole was passed in it.
        """
        path = written[0]
        if kind is None:
            self._member(name, *written)
            return
        try:
            descend(path, kind, name, depth + 1)
        finally:
            path.unlink(missing_ok=True)

    def _member(self, name: str, path: Path, sha256: str, size: int) -> None:
        """Reports a member; the parent takes the file before this returns."""
        if self._only is not None and self._only != name:
            path.unlink()
            return
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        self.reported += 1
        send({"member": name, "file": path.name, "sha256": sha256, "size": size, "head": head.hex()})
        sys.stdin.readline()
        path.unlink(missing_ok=True)

    def refused(self, name: str, why: RefusedError, size: int = 0) -> None:
        """Reports a member that is not unpacked."""
        self.reported += 1
        if self._only is None or self._only == name:
            send({"member": name, "reason": why.reason, "detail": why.detail, "size": size})


def send(message: dict[str, Any], to: IO[str] | None = None) -> None:
    """One message as one line of ASCII JSON."""
    stream = to or sys.stdout
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def _write(out: IO[bytes], chunk: bytes) -> None:
    try:
        out.write(chunk)
        out.flush()
    except OSError as error:
        raise DiskError(error.errno or 0) from error


def _more_than(limit: int) -> str:
    return f"the archive holds more than {limit} files, which is the limit"


def _larger(limit: int) -> str:
    return f"it is larger than {limit} bytes, the limit of one document"
