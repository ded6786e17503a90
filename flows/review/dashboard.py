"""How it goes: what became of documents, how much of what landed is wrong, what looks cost and find."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from flows.ledger.figures import WINDOW_DAYS, BudgetSaid, FieldCorrections, Insight, ListFilter, ReasonDrift
from flows.ledger.records import DocumentState
from flows.ledger.trust import Right, SampleFigures
from flows.review import charts
from flows.review.bounds import Share, exact_share
from flows.review.kept import desk_of
from flows.review.people import Person, wants
from flows.review.queue_view import short_folder
from flows.review.queueing import name_of
from flows.review.site import Site, site_of
from flows.review.wording import STATE_WORDS, path_label, short_reason
from schemas.outcome import ReviewReason

LISTED = 200
_LEAST_WEEKS = 8
_LEAST_SHARED = 5
"""Of fewer documents a share says nothing."""
ORDER = {
    DocumentState.ACCEPTED: "accepted",
    DocumentState.REVIEWED: "reviewed",
    DocumentState.REVIEW: "waiting",
    DocumentState.REJECTED: "rejected",
    DocumentState.UNREADABLE: "unreadable",
    DocumentState.FAILED: "failed",
}
"""Outcomes from the bottom of a column to its top, with what they are called."""
THROUGH = (DocumentState.ACCEPTED, DocumentState.REVIEWED, DocumentState.REVIEW, DocumentState.REJECTED)
"""Those that were extracted: what a rate without a person is of."""

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
Somebody = Annotated[Person, Depends(wants(Right.READ))]


@router.get("/dashboard")
def dashboard(request: Request, site: SiteParts, person: Somebody) -> Response:
    """The figures of the last 90 days."""
    found = desk_of(request).insight()
    weeks = weeks_of(found)
    counts: Counter[DocumentState] = Counter()
    for week in weeks:
        counts.update(week.counts)
    through = sum(counts[state] for state in THROUGH)
    straight = sum(week.straight for week in weeks)
    return site.render(
        request,
        "dashboard.html",
        insight=found,
        days=WINDOW_DAYS,
        outcomes=charts.stacked(weeks, ORDER, _links(weeks)),
        straight=_straight(weeks),
        through=through,
        straight_share=straight / through if through else None,
        waiting=counts[DocumentState.REVIEW],
        measured=[
            measure(one, found.budgets.get(one.schema_name)) for one in found.samples if one.kind == "blind"
        ],
        slowest=max((one.field_seconds for one in found.looks), default=0),
        fields=[(one, _field_href(one)) for one in found.fields],
        drift=[_drifted(one) for one in found.drift],
        list_href=list_href,
    )


@router.get("/documents")
def documents(request: Request, site: SiteParts, person: Somebody) -> Response:
    """The documents behind a figure of the dashboard."""
    wanted = wanted_of(request.query_params)
    rows = site.ledger.listed(wanted, LISTED + 1)
    return site.render(
        request,
        "listed.html",
        rows=[(row, *name_of(row.uri)) for row in rows[:LISTED]],
        more=len(rows) > LISTED,
        most=LISTED,
        days=WINDOW_DAYS,
        words=list_words(wanted),
        state_words=STATE_WORDS,
    )


def wanted_of(query: Mapping[str, str]) -> ListFilter:
    """The list that an address asks for; what is no state, reason or day is dropped."""
    outcome, reason, sample = query.get("outcome", ""), query.get("reason", ""), query.get("sample")
    return ListFilter(
        outcome=DocumentState(outcome) if outcome in set(DocumentState) else None,
        schema_name=query.get("schema", "")[:200] or None,
        source=query.get("source", "")[:500] or None,
        reason=reason if reason in set(ReviewReason) else None,
        model=query.get("model", "")[:500] or None,
        corrected=query.get("corrected", "")[:200] or None,
        sample="wrong" if sample == "wrong" else "right" if sample == "right" else None,
        first=_day(query.get("first", "")),
        last=_day(query.get("last", "")),
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def list_href(**wanted: object) -> str:
    """The address of a list."""
    given = {name: str(value) for name, value in wanted.items() if value not in (None, "")}
    return f"/documents?{urlencode(given)}"


def list_words(wanted: ListFilter) -> str:
    """What a list holds, in a sentence."""
    parts = []
    if wanted.outcome is not None:
        parts.append(ORDER.get(wanted.outcome, STATE_WORDS[wanted.outcome]))
    if wanted.schema_name:
        parts.append(f"schema {wanted.schema_name}")
    if wanted.model:
        parts.append(f"read by {wanted.model}")
    if wanted.source:
        parts.append(f"from {short_folder(wanted.source)}")
    if wanted.reason:
        parts.append(f"reason: {short_reason(wanted.reason).lower()}")
    if wanted.corrected:
        parts.append(f"{path_label(wanted.corrected.replace('[]', ''))} was corrected")
    if wanted.sample:
        parts.append(f"blind samples that were {wanted.sample}")
    if wanted.first and wanted.last:
        parts.append(charts.Week(wanted.first, wanted.last, {}).words)
    return ", ".join(parts)


def weeks_of(found: Insight) -> list[charts.Week]:
    """Weeks that end today, as many as have documents, but not too few to see a course."""
    today = found.at.astimezone(dt.UTC).date()
    weeks: list[charts.Week] = []
    for back in range(WINDOW_DAYS // 7 + 1):
        last = today - dt.timedelta(days=7 * back)
        first = max(last - dt.timedelta(days=6), found.since.date())
        days = [day for day in found.days if first <= day.day <= last]
        counts: Counter[DocumentState] = Counter()
        for day in days:
            counts.update(day.outcomes)
        weeks.insert(0, charts.Week(first, last, counts, sum(day.straight for day in days)))
    while len(weeks) > _LEAST_WEEKS and not weeks[0].counts:
        weeks.pop(0)
    return weeks


def _links(weeks: list[charts.Week]) -> dict[tuple[int, DocumentState], str]:
    return {
        (place, state): list_href(outcome=state.value, first=week.first, last=week.last)
        for place, week in enumerate(weeks)
        for state in ORDER
    }


def _straight(weeks: list[charts.Week]) -> charts.Chart:
    shares = []
    for week in weeks:
        through = sum(week.counts.get(state, 0) for state in THROUGH)
        shares.append(week.straight / through if through >= _LEAST_SHARED else None)
    known = [share for share in shares if share is not None]
    told = (
        f"From {known[0]:.0%} in the first week to {known[-1]:.0%} in the last." if known else "No documents."
    )
    return charts.share_line(weeks, shares, "Accepted without a person, by week", told)


@dataclass(frozen=True, slots=True)
class Measured:
    """What blind samples of a schema found: shares wrong of documents and of fields, against the budget."""

    schema: str
    drawn: int
    documents: Share
    fields: Share
    budget: BudgetSaid | None
    verdict: str
    kind: str
    document_bar: charts.Whisker
    field_bar: charts.Whisker


def measure(one: SampleFigures, budget: BudgetSaid | None) -> Measured:
    """Intervals of both shares, and whether the one that is promised keeps its budget."""
    documents = exact_share(one.documents_wrong, one.decided)
    fields = exact_share(one.fields_wrong, one.fields)
    of_documents = budget is not None and budget.unit == "documents"
    verdict, kind = _verdict(documents if of_documents else fields, budget)
    limit = budget.error if budget else 0.0

    def bar(share: Share, allowed: float | None) -> charts.Whisker:
        most = max(share.high if share.trials else 0.0, 2 * limit, 0.05)
        return charts.whisker(share.value, share.low, share.high, allowed, min(most * 1.1, 1.0))

    return Measured(
        one.schema_name,
        one.drawn,
        documents,
        fields,
        budget,
        verdict,
        kind,
        bar(documents, limit if of_documents else None),
        bar(fields, limit if budget and not of_documents else None),
    )


def _verdict(share: Share, budget: BudgetSaid | None) -> tuple[str, str]:
    if not share.trials:
        return "not looked at yet", "open"
    if budget is None:
        return "no budget is set", "open"
    if share.high <= budget.error:
        return "within the budget", "fine"
    if share.low > budget.error:
        return "over the budget", "wrong"
    return "too few looks to tell", "open"


def _field_href(one: FieldCorrections) -> str:
    return list_href(schema=one.schema_name, corrected=one.path)


def _drifted(one: ReasonDrift) -> dict[str, object]:
    return {
        "source": short_folder(one.source),
        "reason": short_reason(one.reason),
        "before": one.before / one.before_documents,
        "recent": one.recent / one.recent_documents,
        "shift": f"{100 * one.shift:+.0f}".replace("-", "−"),
        "more": one.shift > 0,
        "href": list_href(source=one.source, reason=one.reason),
    }
