"""Files and folders of this machine, in the order of their names, one folder in memory at a time."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flows.sources.objects import SourceObject, brief, open_regular
from flows.sources.skipped import is_skipped
from flows.sources.uris import file_uri
from schemas.errors import SourceError


def walk(path: Path, settle_seconds: float) -> Iterator[SourceObject]:
    """The file, or every file below the folder.

    Links are followed; a folder is entered once, whatever leads to it, so loops end. A dangling link or a
    folder that cannot be listed is an object that cannot be fetched: it must not vanish silently.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
        root = path.resolve() if is_folder else path.parent.resolve() / path.name
        info = root.stat()
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"The source {path} cannot be used: {brief(error)}.", remedy="Give an existing file or folder."
        ) from error
    if is_folder:
        yield from _below(root, settle_seconds)
    elif stat.S_ISREG(info.st_mode):
        yield _object(root, info)
    else:
        raise SourceError(f"The source {path} is neither file nor folder.", remedy="Give a file or a folder.")


def _below(root: Path, settle_seconds: float) -> Iterator[SourceObject]:
    """Depth first. A stack instead of recursion: folders may be nested deeper than Python may call."""
    now, entered = time.time(), set[tuple[int, int]]()
    stack: list[Path] = [root]
    while stack:
        path = stack.pop()
        try:
            info = path.stat()
            if stat.S_ISDIR(info.st_mode):
                if (info.st_dev, info.st_ino) not in entered:
                    entered.add((info.st_dev, info.st_ino))
                    stack.extend(_entries(path))
                continue
        except FileNotFoundError:
            if path.is_symlink():
                yield _faulty(path, "the link points at nothing")
            continue  # otherwise gone since it was listed: no input of this run
        except OSError as error:
            yield _faulty(path, f"it cannot be read: {brief(error)}")
            continue
        # By distance: a time far in the future is a wrong clock, not a file being written.
        if stat.S_ISREG(info.st_mode) and abs(now - info.st_mtime) >= settle_seconds:
            yield _object(path, info)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, last name first, as the stack wants it."""
    with os.scandir(folder) as entries:
        names = sorted((entry.name for entry in entries if not is_skipped(entry.name)), key=os.fsencode)
    return [folder / name for name in reversed(names)]


def _object(path: Path, info: os.stat_result) -> SourceObject:
    version = f"{info.st_size}-{info.st_mtime_ns}"
    return SourceObject(file_uri(path), version, info.st_size, partial(open_regular, path))


def _faulty(path: Path, fault: str) -> SourceObject:
    return SourceObject(file_uri(path), "", 0, partial(open_regular, path), fault)
