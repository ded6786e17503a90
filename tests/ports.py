"""Ports for programs that must be told theirs before they start."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from flows import supervisor

_LOWEST = 20_000
"""Ray's workers take those from 10,002 to 19,999."""
_given: set[int] = set()


def free_port() -> int:
    """A port of this machine that nothing uses, none of those that systems hand out by themselves.

    A program takes half a minute to start. A port that the system chose may be the end of somebody's connection
    by then.
    """
    dice = random.SystemRandom()  # tests side by side must not draw the same ones
    below = range(_LOWEST, _lowest_of_the_system())
    for _ in range(200 if len(below) > 1_000 else 0):
        port = dice.choice(below)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    return supervisor.free_port()


def _lowest_of_the_system() -> int:
    """Of the ports that this system gives to whoever does not care; by IANA they begin at 49,152."""
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    return int(told.read_text(encoding="ascii").split()[0]) if told.exists() else 49_152


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
