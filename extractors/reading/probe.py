"""A reading child tries what it must not be able to do, and says what came of it.

Run inside a child, by the frame ``probe``. Every attempt is harmless where it succeeds: it reaches for what the
parent holds ready for it and for nothing else.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Attempt = Callable[[], object]


def attempts(data: dict[str, Any]) -> dict[str, str]:
    """Tries everything.

    Args:
        data: what the parent holds ready: ``tcp`` and ``udp`` (ports of its own on the loopback address), ``unix``
            (path of a socket), ``folder`` (where anybody may write), ``secret`` (a file that anybody may read).

    Returns:
        For each attempt why it failed, or ``""`` where it succeeded.
    """
    folder, secret, parent = Path(data["folder"]), Path(data["secret"]), os.getppid()
    tries: dict[str, Attempt] = {
        "connect by TCP": lambda: _connect(socket.AF_INET, ("127.0.0.1", data["tcp"])),
        "listen by TCP": _listen,
        "send by UDP": lambda: _send(("127.0.0.1", data["udp"])),
        "ask a name server": lambda: _send(("127.0.0.1", 53)),
        "connect to a UNIX socket": lambda: _connect(socket.AF_UNIX, data["unix"]),
        "make a file": lambda: (folder / "made").write_bytes(b"x"),
        "change a file": lambda: secret.open("ab").close(),
        "remove a file": (folder / "removable").unlink,
        "make a folder": (folder / "folder").mkdir,
        "change rights": lambda: secret.chmod(0o777),
        "read a file": secret.read_bytes,
        "read the parent's environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "start a process": _fork,
        "run a program": lambda: _run(secret),
        "signal the parent": lambda: os.kill(parent, 0),
        "limit the parent": lambda: _limit(parent),
    }
    return {name: _outcome(attempt) for name, attempt in tries.items()}


def environment() -> dict[str, str]:
    """What this process was given to know, as far as the kernel tells."""
    try:
        given = Path("/proc/self/environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in given.split("\0") if "=" in entry)


def _outcome(attempt: Attempt) -> str:
    try:
        attempt()
    except (OSError, RuntimeError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def _connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as opened:
        opened.settimeout(2)
        opened.connect(address)


def _listen() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()


def _send(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.sendto(b"x", address)


def _fork() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def _run(no_program: Path) -> None:
    """The kernel that would run programs complains about this one; a filter refuses the call itself."""
    try:
        os.execv(no_program, [str(no_program)])
    except PermissionError as error:
        if error.errno == 13:  # EACCES: the file, not the call
            return
        raise
    except OSError:
        return


def _limit(pid: int) -> None:
    import resource

    limits = resource.prlimit(pid, resource.RLIMIT_CORE)
    with suppress(ValueError):
        resource.prlimit(pid, resource.RLIMIT_CORE, limits)
