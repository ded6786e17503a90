"""Archives in the books: their outcome follows from their members'; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from flows.ledger.engine import create_ledger_engine
from flows.ledger.records import InputRecord
from flows.ledger.store import Ledger
from schemas.errors import ConservationError
from schemas.outcome import FailureReason, Outcome
from tests.ledger.builders import MODEL, SCHEMA, add, claim, extraction, sha_of, start

MADE: dict[str, Any] = {"schema_name": SCHEMA.name, "fingerprint": SCHEMA.fingerprint, "model": MODEL}


def archive(
    ledger: Ledger, run: str, name: str = "all.zip", content: str = "zip", version: str = "1"
) -> InputRecord:
    return ledger.add_archive(
        run,
        f"file:///in/{name}",
        version=version,
        sha256=sha_of(content),
        size=10,
        media_type="application/zip",
        **MADE,
    )


def member(ledger: Ledger, run: str, of: InputRecord, name: str, content: str | None = None) -> InputRecord:
    content = name if content is None else content
    return ledger.add_input(
        run,
        of.uri,
        version=of.version,
        member=name,
        sha256=sha_of(content),
        size=len(content),
        media_type="application/pdf",
        archive_id=of.input_id,
        **MADE,
    )


def bad_member(ledger: Ledger, run: str, of: InputRecord, name: str) -> InputRecord:
    return ledger.add_failed_input(
        run,
        of.uri,
        version=of.version,
        member=name,
        size=1,
        detail="it is damaged",
        reason=FailureReason.BROKEN,
        outcome=Outcome.UNREADABLE,
        archive_id=of.input_id,
        **MADE,
    )


def work(ledger: Ledger, run: str, outcomes: dict[str, str] | None = None) -> None:
    """Ends every document of the run: accepted, unless its member's name says otherwise."""
    for claimed in claim(ledger, run, limit=100):
        how = (outcomes or {}).get(claimed.member or "", "accepted")
        result = extraction(claimed.sha256)
        if how == "review":
            result = extraction(claimed.sha256, accepted=False)
        elif how in ("failed", "unreadable"):
            result = result.model_copy(
                update={"outcome": how, "failure": FailureReason.BROKEN, "data": None, "accepted": False}
            )
        ledger.record_extraction(claimed.document_id, claimed.token, result)


def known(ledger: Ledger, run: str, of: InputRecord) -> InputRecord | None:
    return ledger.known_input(
        run, of.uri, version=of.version, member=None, fingerprint=SCHEMA.fingerprint, model=MODEL
    )


@pytest.mark.parametrize(
    ("outcomes", "follows"),
    [
        ({}, "accepted"),
        ({"a": "review"}, "review"),
        ({"a": "review", "b": "failed"}, "failed"),
        ({"a": "unreadable"}, "accepted"),
        ({"a": "unreadable", "b": "review"}, "review"),
        ({"a": "unreadable", "b": "unreadable"}, "unreadable"),
    ],
)
def test_an_archive_ends_as_the_member_that_asks_for_most(
    ledger: Ledger, outcomes: dict[str, str], follows: str
) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    for name in ("a", "b"):
        member(ledger, run, held, name)
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    assert ledger.status().outcomes == {"pending": 1}
    work(ledger, run, outcomes)
    status = ledger.status()
    assert (status.inputs, status.outcomes, status.members) == (1, {follows: 1}, 2)
    assert sum(status.member_outcomes.values()) == 2
    ledger.check_conservation(run)


def test_members_that_are_through_before_the_archive_is_unpacked(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    member(ledger, run, held, "a")
    work(ledger, run)
    assert ledger.status().outcomes == {"pending": 1} and known(ledger, run, held) is None
    bad_member(ledger, run, held, "b")
    with pytest.raises(ConservationError, match=r"all\.zip has no outcome"):
        ledger.check_conservation(run)
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    assert ledger.status().outcomes == {"accepted": 1}
    ledger.check_conservation(run)


def test_one_that_could_not_be_unpacked_to_its_end_says_so_for_good(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    member(ledger, run, held, "a")
    ledger.finish_archive(
        held.input_id,
        sha256=sha_of("zip"),
        outcome=Outcome.UNREADABLE,
        reason=FailureReason.TIMEOUT,
        detail="too slow",
    )
    work(ledger, run)
    status = ledger.status()
    assert (status.outcomes, status.member_outcomes) == ({"unreadable": 1}, {"accepted": 1})
    assert status.reasons == {"timeout": 1}
    ledger.check_conservation(run)
    assert known(ledger, start(ledger, "two"), held) is not None


def test_a_later_run_that_knows_an_archive_has_seen_its_members(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    for name in ("a", "b"):
        member(ledger, run, held, name)
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    assert known(ledger, run, held) is None  # its members' bytes are wanted
    work(ledger, run, {"a": "failed"})
    later = start(ledger, "two")
    assert known(ledger, later, held) is None  # and so they are of one that is to be tried again
    again = archive(ledger, later)
    assert (again.input_id, again.new) == (held.input_id, False)
    for name in ("a", "b"):
        assert not member(ledger, later, again, name).new
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    work(ledger, later)
    assert ledger.status().outcomes == {"accepted": 1}
    last = start(ledger, "three")
    for _ in range(2):
        assert known(ledger, last, held) is not None
    assert {d.member for d in ledger.run_documents(last)} == {None, "a", "b"}
    assert ledger.reckon(last).inputs == 1 and ledger.reckon(last).members == 2
    ledger.check_conservation(last)


def test_one_that_failed_is_not_known(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    ledger.finish_archive(
        held.input_id, sha256=sha_of("zip"), outcome=Outcome.FAILED, reason=FailureReason.UNAVAILABLE
    )
    ledger.check_conservation(run)
    assert known(ledger, start(ledger, "two"), held) is None


def test_other_bytes_under_the_same_version_are_another_archive(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    member(ledger, run, held, "a")
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    other = archive(ledger, run, content="other zip")
    assert other.input_id != held.input_id and other.version.startswith("1+")
    member(ledger, run, other, "a", "other a")
    ledger.finish_archive(other.input_id, sha256=sha_of("other zip"))
    work(ledger, run)
    assert (ledger.status().inputs, ledger.status().members) == (2, 2)
    ledger.check_conservation(run)


def test_a_copy_in_an_archive_and_one_beside_it(ledger: Ledger) -> None:
    run = start(ledger)
    first, second = archive(ledger, run, "1.zip"), archive(ledger, run, "2.zip", "zip 2")
    for held, content in ((first, "zip"), (second, "zip 2")):
        member(ledger, run, held, "a", "same")
        ledger.finish_archive(held.input_id, sha256=sha_of(content))
    work(ledger, run)
    assert ledger.status().outcomes == {"accepted": 1, "duplicate": 1}
    (batch,) = ledger.freeze_batch(SCHEMA.name)
    assert [row.source_uri for row in batch.rows] == ["file:///in/1.zip!/a"]
    ledger.check_conservation(run)


def test_conservation_finds_an_archive_that_does_not_follow(ledger: Ledger, ledger_url: str) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    member(ledger, run, held, "a")
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    work(ledger, run)
    engine = create_ledger_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE inputs SET outcome = 'rejected' WHERE member = ''"))
    engine.dispose()
    with pytest.raises(ConservationError, match="what it holds makes it accepted"):
        ledger.check_conservation(run)


def test_members_that_end_at_the_same_time(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    for number in range(24):
        member(ledger, run, held, f"{number}")
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    taken = claim(ledger, run, limit=24)
    together = threading.Barrier(8)

    def end(mine: list[Any]) -> None:
        together.wait()
        for claimed in mine:
            ledger.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256))

    threads = [threading.Thread(target=end, args=(taken[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.status().outcomes == {"accepted": 1}
    ledger.check_conservation(run)


def test_many_inputs_are_looked_up_at_once(ledger: Ledger) -> None:
    run = start(ledger)
    held = archive(ledger, run)
    member(ledger, run, held, "a")
    ledger.finish_archive(held.input_id, sha256=sha_of("zip"))
    plain = [add(ledger, run, f"{n}.pdf") for n in range(3)]
    work(ledger, run)
    pairs = [(one.uri, one.version) for one in (held, *plain)]
    asked = [*pairs, pairs[0], (plain[0].uri, "2"), (plain[0].uri, ""), ("file:///in/new.pdf", "1")]

    later = start(ledger, "two")
    found = ledger.known_inputs(later, asked, fingerprint=SCHEMA.fingerprint, model=MODEL)
    assert found == set(pairs)
    assert found == ledger.known_inputs(later, asked, fingerprint=SCHEMA.fingerprint, model=MODEL)
    assert {d.member or d.uri[-5:] for d in ledger.run_documents(later)} == {
        "l.zip",
        "a",
        "0.pdf",
        "1.pdf",
        "2.pdf",
    }
    assert not ledger.known_inputs(later, [], fingerprint=SCHEMA.fingerprint, model=MODEL)
    assert not ledger.known_inputs(later, pairs, fingerprint=SCHEMA.fingerprint, model="other")
    ledger.check_conservation(later)
