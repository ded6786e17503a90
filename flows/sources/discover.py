"""From a source's URI to its objects, found lazily, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

from flows.sources import local, remote
from flows.sources.objects import SourceObject
from schemas.errors import SourceError


def discover(uri: str, *, limit: int | None = None, settle_seconds: float = 0) -> Iterator[SourceObject]:
    """Every object of a file, a folder (recursively, sorted) or any fsspec URI, found while iterating.

    Every file counts, also those that are no documents; only the names in `flows.sources.skipped` do not.

    Args:
        uri: a path, ``file://…``, or an fsspec URI. HTTP addresses are single files.
        limit: stop after so many.
        settle_seconds: pass over what was changed in the last so many seconds; the next run takes it.

    Raises:
        SourceError: it does not exist or cannot be listed. Raised here, not on the first iteration.
    """
    path = local_path(uri)
    found = local.walk(path, settle_seconds) if path is not None else remote.walk(uri, settle_seconds)
    first = list(islice(found, 1))  # a source that does not exist shows now
    return islice(_chain(first, found), limit)


def _chain(first: list[SourceObject], rest: Iterator[SourceObject]) -> Iterator[SourceObject]:
    yield from first
    yield from rest


def reopen(source: str, uri: str) -> SourceObject:
    """An object of ``source`` again, by the public URI that the ledger has, with the source's credentials.

    Raises:
        SourceError: it is gone, or not in the source.
    """
    path = local_path(uri)
    if path is None:
        return remote.reopen(source, uri)
    try:
        return next(local.walk(path, 0))
    except StopIteration:
        raise SourceError(f"{uri} is a folder now.", remedy="Run again over the whole source.") from None


def local_path(uri: str) -> Path | None:
    """The path on this machine that a URI means, or ``None`` when it means another place."""
    if uri.lower().startswith("file://"):
        rest = uri[len("file://") :]
        rest = rest.removeprefix("localhost") if rest.startswith("localhost/") else rest
        return Path(unquote_to_bytes(rest).decode("utf-8", "surrogateescape"))
    if "://" in uri or "::" in uri:
        return None
    if not uri:
        raise SourceError("The source is empty.", remedy="Give a file, a folder or a URI.")
    return Path(uri).expanduser()
