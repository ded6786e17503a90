"""What the queue sorts, filters and counts by; on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from flows.ledger.desk import COUNT_CAP, QueueFilter, QueueSort, QueueTabs, Whose
from flows.ledger.records import SecondLook
from flows.ledger.store import Ledger
from flows.ledger.worth import FIELD_SECONDS, LEAST_MEASURED, OPEN_SECONDS, UNKNOWN_RISK, source_of
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, from_json_schema, load_schema
from tests.ledger.builders import add, claim, extraction, process, start
from tests.ledger.old_tables import make_first_version
from tests.review.history import ledger_with_clock

UNSURE = ReviewReason.MODEL_UNSURE
WEIGHED = from_json_schema(
    {
        "title": "bill",
        "type": "object",
        "properties": {
            "number": {"type": ["string", "null"]},
            "total": {"type": ["number", "null"], "x-parquetry": {"weight": 5}},
            "fee": {"type": ["number", "null"]},
        },
        "x-parquetry": {"amount": "fee"},
    },
    "bill",
)


def queued(
    ledger: Ledger,
    name: str,
    fields: list[ExtractedField] | None = None,
    *,
    schema: LoadedSchema = WEIGHED,
    **more: Any,
) -> str:
    run = start(ledger, f"run-{schema.fingerprint[:4]}", schema=schema)
    add(ledger, run, name, schema=schema)
    (held,) = claim(ledger, run, schema=schema)
    given = {"accepted": False, "reasons": [UNSURE], "fields": fields, "schema": schema} | more
    ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, **given))
    return str(held.document_id)


def doubt(path: str, probability: float | None = None) -> ExtractedField:
    calibration: Any = "uncalibrated" if probability is None else "calibrated"
    return ExtractedField(
        path=path,
        raw="1",
        value="1",
        probability=probability,
        calibration=calibration,
        reasons=[UNSURE],
    )


def shown(ledger: Ledger, **wanted: Any) -> list[str]:
    return [line.document_id for line in ledger.queue_view(QueueFilter(**wanted), limit=100).lines]


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """Every statement that is sent meanwhile."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    engine = ledger._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_look_is_worth_the_errors_it_finds_for_its_seconds(ledger: Ledger) -> None:
    light = queued(ledger, "light.pdf", [doubt("number", 0.6)])
    heavy = queued(ledger, "heavy.pdf", [doubt("total", 0.6), doubt("number", 0.6)])
    unknown = queued(ledger, "unknown.pdf", [doubt("number")])
    assert shown(ledger, sort=QueueSort.VALUE) == [heavy, light, unknown]
    assert shown(ledger) == [light, heavy, unknown]
    values = {one.document_id: one.value for one in ledger.queue_view(QueueFilter(), limit=9).lines}
    one, two = OPEN_SECONDS + FIELD_SECONDS, OPEN_SECONDS + 2 * FIELD_SECONDS
    assert values[heavy] == pytest.approx(0.4 * (5 + 1) / two)
    assert values[light] == pytest.approx(0.4 / one) and values[unknown] == pytest.approx(UNKNOWN_RISK / one)


def test_a_doubt_about_the_whole_document_counts_as_its_heaviest_field(ledger: Ledger) -> None:
    queued(ledger, "a.pdf", [ExtractedField(path="total", raw="1", value="1")])
    (line,) = ledger.queue_view(QueueFilter(), limit=9).lines
    assert (
        line.value == pytest.approx(5 * UNKNOWN_RISK / (OPEN_SECONDS + FIELD_SECONDS)) and line.doubtful == 0
    )


def test_measured_looks_take_the_place_of_the_constants(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, dt.datetime(2026, 3, 1, tzinfo=dt.UTC)) as (ledger, clock):
        before = queued(ledger, "before.pdf", [doubt("number", 0.6)])
        for number in range(LEAST_MEASURED):
            document_id = queued(ledger, f"{number}.pdf", [doubt("number", 0.6)])
            ledger.hold(document_id, "ada", seconds=900)
            clock.on(3 * (OPEN_SECONDS + FIELD_SECONDS))
            accept(ledger, document_id)
        after = queued(ledger, "after.pdf", [doubt("number", 0.6)])
        values = {one.document_id: one.value for one in ledger.queue_view(QueueFilter(), limit=9).lines}
        assert values[after] == pytest.approx(values[before] / 3)


def accept(ledger: Ledger, document_id: str, **more: Any) -> None:
    given: dict[str, Any] = {"reviewer": "ada", "action": "accept", "data": None, "fields": None}
    version = ledger.document(document_id).version
    ledger.decide(document_id, **(given | more), changes=[], comment="", expected_version=version)


def test_the_amount_is_the_field_that_the_schema_names_or_that_its_name_tells(ledger: Ledger) -> None:
    data = {"number": "1", "total": 200.0, "fee": 7.5}
    named = queued(ledger, "named.pdf", data=data)
    told = queued(
        ledger,
        "told.pdf",
        schema=load_schema("receipt"),
        data={"company": "A", "date": None, "address": None, "total": "1200.50"},
    )
    none = queued(ledger, "none.pdf", data={**data, "fee": None})
    amounts = {one.document_id: one.amount for one in ledger.queue_view(QueueFilter(), limit=9).lines}
    assert amounts == {named: 7.5, told: 1200.5, none: None}
    assert shown(ledger, amount_from=8) == [told]
    assert shown(ledger, amount_to=1000) == [named] and shown(ledger, amount_from=7.5, amount_to=7.5) == [
        named
    ]


def test_a_folder_shows_what_is_in_it_and_below_and_nothing_beside(ledger: Ledger) -> None:
    names = ["a/1.pdf", "a/b/2.pdf", "a b/3.pdf", "ab/4.pdf", "A/5.pdf"]
    ids = [queued(ledger, name) for name in names]
    assert shown(ledger, source="file:///in/a") == ids[:2]
    assert shown(ledger, source="file:///in/a/b/") == [ids[1]]
    assert shown(ledger, source="file:///in") == ids and shown(ledger, source="file:///i") == []
    assert shown(ledger, source="file:///in/%") == []
    assert ledger.queue_extras().sources == {f"file:///in/{name.rpartition('/')[0]}": 1 for name in names}


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("s3://bucket/a/b.pdf", "s3://bucket/a"),
        ("s3://bucket/all.zip!/deep/b.pdf", "s3://bucket/all.zip"),
        ("file:///b.pdf", "file:"),
        ("s3://b/" + "x" * 900 + "/b.pdf", ("s3://b/" + "x" * 900)[:500]),
    ],
)
def test_what_a_folder_is(uri: str, folder: str) -> None:
    assert source_of(uri) == folder


def test_age_is_counted_from_when_it_was_queued(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, dt.datetime(2026, 3, 1, tzinfo=dt.UTC)) as (ledger, clock):
        old = queued(ledger, "old.pdf")
        clock.on(3600)
        queued(ledger, "new.pdf")
        assert shown(ledger, older=3600) == [old] and shown(ledger, older=3601) == []


def test_tabs_tell_mine_free_held_and_second_looks(ledger: Ledger) -> None:
    mine, hers, free, looked = (queued(ledger, name) for name in ("1.pdf", "2.pdf", "3.pdf", "4.pdf"))
    ledger.hold(mine, "ada", seconds=60)
    ledger.hold(hers, "grace", seconds=60)
    accept(ledger, looked, reviewer="grace", second=SecondLook.AMOUNT)
    assert shown(ledger, whose=Whose.MINE, reviewer="ada") == [mine]
    assert shown(ledger, whose=Whose.FREE, reviewer="ada") == [free, looked]
    assert shown(ledger, whose=Whose.SECOND) == [looked] and shown(ledger, held_by="grace") == [hers]
    view = ledger.queue_view(QueueFilter(reviewer="ada"), limit=9)
    assert (view.tabs.waiting, view.tabs.mine("ada"), view.tabs.free, view.tabs.second) == (4, 1, 2, 1)
    assert [line.holder for line in view.lines] == ["ada", "grace", None, None]
    # What comes next is what one may take up.
    assert ledger.next_waiting(QueueFilter(reviewer="grace"), mine) == hers
    assert ledger.next_waiting(QueueFilter(reviewer="ada"), mine) == free
    assert ledger.next_waiting(QueueFilter(reviewer="grace"), free) == hers, "the second look is not hers"
    assert ledger.next_waiting(QueueFilter(reviewer="ada"), free) == looked


def test_the_next_follows_the_order_that_is_shown_and_goes_round(ledger: Ledger) -> None:
    ids = [queued(ledger, f"{n}.pdf", [doubt("number", p)]) for n, p in enumerate((0.9, 0.5, 0.7, 0.7))]
    wanted = QueueFilter(sort=QueueSort.VALUE)
    order, at = [ids[1], ids[2], ids[3], ids[0]], ids[1]
    for expected in [*order[1:], order[0]]:
        assert ledger.next_waiting(wanted, at) == expected
        at = expected
    accept(ledger, ids[2])
    assert ledger.next_waiting(wanted, ids[2]) == ids[3], "it keeps its place"
    assert ledger.next_waiting(QueueFilter(schema_name="none"), None) is None


def test_a_page_past_the_end_is_the_last_one(ledger: Ledger) -> None:
    ids = [queued(ledger, f"{n}.pdf") for n in range(5)]
    view = ledger.queue_view(QueueFilter(), limit=2, offset=100)
    assert ([line.document_id for line in view.lines], view.offset, view.matching) == (ids[4:], 4, 5)


def test_the_queue_is_reckoned_back_from_today(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC)) as (ledger, clock):
        first = [queued(ledger, f"{n}.pdf") for n in range(3)]
        clock.on(86_400)
        accept(ledger, first[0])
        queued(ledger, "later.pdf")
        accept(ledger, first[0])  # decided anew: it left the queue once only
        clock.on(86_400)
        accept(ledger, first[1], reviewer="ada", second=SecondLook.RANDOM)  # waits on
        days = ledger.queue_extras().days
    assert len(days) == 14 and days[-1].day == dt.date(2026, 3, 3)
    assert [(day.came, day.went, day.size) for day in days[-4:]] == [
        (0, 0, 0),
        (3, 0, 3),
        (1, 1, 3),
        (0, 0, 3),
    ]


def test_counts_have_an_end() -> None:
    tabs = QueueTabs(waiting=COUNT_CAP + 1, second=0, held={"ada": 5})
    assert tabs.free == COUNT_CAP + 1, "more than is counted is not told apart"


def test_a_page_takes_few_statements_however_much_waits(ledger: Ledger) -> None:
    counts = []
    for number in range(2):
        for more in range(1 + 7 * number):
            document_id = queued(ledger, f"{number}-{more}.pdf")
            ledger.hold(document_id, f"ada {more}", seconds=60)
        with statements(ledger) as sent:
            wanted = {"reviewer": "ada", "search": "pdf", "reason": UNSURE, "source": "file:///in"}
            ledger.queue_view(QueueFilter(**wanted, whose=Whose.FREE, sort=QueueSort.VALUE), limit=50)
            ledger.queue_extras()
        counts.append(len([one for one in sent if one.lstrip().upper().startswith("SELECT")]))
    assert counts[0] == counts[1] <= 13


def test_an_old_ledger_gets_the_folders_of_what_waits(empty_url: str) -> None:
    make_first_version(empty_url)
    with Ledger.open(empty_url) as ledger:
        (line,) = ledger.queue_view(QueueFilter(), limit=9).lines
        assert line.source == source_of(line.uri) and line.amount is None and line.value == 0
        assert shown(ledger, source=line.source) == [line.document_id]


@pytest.mark.parametrize("sort", list(QueueSort))
def test_both_orders_are_read_from_an_index(postgres_url: str, sort: QueueSort) -> None:
    """On PostgreSQL, which plans by what is there: sorting a queue of 100,000 for each page would not do."""
    with Ledger.open(postgres_url) as ledger:
        start(ledger)
        for name in range(5):
            add(ledger, "run-1", f"{name}.pdf")
        process(ledger, accepted=False, reasons=[UNSURE])
        with statements(ledger) as sent:
            ledger.queue_view(QueueFilter(sort=sort), limit=2)
        (query,) = [one for one in sent if "ORDER BY" in one and "documents.uri" in one]
        assert "waiting IS true" in query, "or no partial index is thought of"
        with ledger._engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            connection.execute(sa.text("SET LOCAL enable_sort = off"))
            columns = "review_rank, queued_at" if sort is QueueSort.VALUE else "queued_at"
            plan = connection.execute(
                sa.text(
                    "EXPLAIN SELECT uri FROM documents WHERE waiting IS true"
                    f" ORDER BY {columns}, document_id LIMIT 2"
                )
            )
            told = "\n".join(row[0] for row in plan)
    assert "Sort" not in told and "Index Scan" in told, told
