from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import composition, worker
from flows.composition import Parts
from tests.databases import sqlite_ledger
from tests.flows.working import make_parts


@pytest.fixture(autouse=True)
def clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_readers: None) -> Iterator[None]:
    """No settings of this machine or of the test before; an empty working directory."""
    for name in list(os.environ):
        if name.startswith("PARQUETRY_") or name in ("PREFECT_API_URL", "PREFECT_HOME"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    composition.use(None)
    yield
    composition.use(None)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """A run on SQLite with two documents; nothing is done of it yet."""
    monkeypatch.setattr(worker, "BACKEND_PAUSES", (0.0, 0.0))
    made = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"))
    yield made
    made.spool.close()
    made.ledger.close()
