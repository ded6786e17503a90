"""A landing that is killed at a chosen step; runs in a process of its own."""

from __future__ import annotations

import os
import pkgutil
import signal
from typing import Any

from flows.landing import land
from flows.ledger.store import Ledger
from tests.ledger.builders import SCHEMA


def land_and_die(owner: str, attribute: str, when: str, url: str, lake: str) -> None:
    """Lands, but the first call of ``owner.attribute`` kills the process before or after it is done."""
    target: Any = pkgutil.resolve_name(owner)
    real = getattr(target, attribute)

    def deadly(*args: Any, **kwargs: Any) -> None:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger.open(url)
    setattr(target, attribute, deadly)
    land(ledger, lake, SCHEMA)
