"""Files and folders of this machine, found while iterating: nothing is held but the folders on the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.skipped import is_skipped
from flows.sources.objects import SourceObject, brief, open_regular
from flows.sources.uris import file_uri
from schemas.errors import SourceError

_OPEN_FOLDERS = 32
"""Folders listed piece by piece at a time, each with an open file; deeper ones are listed at once."""


def walk(path: Path) -> Iterator[SourceObject]:
    """The file, or every file below the folder, in the order in which the system gives them.

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
        yield from _Walk(root).objects()
    elif stat.S_ISREG(info.st_mode):
        yield _object(root, info)
    else:
        raise SourceError(f"The source {path} is neither file nor folder.", remedy="Give a file or a folder.")


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder under way: ``real`` is where it is when no link is followed."""

    shown: str
    real: str
    entries: Iterator[os.DirEntry[str]]


class _Walk:
    """Depth first, with a stack instead of recursion: folders may be nested deeper than Python may call.

    A link to a folder is followed unless the walk comes to that folder anyway. So only the targets of such
    links are kept, not every folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._starts = {self._root}

    def objects(self) -> Iterator[SourceObject]:
        stack: list[_Folder] = []
        yield from self._enter(stack, self._root, self._root)
        while stack:
            folder = stack[-1]
            try:
                entry = next(folder.entries, None)
            except OSError as error:
                stack.pop()
                yield _faulty(Path(folder.shown), f"the folder cannot be listed to its end: {brief(error)}")
                continue
            if entry is None:
                stack.pop()
            elif not is_skipped(entry.name):
                yield from self._entry(stack, folder, entry)

    def _entry(
        self, stack: list[_Folder], folder: _Folder, entry: os.DirEntry[str]
    ) -> Iterator[SourceObject]:
        path = Path(folder.shown, entry.name)
        try:
            if entry.is_dir(follow_symlinks=False):
                real = f"{folder.real.rstrip('/')}/{entry.name}"
                if real not in self._starts:
                    yield from self._enter(stack, str(path), real)
                return
            info = path.stat()
            if stat.S_ISDIR(info.st_mode):
                real = os.path.realpath(path)
                if not self._comes_to(real):
                    self._starts.add(real)
                    yield from self._enter(stack, str(path), real)
            elif stat.S_ISREG(info.st_mode):
                yield _object(path, info)
        except FileNotFoundError:
            if path.is_symlink():
                yield _faulty(path, "the link points at nothing")
            # otherwise gone since it was listed: no input of this run
        except OSError as error:
            yield _faulty(path, f"it cannot be read: {brief(error)}")

    def _enter(self, stack: list[_Folder], shown: str, real: str) -> Iterator[SourceObject]:
        try:
            entries = os.scandir(shown)
        except OSError as error:
            yield _faulty(Path(shown), f"it cannot be read: {brief(error)}")
            return
        if len(stack) < _OPEN_FOLDERS:
            stack.append(_Folder(shown, real, entries))
            return
        with entries:
            stack.append(_Folder(shown, real, iter(list(entries))))

    def _comes_to(self, real: str) -> bool:
        """Whether the walk enters a folder without a link: it lies below a start, under names that count."""
        below: list[str] = []
        while True:
            if real in self._starts:
                return not any(is_skipped(name) for name in below)
            above, name = os.path.split(real)
            if above == real:
                return False
            below.append(name)
            real = above


def _object(path: Path, info: os.stat_result) -> SourceObject:
    return SourceObject(
        file_uri(path),
        f"{info.st_size}-{info.st_mtime_ns}",
        info.st_size,
        partial(open_regular, path),
        modified=info.st_mtime,
        again=partial(reopen, path),
    )


def reopen(path: Path) -> SourceObject:
    """A file again, under the name that it had: links on the way to it are left as they are.

    Raises:
        SourceError: it is gone, or no file any more.
    """
    try:
        info = path.stat()
    except OSError as error:
        raise SourceError(
            f"{file_uri(path)} cannot be fetched: {brief(error)}", remedy="Run again."
        ) from error
    if not stat.S_ISREG(info.st_mode):
        raise SourceError(f"{file_uri(path)} is no file any more.", remedy="Run again over the whole source.")
    return _object(path, info)


def _faulty(path: Path, fault: str) -> SourceObject:
    return SourceObject(file_uri(path), "", 0, partial(open_regular, path), fault)
