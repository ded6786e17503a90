"""What a child gives up before it sees a byte of a document: network, files, processes, privileges.

Every layer is applied if the kernel allows it, none needs root, and several refuse the same thing: a kernel
without one of them still has the others. `parquetry doctor` lets a child try what is forbidden and says what held.
"""

from __future__ import annotations

import platform
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from extractors.confined import landlock, seccomp
from extractors.confined.syscalls import drop_capabilities, prctl, unshare

_MAX_FILE_BYTES = 4 << 20
"""A reading child writes nothing but its diagnostics, into a file that its parent opened."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NEW_USER, _NEW_NETWORK, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000

_SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/fonts",
    "/etc/localtime",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
)
"""Shared libraries, fonts, and what libraries ask about the processor. Nothing here belongs to a user."""


def confine(readable: Iterable[Path] = (), writable: Iterable[Path] = ()) -> list[str]:
    """Applies every layer, in an order in which none is in the way of the next. Call before any thread starts.

    Args:
        readable: what may be read besides interpreter, libraries and code.
        writable: folders in which plain files may be made, changed and removed. If there are none, the process writes
            nothing but its diagnostics.

    Returns:
        The layers that are in force, in plain words.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    writing = list(writable)
    if not writing:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, _MAX_FILE_BYTES))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    layers = ["resource limits"]
    if sys.platform != "linux":
        return layers
    reading = [*readable_paths(), *readable]  # found while the file system can still be looked at
    machine = platform.machine()
    if unshare(_NEW_USER | _NEW_NETWORK | _NEW_IPC) or unshare(_NEW_NETWORK | _NEW_IPC):
        layers.append("a network of its own, without a way out")
    if drop_capabilities(machine):
        layers.append("no capabilities")
    if prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL)):  # after the namespaces: new credentials clear it
        layers.append("ends with its parent")
    if prctl(_PR_SET_NO_NEW_PRIVS, 1):
        layers.append("no new privileges")
        if known := landlock.restrict(reading, writing):
            layers.append(f"Landlock {known}")
        if seccomp.install(writes=bool(writing)):
            layers.append("seccomp filter")
    return layers


def readable_paths() -> Iterator[Path]:
    """What a child must read to do its work: interpreter, libraries, its own code, fonts."""
    ours = Path(__file__).resolve().parents[2]
    yield from (ours / "extractors", ours / "schemas")
    yield from map(Path, {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix})
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    for entry in sys.path:
        if Path(entry).name in ("site-packages", "dist-packages"):
            yield Path(entry)
    yield from map(Path, _SYSTEM_PATHS)
