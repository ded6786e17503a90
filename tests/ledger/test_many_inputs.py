"""Inputs recorded many at a time: the same as one at a time, in a number of statements that does not grow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine

from flows.ledger.records import InputContent, InputRecord
from flows.ledger.store import Ledger
from tests.databases import scratch
from tests.ledger.builders import MODEL, SCHEMA, add, claim, sha_of, start

Seen = tuple[str, str, str]
"""Name, version, content."""


def contents(seen: Sequence[Seen]) -> list[InputContent]:
    return [
        InputContent(
            uri=f"file:///in/{name}",
            version=version,
            sha256=sha_of(content),
            size=len(content),
            media_type="application/pdf",
        )
        for name, version, content in seen
    ]


def add_all(ledger: Ledger, run_id: str, seen: Sequence[Seen]) -> list[InputRecord]:
    return ledger.add_inputs(
        run_id,
        contents(seen),
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
    )


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_each_has_its_document_and_copies_have_their_originals(ledger: Ledger) -> None:
    run = start(ledger)
    a, b, copy = add_all(ledger, run, [("a", "1", "x"), ("b", "1", "y"), ("c", "1", "x")])
    assert (a.duplicate, b.duplicate, copy.duplicate) == (False, False, True)
    assert copy.document_id == a.document_id != b.document_id
    assert all(record.new and record.needs_content for record in (a, b, copy))
    assert ledger.outcome_counts(run) == {"pending": 2, "duplicate": 1}
    assert {one.uri for one in claim(ledger)} == {"file:///in/a", "file:///in/b"}
    assert add_all(ledger, run, []) == []


def test_again_changes_nothing(ledger: Ledger) -> None:
    run = start(ledger)
    seen = [("a", "1", "x"), ("b", "1", "y"), ("c", "1", "x")]
    first = add_all(ledger, run, seen)
    again = add_all(ledger, run, seen)
    assert [record.model_copy(update={"new": False}) for record in first] == again


def test_other_bytes_under_one_version_are_inputs_of_their_own(ledger: Ledger) -> None:
    run = start(ledger)
    add(ledger, run, "a", "x")
    same, changed, b, b_changed = add_all(
        ledger, run, [("a", "1", "x"), ("a", "1", "z"), ("b", "1", "y"), ("b", "1", "w")]
    )
    assert not same.new and same.version == "1"
    assert changed.new and changed.version == f"1+{sha_of('z')[:12]}" and changed.sha256 == sha_of("z")
    assert b.version == "1" and b.sha256 == sha_of("y")
    assert b_changed.version == f"1+{sha_of('w')[:12]}" and b_changed.sha256 == sha_of("w")


def test_the_number_of_statements_does_not_grow_with_the_inputs(ledger: Ledger) -> None:
    run = start(ledger)
    needed = []
    for size in (5, 50):
        with counted() as statements:
            add_all(ledger, run, [(f"{size}-{i}", "1", f"{size}-{i}") for i in range(size)])
        needed.append(len(statements))
    assert needed[0] == needed[1] <= 10


NAMES = st.sampled_from("abcd")


@pytest.fixture(scope="module")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty ledger with a run: copied in a moment, which making one is not."""
    path = tmp_path_factory.mktemp("many") / "new.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        start(ledger)
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(st.tuples(NAMES, st.sampled_from("12"), st.sampled_from("xyz")), max_size=6))
)
def test_many_at_a_time_is_as_one_at_a_time(new_ledger: Path, batches: list[list[Seen]]) -> None:
    def told(record: InputRecord) -> dict[str, Any]:
        return record.model_dump(exclude={"input_id"})

    with tempfile.TemporaryDirectory(dir=scratch()) as folder, ExitStack() as opened:
        many, one = (
            opened.enter_context(Ledger.open(f"sqlite:///{shutil.copy(new_ledger, Path(folder) / name)}"))
            for name in ("many.db", "one.db")
        )
        for batch in batches:
            together = add_all(many, "run-1", batch)
            alone = [add_all(one, "run-1", [seen])[0] for seen in batch]
            assert [r.document_id for r in together] == [r.document_id for r in alone]
            assert [r.version for r in together] == [r.version for r in alone]
            assert [r.sha256 for r in together] == [r.sha256 for r in alone]
            if len(set(batch)) == len(batch):  # `new` and `duplicate` tell of the end of the transaction
                assert [told(r) for r in together] == [told(r) for r in alone]
        assert many.outcome_counts("run-1") == one.outcome_counts("run-1")
