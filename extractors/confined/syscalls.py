"""System calls for which Python has no function, by ctypes. They answer whether it worked; nothing is raised."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Any

_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL | None:
    """The C library of this process; ``None`` where the calls below do not exist."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def syscall(number: int, *arguments: Any) -> int:
    """The result of a system call by its number, -1 when it failed or this is not Linux."""
    libc = _libc()
    if libc is None:
        return -1
    libc.syscall.restype = ctypes.c_long
    passed = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    return int(libc.syscall(ctypes.c_long(number), *passed))


def prctl(option: int, *arguments: Any) -> bool:
    """Changes something about this process or thread; whether the kernel did."""
    libc = _libc()
    if libc is None:
        return False
    passed = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    passed += [ctypes.c_ulong(0)] * (4 - len(passed))
    return int(libc.prctl(ctypes.c_int(option), *passed)) == 0


def unshare(flags: int) -> bool:
    """Moves this process (one thread only) into namespaces of its own; whether the kernel allows it."""
    libc = _libc()
    return libc is not None and int(libc.unshare(ctypes.c_int(flags))) == 0


def drop_capabilities(machine: str) -> bool:
    """Gives up every capability, permitted and effective: what root may do beyond its own files."""
    if machine not in _CAPSET:
        return False
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    return syscall(_CAPSET[machine], ctypes.byref(header), ctypes.byref(nothing)) == 0
