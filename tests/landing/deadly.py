"""A landing that is killed: at a chosen step, or whenever it comes; runs in a process of its own."""

from __future__ import annotations

import os
import pkgutil
import signal
from typing import Any

from flows.landing import LakeFormat, land
from flows.ledger.store import Ledger
from tests.ledger.builders import SCHEMA


def land_and_die(
    step: tuple[str, str, str], url: str, lake: str, format: LakeFormat, environment: dict[str, str]
) -> None:
    """Lands, but the first call of ``owner.attribute`` kills the process before or after it is done."""
    os.environ.update(environment)
    owner, attribute, when = step
    target: Any = pkgutil.resolve_name(owner)
    real = getattr(target, attribute)

    def deadly(*args: Any, **kwargs: Any) -> None:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger.open(url)
    setattr(target, attribute, deadly)
    land(ledger, lake, SCHEMA, format=format)


def land_all(url: str, lake: str, format: LakeFormat, environment: dict[str, str]) -> None:
    """Lands what there is."""
    os.environ.update(environment)
    with Ledger.open(url) as ledger:
        land(ledger, lake, SCHEMA, format=format)
