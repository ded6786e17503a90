from __future__ import annotations

import datetime as dt
import hashlib
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from flows.landing import current_sql, land, read_current
from flows.ledger.records import FieldChange
from flows.ledger.store import Ledger
from schemas.errors import LandingError, LedgerError, UsageError
from schemas.registry import from_json_schema
from tests.landing.conftest import Bucket, Place
from tests.ledger.builders import SCHEMA, add, claim, extraction, process, start


def accept(ledger: Ledger, *names: str, run: str = "run-1") -> list[str]:
    start(ledger, run)
    for name in names:
        add(ledger, run, name)
    return process(ledger, run)


def decide(
    ledger: Ledger, document_id: str, action: Any, data: Any = None, changes: Any = (), who: str = "ada"
) -> None:
    ledger.decide(
        document_id,
        reviewer=who,
        action=action,
        data=data,
        fields=None,
        changes=list(changes),
        comment="",
        expected_version=ledger.document(document_id).version,
    )


def test_accepted_rows_land_once(ledger: Ledger, place: Place) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    report = place.land(ledger)
    assert report.rows == 2 and len(report.files) == 1 and report.warnings == [] and report.swept == []
    assert place.land(ledger).files == []
    accept(ledger, "a.pdf", "b.pdf", run="run-2")
    assert place.land(ledger).files == []
    status = ledger.status()
    assert (status.landed_rows, status.landed_files, status.rows_to_land) == (2, 1, 0)
    assert len(set(place.versions())) == 2 and place.troubles(ledger) == []
    rows = {row["source_uri"]: row for row in read_current(place.uri, "bill").to_pylist()}
    row = rows["file:///in/a.pdf"]
    assert row["total"] == Decimal("12.5") and row["day"] == dt.date(2024, 2, 29)
    assert row["landed_by"] == "model" and row["version"] == 1 and row["supersedes"] is None
    assert row["run_id"] == "run-1" and row["valid_from"].tzinfo is not None
    assert row["evidence"][1]["value"] == "12.50" and row["evidence"][0]["boxes"] == [[1, 2, 3, 4]]


def test_a_file_is_named_after_its_batch_and_says_whose_it_is(ledger: Ledger, lake: Path) -> None:
    accept(ledger, "a.pdf")
    report = land(ledger, lake, SCHEMA)
    (file,) = (lake / "bill").iterdir()
    assert str(file) == report.files[0].path
    assert hashlib.sha256(file.read_bytes()).hexdigest() == report.files[0].sha256
    said = pq.read_schema(file).metadata
    assert said[b"parquetry.schema_fingerprint"].decode() == SCHEMA.fingerprint
    assert said[b"parquetry.ledger"].decode() == ledger.ledger_id()
    assert said[b"parquetry.batch"].decode() == file.stem
    assert ledger.batch_ids("bill") == {file.stem}


def test_batches_are_bounded_and_deterministic(ledger: Ledger) -> None:
    accept(ledger, *(f"{n}.pdf" for n in range(5)))
    made = ledger.freeze_batch("bill", max_rows=2)
    assert [len(b.rows) for b in made] == [2, 2, 1]
    assert ledger.freeze_batch("bill") == []
    assert sorted(ledger.pending_batches(), key=lambda b: b.batch_id) == sorted(
        made, key=lambda b: b.batch_id
    )
    assert list(ledger.pending_batches("other")) == []


def test_correction_is_a_new_version_and_rejection_withdraws(ledger: Ledger, place: Place) -> None:
    first, second = accept(ledger, "a.pdf", "b.pdf")
    place.land(ledger)
    before = dt.datetime.now(dt.UTC)
    time.sleep(0.002)
    change = FieldChange(path="total", before="12.50", after="99")
    decide(ledger, first, "correct", {"number": "X", "day": None, "total": 99}, [change])
    decide(ledger, second, "reject")
    place.land(ledger)
    current = read_current(place.uri, "bill").to_pylist()
    assert [(r["number"], r["version"], r["supersedes"], r["landed_by"]) for r in current] == [
        ("X", 2, 1, "ada")
    ]
    evidence = {e["path"]: e for e in current[0]["evidence"]}
    assert evidence["total"]["value"] == "99" and evidence["total"]["raw"] is None
    assert evidence["number"]["raw"] == "No 1"
    assert len(set(place.versions())) == 4
    then = read_current(place.uri, "bill", as_of=before).to_pylist()
    assert sorted(r["version"] for r in then) == [1, 1]
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    assert read_current(place.uri, "bill", as_of=long_ago).num_rows == 0
    decide(ledger, second, "accept", who="bob")
    place.land(ledger)
    again = {r["landed_by"]: r["version"] for r in read_current(place.uri, "bill").to_pylist()}
    assert again == {"ada": 2, "bob": 3} and place.troubles(ledger) == []


def test_two_versions_of_a_row_in_one_batch(ledger: Ledger, place: Place) -> None:
    (first,) = accept(ledger, "a.pdf")
    decide(ledger, first, "correct", {"number": "X", "day": None, "total": 99})
    place.land(ledger)
    assert [version for _, version in place.versions()] == [1, 2]
    assert [version for _, version in place.current()] == [2] and place.troubles(ledger) == []


def test_duckdb_view_agrees_with_pyarrow_and_pandas(ledger: Ledger, tmp_path: Path) -> None:
    lake = tmp_path / "it's a lake"
    first, second, _ = accept(ledger, "a.pdf", "b.pdf", "c.pdf")
    land(ledger, lake, SCHEMA)
    before = dt.datetime.now(dt.UTC)
    time.sleep(0.002)
    decide(ledger, first, "correct", {"number": "X", "day": None, "total": 1})
    decide(ledger, second, "reject")
    land(ledger, lake, SCHEMA)
    with duckdb.connect() as connection:
        connection.execute(current_sql(lake, "bill"))
        rows = connection.execute("SELECT number, version, total FROM bill ORDER BY version").fetchall()
        then = connection.execute("SELECT version FROM bill_as_of(?)", [before]).fetchall()
        ever = connection.execute("SELECT count(*) FROM bill_as_of(TIMESTAMPTZ '2000-01-01')").fetchone()
    assert then == [(1,)] * 3 and ever == (0,)
    assert [(n, v) for n, v, _ in rows][1] == ("X", 2) and len(rows) == 2
    table = read_current(lake, "bill").sort_by("version")
    assert [(r["number"], r["version"], r["total"]) for r in table.to_pylist()] == rows
    assert ds.dataset(lake / "bill").to_table().to_pandas().shape[0] == 5


def test_another_model_makes_a_new_version_of_the_same_row(ledger: Ledger, place: Place) -> None:
    accept(ledger, "a.pdf")
    place.land(ledger)
    start(ledger, "run-2", model="other@2")
    add(ledger, "run-2", "a.pdf", model="other@2")
    (claimed,) = claim(ledger, "run-2", model="other@2")
    ledger.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256, model="other@2"))
    place.land(ledger)
    (row,) = read_current(place.uri, "bill").to_pylist()
    assert (row["version"], row["supersedes"], row["model"]) == (2, 1, "other@2")


def test_nothing_landed_is_an_empty_table(lake: Path) -> None:
    assert read_current(lake, "bill").num_rows == 0
    assert "row_key" in read_current(lake, "bill").column_names


def _evolved(properties: dict[str, Any]) -> Any:
    return from_json_schema({"title": "bill", "type": "object", "properties": properties}, "bill")


def test_old_and_new_versions_of_a_schema_are_read_as_one(ledger: Ledger, place: Place) -> None:
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    old = _evolved(
        {"number": {"type": "string"}, "gone": {"type": "string"}, "lines": {"type": "array", "items": item}}
    )
    wide = {"type": "object", "properties": {"name": {"type": "string"}, "sum": {"type": "number"}}}
    new = _evolved(
        {"number": {"type": "string"}, "fresh": {"type": "number"}, "lines": {"type": "array", "items": wide}}
    )
    for run, schema, data in (
        ("run-1", old, {"number": "1", "gone": "g", "lines": [{"name": "x"}]}),
        ("run-2", new, {"number": "2", "fresh": 5, "lines": [{"name": "y", "sum": 3}]}),
    ):
        start(ledger, run, schema=schema)
        add(ledger, run, f"{run}.pdf", schema=schema)
        (claimed,) = claim(ledger, run, schema=schema)
        done = extraction(claimed.sha256, data=data, schema=schema)
        ledger.record_extraction(claimed.document_id, claimed.token, done)
    place.land(ledger, new)  # the older rows are written with the older schema
    rows = sorted(read_current(place.uri, "bill").to_pylist(), key=lambda r: r["number"])
    assert [(r["gone"], r["fresh"]) for r in rows] == [("g", None), (None, Decimal(5))]
    assert rows[0]["lines"] == [{"name": "x", "sum": None}]
    assert rows[1]["lines"] == [{"name": "y", "sum": Decimal(3)}]
    assert place.troubles(ledger) == []


def test_object_store_gets_one_put(ledger: Ledger, bucket: Bucket) -> None:
    accept(ledger, "a.pdf")
    report = land(ledger, bucket.uri, SCHEMA)
    (put,) = bucket.faults.puts
    assert report.files[0].path == "s3:/" + put and put.endswith(".parquet")
    assert land(ledger, bucket.uri, SCHEMA).files == [] and len(bucket.faults.puts) == 1
    assert read_current(bucket.uri, "bill").num_rows == 1
    assert read_current(bucket.uri, "nothing").num_rows == 0


def test_a_lake_where_files_do_not_appear_in_one_step_is_refused(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="one step") as caught:
        land(ledger, "ftp://127.0.0.1:1/lake", SCHEMA)
    assert "object store" in caught.value.remedy


def test_lake_given_as_a_file_uri(ledger: Ledger, tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    accept(ledger, "a.pdf")
    assert Path(land(ledger, lake.as_uri(), SCHEMA).files[0].path).is_relative_to(lake)
    assert read_current(lake, "bill").num_rows == 1


def test_unwritable_lake_is_an_error_from_which_the_next_run_recovers(ledger: Ledger, lake: Path) -> None:
    accept(ledger, "a.pdf")
    lake.write_text("a file where the folder should be")
    with pytest.raises(LandingError) as caught:
        land(ledger, lake, SCHEMA)
    assert caught.value.retryable and caught.value.remedy
    assert ledger.status().rows_to_land == 1
    lake.unlink()
    assert land(ledger, lake, SCHEMA).rows == 1


def test_damaged_file_is_named(ledger: Ledger, lake: Path) -> None:
    accept(ledger, "a.pdf")
    path = land(ledger, lake, SCHEMA).files[0].path
    Path(path).write_bytes(b"PAR1 no more")
    with pytest.raises(LandingError, match="cannot be read") as caught:
        read_current(lake, "bill")
    assert "doctor --lake" in caught.value.remedy


def test_marking_twice_or_wrongly(ledger: Ledger) -> None:
    accept(ledger, "a.pdf")
    (batch,) = ledger.freeze_batch("bill")
    with pytest.raises(LedgerError, match="has 1 rows, and 2 were written"):
        ledger.mark_landed(batch.batch_id, "p", 2, "0" * 64)
    ledger.mark_landed(batch.batch_id, "p", 1, "0" * 64)
    ledger.mark_landed(batch.batch_id, "q", 1, "1" * 64)
    assert list(ledger.pending_batches()) == [] and ledger.status().landed_rows == 1
    with pytest.raises(LedgerError, match="no batch"):
        ledger.mark_landed("nope", "p", 1, "0" * 64)


def test_rows_of_an_unknown_schema_say_what_to_do(ledger: Ledger) -> None:
    ledger.start_run(
        run_id="run-1",
        source="s",
        schema="bill",
        fingerprint=SCHEMA.fingerprint,
        model="scripted@1",
        parameters={},
    )
    add(ledger, "run-1", "a.pdf")
    process(ledger)
    with pytest.raises(LedgerError, match="wait for a schema") as caught:
        ledger.freeze_batch("bill")
    assert caught.value.remedy
    ledger.register_schema(SCHEMA)
    assert len(ledger.freeze_batch("bill")) == 1
