"""Landlock: which files this process may still open. It may read its program and libraries, and nothing else.

See ``Documentation/userspace-api/landlock.rst`` of the Linux kernel. What a kernel's version of Landlock does not
know yet is left out of the rules, as its documentation recommends.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from extractors.confined.syscalls import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_FILE, _MAKE_FILE, _TRUNCATE = 1 << 1, 1 << 5, 1 << 8, 1 << 14
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights on files there are from each version on: REFER, TRUNCATE and IOCTL_DEV came later."""
_TCP_SINCE, _TCP = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11
"""Abstract UNIX sockets of, and signals to, processes outside."""


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """The kernel's version of Landlock, 0 where there is none."""
    return max(syscall(_CREATE_RULESET, None, 0, _ASK_VERSION), 0)


def restrict(readable: Iterable[Path], writable: Iterable[Path] = ()) -> int:
    """Lets this thread, and threads it starts later, read beneath ``readable`` and touch nothing else.

    Beneath ``writable`` it may also make, change and remove plain files.

    ``PR_SET_NO_NEW_PRIVS`` must have been set. Paths that do not exist are passed over.

    Returns:
        The version of Landlock that is now in force, 0 if none is.
    """
    known = version()
    if not known:
        return 0
    rights = (1 << max(count for since, count in _FILE_RIGHTS.items() if since <= known)) - 1
    rules = _Ruleset(rights, _TCP if known >= _TCP_SINCE else 0, _SCOPES if known >= _SCOPES_SINCE else 0)
    size = 24 if known >= _SCOPES_SINCE else 16 if known >= _TCP_SINCE else 8
    ruleset = syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return 0
    try:
        for path in readable:
            _allow(ruleset, path, 0)
        for path in writable:
            _allow(ruleset, path, _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | (_TRUNCATE & rights))
        return known if syscall(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, more: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        beneath = _Beneath(_READ_FILE | _READ_DIR | more if folder else _READ_FILE, opened)
        syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(opened)
