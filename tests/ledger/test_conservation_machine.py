"""Whatever the order of adding, claiming, crashing, recording, deciding, landing: nothing lost or twice."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flows.ledger.engine import create_ledger_engine, migrate
from flows.ledger.models import Base
from flows.ledger.records import ClaimedDocument, ConflictError, StaleTokenError
from flows.ledger.store import Ledger
from schemas.errors import ConservationError
from schemas.outcome import FailureReason, ReviewReason
from tests.ledger.builders import add, claim, extraction, start

LEASE = 10.0
FAILED: dict[str, Any] = {"failure": FailureReason.MODEL_ERROR, "failed": True}
RESULTS: list[dict[str, Any]] = [
    {},
    {"accepted": False, "reasons": [ReviewReason.MODEL_UNSURE]},
    {"failure": FailureReason.BROKEN},
    FAILED,
]


class Conservation(RuleBasedStateMachine):
    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        empty(engine)
        self.time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        self.ledger = Ledger(engine, clock=lambda _: self.time)
        self.held: list[ClaimedDocument] = []
        self.files: set[tuple[str, str]] = set()
        self.run = 0
        self.landed: dict[str, list[int]] = {}

    @initialize()
    def first_run(self) -> None:
        self.next_run()

    @rule()
    def next_run(self) -> None:
        self.run += 1
        start(self.ledger, self.run_id)

    @property
    def run_id(self) -> str:
        return f"run-{self.run}"

    @rule(name=st.sampled_from("abcd"), content=st.sampled_from("xyz"))
    def add(self, name: str, content: str) -> None:
        record = add(self.ledger, self.run_id, name, content, version=content)
        assert record.new == ((name, content) not in self.files)
        self.files.add((name, content))

    @rule(limit=st.integers(1, 3), any_run=st.booleans())
    def claim(self, limit: int, any_run: bool) -> None:
        taken = claim(self.ledger, None if any_run else self.run_id, limit=limit, lease=LEASE)
        alive = {c.document_id for c in self.held if c.lease_until > self.time}
        assert not alive & {c.document_id for c in taken}, "taken from a worker that still had its lease"
        self.held += taken

    @rule()
    def time_passes(self) -> None:
        self.time += dt.timedelta(seconds=LEASE / 2 + 1)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), result=st.sampled_from(RESULTS))
    def a_worker_comes_back_late(self, data: st.DataObject, result: dict[str, Any]) -> None:
        """The lease runs out, another worker takes over, and the first one records after all."""
        late = data.draw(st.sampled_from(self.held))
        self.time += dt.timedelta(seconds=LEASE + 1)
        self.claim(100, True)
        self._record(late, result)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), result=st.sampled_from(RESULTS))
    def record(self, data: st.DataObject, result: dict[str, Any]) -> None:
        self._record(data.draw(st.sampled_from(self.held)), result)

    def _record(self, held: ClaimedDocument, result: dict[str, Any]) -> None:
        newest = max(c.token for c in self.held if c.document_id == held.document_id)
        try:
            self.ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, **result))
        except StaleTokenError:
            pass
        else:
            assert held.token == newest, "a worker whose lease was taken over has written"
        self.held.remove(held)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.held.remove(data.draw(st.sampled_from(self.held)))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        with contextlib.suppress(StaleTokenError):
            self.ledger.release(held.document_id, held.token)

    @rule(action=st.sampled_from(["accept", "correct", "reject"]), stale=st.booleans())
    def decide(self, action: Any, stale: bool) -> None:
        waiting = self.ledger.queue(limit=1)
        if not waiting:
            return
        item = waiting[0]
        before = self.ledger.document(item.document_id)
        try:
            self.ledger.decide(
                item.document_id,
                reviewer="ada",
                action=action,
                data={"number": "c", "day": None, "total": None},
                fields=None,
                changes=[],
                comment="",
                expected_version=item.version + stale,
            )
            assert not stale
        except ConflictError:
            assert stale and self.ledger.document(item.document_id) == before

    @rule()
    def freeze(self) -> None:
        self.ledger.freeze_batch("bill", max_rows=2)

    @rule()
    def land(self) -> None:
        for batch in self.ledger.pending_batches():
            self.ledger.mark_landed(batch.batch_id, batch.batch_id, len(batch.rows), "0" * 64)
            for row in batch.rows:
                self.landed.setdefault(row.row_key, []).append(row.version)

    @invariant()
    def outcomes_sum_to_inputs(self) -> None:
        status = self.ledger.status()
        assert status.inputs == sum(status.outcomes.values()) == len(self.files)
        contents = {content for _, content in self.files}
        assert sum(status.documents.values()) == len(contents)
        assert status.outcomes.get("duplicate", 0) == len(self.files) - len(contents)
        assert status.queue == status.outcomes.get("review", 0) == len(self.ledger.queue())
        assert status.landed_rows == sum(map(len, self.landed.values()))

    @invariant()
    def every_version_lands_once_and_in_order(self) -> None:
        for versions in self.landed.values():
            assert versions == list(range(1, len(versions) + 1))

    def teardown(self) -> None:
        """Finishing the last run settles everything that it saw; then the books must balance."""
        self.next_run()
        for name, content in self.files:
            add(self.ledger, self.run_id, name, content, version=content)
        for _ in range(5):
            self.time += dt.timedelta(seconds=LEASE + 1)
            for held in claim(self.ledger, self.run_id, limit=100, lease=LEASE):
                self.ledger.record_extraction(held.document_id, held.token, extraction(held.sha256))
        try:
            self.ledger.check_conservation(self.run_id)
        except ConservationError as error:
            raise AssertionError(str(error)) from error
        assert self.ledger.open_documents(self.run_id) == 0
        counts = self.ledger.outcome_counts(self.run_id)
        assert sum(counts.values()) == len(self.files) and "pending" not in counts
        self.freeze()
        self.land()
        self.outcomes_sum_to_inputs()
        self.every_version_lands_once_and_in_order()
        status = self.ledger.status()
        assert status.rows_to_land == 0
        landed_once = status.documents.get("accepted", 0) + status.documents.get("reviewed", 0)
        assert len(self.landed) == landed_once


def empty(engine: sa.Engine) -> None:
    """Takes all rows out of all tables: quicker than new tables for every example."""
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


def check(ledger_url: str, examples: int) -> None:
    engine = create_ledger_engine(ledger_url)
    migrate(engine)
    if engine.dialect.name == "sqlite":  # this is about the order of steps, not about the disk
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        engine.dispose()
    rules = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=True,
    )
    try:
        machine: Any = lambda: Conservation(engine)  # noqa: E731  typed as a class, and meant as a factory
        run_state_machine_as_test(machine, settings=rules)
    finally:
        engine.dispose()


# A time-out amid an example is a failure that does not come again ("Flaky", no cause): so much time that none comes.
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_twice_in_a_few_orders(ledger_url: str) -> None:
    check(ledger_url, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_twice_whatever_the_order(ledger_url: str) -> None:
    check(ledger_url, 20)
