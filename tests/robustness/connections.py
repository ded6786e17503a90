"""Watches which connections a tree of processes opens, and which names it looks up.

Twice: ``strace`` sees the system calls of every process, whatever language it is in, and an audit hook in each Python
process (a ``sitecustomize`` on its path) says which names were asked for, also where another process answers.
Both work as root and not, in a container too. Neither sees the other's blind spot: a name that is answered without a
packet, and a library in C.
"""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STRACE = shutil.which("strace")
CALLS = "connect,sendto,sendmsg,sendmmsg,io_uring_setup"
"""A datagram needs no connect; what goes through io_uring would not be seen here, so its beginning is."""
LOCAL_NAMES = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}
_LOCAL_SOCKETS = re.compile(r"^/(var/)?run/nscd/socket$")
"""What the C library asks for before it asks anybody; the hook knows for which names."""

_HOOK = """
import json, os, sys

_out = os.open(os.path.join(os.path.dirname(__file__), "asked.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_WATCHED = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0, "socket.connect": 1,
            "socket.sendto": 1, "socket.sendmsg": 1}


def _say(event, what):
    try:
        os.write(_out, (json.dumps({"pid": os.getpid(), "event": event, "what": what}) + "\\n").encode())
    except OSError:
        pass


def _hook(event, arguments):
    if event in _WATCHED:
        what = arguments[_WATCHED[event]]
        what = what[0] if isinstance(what, tuple) and what else what
        _say(event, what.decode("utf-8", "replace") if isinstance(what, bytes) else what if what is None else str(what))


_say("begun", " ".join(sys.orig_argv))
sys.addaudithook(_hook)
"""


@dataclass(frozen=True)
class Watched:
    """A command that is watched; all files are in ``folder``."""

    folder: Path

    def command(self, *words: str) -> list[str]:
        """The command under strace."""
        assert STRACE is not None
        flags = ["-f", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none"]
        return [STRACE, *flags, "-o", str(self.folder / "calls.log"), *words]

    def python_path(self) -> str:
        """A folder for ``PYTHONPATH``, with the hook in it."""
        folder = self.folder / "hook"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
        return str(folder)

    def calls(self) -> list[str]:
        """What strace saw, a call a line."""
        return (self.folder / "calls.log").read_text(encoding="utf-8", errors="replace").splitlines()

    def asked(self) -> list[dict[str, str]]:
        """What the hooks saw."""
        text = (self.folder / "hook" / "asked.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def outside(self) -> list[str]:
        """Every call and every look-up that is not about this machine itself."""
        return [*filter(leaves, self.calls()), *self._names()]

    def _names(self) -> Iterator[str]:
        for one in self.asked():
            if one["event"] == "begun" or (one["what"] or "").startswith("/"):
                continue
            if not is_local(one["what"] or ""):
                yield f"{one['pid']} {one['event']} {one['what']}"


def leaves(call: str) -> bool:
    """Whether a line of strace tells of something that leaves this machine, or may."""
    if "io_uring_setup(" in call:
        return True
    addresses = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', call)
    if any(not is_local(four or six) for four, six in addresses):
        return True
    return any(not _LOCAL_SOCKETS.match(path) for path in re.findall(r'sun_path=@?"([^"]*)"', call))


def is_local(name: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if name in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def run(watched: Watched, *words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        watched.command(*words), env=env, capture_output=True, text=True, timeout=240, check=False
    )
