"""What came of documents and of looks at them, for the dashboard. Seven statements over a window of 90 days.

A look's time runs from taking a document (`flows.ledger.holds`) to deciding on it, at most 15 minutes; what was handed
over, or accepted with others unseen, has none. Medians, because one long lunch is no measure of a field.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, type_coerce
from sqlalchemy import Text as PlainText
from sqlalchemy.orm import Session

from flows.ledger import samples
from flows.ledger.figures import (
    MOST_DECISIONS,
    RECENT_DAYS,
    WINDOW_DAYS,
    BudgetSaid,
    FieldCorrections,
    Insight,
    Listed,
    ListFilter,
    LookTime,
    ModelCorrections,
    OutcomeDay,
    ReasonDrift,
)
from flows.ledger.models import Decision, Document, DocumentReason, Run, Sample
from flows.ledger.records import DocumentState
from flows.ledger.waiting import as_date, day_of, in_folder
from flows.ledger.worth import pattern_of

_SOURCES = 8
_RUNS = 200
_ROWS = 12
_LEAST_SHIFT = 0.02
_OPEN = (DocumentState.PENDING, DocumentState.PROCESSING)


def gather(session: Session, at: dt.datetime) -> Insight:
    """See `Ledger.insight`."""
    first = at.astimezone(dt.UTC).date() - dt.timedelta(days=WINDOW_DAYS - 1)
    since = dt.datetime.combine(first, dt.time(), dt.UTC)
    decided = _decisions(session, since)
    looked = [one for one in decided[:MOST_DECISIONS] if one.bulk_id is None]
    return Insight(
        at=at,
        since=since,
        days=_days(session, since),
        samples=samples.figures(session, since),
        budgets=_budgets(session, since),
        looks=_looks(looked),
        at_once=len(decided[:MOST_DECISIONS]) - len(looked),
        fields=_fields(looked),
        models=_models(looked),
        drift=_drift(session, at, since),
        decisions=len(decided[:MOST_DECISIONS]),
        decisions_left=len(decided) > MOST_DECISIONS,
    )


def _blind() -> ColumnElement[bool]:
    return and_(Sample.document_id == Document.document_id, Sample.kind == "blind")


def _days(session: Session, since: dt.datetime) -> list[OutcomeDay]:
    """What waits is said to wait, so that the samples among it cannot be counted."""
    day = day_of(session, Document.created_at)
    outcome = case((Document.waiting.is_(True), DocumentState.REVIEW.value), else_=Document.state)
    straight = or_(Document.state == DocumentState.ACCEPTED.value, Sample.document_id.is_not(None))
    found: defaultdict[dt.date, dict[DocumentState, int]] = defaultdict(dict)
    accepted: Counter[dt.date] = Counter()
    for when, name, count, through in session.execute(
        select(day, outcome, func.count(), func.count().filter(straight))
        .select_from(Document)
        .outerjoin(Sample, _blind())
        .where(Document.created_at >= since)
        .group_by(day, outcome)
    ):
        found[as_date(when)][DocumentState(name)] = count
        accepted[as_date(when)] += through
    return [OutcomeDay(day=one, outcomes=found[one], straight=accepted[one]) for one in sorted(found)]


def _budgets(session: Session, since: dt.datetime) -> dict[str, BudgetSaid]:
    """By schema, what its last run was to keep."""
    found: dict[str, BudgetSaid] = {}
    seen: set[str] = set()
    for name, parameters in session.execute(
        select(Run.schema_name, Run.parameters)
        .where(Run.started_at >= since)
        .order_by(Run.started_at.desc())
        .limit(_RUNS)
    ):
        judged = parameters.get("judged_by") or {}
        if name not in seen and judged.get("error_budget"):
            found[name] = BudgetSaid(
                error=judged["error_budget"], confidence=judged["confidence"], unit=judged["unit"]
            )
        seen.add(name)
    return found


def _decisions(session: Session, since: dt.datetime) -> list[Any]:
    """The last decisions, one more than are counted, so that it shows when there are more."""
    query = (
        select(
            Decision.action,
            Decision.changes,
            Decision.seconds,
            Decision.bulk_id,
            Document.schema_name,
            Document.model,
            Document.doubtful,
        )
        .join(Document, Document.document_id == Decision.document_id)
        .where(Decision.at >= since)
        .order_by(Decision.at.desc())
        .limit(MOST_DECISIONS + 1)
    )
    return list(session.execute(query).all())


def _looks(looked: list[Any]) -> list[LookTime]:
    times: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in looked:
        if one.seconds is not None:
            times[one.schema_name].append((one.seconds, one.seconds / max(one.doubtful, 1)))
    return [
        LookTime(
            schema_name=name,
            looks=len(found),
            document_seconds=statistics.median(whole for whole, _ in found),
            field_seconds=statistics.median(part for _, part in found),
        )
        for name, found in sorted(times.items())
    ]


def _fields(looked: list[Any]) -> list[FieldCorrections]:
    kept = Counter(one.schema_name for one in looked if one.action != "reject")
    changed: Counter[tuple[str, str]] = Counter()
    for one in looked:
        paths = {pattern_of(str(change["path"])) for change in one.changes} if one.action == "correct" else ()
        changed.update((one.schema_name, path) for path in paths)
    return [
        FieldCorrections(schema_name=name, path=path, changed=count, looked=kept[name])
        for (name, path), count in sorted(changed.items(), key=lambda pair: (-pair[1], pair[0]))[:_ROWS]
    ]


def _models(looked: list[Any]) -> list[ModelCorrections]:
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in looked:
        found[one.schema_name, one.model][one.action] += 1
    return [
        ModelCorrections(
            schema_name=name,
            model=model,
            looked=counts.total(),
            corrected=counts["correct"],
            rejected=counts["reject"],
        )
        for (name, model), counts in sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0]))
    ][:_ROWS]


def _drift(session: Session, at: dt.datetime, since: dt.datetime) -> list[ReasonDrift]:
    """Of the fullest sources, the reasons whose share changed most."""
    recent = Document.created_at >= at - dt.timedelta(days=RECENT_DAYS)
    read = (Document.created_at >= since, Document.state.not_in(_OPEN), Document.source.is_not(None))
    documents = {
        source: (total - fresh, fresh)
        for source, total, fresh in session.execute(
            select(Document.source, func.count().label("total"), func.count().filter(recent))
            .where(*read)
            .group_by(Document.source)
            .order_by(func.count().desc(), Document.source)
            .limit(_SOURCES)
        )
    }
    found = [
        ReasonDrift(
            source=source,
            reason=reason,
            before=total - fresh,
            before_documents=documents[source][0],
            recent=fresh,
            recent_documents=documents[source][1],
        )
        for source, reason, total, fresh in session.execute(
            select(Document.source, DocumentReason.reason, func.count(), func.count().filter(recent))
            .join(DocumentReason, DocumentReason.document_id == Document.document_id)
            .where(*read, Document.source.in_(list(documents)), DocumentReason.decoy.is_(False))
            .group_by(Document.source, DocumentReason.reason)
        )
    ]
    both = [one for one in found if one.before_documents and one.recent_documents]
    both = [one for one in both if abs(one.shift) >= _LEAST_SHIFT]
    return sorted(both, key=lambda one: (-abs(one.shift), one.source, one.reason))[:_ROWS]


def listed(session: Session, at: dt.datetime, wanted: ListFilter, limit: int) -> list[Listed]:
    """See `Ledger.listed`. What waits is said to wait, though it was accepted: samples stay blind."""
    since = at - dt.timedelta(days=WINDOW_DAYS)
    outcome = case((Document.waiting.is_(True), DocumentState.REVIEW.value), else_=Document.state)
    fits: list[ColumnElement[bool]] = [Document.created_at >= since]
    if wanted.outcome is DocumentState.REVIEW:
        fits.append(Document.waiting.is_(True))
    elif wanted.outcome is not None:
        fits += [Document.state == wanted.outcome.value, Document.waiting.is_(False)]
    if wanted.schema_name:
        fits.append(Document.schema_name == wanted.schema_name)
    if wanted.source:
        fits.append(in_folder(wanted.source))
    if wanted.model:
        fits.append(Document.model == wanted.model)
    if wanted.reason:
        named = (DocumentReason.document_id == Document.document_id, DocumentReason.reason == wanted.reason)
        fits.append(exists().where(*named))
    if wanted.corrected:
        changes = type_coerce(Decision.changes, PlainText)
        fits.append(
            exists().where(
                Decision.document_id == Document.document_id,
                Decision.at >= since,
                changes.like(_like(wanted.corrected), escape="/"),
            )
        )
    if wanted.sample:
        wrong = Sample.wrong > 0 if wanted.sample == "wrong" else Sample.wrong == 0
        fits.append(exists().where(_blind(), Sample.closed_at.is_not(None), wrong))
    if wanted.first:
        fits.append(Document.created_at >= dt.datetime.combine(wanted.first, dt.time(), dt.UTC))
    if wanted.last:
        end = wanted.last + dt.timedelta(days=1)
        fits.append(Document.created_at < dt.datetime.combine(end, dt.time(), dt.UTC))
    rows = session.execute(
        select(
            Document.document_id,
            Document.uri,
            Document.schema_name,
            outcome.label("outcome"),
            Document.created_at,
            Document.amount,
        )
        .where(*fits)
        .order_by(Document.created_at.desc(), Document.document_id)
        .limit(limit)
    )
    return [Listed.model_validate(dict(row._mapping)) for row in rows]


def _like(pattern: str) -> str:
    """How a change of a field stands in a decision; ``[]`` is any number of a row."""
    text = json.dumps(pattern)
    for sign in ("/", "%", "_"):
        text = text.replace(sign, f"/{sign}")
    return f'%"path":{text.replace("[]", ".%")}%'
