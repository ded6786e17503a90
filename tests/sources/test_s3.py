"""S3 as it is spoken, by moto's server; a proxy before it counts requests and breaks some."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from flows.sources import SourceObject, discover, reopen
from flows.sources import s3 as paging
from schemas.errors import DocumentError, SourceError
from tests.sources.proxy import Proxy, answers, breaks_off

BUCKET = "bills"


@pytest.fixture(scope="module")
def moto() -> Iterator[int]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture
def proxy(moto: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    with Proxy(moto) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        s3fs.S3FileSystem.clear_instance_cache()
        yield made
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(moto: int, proxy: Proxy) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{moto}")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)


def put(client: Any, *keys: str) -> None:
    for key in keys:
        client.put_object(Bucket=BUCKET, Key=key, Body=f"%PDF- {key}".encode("utf-8", "surrogatepass"))


def by_key(found: Iterator[SourceObject]) -> dict[str, SourceObject]:
    return {o.uri.removeprefix(f"s3://{BUCKET}/"): o for o in found}


def test_a_prefix_is_listed_and_fetched(bucket: Any, proxy: Proxy, tmp_path: Path) -> None:
    keys = [
        "in/a.pdf",
        "in/deep/er/b.pdf",
        "in/ü & ?#%20.pdf",
        "in/dots../x.pdf",
        "in/" + "x" * 900 + ".pdf",
    ]
    put(bucket, *keys, "in/", "in/.hidden", "in/_tmp.part", "out/c.pdf", "inside.pdf")
    found = by_key(discover(f"s3://{BUCKET}/in"))
    assert sorted(found) == sorted(keys)
    for key in keys:
        assert found[key].fetch(tmp_path / "copy").path.read_bytes() == f"%PDF- {key}".encode()
        again = reopen(f"s3://{BUCKET}/in", found[key].uri)
        assert (again, again.version) == (found[key], found[key].version)
    with pytest.raises(SourceError, match="not in the source"):
        reopen(f"s3://{BUCKET}/in", f"s3://{BUCKET}/out/c.pdf")
    assert by_key(discover(f"s3://{BUCKET}")).keys() == {*keys, "out/c.pdf", "inside.pdf"}
    assert by_key(discover(f"s3://{BUCKET}/out/c.pdf")).keys() == {"out/c.pdf"}


def test_pages_are_asked_for_as_they_are_needed(
    bucket: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, *(f"in/{n:03d}.pdf" for n in range(50)))
    monkeypatch.setattr(paging, "PAGE", 10)
    found = discover(f"s3://{BUCKET}/in")
    seen = proxy.count("GET")
    assert len(list(islice(found, 10))) == 10
    assert proxy.count("GET") == seen  # the first page came with the first object
    assert len(list(islice(found, 10))) == 10 and proxy.count("GET") == seen + 1
    assert len(list(found)) == 30 and proxy.count("GET") == seen + 4
    assert proxy.count("HEAD") <= 1


def test_a_version_changes_with_the_content_and_only_then(bucket: Any) -> None:
    put(bucket, "in/a.pdf")
    before = by_key(discover(f"s3://{BUCKET}/in"))["in/a.pdf"].version
    assert by_key(discover(f"s3://{BUCKET}/in"))["in/a.pdf"].version == before
    bucket.put_object(Bucket=BUCKET, Key="in/a.pdf", Body=b"%PDF- in/b.pdf")  # as long as before
    assert by_key(discover(f"s3://{BUCKET}/in"))["in/a.pdf"].version != before


def test_one_that_is_deleted_between_listing_and_fetching(bucket: Any, tmp_path: Path) -> None:
    put(bucket, "in/a.pdf", "in/b.pdf")
    found = by_key(discover(f"s3://{BUCKET}/in"))
    bucket.delete_object(Bucket=BUCKET, Key="in/a.pdf")
    with pytest.raises(SourceError, match=r"in/a\.pdf cannot be fetched"):
        found["in/a.pdf"].fetch(tmp_path / "copy")
    assert found["in/b.pdf"].fetch(tmp_path / "copy").size == 14
    with pytest.raises(SourceError):
        reopen(f"s3://{BUCKET}/in", found["in/a.pdf"].uri)


def test_a_server_in_trouble_for_a_moment_is_asked_again(bucket: Any, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "in/a.pdf")
    proxy.faults += [answers(503, 2), breaks_off(b"%PD", 13, 1, within="a.pdf")]
    (found,) = discover(f"s3://{BUCKET}/in")
    assert found.fetch(tmp_path / "copy").path.read_bytes() == b"%PDF- in/a.pdf"


def test_a_server_in_trouble_for_long_is_told_and_leaves_nothing(
    bucket: Any, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "in/a.pdf", "in/b.pdf")
    (a, b) = discover(f"s3://{BUCKET}/in")
    proxy.faults.append(answers(403, within="a.pdf"))
    with pytest.raises(SourceError, match=r"a\.pdf cannot be fetched: PermissionError"):
        a.fetch(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert b.fetch(tmp_path / "copy").size == 14
    with pytest.raises(DocumentError):
        b.fetch(tmp_path / "copy", max_bytes=3)


def test_a_listing_that_breaks_off_ends_the_run(
    bucket: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, *(f"in/{n}.pdf" for n in range(9)))
    monkeypatch.setattr(paging, "PAGE", 4)
    found = discover(f"s3://{BUCKET}/in")
    next(found)
    proxy.faults.append(answers(403))
    with pytest.raises(SourceError, match="cannot be listed to its end"):
        list(found)


def test_a_bucket_that_is_not_there(bucket: Any) -> None:
    with pytest.raises(SourceError) as caught:
        discover("s3://nowhere-at-all/x")
    assert caught.value.remedy
