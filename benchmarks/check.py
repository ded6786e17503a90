"""The reckoning after a benchmark: what was written, what the ledger says, what lies in the lake."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from benchmarks.documents import number_of, total_of
from benchmarks.look import Seen, file_system, parquet_files
from benchmarks.program import Plan
from flows.ledger.engine import create_ledger_engine
from flows.ledger.models import Document, Input, Transition
from flows.ledger.records import DocumentState

LOG_ERROR = " ERROR "


class Step(NamedTuple):
    """A step of a document, as the ledger keeps it."""

    document_id: str
    from_state: str | None
    to_state: str
    token: int | None


@dataclass
class Reckoning:
    """What must be nothing, and what it was found among."""

    documents: int
    outcomes: dict[str, int]
    files: int = 0
    rows: int = 0
    lost: list[str] = field(default_factory=list)
    duplicate_rows: list[str] = field(default_factory=list)
    wrong_rows: list[str] = field(default_factory=list)
    unreadable_files: list[str] = field(default_factory=list)
    stale_writes: list[str] = field(default_factory=list)
    errors_shown: list[str] = field(default_factory=list)
    seen: Seen | None = None

    def faults(self) -> dict[str, list[str]]:
        """Everything that must be empty, by name."""
        found = {
            "lost": self.lost,
            "duplicate rows": self.duplicate_rows,
            "rows with wrong values": self.wrong_rows,
            "unreadable files": self.unreadable_files,
            "stale writes": self.stale_writes,
        }
        if self.seen is not None:
            found |= {
                "failed reads": self.seen.failed,
                "files that changed": self.seen.changed,
                "files that vanished": self.seen.vanished,
                "looks with a row twice": self.seen.twice,
            }
        return found

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults().values())


def reckon(plan: Plan, documents: int, seen: Seen | None = None) -> Reckoning:
    """Holds ledger and lake against the documents ``0 .. documents - 1`` that were written."""
    engine = create_ledger_engine(plan.database)
    with engine.begin() as connection:
        outcomes = {row.uri: row.outcome for row in connection.execute(sa.select(Input.uri, Input.outcome))}
        accepted = set(
            connection.scalars(sa.select(Document.uri).where(Document.state == DocumentState.ACCEPTED))
        )
        query = sa.select(
            Transition.document_id, Transition.from_state, Transition.to_state, Transition.token
        ).order_by(Transition.document_id, Transition.transition_id)
        steps = [Step(*row) for row in connection.execute(query)]
    engine.dispose()
    found = Reckoning(documents, dict(Counter(outcome or "none" for outcome in outcomes.values())), seen=seen)
    rows = _rows(plan, found)
    for index in range(documents):
        name = number_of(index)
        path = plan.source / f"{name}.pdf"
        uri = next((uri for uri in (str(path), path.as_uri()) if uri in outcomes), "")
        if not outcomes.get(uri):
            found.lost.append(f"{name} has no outcome")
        elif uri in accepted and name not in rows:
            found.lost.append(f"{name} is accepted and has no row in the lake")
        for total in rows.get(name, [])[1:]:
            found.duplicate_rows.append(f"{name} with {total}")
        for total in rows.get(name, []):
            if total != total_of(index) or uri not in accepted:
                found.wrong_rows.append(f"{name}: {total}, and its outcome is {outcomes.get(uri)}")
    written = {number_of(index) for index in range(documents)}
    found.wrong_rows += [f"{name} was never written" for name in rows if name not in written]
    for document_id, its_steps in groupby(steps, key=lambda step: step.document_id):
        found.stale_writes += [f"{document_id}: {fault}" for fault in history_faults(list(its_steps))]
    found.errors_shown = errors_shown(plan)
    return found


def _rows(plan: Plan, found: Reckoning) -> dict[str, list[Decimal]]:
    """Totals in the lake by bill number, read by pyarrow."""
    system, root = file_system(plan)
    rows: dict[str, list[Decimal]] = {}
    for name in parquet_files(system, root):
        found.files += 1
        try:
            with system.open_input_file(name) as stream:
                table = pq.read_table(stream, columns=["bill_number", "total"])
        except (OSError, pa.ArrowException) as error:
            found.unreadable_files.append(f"{name}: {error}")
            continue
        for row in table.to_pylist():
            rows.setdefault(row["bill_number"], []).append(row["total"])
            found.rows += 1
    return rows


def history_faults(steps: list[Step]) -> list[str]:
    """What in a document's steps shows that someone wrote who was no longer allowed to, or that one is missing."""
    faults: list[str] = []
    state: str | None = None
    token: int | None = None
    for step in steps:
        if step.from_state != state:
            faults.append(f"a step from {step.from_state} to {step.to_state} when it was {state}")
        if step.to_state == DocumentState.PROCESSING:
            if step.token is None or (token is not None and step.token <= token):
                faults.append(f"taken under token {step.token} after token {token}")
            token = step.token
        elif step.from_state == DocumentState.PROCESSING and step.token != token:
            faults.append(f"{step.to_state} written under token {step.token} when {token} was in force")
        state = step.to_state
    return faults


def errors_shown(plan: Plan) -> list[str]:
    """What the processes would have shown a user as an error."""
    return [
        line
        for path in sorted(plan.logs.glob("*.log"))
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if LOG_ERROR in line
    ]
