"""S3 buckets, listed a page at a time: a prefix with millions of objects costs no more memory than one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flows.skipped import is_path_skipped

PROTOCOLS = ("s3", "s3a")
PAGE = 1000
"""Keys to ask for at a time; the most that S3 gives."""


def entries(system: Any, root: str) -> Iterator[dict[str, Any]]:
    """Every object below a prefix in the order of keys, as ``system.info`` would describe it.

    ``system.ls`` would build a list of a whole folder first, and keep it.
    """
    bucket, key, _ = system.split_path(root)
    prefix = key.rstrip("/") + "/" if key else ""
    more: dict[str, Any] = {}
    while True:
        page = system.call_s3(
            "list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=PAGE, **system.req_kw, **more
        )
        for found in page.get("Contents", ()):
            name = found["Key"].removeprefix(prefix)
            if found["Key"].endswith("/") or not name:
                continue  # a folder's own marker
            if not is_path_skipped(name):
                yield {**found, "name": f"{bucket}/{found['Key']}", "size": found["Size"], "type": "file"}
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}
