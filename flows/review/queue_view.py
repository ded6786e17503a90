"""The page of the queue: tabs, filters, how it grew and shrank, and the documents that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from flows.ledger.desk import COUNT_CAP, QueueSort, QueueTabs, Whose
from flows.ledger.trust import Right
from flows.review import charts
from flows.review.kept import desk_of
from flows.review.people import Person
from flows.review.queueing import PAGE_SIZE, Filter, queue_page
from flows.review.site import Site
from flows.review.wording import count

_SOURCES_SHOWN = 40
AGE_WORDS = {
    "1h": "an hour",
    "8h": "8 hours",
    "1d": "a day",
    "3d": "3 days",
    "7d": "a week",
    "30d": "30 days",
}
SORT_WORDS = {QueueSort.AGE: "Longest waiting", QueueSort.VALUE: "Most worth a look"}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: where it leads, how many are there, whether it is open."""

    name: str
    number: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    text: str
    chosen: bool


def show_queue(site: Site, request: Request, person: Person, notice: dict[str, str] | None) -> Response:
    """The queue, filtered as the query says."""
    wanted, reviewer = Filter.of(request.query_params), person.name
    if wanted.bulk:  # all that were drawn have been looked at: back to where they were drawn
        done = request.query_params.get(
            "done", ""
        )  # the document's script looks for it: the decision was stored
        return RedirectResponse(f"/bulk/{wanted.bulk}" + (f"?done={done}" if done.isalpha() else ""), 303)
    offset = request.query_params.get("offset", "")
    view = site.ledger.queue_view(
        wanted.asked(reviewer), limit=PAGE_SIZE, offset=_offset(offset[:9]) if offset.isdecimal() else 0
    )
    extras = desk_of(request).extras()
    found = queue_page(view, wanted, reviewer)
    back, on = found.previous_offset, found.next_offset
    return site.render(
        request,
        "queue.html",
        queue=found,
        heading=f"{capped(found.waiting, 'document waits', 'documents wait')} for review",
        matching=capped(found.matching),
        tabs=_tabs(view.tabs, wanted, reviewer),
        filter=wanted,
        schemas=_choices(extras.schemas, wanted.schema),
        sources=_sources(extras.sources, wanted.source),
        reasons=extras.reasons,
        holders=_choices({k: v for k, v in view.tabs.held.items() if k != reviewer}, wanted.held_by),
        ages=AGE_WORDS,
        sorts=SORT_WORDS,
        burn=charts.burn_down(extras.days),
        notice=notice,
        show_all=Filter(whose=wanted.whose, sort=wanted.sort).href("/"),
        bulk_href=wanted.href("/bulk") if found.rows and person.may(Right.SETTLE) else "",
        previous_href=wanted.href("/", offset=back or None) if back is not None else "",
        next_href=wanted.href("/", offset=on) if on is not None else "",
    )


def _offset(text: str) -> int:
    return min(int(text), COUNT_CAP)


def capped(number: int, one: str = "", many: str = "") -> str:
    """A count that ends at the cap: ``10,000+ documents wait``."""
    if number > COUNT_CAP:
        return f"{COUNT_CAP:,}+ {many}".strip()
    return count(number, one, many).strip()


def _tabs(tabs: QueueTabs, wanted: Filter, reviewer: str) -> tuple[Tab, ...]:
    every = (
        ("All", None, capped(tabs.waiting)),
        ("Mine", Whose.MINE, capped(tabs.mine(reviewer))),
        ("Free", Whose.FREE, capped(tabs.free)),
        ("Second look", Whose.SECOND, capped(tabs.second)),
    )
    return tuple(
        Tab(name, number, wanted.href("/", whose=whose), whose is wanted.whose)
        for name, whose, number in every
    )


def _choices(counts: Mapping[str, int], chosen: str | None) -> list[Choice]:
    known = dict(counts) if chosen is None or chosen in counts else {**counts, chosen: 0}
    return [Choice(name, f"{name} ({number:,})", name == chosen) for name, number in known.items()]


def _sources(counts: Mapping[str, int], chosen: str | None) -> list[Choice]:
    """Folders to choose from; where there are many, those above them as well, each with all that is in it."""
    whole: Counter[str] = Counter(counts)
    children: Counter[str] = Counter()
    for folder, number in counts.items():
        above = folder
        while above.count("/") > 3:
            above = above.rpartition("/")[0]
            whole[above] += number
            children[above] += 1
    named = {name: whole[name] for name in whole if name in counts or children[name] > 1}
    if chosen is not None:
        named.setdefault(chosen, whole[chosen])
    kept = sorted(named, key=lambda name: (name != chosen, -named[name], name))[:_SOURCES_SHOWN]
    return [Choice(name, f"{short_folder(name)} ({named[name]:,})", name == chosen) for name in sorted(kept)]


def short_folder(folder: str, most: int = 48) -> str:
    """A folder as people read it; of a long one its end."""
    shown = folder.removeprefix("file://")
    return shown if len(shown) <= most else "…" + shown[1 - most :]
