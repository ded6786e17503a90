"""The sweep: files that nobody owns any more, in the lake, the spool and among temporary files."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flows.landing.formats import open_format
from flows.landing.lake import open_lake
from flows.ledger.store import Ledger
from flows.settings import Settings
from flows.spool import left_behind
from flows.upkeep.findings import Finding, count

log = logging.getLogger(__name__)

_HOME = (("blobs", ".incoming-*"), ("reports", ".*.tmp"))
"""Halves of files that a writer in the home folder was killed at."""
_MACHINE = ("pq-*", "pqray-*", "parquetry-*")
"""Scratch of reading children, of Ray clusters of runs, and of the test page, in the folder for temporary files."""
_LOGS = "ray-*.log*"
"""Each worker process of a cluster has a log of its own, and a run some dozens of them."""
LOG_SECONDS = 30 * 24 * 3600.0


def sweep_lake(ledger: Ledger, settings: Settings) -> Finding:
    """Removes what dead writers left, and moves files aside whose batch this ledger made and has lost."""
    lake, ledger_id = open_lake(settings.lake_uri), ledger.ledger_id()
    swept: list[str] = []
    for name in lake.folders():
        swept += open_format(lake, name, settings.lake_format, ledger_id).sweep(ledger)
    for name in swept:
        log.warning("swept from the lake: %s", name)
    if not swept:
        return Finding(step="lake files", verdict="ok", said="No file of the lake is without an owner.")
    return Finding(
        step="lake files",
        verdict="done",
        said=f"{count(len(swept), 'file')} removed, or moved aside where readers do not look.",
        details=swept,
    )


def sweep_scratch(settings: Settings, *, older_than_seconds: float) -> Finding:
    """Deletes copies of documents that processes left which are gone; of other hosts only what is old."""
    gone, freed = 0, 0
    for path in _orphans(settings.home, older_than_seconds):
        size = _size(path)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        if path.exists():  # another user's
            continue
        log.info("swept: %s", path)
        gone, freed = gone + 1, freed + size
    if not gone:
        return Finding(step="scratch", verdict="ok", said="No process left copies of documents behind.")
    said = f"{count(gone, 'leftover')} of lost processes deleted, {freed / 1e6:.1f} MB."
    return Finding(step="scratch", verdict="done", said=said)


def _orphans(home: Path, older_than_seconds: float) -> Iterator[Path]:
    before = time.time() - older_than_seconds
    yield from left_behind(home / "spool", before)
    for folder, pattern in _HOME:
        yield from (path for path in (home / folder).glob(pattern) if _untouched(path, before))
    yield from (path for path in (home / "logs").glob(_LOGS) if _untouched(path, time.time() - LOG_SECONDS))
    for pattern in _MACHINE:
        found = Path(tempfile.gettempdir()).glob(pattern)
        yield from (path for path in found if path.is_dir() and _is_ours(path) and _untouched(path, before))


def _untouched(path: Path, before: float) -> bool:
    """Whether nothing in there has changed since."""
    try:
        inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
        return all(one.lstat().st_mtime < before for one in (path, *inside))
    except OSError:  # somebody is at it
        return False


def _is_ours(path: Path) -> bool:
    import os

    return not path.is_symlink() and path.stat().st_uid == os.getuid()


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(one.lstat().st_size for one in files if one.is_file())
