"""Which names are no inputs: hidden files and what programs leave while they write.

Everything else counts, whatever its type: a file that is no document ends as ``unreadable``. A file given
by itself as the source is always taken.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

SKIPPED = (
    ".*",  # hidden files and folders, and temporary names of many writers
    "~$*",  # lock files of office programs
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.filepart",
    "__macosx",
    "thumbs.db",
    "desktop.ini",
)


def is_skipped(name: str) -> bool:
    """Whether a file or folder of that name is passed over in a listing."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in SKIPPED)


def is_path_skipped(path: str) -> bool:
    """Whether any part of a relative path, with slashes, is passed over."""
    return any(is_skipped(part) for part in path.split("/") if part not in ("", ".", ".."))
