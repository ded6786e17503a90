"""Archives and e-mails, well made and hostile."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PDF = b"%PDF-1.4 "


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_twins(names: list[str]) -> bytes:
    """A zip in which names may come more than once, each with other bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(f"{number:0{len(name.encode())}d}"[-len(name.encode()) :])
            archive.writestr(info, PDF + str(number).encode())
    data = out.getvalue()
    for number, name in enumerate(names):
        raw = name.encode()
        data = data.replace(f"{number:0{len(raw)}d}"[-len(raw) :].encode(), raw)
    return data


def flagged(data: bytes, *, flags: int = 0, method: int | None = None) -> bytes:
    """The same zip, of one member, with other general purpose flags or method in both of its headers."""
    changed = bytearray(data)
    for mark, at_flags, at_method in ((b"PK\x03\x04", 6, 8), (b"PK\x01\x02", 8, 10)):
        start = data.index(mark)
        struct.pack_into(
            "<H", changed, start + at_flags, struct.unpack_from("<H", data, start + at_flags)[0] | flags
        )
        if method is not None:
            struct.pack_into("<H", changed, start + at_method, method)
    return bytes(changed)


def streamed(name: str, data: bytes) -> bytes:
    """A zip written to a pipe: sizes and checksum follow the data (a data descriptor)."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, more: Any) -> int:
            chunk = bytes(more)
            self.data += chunk
            return len(chunk)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return pipe.data


def directory_only(entries: int) -> bytes:
    """A zip that is nothing but a list of so many members, all the same empty one."""
    local = zipped({"a": b""})
    header = local[: local.index(b"PK\x01\x02")]
    entry = local[local.index(b"PK\x01\x02") : local.index(b"PK\x05\x06")]
    size, start = entries * len(entry), len(header)
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return header + entry * entries + end64 + locator + end


def quine() -> bytes:
    """A zip that holds itself, as far down as anybody looks."""
    data = zipped({"a.pdf": PDF})
    for _ in range(20):
        data = zipped({"a.pdf": PDF, "again.zip": data})
    return data


def corrupt(data: bytes, member: bytes) -> bytes:
    """The same zip with one byte of a stored member changed."""
    place = data.index(member)
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def jpeg(size: int) -> bytes:
    """Something that begins like a JPEG and has so many bytes."""
    return b"\xff\xd8\xff\xe0" + zlib.crc32(b"x").to_bytes(4, "big") * (size // 4)


def mail(subject: str = "Bills", text: str = "See attached.") -> EmailMessage:
    """A plain e-mail, to which parts can be added."""
    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", "b@example.com"
    message["Subject"], message["Message-ID"] = subject, "<1@example.com>"
    message.set_content(text)
    return message


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
