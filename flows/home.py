"""The home folder of a process, and what the machine itself may lack. Needs no model and no Prefect."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.ledger.store import Ledger
from flows.settings import Settings, load_settings
from schemas.errors import OutageError, UsageError

_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What the operating system says when the machine, not a file, is the trouble."""


def make_home(ours: Settings) -> None:
    """Creates the home folder, readable by its owner only: it holds documents.

    Raises:
        UsageError: it cannot be created.
    """
    try:
        ours.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        if trouble := machine_trouble(error, ours.home):
            raise trouble from error
        raise UsageError(
            f"The home folder {ours.home} cannot be created: {error.strerror or error}.",
            remedy="Choose a folder that you can write, with --home.",
        ) from error


@contextmanager
def open_ledger(config: Path | None, home: Path | None) -> Iterator[tuple[Settings, Ledger]]:
    """Settings and ledger, for commands that need nothing else."""
    settings = load_settings(config, home=home)
    make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        yield settings, ledger


def machine_trouble(error: BaseException, where: Path) -> OutageError | None:
    """What to say when an error, or its cause, is of the machine: no space, no file handles, no writing."""
    while not isinstance(error, OSError):
        if error.__cause__ is None:
            return None
        error = error.__cause__
    if error.errno not in _MACHINE:
        return None
    return OutageError(
        f"The run cannot go on in {where}: {error.strerror}.",
        remedy="Make room, or correct the limits and permissions, and run again: it goes on where it stopped.",
    )
