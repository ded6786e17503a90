"""Whatever fsspec can reach but HTTP: object stores, file servers, archives, memory."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs

from flows.skipped import is_skipped
from flows.sources import s3
from flows.sources.objects import SourceObject, brief
from flows.sources.uris import public_uri
from schemas.errors import SourceError

_WHOLE = (*s3.PROTOCOLS, "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "zip", "tar")
_S3_BLOCK = 8 << 20
"""Bytes that are asked for at a time; s3fs asks for 50 MB, per thread."""
_TAGS = ("ETag", "etag", "VersionId", "version_id", "md5Hash", "content_md5", "Content-MD5", "CRC")
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated", "created", "modified")


class NothingThereError(SourceError):
    """Nothing is at the address: it is wrong, or a folder of a bucket that nothing was put into yet."""


def walk(uri: str) -> Iterator[SourceObject]:
    """The object, or every object below the folder.

    S3 is listed a page at a time, everything else folder by folder, in the order of names.
    """
    system, root = file_system(uri)
    system.invalidate_cache()
    try:
        info = dict(system.info(root))
    except Exception as error:
        kind = NothingThereError if isinstance(error, FileNotFoundError) else SourceError
        raise kind(
            f"The source {public_uri(uri)} cannot be used: {brief(error)}.",
            remedy="Check the address, the credentials, and that something is there.",
        ) from error
    if info.get("type") != "directory":
        yield _object(system, uri, root, info)
    elif _protocol(system) in s3.PROTOCOLS:
        yield from _bucket(system, uri, root)
    else:
        yield from _below(system, root, uri.partition("::")[2])


def _bucket(system: Any, uri: str, root: str) -> Iterator[SourceObject]:
    """Keys of a bucket. A listing that breaks off ends the run: nobody can say what was behind it."""
    try:
        for info in s3.entries(system, root):
            path = str(info["name"])
            yield _object(system, _address(system, path, ""), path, info)
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(
            f"The source {public_uri(uri)} cannot be listed to its end: {brief(error)}.",
            remedy="Run again; what was found so far is kept.",
        ) from error


def file_system(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the path in it.

    Raises:
        SourceError: the scheme is unknown, or its library is not installed.
    """
    if any(part.lower().startswith(("http://", "https://")) for part in uri.split("::")):
        raise SourceError(
            f"The source {public_uri(uri)} lies in something fetched by HTTP.",
            remedy="Give the address of the file itself: what a zip holds is taken as inputs of their own.",
        )
    try:
        system, root = url_to_fs(uri)
    except (ImportError, ValueError) as error:
        scheme = uri.partition("://")[0]
        raise SourceError(
            f"The source {public_uri(uri)} cannot be used: {type(error).__name__} for scheme {scheme!r}.",
            remedy="Install the scheme's library (s3: s3fs, gs: gcsfs, az: adlfs), or correct the address.",
        ) from error
    except Exception as error:
        raise SourceError(
            f"The source {public_uri(uri)} cannot be reached: {brief(error)}.",
            remedy="Check address and credentials.",
        ) from error
    return system, str(root)


def reopen(source: str, uri: str) -> SourceObject:
    """See `flows.sources.reopen`."""
    system, root = file_system(source)
    path = root if public_uri(source) == uri else _path_of(system, root, source, uri)
    return _again(system, uri, path)


def _path_of(system: Any, root: str, source: str, uri: str) -> str:
    """The path in the source's own file system: its credentials are not in the public URI."""
    own, _, chain = uri.partition("::")
    path = str(type(system)._strip_protocol(own))
    inside = not root.strip("/") or path == root or path.startswith(root.rstrip("/") + "/")
    if not inside or chain != public_uri(source).partition("::")[2]:
        raise SourceError(f"{uri} is not in the source.", remedy="Run with the source it came from.")
    return path


def _below(system: Any, root: str, chain: str) -> Iterator[SourceObject]:
    """Depth first, each folder listed when its turn comes. ``chain`` is what the source's own scheme lies in."""
    stack: list[dict[str, Any]] = [{"name": root, "type": "directory"}]
    while stack:
        info = stack.pop()
        path = str(info["name"])
        if info.get("type") != "directory":
            yield _object(system, _address(system, path, chain), path, info)
            continue
        try:
            stack.extend(_entries(system, path))
        except Exception as error:
            fault = f"the folder cannot be listed: {brief(error)}"
            yield SourceObject(
                public_uri(_address(system, path, chain)), "", 0, partial(_open, system, path), fault
            )


def _entries(system: Any, folder: str) -> list[dict[str, Any]]:
    """What is in a folder, last name first. Object stores list a folder's own marker among its contents."""
    listed = sorted((dict(info) for info in system.ls(folder, detail=True)), key=_name, reverse=True)
    own = folder.rstrip("/")
    return [i for i in listed if _name(i) != own and not is_skipped(_name(i).rpartition("/")[2])]


def _name(info: dict[str, Any]) -> str:
    return str(info["name"]).rstrip("/")


def _address(system: Any, path: str, chain: str) -> str:
    """The URI of a path: ``zip://a.pdf::https://host/x.zip`` for what lies in something else."""
    return str(system.unstrip_protocol(path)) + (f"::{chain}" if chain else "")


def _modified(system: Any, info: dict[str, Any]) -> float | None:
    """When a file changed last; ``None`` in an object store, which shows an object only when it is whole."""
    if _protocol(system) in _WHOLE:
        return None
    times = (_time(info.get(name)) for name in _TIMES)
    return next((time.timestamp() for time in times if time is not None), None)


def _protocol(system: Any) -> str:
    return str(system.protocol if isinstance(system.protocol, str) else system.protocol[0])


def _time(value: Any) -> dt.datetime | None:
    """A time as file systems tell it: aware or naive (UTC) datetime, or seconds."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, (int, float)):
        return dt.datetime.fromtimestamp(value, dt.UTC)
    return None


def _object(system: Any, uri: str, path: str, info: dict[str, Any]) -> SourceObject:
    size, modified = info.get("size"), _modified(system, info)
    return SourceObject(
        public_uri(uri),
        version_of(info),
        int(size) if size else 0,
        partial(_open, system, path),
        modified=modified,
        again=partial(_again, system, uri, path) if modified is not None else None,
    )


def _again(system: Any, uri: str, path: str) -> SourceObject:
    try:
        system.invalidate_cache()
        return _object(system, uri, path, dict(system.info(path)))
    except Exception as error:
        raise SourceError(
            f"{public_uri(uri)} cannot be fetched: {brief(error)}.",
            remedy="Check that it is still there, and readable.",
        ) from error


def version_of(info: dict[str, Any]) -> str:
    """Size and tag, or size and time; empty when the source gives neither."""
    for name in (*_TAGS, *_TIMES):
        if value := info.get(name):
            time = _time(value) if name in _TIMES else None
            text = time.isoformat() if time else str(value).strip('"')
            text = text if len(text) <= 80 else hashlib.sha256(text.encode()).hexdigest()
            return f"{info.get('size') or 0}-{text}"
    return ""


def _open(system: Any, path: str) -> BinaryIO:
    more = {"block_size": _S3_BLOCK} if _protocol(system) in s3.PROTOCOLS else {}
    return cast(BinaryIO, system.open(path, "rb", **more))
