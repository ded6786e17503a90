"""The clock that ends a process which was told to stop, on real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows import ending

ROOT = Path(__file__).parents[2]

DEAF = """
import subprocess, sys, threading, time
from pathlib import Path
from flows import ending

ending.LIMIT_SECONDS = float(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
threading.Thread(target=time.sleep, args=(600,)).start()  # a worker that does not come back
with ending.in_time(lambda line: print(line, flush=True)), ending.at_last(lambda: Path("last").touch()):
    told = False
    while True:
        try:  # from the moment that the test hears of it, the signal may come
            if not told:
                told = True
                print(child.pid, flush=True)
            time.sleep(600)
        except BaseException as error:
            print("heard", type(error).__name__, flush=True)
"""


def _deaf(tmp_path: Path, limit: float) -> tuple[subprocess.Popen[str], int]:
    """A process that catches whatever it is told, and the number of its child."""
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF, str(limit)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _is_gone(pid: int) -> bool:
    """Whether it ends; the system needs a moment to clear away whose parent has died."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_hangs_ends_when_the_time_is_over(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process, child = _deaf(tmp_path, 0.5)
    process.send_signal(number)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Ended at once" in said
    assert (tmp_path / "last").exists()
    assert _is_gone(child)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    process, child = _deaf(tmp_path, 600)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline().split() == ["heard", "KeyboardInterrupt"]
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130  # that of the first
    assert "heard" not in said
    assert (tmp_path / "last").exists()
    assert _is_gone(child)


def test_without_a_signal_nothing_is_changed() -> None:
    before = [signal.getsignal(number) for number in ending.SIGNALS]
    with ending.in_time(lambda line: None):
        assert [signal.getsignal(number) for number in ending.SIGNALS] != before
    assert [signal.getsignal(number) for number in ending.SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_only_signals_have_their_exit_codes() -> None:
    assert ending.exit_code(KeyboardInterrupt()) == 130
    assert ending.exit_code(ending.Stopped(143)) == 143
    assert ending.exit_code(ValueError()) is None
    assert ending.exit_code(SystemExit(2)) is None
