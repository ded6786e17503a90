"""Documents by HTTP: one file, what an index page leads to, or a list of addresses.

A list is a text file with one address a line, or a table with a column of them (`flows.sources.web_lists`); its
addresses may be anywhere, and are held against the rules of `flows.sources.web_addresses` one by one.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import BinaryIO, cast

import httpx

from flows.intake_options import IntakeOptions
from flows.sources import web_lists
from flows.sources.objects import SourceObject
from flows.sources.uris import public_uri
from flows.sources.web_client import Described, Login, WebClient, client, split_login
from schemas.errors import SourceError

_AT_ONCE = 8
_IN_MEMORY = 1 << 20
_MAX_LIST_BYTES = 1 << 30
_NO_ADDRESS = "there is no address on this line"

Found = tuple[str, str]
"""An address, and what is wrong with it, if that is clear already."""


def is_http(uri: str) -> bool:
    """Whether a URI is an address of HTTP, and not of something that lies in one."""
    return uri.lower().startswith(("http://", "https://"))


def walk(uri: str, options: IntakeOptions) -> Iterator[SourceObject]:
    """The file, every file below an index page, or every address of a list."""
    web = client(options)
    url, login = split_login(uri)
    said = web.describe(str(url), login)
    if said.media_type == "text/html" and httpx.URL(said.url).path.endswith("/"):
        yield from _described(web, _below(web, said.url, login), login)
    elif web_lists.is_list(said.media_type, str(url)):
        yield from _described(web, _listed(web, said, str(url), login), login)
    else:
        yield _object(web, str(url), login, said)


def reopen(source: str, uri: str, options: IntakeOptions) -> SourceObject:
    """See `flows.sources.reopen`."""
    web = client(options)
    url, login = split_login(source)
    if uri in (public_uri(source), public_uri(str(url))):
        return _one(web, str(url), login)
    if uri.startswith(public_uri(str(url)).rpartition("/")[0] + "/") and str(url).endswith("/"):
        return _one(web, uri, login)
    for address, fault in _listed(web, web.describe(str(url), login), str(url), login):
        if not fault and public_uri(address) == uri:
            return _one(web, address, login)
    raise SourceError(f"{uri} is not in the source.", remedy="Run with the source it came from.")


def _one(web: WebClient, address: str, login: Login | None) -> SourceObject:
    bare, own = split_login(address, login)
    return _object(web, str(bare), own, web.describe(str(bare), own))


def _described(web: WebClient, found: Iterator[Found], login: Login | None) -> Iterator[SourceObject]:
    """Each address with what its server says of it; a few are asked for at a time, in order."""

    def described(one: Found) -> SourceObject:
        address, fault = one
        try:
            if not fault:
                return _one(web, address, login)
        except SourceError as error:
            fault = str(error).partition(": ")[2] or str(error)
        shown = address if fault == _NO_ADDRESS else public_uri(address)
        return SourceObject(shown, "", 0, partial(_none, shown), fault)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ask") as pool:
        while some := list(islice(found, 4 * _AT_ONCE)):
            yield from pool.map(described, some)


def _object(web: WebClient, url: str, login: Login | None, said: Described) -> SourceObject:
    public, version = public_uri(url), said.version
    if version and public != url:
        # Two addresses that differ only in what must not be shown are two files.
        version += "-" + hashlib.sha256(url.encode()).hexdigest()[:12]
    return SourceObject(public, version, said.size, lambda: cast(BinaryIO, web.open(url, login)))


def _none(shown: str) -> BinaryIO:
    raise SourceError(f"{shown} cannot be fetched.", remedy="Correct the list.")


def _below(web: WebClient, url: str, login: Login | None) -> Iterator[Found]:
    """Files below an index page, folder by folder, each once."""
    top = url
    stack, entered = [url], {url}
    while stack:
        folder = stack.pop()
        with web.open(folder, login) as stream:
            page = b"".join(_rest(stream, web_lists.MAX_INDEX_BYTES, folder))
        files, folders = web_lists.links(page, folder)
        yield from ((file, "") for file in files)
        deep = folder.count("/") - top.count("/") >= web_lists.MAX_LEVELS
        new = [] if deep else [one for one in folders if one not in entered]
        entered.update(new)
        stack.extend(reversed(new))


def _rest(stream: object, most: int, url: str) -> Iterator[bytes]:
    """What is left of a stream; raises `SourceError` when that is too much."""
    while chunk := cast(BinaryIO, stream).read(1 << 20):
        most -= len(chunk)
        if most < 0:
            raise SourceError(f"{public_uri(url)}: the list is too long.", remedy="Cut it into several.")
        yield chunk


def _listed(web: WebClient, said: Described, url: str, login: Login | None) -> Iterator[Found]:
    """Addresses of a list, which is fetched first: its server need not wait until all documents are here."""
    some = False
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        with web.open(url, login) as stream:
            for chunk in _rest(stream, _MAX_LIST_BYTES, url):
                kept.write(chunk)
        kept.seek(0)
        table = web_lists.is_table(said.media_type, url)
        for number, text in web_lists.addresses(cast(BinaryIO, kept), table=table):
            some = True
            address = _absolute(text, said.url)
            yield (address, "") if address else (f"{public_uri(url)}#line={number}", _NO_ADDRESS)
    if not some:
        raise SourceError(
            f"{public_uri(url)} holds no address.", remedy="A list has one http(s) address a line."
        )


def _absolute(text: str, base: str) -> str:
    """The address that a line means; empty when it means none."""
    try:
        joined = httpx.URL(base).join(text) if text else None
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return ""
    return str(joined) if joined is not None and joined.scheme in ("http", "https") and joined.host else ""
