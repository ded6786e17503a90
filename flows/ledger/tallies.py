"""Sums over everything that ever happened, for metrics: from the ledger's steps, so that no process has to count.

Runs, workers and their children are short-lived, and one that is killed takes what it counted with it. The steps of
documents are written with what they are about, in one transaction, and never change. Steps that are older than
`SETTLED` are folded into ``tallies`` whenever somebody asks, the others are counted anew each time: cheap, nothing is
lost, and workers never wait for a counter. No transaction stays open for so long, so none comes late.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from flows.ledger.common import insert_all_new, insert_new
from flows.ledger.figures import BUCKETS, MetricFigures, Tallies, Waiting
from flows.ledger.models import Batch, Document, Input, Lock, Run, Tally, Transition
from flows.ledger.models import Row as LakeRow
from flows.ledger.records import DocumentState
from flows.ledger.runs import CRASHED, RUNNING
from schemas.outcome import Outcome

SETTLED = dt.timedelta(minutes=2)
CHUNK = 20_000
"""Steps folded in one transaction."""
_MARK = ("mark", "", "")
_PROCESSING = DocumentState.PROCESSING.value
_STAGES = {
    "ocr": "ocr",
    "model": "model",
    "scripted": "model",
    "check": "check",
    "ledger": "ledger",
    "total": "total",
}
_CPU = {"read_cpu": "read", "ocr_cpu": "ocr", "model_cpu": "model", "ledger_cpu": "ledger"}
_COUNTS = ("model_calls", "prompt_tokens", "answer_tokens", "retries")


def fold_some(session: Session, at: dt.datetime) -> bool:
    """Adds the next settled steps to the sums; whether there may be more."""
    insert_new(session, Lock, name="tallies", taken=0)
    session.execute(update(Lock).where(Lock.name == "tallies").values(taken=Lock.taken + 1))  # one at a time
    mark = int(session.scalar(select(Tally.value).where(Tally.name == _MARK[0])) or 0)
    steps = _steps(session, mark, CHUNK)
    settled = list(takewhile(lambda step: step.at < at - SETTLED, steps))
    if not settled:
        return False
    added = tallied(settled)
    added[_MARK] = settled[-1].transition_id - mark
    keys = sorted(added)
    insert_all_new(
        session,
        Tally,
        [{"name": name, "schema_name": schema, "label": label, "value": 0.0} for name, schema, label in keys],
    )
    for name, schema, label in keys:
        here = (Tally.name == name, Tally.schema_name == schema, Tally.label == label)
        session.execute(update(Tally).where(*here).values(value=Tally.value + added[name, schema, label]))
    return len(settled) == CHUNK


def _steps(session: Session, mark: int, limit: int | None) -> list[Row[Any]]:
    query = (
        select(
            Transition.transition_id,
            Transition.at,
            Transition.from_state,
            Transition.to_state,
            func.coalesce(Transition.figures, Document.figures).label("figures"),
            Document.schema_name,
        )
        .join(Document, Document.document_id == Transition.document_id)
        .where(Transition.transition_id > mark)
        .order_by(Transition.transition_id)
    )
    return list(session.execute(query.limit(limit) if limit else query))


def tallied(steps: Iterable[Row[Any]]) -> Tallies:
    """Steps, and what documents cost at the step that ended their processing, summed by name, schema and label."""
    sums: Tallies = defaultdict(float)
    for step in steps:
        schema = step.schema_name
        if step.from_state != step.to_state or step.to_state == _PROCESSING:
            sums["steps", schema, f"{step.from_state or ''}>{step.to_state}"] += 1
        if step.from_state == _PROCESSING and step.to_state not in (_PROCESSING, DocumentState.PENDING.value):
            for (name, label), value in _spent(step.figures or {}).items():
                sums[name, schema, label] += value
    return sums


def _spent(figures: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    counts, timings = figures.get("counts", {}), figures.get("timings", {})
    found = {
        ("pages", name.removeprefix("pages_")): float(count)
        for name, count in counts.items()
        if name.startswith("pages_") and count
    }
    found |= {("model", name): float(counts[name]) for name in _COUNTS if counts.get(name)}
    found |= {("cpu", stage): timings[name] for name, stage in _CPU.items() if timings.get(name)}
    seconds = {stage: timings[name] for name, stage in _STAGES.items() if timings.get(name)}
    if "read" in timings:
        seconds["read"] = max(timings["read"] - timings.get("ocr", 0.0), 0.0)
    for stage, value in seconds.items():
        found["seconds", stage] = value
        found["bucket", f"{stage}|{bisect_left(BUCKETS, value)}"] = 1.0
    return found


def gather(session: Session, at: dt.datetime) -> MetricFigures:
    """The sums until now, and what is now."""
    sums = {(one.name, one.schema_name, one.label): one.value for one in session.scalars(select(Tally))}
    mark = int(sums.pop(_MARK, 0))
    for key, value in tallied(_steps(session, mark, None)).items():
        sums[key] = sums.get(key, 0.0) + value
    waiting = session.execute(
        select(Document.schema_name, func.count(), func.min(Document.queued_at))
        .where(Document.waiting.is_(True))
        .group_by(Document.schema_name)
    )
    landed = (
        select(Batch.schema_name, func.sum(Batch.row_count))
        .where(Batch.landed_at.is_not(None))
        .group_by(Batch.schema_name)
    )
    frozen = (
        select(Batch.schema_name, func.sum(Batch.row_count))
        .where(Batch.landed_at.is_(None))
        .group_by(Batch.schema_name)
    )
    open_rows = (
        select(LakeRow.schema_name, func.count())
        .where(LakeRow.batch_id.is_(None))
        .group_by(LakeRow.schema_name)
    )
    to_land: Counter[str] = Counter({name: int(rows) for name, rows in session.execute(frozen)})
    to_land.update({name: int(rows) for name, rows in session.execute(open_rows)})
    states, completed = _runs(session, at)
    return MetricFigures(
        sums=sums,
        waiting={name: Waiting(count, _age(at, oldest)) for name, count, oldest in waiting},
        landed={name: int(rows) for name, rows in session.execute(landed)},
        to_land=dict(to_land),
        runs=states,
        completed=completed,
        without_document=_without_document(session),
    )


def _age(at: dt.datetime, oldest: dt.datetime | None) -> float:
    return max((at - oldest).total_seconds(), 0.0) if oldest is not None else 0.0


def _runs(session: Session, at: dt.datetime) -> tuple[dict[tuple[str, str], int], dict[str, float]]:
    states: Counter[tuple[str, str]] = Counter()
    completed: dict[str, float] = {}
    for name, state, lease, finished in session.execute(
        select(Run.schema_name, Run.state, Run.lease_until, Run.finished_at)
    ):
        lost = state == RUNNING and lease is not None and lease < at
        states[name, CRASHED if lost else state] += 1
        if state == "completed" and finished is not None:
            completed[name] = max(completed.get(name, 0.0), finished.timestamp())
    return dict(states), completed


def _without_document(session: Session) -> dict[tuple[str, str], int]:
    """Inputs that could not be fetched or opened: they have an outcome and no document."""
    query = (
        select(Input.schema_name, Input.outcome, func.count())
        .where(
            Input.outcome.in_([Outcome.FAILED.value, Outcome.UNREADABLE.value]), Input.document_id.is_(None)
        )
        .group_by(Input.schema_name, Input.outcome)
    )
    return {(name, str(outcome)): count for name, outcome, count in session.execute(query)}
