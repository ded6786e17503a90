"""What a file is, from its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from extractors.reading import detect_media_type, document_ref


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\n" * 1000 + b"%PDF-1.4", "application/pdf"),
        (b"\n" * 2000 + b"%PDF-1.4", "application/octet-stream"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
        (b"PK\x03\x04", "application/octet-stream"),
        (b"<html>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_sniffing(head: bytes, expected: str) -> None:
    assert detect_media_type(head) == expected


def test_identity_is_the_content_and_not_the_name(tmp_path: Path) -> None:
    content = b"%PDF-1.7\n" + bytes(3_000_000)
    lying = tmp_path / "photo.jpg"
    lying.write_bytes(content)
    ref = document_ref(lying, "s3://bucket/photo.jpg")
    assert ref.media_type == "application/pdf"
    assert ref.size == len(content)
    assert ref.sha256 == hashlib.sha256(content).hexdigest()
    assert ref.uri == "s3://bucket/photo.jpg"
