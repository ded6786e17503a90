"""The language of parent and child: frames of a JSON header and raw bytes, over a pipe. Never pickle.

A frame is ``<header length: u32> <body length: u64> <header: JSON object> <body>``, big-endian. The header
has ``kind`` and ``data``, whatever that kind needs.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from schemas.document import Page

PAGE: TypeAdapter[Page] = TypeAdapter(Page)

_SIZES = struct.Struct(">IQ")
MAX_HEADER = 64 << 20
MAX_BODY = 256 << 20
"""What a parent takes from a child: the words of the fullest page, the pixels of the largest."""


class ProtocolError(Exception):
    """What came through the pipe is not a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. ``data`` is JSON, ``body`` raw bytes (pixels, an encoded image)."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


def encode(frame: Frame, body_follows: int = 0) -> bytes:
    """The bytes of a frame; ``body_follows``: its body has so many bytes and is written after them."""
    header = json.dumps({"kind": frame.kind, "data": frame.data}).encode("ascii")
    return b"".join((_SIZES.pack(len(header), len(frame.body) or body_follows), header, frame.body))


class FrameBuffer:
    """Collects bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Adds what was read from the pipe."""
        self._bytes += chunk

    def take(self) -> Frame | None:
        """The next whole frame, or ``None`` when more bytes are needed.

        Raises:
            ProtocolError: the bytes are not a frame.
        """
        if len(self._bytes) < _SIZES.size:
            return None
        header_size, body_size = _SIZES.unpack_from(self._bytes)
        if header_size > MAX_HEADER or body_size > MAX_BODY:
            raise ProtocolError(f"a frame of {header_size}+{body_size} bytes is too large to be one")
        end = _SIZES.size + header_size + body_size
        if len(self._bytes) < end:
            return None
        header = bytes(self._bytes[_SIZES.size : _SIZES.size + header_size])
        body = bytes(self._bytes[_SIZES.size + header_size : end])
        del self._bytes[:end]
        return _decode(header, body)


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next frame of a blocking stream; ``None`` at its end (the child's side of the pipe)."""
    sizes = stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        return None
    header_size, body_size = _SIZES.unpack(sizes)
    header, body = stream.read(header_size), stream.read(body_size)
    if len(header) < header_size or len(body) < body_size:
        return None
    return _decode(header, body)


def _decode(header: bytes, body: bytes) -> Frame:
    try:
        parsed = json.loads(header)
        return Frame(str(parsed["kind"]), dict(parsed["data"]), body)
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"a frame header is not JSON: {error}") from error
