"""What a file is, told from its bytes and never from its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from schemas.document import DocumentRef

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
TIFF = "image/tiff"
UNKNOWN = "application/octet-stream"
SUPPORTED = frozenset({PDF, JPEG, PNG, TIFF})

SNIFF_BYTES = 1024
"""A PDF header may stand anywhere in the first 1024 bytes (ISO 32000-1, Annex H, note 13)."""
_CHUNK = 1 << 20
_TIFF_MARKS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def detect_media_type(head: bytes) -> str:
    """Media type from the first bytes of a file (give at least 1024).

    Returns:
        ``application/pdf``, ``image/jpeg``, ``image/png``, ``image/tiff`` or ``application/octet-stream``.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(_TIFF_MARKS):
        return TIFF
    if head.startswith(b"%PDF") or b"%PDF-" in head[:SNIFF_BYTES]:
        return PDF
    return UNKNOWN


def document_ref(path: Path, uri: str) -> DocumentRef:
    """Identity of the file at ``path``, read as a stream; ``uri`` must be free of credentials."""
    digest = hashlib.sha256()
    size = 0
    head = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if not size:
                head = chunk[:SNIFF_BYTES]
            digest.update(chunk)
            size += len(chunk)
    return DocumentRef(uri=uri, sha256=digest.hexdigest(), size=size, media_type=detect_media_type(head))
