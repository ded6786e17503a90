"""The queue as its page shows it. Every statement is bounded by a limit or an index over what waits."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from flows.ledger import review
from flows.ledger.desk import (
    BURN_DOWN_DAYS,
    COUNT_CAP,
    BurnDay,
    QueueExtras,
    QueueFilter,
    QueueLine,
    QueueSort,
    QueueTabs,
    QueueView,
    Whose,
)
from flows.ledger.figures import QueueAge
from flows.ledger.models import BulkItem, Decision, Document, DocumentReason, Hold
from flows.ledger.records import Stage
from schemas.outcome import ReviewReason

_SOURCES = 300
"""Folders that are counted, the fullest first."""
_MOST_SHOWN_HOLDERS = 200


def conditions(wanted: QueueFilter, at: dt.datetime) -> list[ColumnElement[bool]]:
    """What a document of the queue must be to fit a filter."""
    found: list[ColumnElement[bool]] = [Document.waiting.is_(True)]
    if wanted.schema_name:
        found.append(Document.schema_name == wanted.schema_name)
    if wanted.reason:
        named = (DocumentReason.document_id == Document.document_id, DocumentReason.reason == wanted.reason)
        found.append(exists().where(*named))
    if wanted.search and wanted.search.strip():
        found.append(Document.search_text.contains(wanted.search.strip().casefold(), autoescape=True))
    if wanted.source:
        found.append(in_folder(wanted.source))
    if wanted.older is not None:
        found.append(Document.queued_at <= at - dt.timedelta(seconds=wanted.older))
    if wanted.amount_from is not None:
        found.append(Document.amount >= wanted.amount_from)
    if wanted.amount_to is not None:
        found.append(Document.amount <= wanted.amount_to)
    match wanted.whose:
        case Whose.MINE:
            found.append(_held(at, Hold.reviewer == wanted.reviewer))
        case Whose.FREE:
            found.append(not_(_held(at)))
        case Whose.SECOND:
            found.append(Document.second_look.is_not(None))
    if wanted.held_by:
        found.append(_held(at, Hold.reviewer == wanted.held_by))
    if wanted.bulk_id:
        named = (BulkItem.document_id == Document.document_id, BulkItem.bulk_id == wanted.bulk_id)
        found.append(exists().where(*named, BulkItem.sampled, BulkItem.revision == Document.revision))
    return found


def in_folder(folder: str) -> ColumnElement[bool]:
    """Documents of a folder and of those in it: a range of the index, since ``0`` comes after ``/``."""
    folder = folder.rstrip("/")
    inside = and_(Document.source >= folder + "/", Document.source < folder + "0")
    return or_(Document.source == folder, inside)


def _held(at: dt.datetime, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    # Of the document only: the row itself may be joined with its hold.
    named = (Hold.document_id == Document.document_id, Hold.until > at)
    return exists().where(*named, *more).correlate(Document)


def order_of(sort: QueueSort) -> list[InstrumentedAttribute[Any]]:
    """Columns of an order of the queue."""
    by_age: list[InstrumentedAttribute[Any]] = [Document.queued_at, Document.document_id]
    return [Document.review_rank, *by_age] if sort is QueueSort.VALUE else by_age


def view(session: Session, at: dt.datetime, wanted: QueueFilter, limit: int, offset: int) -> QueueView:
    """See `Ledger.queue_view`: six statements at most, whatever is asked."""
    fits = conditions(wanted, at)
    waits, second = [Document.waiting.is_(True)], Document.second_look.is_not(None)
    waiting, looks = session.execute(select(_capped(*waits), _capped(*waits, second))).one()
    rows = _rows(session, at, wanted, fits, limit, offset)
    matching = offset + len(rows)
    if len(rows) == limit or (not rows and offset):  # else these are all, and need no counting
        matching = session.scalars(select(_capped(*fits))).one() if len(fits) > 1 else waiting
    if not rows and offset:
        offset = max((min(matching, COUNT_CAP) - 1) // limit * limit, 0)
        rows = _rows(session, at, wanted, fits, limit, offset)
    reasons = review.reasons_of(session, [row.document_id for row in rows])
    held = session.execute(
        select(Hold.reviewer, func.count())
        .join(Document, Document.document_id == Hold.document_id)
        .where(Hold.until > at, *waits)
        .group_by(Hold.reviewer)
        .order_by(func.count().desc(), Hold.reviewer)
        .limit(_MOST_SHOWN_HOLDERS)
    )
    return QueueView(
        lines=[
            QueueLine.model_validate({**row._mapping, "reasons": reasons.get(row.document_id, [])})
            for row in rows
        ],
        offset=offset,
        matching=matching,
        tabs=QueueTabs(waiting=waiting, second=looks, held=dict(row._tuple() for row in held)),
    )


def _rows(
    session: Session,
    at: dt.datetime,
    wanted: QueueFilter,
    fits: list[ColumnElement[bool]],
    limit: int,
    offset: int,
) -> Sequence[Any]:
    """The columns are named so that no extraction is loaded for a list."""
    query = (
        select(
            Document.document_id,
            Document.uri,
            Document.sha256,
            Document.schema_name,
            Document.fingerprint,
            Document.model,
            Document.doubtful,
            Document.page_count,
            Document.queued_at,
            Document.revision.label("version"),
            Document.source,
            Document.amount,
            (-Document.review_rank).label("value"),
            Document.second_look,
            Hold.reviewer.label("holder"),
        )
        .outerjoin(Hold, and_(Hold.document_id == Document.document_id, Hold.until > at))
        .where(*fits)
        .order_by(*order_of(wanted.sort))
        .limit(limit)
        .offset(offset)
    )
    return session.execute(query).all()


def _capped(*fits: ColumnElement[bool]) -> ColumnElement[int]:
    """How many fit, counted no further than the cap."""
    some = select(literal(1)).select_from(Document).where(*fits).limit(COUNT_CAP + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def following(session: Session, at: dt.datetime, wanted: QueueFilter, after: str | None) -> str | None:
    """See `Ledger.next_waiting`. A document keeps its place in the order after it was decided."""
    order = order_of(wanted.sort)
    query = select(Document.document_id).where(*conditions(wanted, at), _for(wanted.reviewer, at))
    query = query.order_by(*order).limit(1)
    values = select(*order).where(Document.document_id == after) if after else None
    last = session.execute(values).one_or_none() if values is not None else None
    if last is None or last[-2] is None:
        return session.scalar(query.where(Document.document_id != after) if after else query)
    place = tuple_(*(literal(value, one.type) for value, one in zip(last, order, strict=True)))
    return session.scalar(query.where(tuple_(*order) > place)) or session.scalar(
        query.where(Document.document_id != after)
    )


def _for(reviewer: str, at: dt.datetime) -> ColumnElement[bool]:
    """What a reviewer may take up: nobody else has it, and where it is a second look, the first was not theirs."""
    if not reviewer:
        return true()
    looked = exists().where(
        Decision.document_id == Document.document_id,
        Decision.reviewer == reviewer,
        Decision.stage != Stage.FINAL,
    )
    return and_(not_(_held(at, Hold.reviewer != reviewer)), or_(Document.second_look.is_(None), not_(looked)))


def extras(session: Session, at: dt.datetime) -> QueueExtras:
    """See `Ledger.queue_extras`: five statements over what waits, and over a fortnight of decisions."""
    waits, number = Document.waiting.is_(True), func.count().label("number")
    waiting = session.scalars(select(func.count()).select_from(Document).where(waits)).one()
    schemas: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for name, source, count in session.execute(
        select(Document.schema_name, Document.source, number)
        .where(waits)
        .group_by(Document.schema_name, Document.source)
        .order_by(number.desc(), Document.schema_name, Document.source)
        .limit(_SOURCES)
    ):
        schemas[name] += count
        if source:
            sources[source] += count
    reasons = session.execute(
        select(DocumentReason.reason, number)
        .join(Document, Document.document_id == DocumentReason.document_id)
        .where(waits)
        .group_by(DocumentReason.reason)
        .order_by(number.desc(), DocumentReason.reason)
    )
    return QueueExtras(
        waiting=waiting,
        schemas=dict(schemas.most_common()),
        sources=dict(sources.most_common()),
        reasons={ReviewReason(reason): count for reason, count in reasons},
        days=_burn_down(session, at, waiting),
    )


def ages(session: Session) -> list[QueueAge]:
    """See `Ledger.queue_ages`."""
    query = (
        select(Document.schema_name, func.count(), func.min(Document.queued_at))
        .where(Document.waiting.is_(True), Document.queued_at.is_not(None))
        .group_by(Document.schema_name)
        .order_by(Document.schema_name)
    )
    return [
        QueueAge(schema_name=name, waiting=count, oldest=oldest)
        for name, count, oldest in session.execute(query)
    ]


def _burn_down(session: Session, at: dt.datetime, waiting: int) -> list[BurnDay]:
    """Reckoned back from today: what waited at the end of a day is what waits now, less what came, with what went."""
    today = at.astimezone(dt.UTC).date()
    days = [today - dt.timedelta(days=back) for back in range(BURN_DOWN_DAYS)]
    since = dt.datetime.combine(days[-1], dt.time(), dt.UTC)
    came = _by_day(session, Document.queued_at, Document.queued_at >= since)
    went = _by_day(
        session,
        Decision.at,
        Decision.at >= since,
        Decision.stage == Stage.FINAL,
        or_(Decision.queued.is_(None), Decision.queued.is_(True)),
    )
    found: list[BurnDay] = []
    size = waiting
    for day in days:
        found.insert(0, BurnDay(day=day, came=came[day], went=went[day], size=max(size, 0)))
        size += went[day] - came[day]
    return found


def _by_day(
    session: Session, moment: InstrumentedAttribute[Any], *fits: ColumnElement[bool]
) -> Counter[dt.date]:
    day = day_of(session, moment)
    rows = session.execute(select(day, func.count()).where(*fits).group_by(day))
    return Counter({as_date(value): count for value, count in rows})


def day_of(session: Session, moment: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The day (UTC) of a moment, as a group: a date on PostgreSQL, its text on SQLite, which keeps UTC as text."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone("UTC", moment), Date)
    return func.date(moment)


def as_date(value: dt.date | str) -> dt.date:
    """A day as the database gave it."""
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
