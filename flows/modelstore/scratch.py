"""Folders that are being filled, and how one appears in the store: by one rename, for good."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PREFIX, _LOCK = ".fetch-", ".lock"
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY}


@contextmanager
def scratch(store: Path) -> Iterator[Path]:
    """A folder in the store to fill, gone at the end unless it was moved; those of killed processes go, too.

    A lock that the system takes back with its process tells whether somebody still fills a folder.
    """
    _sweep(store)
    lock, folder = _new(store)
    try:
        yield folder
    finally:
        remove(folder)
        _lock_of(folder).unlink(missing_ok=True)
        lock.close()


def _new(store: Path) -> tuple[IO[str], Path]:
    while True:
        folder = store / f"{_PREFIX}{secrets.token_hex(6)}"
        lock = _lock_of(folder).open("x", encoding="utf-8")
        if _hold(lock):
            folder.mkdir(mode=0o700)
            return lock, folder
        lock.close()  # whoever sweeps was here in between, and removes it


def _sweep(store: Path) -> None:
    for path in store.glob(f"{_PREFIX}*{_LOCK}"):
        try:
            lock = path.open("r+", encoding="utf-8")
        except OSError:
            continue  # another one swept it
        with lock:
            if _hold(lock):
                remove(path.with_suffix(""))
                path.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _hold(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def settle(folder: Path, target: Path, *, replace: bool = False) -> bool:
    """Renames a folder to its place and makes it read-only; false when something is there that is to stay."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if replace:
        aside = folder.with_name(f"{folder.name}.old")
        target.chmod(0o700)
        target.rename(aside)
        remove(aside)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    target.chmod(0o555)
    sync_folder(target.parent)
    return True


def remove(folder: Path) -> None:
    """Removes a folder, also one that is read-only."""
    if not folder.is_dir():
        return
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """What was renamed or made in a folder is on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
