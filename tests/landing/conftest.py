from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.landing import LakeFormat, LandingReport, Trouble, check_lake, land, read_all, read_current
from flows.ledger.store import Ledger
from schemas.registry import LoadedSchema
from tests.databases import sqlite_ledger
from tests.landing.s3 import Faults, serving
from tests.ledger.builders import SCHEMA


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(sqlite_ledger(tmp_path / "ledger.db")) as opened:
        yield opened


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[tuple[str, Faults]]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serving() as running:
        yield running


@dataclass(frozen=True)
class Bucket:
    """A new bucket, the way to it in the environment, and what its server does wrong."""

    uri: str
    faults: Faults
    environment: dict[str, str]


@pytest.fixture
def bucket(s3_server: tuple[str, Faults], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    import s3fs

    endpoint, faults = s3_server
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()  # it may be of another server
    name = f"lake-{uuid.uuid4().hex[:12]}"
    s3fs.S3FileSystem().mkdir(name)
    faults.calm()
    yield Bucket(f"s3://{name}/lake", faults, environment)
    faults.calm()
    s3fs.S3FileSystem.clear_instance_cache()


@dataclass(frozen=True)
class Place:
    """A lake somewhere, in one of the formats."""

    uri: str
    format: LakeFormat
    environment: dict[str, str]

    def land(self, ledger: Ledger, schema: LoadedSchema = SCHEMA) -> LandingReport:
        return land(ledger, self.uri, schema, format=self.format)

    def versions(self, schema_name: str = "bill") -> list[tuple[str, int]]:
        """Key and version of every row there, from the truth of the place."""
        table = read_all(self.uri, schema_name)
        return sorted(zip(table["row_key"].to_pylist(), table["version"].to_pylist(), strict=True))

    def current(self, schema_name: str = "bill") -> list[tuple[str, int]]:
        table = read_current(self.uri, schema_name)
        return sorted(zip(table["row_key"].to_pylist(), table["version"].to_pylist(), strict=True))

    def troubles(self, ledger: Ledger, *, repair: bool = False) -> list[Trouble]:
        found = check_lake(ledger, self.uri, format=self.format, repair=repair)
        return [trouble for checked in found for trouble in checked.troubles]


S3 = [pytest.param(f"{kind} on S3", marks=pytest.mark.slow) for kind in ("parquet", "delta")]


@pytest.fixture(params=["parquet", "delta", *S3])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same test for every kind of lake."""
    kind: LakeFormat = "delta" if request.param.startswith("delta") else "parquet"
    if request.param.endswith("S3"):
        bucket: Bucket = request.getfixturevalue("bucket")
        return Place(bucket.uri, kind, bucket.environment)
    return Place(str(tmp_path / "lake"), kind, {})
