"""URIs for people: without credentials, and short."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_CHAIN = re.compile(r"::(?![0-9A-Fa-f:.%]*\])")  # and not the colons of an address such as [::1]
_SECRET = re.compile(
    r"(^|[-_.])(sig|signature|token|secret|password|passwd|pwd|pass|key|apikey|accesskey|accesskeyid|keyid"
    r"|auth|authorization|credential|credentials|session|policy|jwt|code)($|[-_.])"
    r"|^x-(amz|goog)-|^(se|sp|sv|sr|st|spr|sig|skoid|sktid|skt|ske|sks|skv)$|token$|secret$|apikey$|password$"
    r"|accesskeyid$|signature$",
    re.IGNORECASE,
)
_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]*\]|[^:@/]*)(:\d*)?")


def public_uri(uri: str) -> str:
    """The URI without user, password, secret query parameters and fragment: what may be logged and kept.

    Chained URIs (``zip://a::s3://b``) are cleaned part by part. A plain path is returned as it is.
    """
    if uri.lower().startswith(("http://", "https://")):
        return _public(uri)  # nothing is chained to it, whatever colons it has
    return "::".join(_public(part) for part in _CHAIN.split(uri))


def _public(uri: str) -> str:
    if not _SCHEME.match(uri) or uri.lower().startswith("file://"):
        return uri
    scheme, rest = uri.split("://", 1)
    rest = _without_user(rest)
    if scheme.lower() not in ("http", "https", "ftp", "sftp", "webdav", "webdavs", "dav", "davs"):
        # Keys of object stores may hold any character: what follows a ? is a query only if it hides secrets.
        path, mark, query = rest.partition("?")
        kept = _without_secrets(query)
        return f"{scheme}://{rest if kept is None else path + (mark + kept if kept else '')}"
    try:
        parts = urlsplit(f"{scheme}://{rest}")
    except ValueError:  # no valid address; it is going to be refused, and shown
        return f"{scheme}://{rest.partition('?')[0]}"
    kept = _without_secrets(parts.query)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query if kept is None else kept, ""))


def _without_user(rest: str) -> str:
    """Drops ``user:password@``. An unescaped slash in the password does not save it from being dropped."""
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        return authority.rpartition("@")[2] + slash + path
    if "@" in path and not _PORT.fullmatch(authority):
        return rest.rpartition("@")[2]
    return rest


def _without_secrets(query: str) -> str | None:
    """The query without its secret parameters, or ``None`` when it has none and may stay as it is."""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _SECRET.search(name)]
    return None if len(kept) == len(pairs) else urlencode(kept)


def has_credentials(uri: str) -> bool:
    """Whether `public_uri` would leave something out."""
    return public_uri(uri) != uri


_S3_ELSEWHERE = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "FSSPEC_S3_ENDPOINT_URL", "FSSPEC_S3")
"""With one of these, S3 is not Amazon's own, and its console would show nothing."""


def web_address(uri: str) -> str:
    """Where a browser shows an object, to people who may see it; empty where it can show none."""
    scheme, _, path = uri.partition("://")
    bucket, _, key = path.partition("/")
    match scheme.lower():
        case "http" | "https":
            return uri
        case "gs" | "gcs" if key:
            return f"https://storage.cloud.google.com/{bucket}/{quote(key)}"
        case "s3" | "s3a" if key and not any(os.environ.get(name) for name in _S3_ELSEWHERE):
            return f"https://s3.console.aws.amazon.com/s3/object/{bucket}?prefix={quote(key, safe='')}"
    return ""


def display_name(uri: str) -> str:
    """The last part of a URI, readable: ``file:///in/May%20bill.pdf`` is ``May bill.pdf``."""
    path = _CHAIN.split(uri, maxsplit=1)[0]
    quoted = path.lower().startswith(("file://", "http://", "https://"))
    if path.lower().startswith(("http://", "https://")):
        path = urlsplit(path).path
    name = path.rstrip("/").rsplit("/", 1)[-1]
    return unquote(name) if quoted else name


def file_uri(path: Path) -> str:
    """``file:///…`` of an absolute path as the system has it, so that names in any encoding are kept."""
    return "file://" + quote(os.fsencode(path))
