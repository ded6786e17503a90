"""Whatever goes wrong where the lake is written: a clear error, nothing half done, and the next run finishes."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.landing import land, local
from flows.landing.formats import DeltaFormat, ParquetFormat
from flows.landing.lake import open_lake
from flows.ledger.records import LedgerUnavailableError
from flows.ledger.store import Ledger
from schemas.errors import LandingError, LedgerError
from tests.landing.conftest import Bucket, Place
from tests.landing.test_local import accept
from tests.ledger.builders import SCHEMA


def refused(ledger: Ledger, place: Place) -> LandingError:
    """A landing that fails, in words, and has noted nothing."""
    with pytest.raises(LandingError) as caught:
        place.land(ledger)
    assert caught.value.retryable and "nothing is lost" in caught.value.remedy
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert ledger.status().landed_rows == 0 and ledger.status().rows_to_land == 2
    return caught.value


def finished(ledger: Ledger, place: Place) -> None:
    """The next landing does the rest."""
    place.land(ledger)
    assert len(set(place.versions())) == len(place.versions()) == len(place.current()) == 2
    assert ledger.status().landed_rows == 2 and place.troubles(ledger) == []


OWNERS: dict[str, Any] = {"fsync": os, "replace": Path, "mkdir": Path, "_sync": local}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("call", list(OWNERS))
def test_the_system_refuses(
    call: str, number: int, ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(str(lake), "parquet", {})
    accept(ledger, "a.pdf", "b.pdf")
    ledger.freeze_batch("bill")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(OWNERS[call], call, refuse)
        assert os.strerror(number) in str(refused(ledger, place))
    assert not list(lake.glob("bill/.*"))
    finished(ledger, place)


@contextmanager
def little_room(limit: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: the system stops a writer amid a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_the_disk_is_full_amid_a_file(
    kind: Any, ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(str(lake), kind, {})
    accept(ledger, "a.pdf", "b.pdf")
    owner: Any = ParquetFormat if kind == "parquet" else DeltaFormat
    real = owner.write

    def cramped(*arguments: Any) -> Any:
        with little_room(2_000):  # of the lake only: the ledger has a disk of its own
            return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(owner, "write", cramped)
        assert "too large" in str(refused(ledger, place)).lower()
    assert not list(lake.glob("bill/*.parquet")) and not list(lake.glob("bill/.*"))
    finished(ledger, place)


KINDS = ["parquet", "delta"]


@pytest.fixture
def s3(bucket: Bucket, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    from flows.landing import delta

    monkeypatch.setattr(delta, "_PATIENCE", {"max_retries": "0", "retry_timeout": "1s"})
    return Place(bucket.uri, request.param, bucket.environment)


@pytest.mark.slow
@pytest.mark.parametrize("s3", KINDS, indirect=True)
def test_the_store_refuses_every_put(s3: Place, ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    bucket.faults.methods = {"PUT"}
    refused(ledger, s3)
    assert bucket.faults.seen > 0
    bucket.faults.calm()
    finished(ledger, s3)


@pytest.mark.slow
@pytest.mark.parametrize("s3", KINDS, indirect=True)
def test_the_store_refuses_to_answer_at_all(s3: Place, ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    bucket.faults.methods = {"PUT", "GET", "HEAD", "POST"}
    with pytest.raises(LandingError) as caught:
        s3.land(ledger)
    assert caught.value.retryable and caught.value.remedy
    bucket.faults.calm()
    finished(ledger, s3)


@pytest.mark.parametrize("s3", ["parquet"], indirect=True)
def test_the_reply_to_a_put_is_lost(s3: Place, ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    bucket.faults.methods, bucket.faults.after = {"PUT"}, True
    refused(ledger, s3)
    bucket.faults.calm()
    assert len(s3.versions()) == 2  # it is there, and nobody knows
    finished(ledger, s3)
    assert bucket.faults.puts == []  # found, not written again


@pytest.mark.slow
@pytest.mark.parametrize("s3", ["delta"], indirect=True)
@pytest.mark.parametrize(
    "where", ["history/_delta_log/00000000000000000001", "current/_delta_log/00000000000000000001"]
)
def test_the_reply_to_a_commit_is_lost(s3: Place, where: str, ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    bucket.faults.methods, bucket.faults.after, bucket.faults.path = {"PUT"}, True, where
    refused(ledger, s3)
    assert bucket.faults.seen > 0
    bucket.faults.calm()
    assert len(set(s3.versions())) == 2
    finished(ledger, s3)


@pytest.mark.slow
def test_nobody_listens(ledger: Ledger, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    s3fs.S3FileSystem.clear_instance_cache()
    accept(ledger, "a.pdf", "b.pdf")
    with pytest.raises(LandingError, match="cannot be listed") as caught:
        land(ledger, bucket.uri, SCHEMA)
    assert "network" in caught.value.remedy
    assert ledger.status().rows_to_land == 2


@pytest.mark.slow
def test_a_bucket_that_is_not_there(ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    with pytest.raises(LandingError, match="cannot be written"):
        land(ledger, "s3://no-such-bucket-here/lake", SCHEMA)
    assert open_lake(bucket.uri).folders() == []


@pytest.mark.parametrize("lost", ["before", "after"])
def test_the_ledger_is_gone_when_the_landing_is_to_be_noted(
    lost: str, ledger: Ledger, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    real = Ledger.mark_landed

    def gone(*arguments: Any) -> None:
        if lost == "after":
            real(*arguments)
        raise LedgerUnavailableError("The ledger cannot be used: the connection was closed.")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "mark_landed", gone)
        with pytest.raises(LedgerError):
            place.land(ledger)
    assert len(place.versions()) == 2
    finished(ledger, place)
