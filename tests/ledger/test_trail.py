"""The audit trail: whatever is changed, removed, put in or moved is found; decisions are held against it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from flows.ledger.records import ConflictError, FieldChange
from flows.ledger.store import Ledger
from flows.ledger.trust import START, TrailRecord, canonical, check
from tests.ledger.builders import add, process, start

AT = dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)


def chain(count: int) -> list[TrailRecord]:
    lines: list[TrailRecord] = []
    for number in range(1, count + 1):
        before = lines[-1].digest if lines else START
        line = TrailRecord(
            number=number,
            at=AT + dt.timedelta(seconds=number),
            actor=f"reviewer {number % 3}",
            action="decided",
            document_id=f"d{number % 4}",
            body=canonical({"n": number % 2}),
            before=before,
            digest="",
        )
        lines.append(line.model_copy(update={"digest": line.reckoned()}))
    return lines


def test_a_whole_chain_has_no_faults_and_tells_its_head() -> None:
    lines = chain(7)
    verdict = check(lines)
    assert (verdict.lines, verdict.head, verdict.faults) == (7, lines[-1].digest, [])
    assert check(lines, lines[3].digest).faults == []
    assert check([]).model_dump() == {"lines": 0, "head": START, "faults": []}


CHANGES: dict[str, Any] = {
    "at": AT,
    "actor": "somebody else",
    "action": "sampled",
    "document_id": None,
    "body": canonical({"n": 99}),
    "before": "f" * 64,
    "digest": "e" * 64,
    "number": 99,
}


@given(st.integers(2, 12), st.data())
def test_any_line_changed_removed_doubled_or_moved_is_found(count: int, data: st.DataObject) -> None:
    lines = chain(count)
    head = lines[-1].digest
    at = data.draw(st.integers(0, count - 1))
    match data.draw(st.sampled_from(["change", "remove", "double", "swap"])):
        case "change":
            name = data.draw(st.sampled_from(sorted(CHANGES)))
            lines[at] = lines[at].model_copy(update={name: CHANGES[name]})
        case "remove":
            del lines[at]
        case "double":
            lines.insert(at, lines[at])
        case "swap":
            other = data.draw(st.integers(0, count - 1).filter(lambda i: i != at))
            lines[at], lines[other] = lines[other], lines[at]
    assert check(lines, head).faults


def test_a_chain_made_anew_is_found_by_the_digest_that_was_kept_elsewhere() -> None:
    kept = chain(5)[-1].digest
    lines = [line.model_copy(update={"actor": "nobody"}) for line in chain(5)]
    for number, line in enumerate(lines):
        linked = line.model_copy(update={"before": lines[number - 1].digest if number else START})
        lines[number] = linked.model_copy(update={"digest": linked.reckoned()})
    assert check(lines).faults == []
    assert check(lines, kept).faults == [
        "The digest that was kept elsewhere is not in the trail: it was made anew, or cut off."
    ]


def decided(ledger: Ledger, names: str = "abc") -> list[str]:
    run = start(ledger)
    for name in names:
        add(ledger, run, f"{name}.pdf")
    ids = process(ledger, run, accepted=False)
    for document_id in ids:
        ledger.decide(
            document_id,
            reviewer="Ada\x00",
            action="correct",
            data={"number": "N-1", "day": None, "total": 13.5},
            fields=None,
            changes=[FieldChange(path="total", before=12.5, after=13.5)],
            comment="as \ud800 printed",
            expected_version=0,
        )
    return ids


def test_every_decision_is_in_the_trail_with_what_it_changed(ledger: Ledger) -> None:
    ids = decided(ledger)
    lines = list(ledger.trail())
    assert [line.document_id for line in lines] == ids
    assert '"changes":[{"after":13.5,"before":12.5,"path":"total"}]' in lines[0].body
    assert ledger.verify_trail().faults == []
    assert ledger.verify_trail(lines[1].digest).faults == []
    assert [line.number for line in ledger.trail_newest(limit=2)] == [3, 2]
    assert [line.number for line in ledger.trail_newest(before=2)] == [1]
    assert [line.number for line in ledger.trail_newest(document_id=ids[1])] == [2]


def test_a_decision_that_was_not_stored_is_not_in_the_trail(ledger: Ledger) -> None:
    (document_id,) = decided(ledger, "a")
    with pytest.raises(ConflictError):
        ledger.decide(
            document_id, reviewer="Bob", action="accept", data=None, fields=None, changes=[], comment="",
            expected_version=0,
        )  # fmt: skip
    assert len(list(ledger.trail())) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail SET actor = 'Eve' WHERE number = 2",
        "UPDATE trail SET body = replace(body, '13.5', '99.5') WHERE number = 3",
        "UPDATE trail SET at = '2020-01-01 00:00:00+00:00' WHERE number = 1",
        "DELETE FROM trail WHERE number = 1",
        "DELETE FROM trail WHERE number = 2",
        "DELETE FROM trail WHERE number = 3",
        "UPDATE trail SET number = 9 WHERE number = 3",
        "UPDATE decisions SET reviewer = 'Eve' WHERE on_revision = 0",
        "UPDATE decisions SET data = '{}' WHERE on_revision = 0",
        "UPDATE decisions SET at = '2020-01-01 00:00:00+00:00' WHERE on_revision = 0",
        "UPDATE decisions SET changes = '[]' WHERE on_revision = 0",
        "UPDATE decisions SET comment = 'fine' WHERE on_revision = 0",
    ],
)
def test_what_is_changed_behind_the_ledgers_back_is_found(ledger: Ledger, statement: str) -> None:
    decided(ledger)
    with ledger._engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert ledger.verify_trail().faults


def test_a_decision_nobody_told_of_and_one_that_is_gone_are_found(ledger: Ledger) -> None:
    ids = decided(ledger)
    columns = "at, document_id, on_revision, reviewer, action, fields, changes, comment, stage"
    copied = columns.replace("on_revision", "7").replace("reviewer", "'Eve'")
    with ledger._engine.begin() as connection:
        for statement, document_id in (
            (
                f"INSERT INTO decisions ({columns}) SELECT {copied} FROM decisions WHERE document_id = :d",
                ids[0],
            ),
            ("DELETE FROM rows WHERE document_id = :d", ids[2]),
            ("DELETE FROM decisions WHERE document_id = :d", ids[2]),
        ):
            connection.execute(sa.text(statement), {"d": document_id})
    assert len(ledger.verify_trail().faults) == 2


def test_two_connections_that_append_at_once_make_one_chain(ledger: Ledger, ledger_url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Ledger.open(ledger_url) as other, ThreadPoolExecutor(6) as pool:
        notes = [
            pool.submit(one.note, f"n{i}", "signed in", None, i=i)
            for i, one in enumerate([ledger, other] * 15)
        ]
        for note in notes:
            note.result()
    verdict = ledger.verify_trail()
    assert (verdict.lines, verdict.faults) == (30, [])
