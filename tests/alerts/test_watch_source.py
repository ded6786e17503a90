"""A look at a source stops at the first object that no run has seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ledger.store import Ledger
from flows.sources import SourceObject
from flows.watch_source import BATCH, unseen, watch_source
from schemas.outcome import FailureReason
from tests.ledger.builders import MODEL, SCHEMA, add, start


def found(name: str, version: str = "1", *, fault: str = "", unsettled: bool = False) -> SourceObject:
    return SourceObject(f"file:///in/{name}", version, 1, lambda: None, fault, unsettled=unsettled)  # type: ignore[arg-type, return-value]


def look(ledger: Ledger, *objects: SourceObject) -> str | None:
    new = next(unseen(ledger, objects, SCHEMA.fingerprint, MODEL), None)
    return None if new is None else new.uri


def test_a_folder_of_a_bucket_that_is_empty_yet_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Looks every few minutes would tell people of each."""
    monkeypatch.setenv("PARQUETRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PARQUETRY_MODEL", "scripted")
    assert watch_source.fn("memory://bucket/nothing-yet", "invoice") is False
    assert "memory://bucket/nothing-yet cannot be used: it does not exist" in caplog.text


def test_new_changed_and_known_objects(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        ledger.add_failed_input(
            "run-1",
            "file:///in/gone.pdf",
            version="1",
            member=None,
            size=1,
            schema_name=SCHEMA.name,
            fingerprint=SCHEMA.fingerprint,
            model=MODEL,
            detail="",
            reason=FailureReason.UNAVAILABLE,
        )
        assert look(ledger) is None
        assert look(ledger, found("a.pdf"), found("gone.pdf")) is None
        assert look(ledger, found("a.pdf"), found("b.pdf"), found("c.pdf")) == "file:///in/b.pdf"
        assert look(ledger, found("a.pdf", "2")) == "file:///in/a.pdf"
        left = (found("w.pdf", unsettled=True), found("no", fault="no permission"), found("v.pdf", ""))
        assert look(ledger, *left) is None


def test_it_stops_at_the_first(tmp_path: Path) -> None:
    asked = 0

    def endless() -> Iterator[SourceObject]:
        nonlocal asked
        while True:
            asked += 1
            yield found(f"{asked}.pdf")

    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        start(ledger)
        new = next(unseen(ledger, endless(), SCHEMA.fingerprint, MODEL))
    assert new.uri == "file:///in/1.pdf"
    assert asked <= BATCH
