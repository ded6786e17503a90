from __future__ import annotations

import pytest

from flows.sources import public_uri


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("/a/b c.pdf", "/a/b c.pdf"),
        ("docs", "docs"),
        ("file:///a/b@c?token=1", "file:///a/b@c?token=1"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("s3://bucket/a@b/c:d", "s3://bucket/a@b/c:d"),
        ("s3://AK:SE@bucket/key", "s3://bucket/key"),
        ("s3://AK:S/E@bucket/key", "s3://bucket/key"),
        ("s3://bucket/what?now", "s3://bucket/what?now"),
        ("ftp://user:p@ss@host:21/x", "ftp://host:21/x"),
        ("https://host/x?page=2&sig=abc", "https://host/x?page=2"),
        ("https://host/x?page=2", "https://host/x?page=2"),
        ("https://host/x?a=%2F", "https://host/x?a=%2F"),
        ("https://u:p@host:8443/x?access_token=1#frag", "https://host:8443/x"),
        ("https://h/x?X-Amz-Signature=1&X-Amz-Credential=2&AWSAccessKeyId=3&v=4", "https://h/x?v=4"),
        (
            "https://h.blob.core.windows.net/c/x?sv=1&se=2&sp=r&sig=3&snapshot=9",
            "https://h.blob.core.windows.net/c/x?snapshot=9",
        ),
        ("https://h/x?apikey=1&api_key=2&api-key=3&keyword=shoes", "https://h/x?keyword=shoes"),
        ("zip://a.pdf::https://u:p@h/x.zip?token=1", "zip://a.pdf::https://h/x.zip"),
        ("HTTPS://u:p@h/x", "https://h/x"),
        ("http://u:p@[::1]:80/x?token=1", "http://[::1]:80/x"),
        ("zip://a::http://[::ffff:1.2.3.4]/x?token=1", "zip://a::http://[::ffff:1.2.3.4]/x"),
        ("http://[::1/x?token=1", "http://[::1/x"),
    ],
)
def test_public_uri(uri: str, public: str) -> None:
    assert public_uri(uri) == public
    assert public_uri(public) == public
