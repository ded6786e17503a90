from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.crew import Crew
from benchmarks.documents import write_schema
from benchmarks.program import Plan
from tests.robustness.commands import documents, home_ledger, prefect_api, start  # noqa: F401  fixtures


@pytest.fixture
def plan(tmp_path: Path, ledger_url: str) -> Plan:
    """A pipeline on an empty ledger, once on SQLite and once on PostgreSQL, with a lake in a folder."""
    return Plan(
        folder=tmp_path,
        schema=write_schema(tmp_path),
        database=ledger_url,
        lake=str(tmp_path / "lake"),
        lease_seconds=3.0,
    )


@pytest.fixture
def crew() -> Iterator[Crew]:
    """Processes that end with the test."""
    made = Crew()
    yield made
    made.end()
