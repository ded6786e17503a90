"""Which files hold others, told from their first bytes. Standard library only."""

from __future__ import annotations

import re
from zipfile import ZipFile

ZIP = "application/zip"
MAIL = "message/rfc822"
CONTAINERS = (ZIP, MAIL)
HEAD_BYTES = 4096

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HEADER = re.compile(rb"\A(?:From [^\n]*\r?\n)?[!-9;-~]{1,80}:")
_MAIL_HEADERS = re.compile(
    rb"^(from|to|cc|subject|date|message-id|mime-version|received|return-path|delivered-to|content-type)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_SOME = 3
_LOOKED_AT = 2_000


def container_type(head: bytes) -> str | None:
    """`ZIP`, `MAIL`, or ``None`` for what holds nothing. Give the first `HEAD_BYTES`.

    An e-mail has no mark: it begins with headers, of which several are those of e-mails.
    """
    if head.startswith(_ZIP_MARKS):
        return ZIP
    head = head.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in head or not _HEADER.match(head):
        return None
    headers = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    found = {name.lower() for name in _MAIL_HEADERS.findall(headers)}
    return MAIL if len(found) >= _SOME else None


def office_file(archive: ZipFile) -> str:
    """What a zip is that is one document and no archive of documents, in words; empty for an archive."""
    names = {info.filename for info in archive.infolist()[:_LOOKED_AT]}
    if "[Content_Types].xml" in names:
        for folder, words in _OOXML:
            if any(name.startswith(folder) for name in names):
                return words
        return "an Office Open XML or XPS file"
    if "mimetype" in names:
        with archive.open("mimetype") as stream:
            kind = stream.read(100).decode("ascii", "replace").strip()
        if kind.startswith("application/"):
            return f"a file of type {kind}"
    if "META-INF/MANIFEST.MF" in names and any(n.endswith(_COMPILED) for n in names):
        return "a Java or Android package"
    if any(name.endswith(".iwa") for name in names):
        return "a Pages, Numbers or Keynote document"
    return ""


_OOXML = (
    ("word/", "a Word document (docx)"),
    ("xl/", "an Excel workbook (xlsx)"),
    ("ppt/", "a PowerPoint presentation (pptx)"),
    ("Documents/", "an XPS document"),
)
_COMPILED = (".class", "AndroidManifest.xml", "classes.dex")
