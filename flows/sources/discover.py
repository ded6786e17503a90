"""From a source's URI to its objects, found lazily: no list of them is ever made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

from flows.intake_options import IntakeOptions
from flows.sources import local, remote, web
from flows.sources.objects import SourceObject
from flows.sources.settling import Wait, settled
from schemas.errors import SourceError


def discover(
    uri: str,
    *,
    limit: int | None = None,
    options: IntakeOptions | None = None,
    wait: Wait = time.sleep,
) -> Iterator[SourceObject]:
    """Every object of a file, a folder (recursively) or any fsspec or HTTP URI, found while iterating.

    Every file counts, also those that are no documents; only the names in `flows.skipped` do not. What was
    changed a moment ago comes last (`flows.sources.settling`).

    Args:
        uri: a path, ``file://…``, an fsspec URI, or an HTTP address (`flows.sources.web`).
        limit: stop after so many.
        options: settling and HTTP rules; ``None``: the defaults.
        wait: how to wait for a file that may still be being written.

    Raises:
        SourceError: it does not exist or cannot be listed. Raised here, not on the first iteration.
    """
    options = options or IntakeOptions()
    path = local_path(uri)
    if path is not None:
        found = local.walk(path)
    elif web.is_http(uri):
        found = web.walk(uri, options)
    else:
        found = remote.walk(uri)
    first = list(islice(found, 1))  # a source that does not exist shows now
    ready = settled(
        chain(first, found),
        seconds=options.settle_seconds,
        patience=options.settle_wait_seconds,
        wait=wait,
    )
    return islice(ready, limit)


def reopen(source: str, uri: str, *, options: IntakeOptions | None = None) -> SourceObject:
    """An object of ``source`` again, by the public URI that the ledger has, with the source's credentials.

    Raises:
        SourceError: it is gone, or not in the source.
    """
    path = local_path(uri)
    if path is None:
        if web.is_http(uri):
            return web.reopen(source, uri, options or IntakeOptions())
        return remote.reopen(source, uri)
    return local.reopen(path)


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
