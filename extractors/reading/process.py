"""One reading child seen from its parent: started on demand, spoken to in frames, watched, ended."""

from __future__ import annotations

import errno
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

import psutil

from extractors import QUIET
from extractors.reading.frames import Frame, FrameBuffer, ProtocolError, encode
from schemas.errors import foreign

_START_SECONDS = 300.0
"""A child imports its libraries and loads its models in this time, even on a busy machine."""
_POLL_SECONDS = 0.1
_FINISH_SECONDS = 1.0
"""An answer that is on its way when the deadline passes may still arrive in this time."""
_CHUNK = 1 << 20
_STDERR_TAIL = 2000


class ChildTimeoutError(Exception):
    """The deadline passed before the child answered."""


class ChildMemoryError(Exception):
    """The child uses more memory than it may."""


class ChildDiedError(Exception):
    """The child is gone. ``signal`` is what killed it, 0 if it exited; ``tail`` the end of its stderr."""

    def __init__(self, returncode: int | None, tail: str) -> None:
        super().__init__(f"the reading process ended with {returncode} {foreign(tail)}".rstrip())
        self.signal = -returncode if returncode is not None and returncode < 0 else 0
        self.tail = tail


class ReaderChild:
    """A child of one kind (``text`` or ``ocr``), which starts by itself; `wait_ready` before anything else.

    Not thread-safe: one user at a time. Once ``over`` is set, whoever waits for the child is told that it died.
    """

    def __init__(self, kind: str, threads: int, over: threading.Event) -> None:
        self._over = over
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by kill()
        self._buffer = FrameBuffer()
        self._process = _start(kind, threads, self._stderr)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._watched = psutil.Process(self._process.pid)
        self.documents = 0
        self.layers: list[str] = []
        self.base_memory = 0
        self.ready = False
        self._given_up_at = time.monotonic() + _START_SECONDS

    def wait_ready(self, deadline: float = math.inf) -> bool:
        """Waits until the child has imported its libraries and loaded its models; says whether it has.

        Args:
            deadline: monotonic seconds. When they pass, the child goes on starting, and can be waited for again.

        Raises:
            ChildTimeoutError, ChildDiedError, ProtocolError: it does not start; kill it.
        """
        if self.ready:
            return True
        try:
            frame = self.receive(min(deadline, self._given_up_at), None)
        except ChildTimeoutError:
            if time.monotonic() < self._given_up_at:
                return False
            raise
        if frame.kind != "ready":
            raise ProtocolError(f"a reading process began with {frame.kind!r}")
        self.layers = frame.data["layers"]
        self.base_memory = self.memory
        self.ready = True
        return True

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def memory(self) -> int:
        """Resident bytes of the child; 0 when it is gone."""
        try:
            return int(self._watched.memory_info().rss)
        except psutil.Error:
            return 0

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the child has used so far; 0 when it is gone."""
        try:
            times = self._watched.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def send(self, frame: Frame, deadline: float, body: Path | None = None) -> None:
        """Writes a frame.

        Args:
            frame: what to send.
            deadline: monotonic seconds.
            body: a file whose bytes are the frame's body, passed on piece by piece.

        Raises:
            ChildTimeoutError: the child did not take it before ``deadline``.
            ChildDiedError: the child is gone.
            OSError: the file cannot be read.
        """
        self._stderr.seek(0)
        self._stderr.truncate()
        if body is None:
            self._write(encode(frame), deadline)
            return
        with body.open("rb") as stream:
            left = os.fstat(stream.fileno()).st_size
            self._write(encode(frame, left), deadline)
            while left:
                piece = stream.read(min(left, _CHUNK))
                if not piece:
                    raise OSError(errno.EIO, "the file became shorter while it was read", str(body))
                self._write(piece, deadline)
                left -= len(piece)

    def _write(self, piece: bytes, deadline: float) -> None:
        view = memoryview(piece)
        with selectors.DefaultSelector() as writable:
            writable.register(self._in, selectors.EVENT_WRITE)
            while view:
                if time.monotonic() > deadline:
                    raise ChildTimeoutError
                self._go_on()
                if not writable.select(_POLL_SECONDS):
                    continue
                try:
                    view = view[os.write(self._in, view) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise self._death() from error

    def receive(self, deadline: float, max_memory: int | None) -> Frame:
        """The next frame.

        Args:
            deadline: monotonic seconds.
            max_memory: resident bytes the child may use, ``None``: not watched.

        Raises:
            ChildTimeoutError, ChildMemoryError, ChildDiedError, ProtocolError: kill the child then.
        """
        while (frame := self._buffer.take()) is None:
            self._go_on()
            talking = bool(self._selector.select(_POLL_SECONDS))
            if talking:
                chunk = os.read(self._out, _CHUNK)
                if not chunk:
                    raise self._death()
                self._buffer.feed(chunk)
            elif max_memory is not None and self.memory > max_memory:
                raise ChildMemoryError
            if time.monotonic() > deadline + (_FINISH_SECONDS if talking else 0.0):
                raise ChildTimeoutError
        return frame

    def kill(self) -> None:
        """Ends the child and everything it started, and waits until it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._selector.close()
        self._stderr.close()

    def _go_on(self) -> None:
        if self._over.is_set():
            raise ChildDiedError(None, "reading was stopped")

    def _death(self) -> ChildDiedError:
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - _STDERR_TAIL))
        return ChildDiedError(code, self._stderr.read().decode("utf-8", "replace").strip())


def _start(kind: str, threads: int, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a child from a thread that lives as long as this process.

    The kernel ends a child that asked for it together with the *thread* that started it, and threads of a worker
    come and go.
    """
    command = [sys.executable, "-P", "-m", "extractors.reading.child", kind, str(threads)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
            cwd="/",
            env=_environment(threads),
            close_fds=True,
            start_new_session=True,
        )

    return _starter(os.getpid()).submit(start).result()


@lru_cache(maxsize=1)
def _starter(_pid: int) -> ThreadPoolExecutor:
    """One thread, for this process; a fork of it gets its own."""
    return ThreadPoolExecutor(1, thread_name_prefix="reader-start")


def _environment(threads: int) -> dict[str, str]:
    """Nothing of the parent's environment: it may hold secrets, and a child meets hostile files."""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), *(str(Path(path).resolve()) for path in sys.path if path)]
    return {
        **QUIET,
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": "1",
    }
