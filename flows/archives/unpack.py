"""Unpacks an archive in a child process, one member on disk at a time."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.archives.limits import Limits
from schemas.errors import DocumentError
from schemas.outcome import FailureReason

_CHUNK = 1 << 16
_MAX_LINE = 1 << 20
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive, or why it could not be had.

    Attributes:
        name: unique in the archive and the same in every run; a label, no path.
        path: its bytes, to be moved away before the next member is asked for; ``None`` with a ``reason``.
        sha256: of its bytes, empty with a ``reason``.
        size: in bytes; with a ``reason`` what the archive says.
        head: its first bytes, enough to tell its type.
        reason: why it is not unpacked.
        detail: the same in words.
    """

    name: str
    path: Path | None
    sha256: str
    size: int
    head: bytes = b""
    reason: FailureReason | None = None
    detail: str = ""


def unpack(
    path: Path,
    kind: str,
    folder: Path,
    *,
    limits: Limits,
    passwords: Sequence[str] = (),
    only: str | None = None,
) -> Generator[Member, None, None]:
    """Every file in an archive and in the archives in it, as it is unpacked.

    Args:
        path: the archive.
        kind: its media type, as `flows.archives.kinds.container_type` tells it.
        folder: where to unpack, in a folder of its own that is gone afterwards.
        limits: what it may cost.
        passwords: tried on encrypted members.
        only: the name of one member; the others are passed over.

    Raises:
        DocumentError: the archive could not be unpacked to its end, for its ``reason``; members before that
            were given.
    """
    scratch = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder))
    request = {
        "path": str(path.absolute()),
        "folder": str(scratch.absolute()),
        "kind": kind,
        "limits": asdict(limits),
        "passwords": list(passwords),
        "only": only,
    }
    child = _Child(limits.seconds)
    try:
        child.send(request)
        while "end" not in (message := child.receive()):
            yield _member(message, scratch)
            if "file" in message:  # which the child keeps until then
                child.send({})
        if message["end"] is not None:
            raise _refusal(message)
    finally:
        child.kill()
        shutil.rmtree(scratch, ignore_errors=True)


_REMEDY = "Raise the limits under [intake] if it is to be read, or unpack it yourself."


def _refusal(message: dict[str, Any]) -> DocumentError:
    error = DocumentError(FailureReason(message["end"]), message["detail"], remedy=_REMEDY)
    if "errno" in message:
        error.__cause__ = OSError(message["errno"], os.strerror(message["errno"]))
    return error


def _member(message: dict[str, Any], scratch: Path) -> Member:
    if "reason" in message:
        reason = FailureReason(message["reason"])
        return Member(
            message["member"], None, "", int(message["size"]), reason=reason, detail=message["detail"]
        )
    return Member(
        message["member"],
        scratch / Path(message["file"]).name,
        message["sha256"],
        int(message["size"]),
        bytes.fromhex(message["head"]),
    )


class _Child:
    """The process, spoken to in lines of JSON. ``seconds`` are those spent waiting for it, all in all."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._pending = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.archives.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            # Nothing of our environment: it may hold secrets.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(_ROOT)},
            start_new_session=True,
        )

    def send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise self._death() from error

    def receive(self) -> dict[str, Any]:
        """The next message.

        Raises:
            DocumentError: it took too long, or the child is gone.
        """
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                started = time.monotonic()
                ready = selector.select(max(0.0, self._left))
                self._left -= time.monotonic() - started
                if not ready:
                    raise DocumentError(
                        FailureReason.TIMEOUT, "unpacking took longer than its time limit", remedy=_REMEDY
                    )
                chunk = os.read(handle, _CHUNK)
                if not chunk or len(self._pending) > _MAX_LINE:
                    raise self._death()
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def kill(self) -> None:
        """Ends the process and waits until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _death(self) -> DocumentError:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = 0
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return DocumentError(
            FailureReason.READER_CRASHED, f"the unpacking process ended with {how}", remedy=_REMEDY
        )
