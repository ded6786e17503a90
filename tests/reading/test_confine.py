"""What a reading child gave up: tried from inside real children, and on the filter of either processor."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import QUIET
from extractors.confined import landlock, seccomp
from extractors.options import ReadOptions
from extractors.reading import ReaderPool
from extractors.reading.isolation import try_isolation
from tests.reading.making import read, write_pdf

ROOT = Path(__file__).resolve().parents[2]
PID = 4711
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
linux = pytest.mark.skipif(sys.platform != "linux", reason="protections of the Linux kernel")


@linux
@pytest.mark.parametrize("kind", ["text", pytest.param("ocr", marks=pytest.mark.slow)])
def test_a_child_can_do_nothing_but_read(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    found = try_isolation(kind)
    assert len(found.tried) == 16
    if "seccomp filter" in found.layers and landlock.version():
        assert found.open == []
    else:
        assert found.open, "a kernel with less is told"
    assert "AWS_SECRET_ACCESS_KEY" not in found.environment and "s3cr3t" not in str(found.environment)
    assert "PYTHONPATH" in found.environment and set(found.environment) <= {
        "PATH",
        "LC_ALL",
        "LC_CTYPE",
        "HOME",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        *QUIET,
    }


CONFINED_WITHOUT = """
import os, socket, sys
from extractors.confined import confine, landlock, seccomp
for layer in sys.argv[1].split(","):
    if layer == "seccomp": seccomp.install = lambda **how: False
    if layer == "landlock": landlock.restrict = lambda *paths: 0
    if layer == "namespaces": confine.unshare = lambda flags: False
layers = confine.confine()
def can(attempt):
    try:
        attempt()
    except OSError:
        return "no"
    return "yes"
def dial():
    with socket.socket() as opened:
        opened.settimeout(5)
        opened.connect(("127.0.0.1", int(sys.argv[2])))
print(can(dial), can(lambda: open(sys.argv[3], "a").close()), *layers, sep="|")
"""


@linux
@pytest.mark.parametrize(
    ("missing", "dials", "writes"),
    [
        ("seccomp", "no", "no"),
        ("landlock", "no", "no"),
        ("namespaces", "no", "no"),
        ("landlock,namespaces", "no", "no"),
        ("seccomp,landlock,namespaces", "yes", "yes"),
    ],
)
def test_each_layer_holds_without_the_others(tmp_path: Path, missing: str, dials: str, writes: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", CONFINED_WITHOUT, missing, str(port), str(tmp_path / "file")],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            check=True,
        )
    dialled, wrote, *layers = done.stdout.strip().split("|")
    available = {
        "seccomp filter",
        f"Landlock {landlock.version()}",
        "a network of its own, without a way out",
    }
    if available & set(layers) or missing.count(",") == 2:
        assert (dialled, wrote) == (dials, writes)
    assert "resource limits" in layers and not ("seccomp" in missing and "seccomp filter" in layers)


@linux
def test_a_warm_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    with ReaderPool(ReadOptions(ocr=False, max_seconds=250)) as pool:
        thread = threading.Thread(target=lambda: read(pool, path))
        thread.start()
        thread.join()
        children = {p.pid for p in psutil.Process().children()}
        read(pool, path)
        assert {p.pid for p in psutil.Process().children()} == children


@linux
def test_a_child_cannot_outlive_its_parent_even_when_it_hears_nothing(tmp_path: Path) -> None:
    """Its thread that watches the pipe needs Python; a child that hangs in C is ended by the kernel."""
    script = textwrap.dedent(
        """
        import os, signal, subprocess, sys, time
        from extractors.reading.process import ReaderChild
        import threading
        child = ReaderChild("text", 1, threading.Event())
        child.wait_ready()
        os.kill(child.pid, signal.SIGSTOP)
        print(child.pid, flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=120)


def _run(machine: str, call: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter says about a call: a BPF machine for the instructions that it uses."""
    data = {0: call, 4: seccomp._AUDIT_ARCH[machine] if arch is None else arch}
    data |= {16 + 8 * n: value & 0xFFFFFFFF for n, value in enumerate((*arguments, *[0] * 6)[:6])}
    steps, at, value = seccomp.program(machine, PID), 0, 0
    while True:
        step = steps[at]
        at += 1
        match step.code:
            case 0x20:
                value = data[step.operand]
            case 0x15:
                at += step.if_true if value == step.operand else step.if_false
            case 0x35:
                at += step.if_true if value >= step.operand else step.if_false
            case 0x45:
                at += step.if_true if value & step.operand else step.if_false
            case 0x06:
                return step.operand
            case unknown:
                raise AssertionError(f"not an instruction: {unknown:#x}")


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_of_either_processor(machine: str, column: int) -> None:
    for name, numbers in seccomp._REFUSED.items():
        if (number := numbers[column]) is not None:
            assert _run(machine, number) == REFUSE | errno.EPERM, name
    for name, both in seccomp._ABSENT.items():
        assert _run(machine, both[column]) == REFUSE | errno.ENOSYS, name
    assert _run(machine, 1, arch=0x40000003) == KILL, "calls of another processor's table"
    clone = seccomp._CLONE[machine]
    assert _run(machine, clone, 0x3D0F00) == ALLOW, "glibc's flags for a thread"
    assert _run(machine, clone, 0x1200011) == REFUSE | errno.EPERM, "glibc's flags for fork"
    for call in seccomp._OWN_PID_ONLY[machine]:
        assert _run(machine, call, PID) == ALLOW
        assert _run(machine, call, PID + 1) == _run(machine, call, 0xFFFFFFFF) == REFUSE | errno.EPERM
    limits = seccomp._PRLIMIT[machine]
    assert [_run(machine, limits, pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, REFUSE | errno.EPERM]
    assert _run(machine, seccomp._IOCTL[machine], 0, 0x5412) == REFUSE | errno.EPERM
    assert _run(machine, seccomp._IOCTL[machine], 0, 0x5401) == ALLOW
    if machine == "x86_64":
        assert _run(machine, 0x40000000 | 41) == REFUSE | errno.ENOSYS, "the x32 table"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@given(flags=st.integers(0, 2**32 - 1))
def test_a_file_is_opened_for_reading_only(machine: str, flags: int) -> None:
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
    for call, argument in seccomp._OPEN[machine]:
        verdict = _run(machine, call, *[0] * argument, flags)
        assert verdict == (REFUSE | errno.EACCES if writes else ALLOW)
