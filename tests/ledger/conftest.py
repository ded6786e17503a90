"""A ledger on SQLite and on a real PostgreSQL, so that every test tells for both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.ledger.store import Ledger


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
