"""Zip archives, one member after the other. Standard library only."""

from __future__ import annotations

import lzma
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from flows.archives.kinds import HEAD_BYTES, container_type, office_file
from flows.archives.limits import RefusedError, TotalSpentError
from flows.archives.out import Descend, Out, Written
from flows.skipped import is_path_skipped

_CHUNK = 1 << 18
_ENCRYPTED = 0x1
_METHODS = {
    0: "stored",
    8: "Deflate",
    9: "Deflate64",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
_AES = 99
_DAMAGED = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, OSError)


def unpack_zip(
    path: Path, within: str, depth: int, out: Out, descend: Descend, passwords: list[bytes]
) -> None:
    """Reports every file of an archive. What is wrong with one of them does not cost the others.

    Raises:
        RefusedError: it cannot be unpacked at all.
        TotalSpentError: a limit of the whole was passed; every file so far was reported.
    """
    try:
        archive = ZipFile(path)
    except (*_DAMAGED, NotImplementedError) as error:
        raise RefusedError("broken", f"the archive is damaged: {error}") from error
    with archive:
        infos = archive.infolist()
        out.check_count(len(infos))
        if kind := _kind(archive):
            raise RefusedError("unsupported_type", f"it is {kind}; only PDF, JPEG, PNG and TIFF are read")
        spent: TotalSpentError | None = None
        for info in infos:
            if info.is_dir() or is_path_skipped(info.filename):
                continue
            name = out.labels.new(info.filename, within)
            out.count()
            if not out.wants(name):
                continue
            try:
                if spent is not None:
                    raise spent
                _member(archive, info, name, depth, out, descend, passwords)
            except TotalSpentError as error:
                spent = error
                out.refused(name, error, info.file_size)
            except RefusedError as error:
                out.refused(name, error, info.file_size)
        if spent is not None:
            raise spent


def _kind(archive: ZipFile) -> str:
    try:
        return office_file(archive)
    except (*_DAMAGED, RuntimeError, NotImplementedError):
        return ""


def _member(
    archive: ZipFile, info: ZipInfo, name: str, depth: int, out: Out, descend: Descend, passwords: list[bytes]
) -> None:
    if stat.S_ISLNK(info.external_attr >> 16):
        raise RefusedError("unsupported_type", "it is a link, which is never followed")
    if info.compress_type not in _METHODS and info.compress_type != _AES:
        raise RefusedError("unsupported_type", f"it is packed by an unknown method ({info.compress_type})")
    written = _unpacked(archive, info, out, passwords)
    with written[0].open("rb") as stream:
        inner = container_type(stream.read(HEAD_BYTES))
    out.take(name, written, inner, depth, descend)


def _unpacked(archive: ZipFile, info: ZipInfo, out: Out, passwords: list[bytes]) -> Written:
    out.check_size(info.file_size)
    encrypted = bool(info.flag_bits & _ENCRYPTED)
    if encrypted and info.compress_type == _AES:
        raise RefusedError(
            "encrypted", "it is encrypted with AES, which cannot be opened here: unpack the archive yourself"
        )
    for password in passwords if encrypted else [None]:
        try:
            return out.write(_chunks(archive, info, password), info.compress_size)
        except NotImplementedError as error:
            method = _METHODS.get(info.compress_type, str(info.compress_type))
            raise RefusedError(
                "unsupported_type", f"it is packed by {method}, which cannot be unpacked here"
            ) from error
        except RuntimeError:  # what zipfile says to a wrong password
            if not encrypted:
                raise
        except _DAMAGED as error:  # or, once in 256 wrong passwords, garbage that fails its checksum
            if not encrypted:
                raise RefusedError("broken", f"it is damaged: {error}") from error
    raise RefusedError("encrypted", "it is encrypted and none of the given passwords opens it")


def _chunks(archive: ZipFile, info: ZipInfo, password: bytes | None) -> Iterator[bytes]:
    with archive.open(info, pwd=password) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
