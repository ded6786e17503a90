"""Whatever fsspec can reach: object stores, HTTP, archives, memory."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs

from flows.sources.objects import SourceObject, brief
from flows.sources.skipped import is_skipped
from flows.sources.uris import public_uri
from schemas.errors import SourceError

_HTTP = ("http://", "https://")
_TAGS = ("ETag", "etag", "VersionId", "version_id", "md5Hash", "content_md5", "Content-MD5", "CRC")
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated", "created", "modified")


def walk(uri: str, settle_seconds: float) -> Iterator[SourceObject]:
    """The object, or every object below the folder; folders are listed one by one, in the order of names."""
    system, root = file_system(uri)
    try:
        info = dict(system.info(root))
    except Exception as error:
        raise SourceError(
            f"The source {public_uri(uri)} cannot be used: {brief(error)}.",
            remedy="Check the address, the credentials, and that something is there.",
        ) from error
    if info.get("type") != "directory" or uri.startswith(_HTTP):
        yield _object(system, uri, root, info)
        return
    yield from _below(system, root, uri.partition("::")[2], dt.timedelta(seconds=settle_seconds))


def file_system(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the path in it.

    Raises:
        SourceError: the scheme is unknown, or its library is not installed.
    """
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
    try:
        info = dict(system.info(path))
    except Exception as error:
        raise SourceError(
            f"{uri} cannot be fetched: {brief(error)}.", remedy="Check that it is still there, and readable."
        ) from error
    return _object(system, uri, path, info)


def _path_of(system: Any, root: str, source: str, uri: str) -> str:
    """The path in the source's own file system: its credentials are not in the public URI."""
    own, _, chain = uri.partition("::")
    path = str(type(system)._strip_protocol(own))
    inside = not root.strip("/") or path == root or path.startswith(root.rstrip("/") + "/")
    if not inside or chain != public_uri(source).partition("::")[2]:
        raise SourceError(f"{uri} is not in the source.", remedy="Run with the source it came from.")
    return path


def _below(system: Any, root: str, chain: str, settle: dt.timedelta) -> Iterator[SourceObject]:
    """Depth first, each folder listed when its turn comes. ``chain`` is what the source's own scheme lies in."""
    now = dt.datetime.now(dt.UTC)
    stack: list[dict[str, Any]] = [{"name": root, "type": "directory"}]
    while stack:
        info = stack.pop()
        path = str(info["name"])
        if info.get("type") != "directory":
            if _settled(info, now, settle):
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


def _settled(info: dict[str, Any], now: dt.datetime, settle: dt.timedelta) -> bool:
    """See the local walk. Without a time it is: an object store shows an object only when it is whole."""
    times = [time for name in _TIMES if (time := _time(info.get(name))) is not None]
    return not times or abs(now - times[0]) >= settle


def _time(value: Any) -> dt.datetime | None:
    """A time as file systems tell it: aware or naive (UTC) datetime, or seconds."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, (int, float)):
        return dt.datetime.fromtimestamp(value, dt.UTC)
    return None


def _object(system: Any, uri: str, path: str, info: dict[str, Any]) -> SourceObject:
    size = info.get("size")
    return SourceObject(
        public_uri(uri), _version(info), int(size) if size else 0, partial(_open, system, path)
    )


def _version(info: dict[str, Any]) -> str:
    """Size and tag, or size and time; empty when the source gives neither."""
    for name in (*_TAGS, *_TIMES):
        if value := info.get(name):
            time = _time(value) if name in _TIMES else None
            text = time.isoformat() if time else str(value).strip('"')
            text = text if len(text) <= 80 else hashlib.sha256(text.encode()).hexdigest()
            return f"{info.get('size') or 0}-{text}"
    return ""


def _open(system: Any, path: str) -> BinaryIO:
    return cast(BinaryIO, system.open(path, "rb"))
