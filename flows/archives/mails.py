"""E-mails, one attachment after the other. Standard library only.

What counts: every part that is marked as an attachment or has a file name, whatever its type, and every picture
that stands in the text, unless it is small: signatures bring their logos that way, while phones send photographs
of receipts so. What does not: the text itself, in whatever forms, and cryptographic signatures.
"""

from __future__ import annotations

import email
import email.message
import email.policy
from email.header import decode_header, make_header
from pathlib import Path

from flows.archives.kinds import HEAD_BYTES, container_type
from flows.archives.limits import RefusedError, TotalSpentError
from flows.archives.out import Descend, Out

_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
_DECORATION = ("image/gif", "image/svg+xml", "image/webp", "image/bmp", "image/x-icon")
"""Pictures that are no documents whatever their size, when they stand in the text."""
_BODY = ("text/plain", "text/html", "text/enriched", "text/calendar", "text/x-amp-html")
_EXTENSIONS = {
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "application/zip": ".zip",
    "message/rfc822": ".eml",
}


def unpack_mail(path: Path, within: str, depth: int, out: Out, descend: Descend) -> None:
    """Reports every attachment of an e-mail; attached e-mails and archives are opened in turn.

    Raises:
        RefusedError: it cannot be read as an e-mail, or holds nothing that could be a document.
        TotalSpentError: a limit of the whole was passed.
    """
    try:
        # compat32: the newer policies stumble over malformed headers, of which real e-mails are full.
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
        parts = _leaves(message)
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise RefusedError("broken", f"the e-mail is damaged: {type(error).__name__}") from error
    before, decoration, spent = out.reported, 0, None
    for number, part in enumerate(parts, 1):
        kind = part.get_content_type()
        if not _counts(part, kind):
            continue
        data = _bytes(part)
        if _is_decoration(part, kind, data, out.min_inline_bytes):
            decoration += 1
            continue
        name = out.labels.new(_name(part, kind, number), within)
        try:
            out.count()
            if spent is not None:
                raise spent
            if out.wants(name):
                _attachment(name, kind, data, depth, out, descend)
        except TotalSpentError as error:
            spent = error
            out.refused(name, error, len(data))
        except RefusedError as error:
            out.refused(name, error, len(data))
    if spent is not None:
        raise spent
    if out.reported == before:
        more = f" ({decoration} small pictures in its text were left out)" if decoration else ""
        raise RefusedError("empty", f"the e-mail has no attachment{more}")


def _leaves(message: email.message.Message) -> list[email.message.Message]:
    """Parts that are not made of parts, in their order. An attached e-mail is one part: it is opened in turn."""
    found, stack = [], [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() != "message":
            stack.extend(p for p in reversed(payload) if isinstance(p, email.message.Message))
        else:
            found.append(part)
    return found


def _counts(part: email.message.Message, kind: str) -> bool:
    if kind in _SIGNATURES:
        return False
    if kind == "message/rfc822" or kind.startswith("image/"):
        return True
    if part.get_content_disposition() == "attachment" or _file_name(part):
        return True
    return kind not in _BODY and not kind.startswith(("multipart/", "message/"))


def _is_decoration(part: email.message.Message, kind: str, data: bytes, least: int) -> bool:
    """A picture of the text: referred to by its id or shown in place, and small, or of a kind no scanner makes."""
    if not kind.startswith("image/") or part.get_content_disposition() == "attachment":
        return False
    if kind == "image/tiff":  # no mail program shows it: nobody decorates with it
        return False
    return kind in _DECORATION or len(data) < least


def _bytes(part: email.message.Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # an attached e-mail, parsed already
        try:
            inner = payload[0] if payload else None
            return inner.as_bytes() if isinstance(inner, email.message.Message) else b""
        except (RecursionError, LookupError, ValueError, TypeError, AttributeError):
            return b""
    try:
        data = part.get_payload(decode=True)
    except (LookupError, ValueError, TypeError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(payload).encode("utf-8", "surrogateescape")


def _attachment(name: str, kind: str, data: bytes, depth: int, out: Out, descend: Descend) -> None:
    out.check_size(len(data))
    written = out.write([data], None)
    inner = "message/rfc822" if kind == "message/rfc822" else container_type(data[:HEAD_BYTES])
    out.take(name, written, inner, depth, descend)


def _name(part: email.message.Message, kind: str, number: int) -> str:
    if name := _file_name(part):
        return name
    if kind == "message/rfc822":
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else part
        subject = _decoded(str(inner.get("subject", ""))) if isinstance(inner, email.message.Message) else ""
        return (subject.replace("/", "-").strip() or f"message {number}") + ".eml"
    return f"part {number}{_EXTENSIONS.get(kind, '')}"


def _file_name(part: email.message.Message) -> str:
    """The file name however it is written: plain, RFC 2231 (in pieces, with a charset) or RFC 2047."""
    try:
        return _decoded(part.get_filename() or "").strip()
    except (LookupError, ValueError, TypeError, AttributeError):
        return ""


def _decoded(text: str) -> str:
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError, TypeError):
        return text
