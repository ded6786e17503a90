"""Every way in which ledger and lake may not agree is found, told, and put right where that is safe."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.landing import Trouble, check_lake, land, read_all
from flows.landing.formats import ParquetFormat, open_format
from flows.landing.lake import open_lake
from flows.landing.local import ORPHANS
from flows.ledger.store import Ledger
from tests.landing.conftest import Bucket, Place
from tests.landing.test_local import accept, aside
from tests.ledger.builders import SCHEMA


@pytest.fixture
def file(ledger: Ledger, lake: Path) -> Path:
    """A landed file of two rows."""
    accept(ledger, "a.pdf", "b.pdf")
    (landed,) = land(ledger, lake, SCHEMA).files
    return Path(landed.path)


def troubles(ledger: Ledger, lake: Path | str, *, repair: bool = False) -> list[Trouble]:
    return [t for checked in check_lake(ledger, lake, repair=repair) for t in checked.troubles]


def found_and_repaired(ledger: Ledger, lake: Path | str, what: str) -> Trouble:
    """The one trouble is told, repaired when asked, and gone after it."""
    (told,) = troubles(ledger, lake)
    assert told.what == what and told.remedy and not told.repaired
    (repaired,) = troubles(ledger, lake, repair=True)
    assert repaired.what == what and repaired.repaired and not repaired.remedy
    assert troubles(ledger, lake) == [] and read_all(lake, "bill").num_rows == 2
    return told


def test_all_is_well(ledger: Ledger, lake: Path, file: Path) -> None:
    accept(ledger, "c.pdf", run="run-2")
    ledger.freeze_batch("bill")
    (checked,) = check_lake(ledger, lake)
    assert (checked.schema_name, checked.format, checked.batches, checked.rows) == ("bill", "parquet", 1, 2)
    assert checked.pending == 1 and checked.troubles == []


def test_nothing_landed_is_no_trouble(ledger: Ledger, lake: Path) -> None:
    assert list(check_lake(ledger, lake)) == []


def test_a_missing_file_is_written_again_with_the_same_bytes(ledger: Ledger, lake: Path, file: Path) -> None:
    before = file.read_bytes()
    file.unlink()
    told = found_and_repaired(ledger, lake, "missing")
    assert told.where == f"bill/{file.name}" and told.grave
    assert file.read_bytes() == before


def test_a_damaged_file_is_moved_aside_and_written_again(ledger: Ledger, lake: Path, file: Path) -> None:
    good = file.read_bytes()
    file.write_bytes(bytes(reversed(good)))
    found_and_repaired(ledger, lake, "damaged")
    (kept,) = (lake / "bill" / ORPHANS).iterdir()
    assert kept.read_bytes() == bytes(reversed(good)) and file.read_bytes() == good


def test_a_file_with_other_rows_is_damaged(ledger: Ledger, lake: Path, file: Path) -> None:
    table = pq.ParquetFile(file).read()
    pq.write_table(table.take([0, 0]), file)
    found_and_repaired(ledger, lake, "damaged")


def test_other_bytes_with_the_same_rows_are_noted(ledger: Ledger, lake: Path, file: Path) -> None:
    pq.write_table(pq.ParquetFile(file).read(), file, compression="snappy")
    other = file.read_bytes()
    found_and_repaired(ledger, lake, "other bytes")
    assert file.read_bytes() == other and not (lake / "bill" / ORPHANS).exists()


def test_a_foreign_file_is_told_and_never_touched(ledger: Ledger, lake: Path, file: Path) -> None:
    foreign = file.with_name("mine.parquet")
    pq.write_table(pq.ParquetFile(file).read().replace_schema_metadata({}), foreign)
    broken = file.with_name("20240101T000000-0123456789abcdef0123.parquet")
    broken.write_bytes(b"no parquet")
    told = troubles(ledger, lake, repair=True)
    assert [t.what for t in told] == ["unknown"] * 2 and not any(t.repaired for t in told)
    assert foreign.exists() and broken.read_bytes() == b"no parquet"


def test_another_ledgers_file_is_told(ledger: Ledger, lake: Path, tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        accept(other, "o.pdf")
        land(other, lake, SCHEMA)
    (told,) = troubles(ledger, lake, repair=True)
    assert told.what == "unknown" and "another ledger" in told.detail and not told.repaired


def test_leftovers_are_no_grave_trouble(ledger: Ledger, lake: Path, file: Path) -> None:
    left = aside(lake / "bill")
    (told,) = troubles(ledger, lake)
    assert told.what == "left over" and not told.grave and left.exists()
    (swept,) = troubles(ledger, lake, repair=True)
    assert swept.repaired and not left.exists()


def test_a_row_count_that_only_the_ledger_has_is_told(
    ledger: Ledger, lake: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = ledger.batches("bill")
    changed = record.model_copy(update={"row_count": 3})
    monkeypatch.setattr(Ledger, "batches", lambda *_: iter([changed]))
    (told,) = troubles(ledger, lake, repair=True)
    assert told.what == "row count" and "2 rows in the file, 3 in the ledger" in told.detail
    assert not told.repaired


def test_an_unreadable_file_is_told(
    ledger: Ledger, lake: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read whatever its mode
    (told,) = troubles(ledger, lake, repair=True)
    assert told.what == "unreadable" and "Permission denied" in told.detail and not told.repaired


@pytest.mark.slow
def test_on_an_object_store(ledger: Ledger, bucket: Bucket) -> None:
    place = Place(bucket.uri, "parquet", {})
    accept(ledger, "a.pdf", "b.pdf")
    place.land(ledger)
    way = open_format(open_lake(bucket.uri), "bill", "parquet", ledger.ledger_id())
    assert isinstance(way, ParquetFormat)
    (name,) = way.lake.files("bill")
    bucket.faults.methods, bucket.faults.path = {"GET"}, ".parquet"
    (told,) = place.troubles(ledger, repair=True)
    assert told.what == "unreadable" and not told.repaired
    bucket.faults.calm()
    way.lake.remove(name)
    found_and_repaired(ledger, bucket.uri, "missing")
    way.lake.write(name, b"no parquet")
    found_and_repaired(ledger, bucket.uri, "damaged")
    assert way.lake.files("bill") == [name]
    way.lake.write("bill/mine.parquet", b"not ours")
    (told,) = place.troubles(ledger, repair=True)
    assert told.what == "unknown" and not told.repaired


def test_a_new_place_is_filled_from_the_ledger(ledger: Ledger, place: Place, tmp_path: Path) -> None:
    accept(ledger, "a.pdf", "b.pdf")
    land(ledger, tmp_path / "old", SCHEMA)
    accept(ledger, "c.pdf", run="run-2")
    land(ledger, tmp_path / "old", SCHEMA)
    assert [t.what for t in place.troubles(ledger)] == ["missing"] * 2
    assert all(t.repaired for t in place.troubles(ledger, repair=True))
    assert place.troubles(ledger) == [] and len(set(place.versions())) == len(place.current()) == 3
    assert place.land(ledger).files == []
