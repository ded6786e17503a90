"""A Prefect server of the session, and real `parquetry` processes that can be stopped in the midst of work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from flows import conductor
from flows.ledger.store import Ledger
from flows.settings import load_settings
from flows.supervisor import LOOPBACK, Supervisor
from tests.flows.making import write_invoice
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""For what takes seconds on a quiet machine."""


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a Prefect server that all tests share: one takes most of a minute to start."""
    settings = load_settings(home=tmp_path_factory.mktemp("prefect"))
    environment = {**os.environ, **conductor.environment(settings), **conductor.TEMPORARY}
    port = free_port()
    url = f"http://{LOOPBACK}:{port}/api"
    supervisor = Supervisor(settings.logs, environment)
    app = ("--factory", "prefect.server.api.server:create_app", "--lifespan", "on", "--log-level", "error")
    supervisor.start("prefect-server", "-m", "uvicorn", *app, "--host", LOOPBACK, "--port", str(port))
    try:
        supervisor.wait_until(lambda: conductor.healthy(url), "The Prefect server", conductor.STARTUP_SECONDS)
        yield url
    finally:
        supervisor.stop()


@dataclass
class Command:
    """A running ``parquetry``: what it said so far, and the processes it has started."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    seen: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def wait_for(self, words: str) -> None:
        """Until it has said this."""
        wait_until(
            lambda: words in self.text or self.process.poll() is not None, f"{words!r} in {self.text!r}"
        )
        assert words in self.text, self.text

    def note_children(self) -> list[psutil.Process]:
        """All processes below it, now."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update({child.pid: child.create_time() for child in children})
        return children

    def survivors(self) -> list[str]:
        """Those of the noted processes that still run."""
        alive = []
        for pid, created in self.seen.items():
            try:
                found = psutil.Process(pid)
                if found.create_time() == created and found.status() != psutil.STATUS_ZOMBIE:
                    alive.append(" ".join(found.cmdline()))
            except psutil.Error:
                continue
        return alive

    def end(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)


def wait_until(ready: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Waits for something that takes seconds on a quiet machine."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, what
        time.sleep(0.05)


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path, prefect_api: str) -> Iterator[Start]:
    """Starts ``parquetry`` with a line of words, in a process and a session of its own."""
    running: list[Command] = []

    def begin(line: str, **environment: str) -> Command:
        ours = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PREFECT_API_URL": prefect_api,
            "PARQUETRY_INTAKE__SETTLE_SECONDS": "0",
            "PARQUETRY_CONCURRENCY": "2",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *line.split()],
            cwd=tmp_path,
            env={name: value for name, value in {**ours, **environment}.items() if value},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(Command(process))
        return running[-1]

    yield begin
    for command in running:
        if command.process.poll() is None:
            command.note_children()
            command.process.kill()
            command.process.wait()
        for pid in command.seen:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def documents(tmp_path: Path) -> int:
    """A folder ``in`` with enough invoices to be stopped among them; gives their number."""
    for number in range(60):
        write_invoice(tmp_path / "in" / f"invoice-{number:02d}.pdf", number)
    return 60


@pytest.fixture
def home_ledger(tmp_path: Path) -> Callable[[], Ledger]:
    """Opens the ledger of ``home``."""
    return lambda: Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}")
