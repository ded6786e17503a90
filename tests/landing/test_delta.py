"""What is special about Delta tables: commits that are tried twice, at once, after compaction; repairs."""

from __future__ import annotations

import builtins
import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from flows.landing import compact, delta, land, read_all, read_current
from flows.landing.delta import CURRENT, HISTORY, DeltaStore
from flows.landing.formats import DeltaFormat, open_format
from flows.landing.lake import open_lake
from flows.ledger.records import FrozenBatch
from flows.ledger.store import Ledger
from schemas.errors import LandingError, UsageError
from schemas.registry import from_json_schema
from tests.landing.conftest import Bucket, Place
from tests.landing.test_arrow import row
from tests.landing.test_local import accept
from tests.ledger.builders import SCHEMA


@pytest.fixture
def place(lake: Path) -> Place:
    return Place(str(lake), "delta", {})


def way(place: Place, ledger: Ledger) -> DeltaFormat:
    opened = open_format(open_lake(place.uri), "bill", "delta", ledger.ledger_id())
    assert isinstance(opened, DeltaFormat)
    return opened


def table(place: Place, name: str) -> DeltaTable:
    found = DeltaStore(open_lake(place.uri)).find(f"bill/{name}")
    assert found is not None
    return found


def batches(ledger: Ledger, count: int, rows: int = 1) -> list[FrozenBatch]:
    accept(ledger, *(f"{number}.pdf" for number in range(count * rows)))
    return ledger.freeze_batch("bill", max_rows=rows)


def test_a_batch_is_committed_once_and_says_so(ledger: Ledger, place: Place) -> None:
    (batch,) = batches(ledger, 1, rows=3)
    for _ in range(3):
        way(place, ledger).write(batch)
    for name in (HISTORY, CURRENT):
        made = table(place, name)
        assert made.to_pyarrow_table().num_rows == 3
        assert made.transaction_version(batch.batch_id) == 1
        said = [commit.get("parquetry.batch") for commit in made.history()]
        assert said.count(batch.batch_id) == 1


def test_a_late_batch_changes_nothing_of_the_present(ledger: Ledger, place: Place) -> None:
    (document,) = accept_one(ledger)
    ledger.freeze_batch("bill")
    decide(ledger, document)
    ledger.freeze_batch("bill")
    first, second = ledger.pending_batches("bill")
    opened = way(place, ledger)
    opened.write(second)
    opened.write(first)  # its writer was paused meanwhile
    assert place.current() == [(second.rows[0].row_key, 2)] and len(place.versions()) == 2


def accept_one(ledger: Ledger) -> list[str]:
    from tests.landing.test_land import accept as accepted

    return accepted(ledger, "a.pdf")


def decide(ledger: Ledger, document: str) -> None:
    from tests.landing.test_land import decide as decided

    decided(ledger, document, "correct", {"number": "X", "day": None, "total": 1})


def at_once(*steps: Any) -> list[BaseException]:
    """Runs the steps at the same time, and gives what they raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(steps))

    def run(step: Any) -> None:
        barrier.wait()
        try:
            step()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "on S3"])
def test_several_landings_at_once_land_each_batch_once(
    where: str, ledger: Ledger, place: Place, request: pytest.FixtureRequest
) -> None:
    if where == "on S3":
        bucket: Bucket = request.getfixturevalue("bucket")
        place = Place(bucket.uri, "delta", bucket.environment)
    batches(ledger, 4)
    assert at_once(*[lambda: place.land(ledger)] * 3) == []
    assert len(place.versions()) == len(set(place.versions())) == 4 == len(place.current())
    assert place.troubles(ledger) == []


@pytest.mark.slow
def test_a_table_is_widened_while_another_adds_to_it(ledger: Ledger, place: Place) -> None:
    store = DeltaStore(open_lake(place.uri))
    old = pa.schema([("row_key", pa.string()), ("version", pa.int64()), ("n", pa.int64())])
    new = old.set(2, pa.field("n", pa.decimal128(38, 9)))

    def rows(key: str, schema: pa.Schema) -> pa.Table:
        number = pa.array([1]).cast(schema.field("n").type)
        return pa.table({"row_key": [key], "version": [1], "n": number}, schema=schema)

    store.append("bill/history", "b0", rows("k0", old))

    def add(start: int, schema: pa.Schema) -> None:
        for number in range(start, start + 4):
            store.append("bill/history", f"b{number}", rows(f"k{number}", schema))

    assert at_once(lambda: add(1, old), lambda: add(5, new)) == []
    found = store.find("bill/history")
    assert found is not None
    seen = found.to_pyarrow_table()
    assert sorted(seen["row_key"].to_pylist()) == [f"k{n}" for n in range(9)]
    assert seen.schema.field("n").type == pa.decimal128(38, 9)


@pytest.mark.slow
def test_compaction_keeps_rows_and_what_has_landed(ledger: Ledger, place: Place) -> None:
    made = batches(ledger, 5)
    place.land(ledger)
    done = list(compact(place.uri, "bill"))
    assert [one.merged for one in done] == [5, 5] and [one.removed for one in done] == [0, 0]
    assert len(table(place, HISTORY).file_uris()) == 1
    for name in (HISTORY, CURRENT):
        table(place, name).create_checkpoint()
        table(place, name).cleanup_metadata()
    for batch in made:  # writers that wake up late
        way(place, ledger).write(batch)
    assert len(place.versions()) == 5 == len(place.current()) and place.troubles(ledger) == []
    assert len(list(Path(place.uri, "bill", HISTORY).glob("*.parquet"))) == 6


def test_vacuum_removes_what_no_table_refers_to(
    ledger: Ledger, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches(ledger, 3)
    place.land(ledger)
    orphan = Path(place.uri, "bill", HISTORY, "part-of-nothing.parquet")
    orphan.write_bytes(b"a writer died before its commit")
    done = list(compact(place.uri, "bill", keep_hours=0))
    assert done[0].removed == 4 and not orphan.exists()
    assert len(place.versions()) == 3 == len(place.current()) and place.troubles(ledger) == []


def test_a_parquet_lake_is_not_compacted(ledger: Ledger, lake: Path) -> None:
    accept(ledger, "a.pdf")
    land(ledger, lake, SCHEMA)
    with pytest.raises(UsageError, match="no Delta tables"):
        list(compact(lake, "bill"))


def test_the_formats_do_not_mix(ledger: Ledger, lake: Path, tmp_path: Path) -> None:
    accept(ledger, "a.pdf")
    land(ledger, lake, SCHEMA)
    land(ledger, tmp_path / "other", SCHEMA, format="delta")  # nothing to land
    for place in (Place(str(lake), "delta", {}), Place(str(tmp_path / "other"), "parquet", {})):
        if place.format == "parquet":
            assert Place(place.uri, "delta", {}).troubles(ledger, repair=True)[0].repaired
        with pytest.raises(UsageError, match="the lake's format is set to") as caught:
            place.land(ledger)
        assert "doctor --lake --repair" in caught.value.remedy
        (told,) = place.troubles(ledger)
        assert told.what == "unusable" and "format" in told.detail


def test_without_the_library_the_error_says_what_to_install(
    ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name == "deltalake":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UsageError, match="not installed") as caught:
        land(ledger, lake, SCHEMA, format="delta")
    assert "EXTRAS=delta" in caught.value.remedy
    accept(ledger, "a.pdf")
    assert land(ledger, lake, SCHEMA).rows == 1  # a Parquet lake does without it


def test_times_are_text_as_delta_has_no_type_for_them(lake: Path) -> None:
    schema = from_json_schema(
        {"title": "bill", "type": "object", "properties": {"at": {"type": "string", "format": "time"}}},
        "bill",
    )
    from flows.landing.arrow import to_table

    DeltaStore(open_lake(lake)).append("bill/history", "b", to_table(schema, [row({"at": "10:30"})])[0])
    (seen,) = read_all(lake, "bill").to_pylist()
    assert seen["at"].startswith("10:30:00") and seen["valid_from"] == dt.datetime(2024, 1, 2, tzinfo=dt.UTC)


def test_a_table_that_others_keep_writing_is_an_error_that_can_be_tried_again(
    ledger: Ledger, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import deltalake
    from deltalake.exceptions import CommitFailedError

    (batch,) = batches(ledger, 1)

    def second(*_: Any, **__: Any) -> None:
        raise CommitFailedError("others were first")

    monkeypatch.setattr(deltalake, "write_deltalake", second)
    monkeypatch.setattr(delta, "_PAUSE_SECONDS", 0)
    with pytest.raises(LandingError, match="other writers were first") as caught:
        way(place, ledger).write(batch)
    assert caught.value.retryable


def test_the_doctor_finds_rows_that_are_missing_and_adds_only_those(ledger: Ledger, place: Place) -> None:
    batches(ledger, 2, rows=2)
    place.land(ledger)
    (key, _), *_ = place.versions()
    for name in (HISTORY, CURRENT):
        table(place, name).delete(f"row_key = '{key}'")
    (told,) = [t for t in place.troubles(ledger) if t.what == "missing"]
    assert "1 rows of batch" in told.detail
    assert all(t.repaired for t in place.troubles(ledger, repair=True))
    assert place.troubles(ledger) == [] and len(place.versions()) == 4 == len(set(place.current()))


def test_the_doctor_brings_the_present_up_to_the_history(ledger: Ledger, place: Place) -> None:
    batches(ledger, 2)
    place.land(ledger)
    table(place, CURRENT).delete()
    (told,) = place.troubles(ledger)
    assert told.what == "outdated" and told.where == "bill/current"
    (repaired,) = place.troubles(ledger, repair=True)
    assert repaired.repaired and place.troubles(ledger) == []
    assert read_current(place.uri, "bill").num_rows == 2 == table(place, CURRENT).to_pyarrow_table().num_rows


def test_the_doctor_tells_of_rows_that_are_not_the_ledgers(ledger: Ledger, place: Place) -> None:
    batches(ledger, 1)
    place.land(ledger)
    rows = table(place, HISTORY).to_pyarrow_table()
    write_deltalake(table(place, HISTORY), rows, mode="append")
    stranger = rows.set_column(0, rows.schema.field("row_key"), pa.array(["stranger"]))
    write_deltalake(table(place, HISTORY), stranger, mode="append")
    write_deltalake(table(place, CURRENT), stranger, mode="append")
    told = place.troubles(ledger, repair=True)
    assert sorted(t.what for t in told) == ["duplicate", "unknown"]
    assert not any(t.repaired for t in told) and all("--repair" in t.remedy for t in told)
