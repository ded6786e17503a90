"""A state of the lake is read batch by batch, and stays as it was taken."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.landing import Snapshot, open_snapshot, read_current, snapshot
from flows.landing.arrow import to_table
from flows.landing.formats import encode
from flows.ledger.store import Ledger
from schemas.errors import LandingError
from tests.landing.conftest import Place
from tests.landing.test_arrow import row
from tests.landing.test_local import accept
from tests.ledger.builders import SCHEMA

NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)


def write(lake: Path, file: str, *rows: dict[str, Any]) -> None:
    """A file of the lake; what is not said of a row is of no matter."""
    (lake / "bill").mkdir(parents=True, exist_ok=True)
    made = [row({"number": "1"}, **{"retracted": False, **one}) for one in rows]
    (lake / "bill" / f"{file}.parquet").write_bytes(encode(to_table(SCHEMA, made)[0]))


def test_batches_are_small_and_the_table_is_never_whole(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_BATCH_ROWS", 7)
    for file in range(3):
        write(lake, str(file), *({"row_key": f"{file}-{n}", "version": 1} for n in range(25)))
    taken = open_snapshot(lake, "bill")
    sizes = [batch.num_rows for batch in taken.batches()]
    assert sum(sizes) == taken.num_rows == 75 and max(sizes) <= 7
    assert [b.num_rows for b in taken.batches()] == sizes  # again
    stream = taken.batches()
    next(stream)
    for file in (1, 2):  # not opened yet, so what becomes of them is seen
        (lake / "bill" / f"{file}.parquet").write_bytes(b"damaged")
    with pytest.raises(LandingError, match="cannot be read"):
        list(stream)


def test_a_snapshot_stays_while_others_land(ledger: Ledger, place: Place) -> None:
    accept(ledger, "a.pdf")
    place.land(ledger)
    taken = open_snapshot(place.uri, "bill")
    accept(ledger, "b.pdf", run="run-2")
    place.land(ledger)
    assert taken.num_rows == taken.table().num_rows == 1
    assert open_snapshot(place.uri, "bill").num_rows == 2


def test_a_table_in_memory_is_one_too() -> None:
    table = pa.table({"a": range(2500)})
    taken = Snapshot.of(table)
    assert taken.num_rows == 2500 and len(list(taken.batches())) == 3 and taken.table().equals(table)


histories = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans(), st.booleans()), max_size=12
)


@settings(max_examples=15, deadline=None)
@given(history=histories, hour=st.integers(-1, 30))
def test_now_and_then_by_the_book(
    history: list[tuple[str, int, bool, bool]], hour: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows of any history, spread over files in any way, against the definition written out."""
    lake = tmp_path_factory.mktemp("lake")
    at, versions, file = NOON, dict.fromkeys("abc", 0), 0
    rows: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for key, hours, retracted, new_file in history:
        at += dt.timedelta(hours=hours)
        versions[key] += 1
        one = {"row_key": key, "version": versions[key], "valid_from": at, "retracted": retracted}
        rows.append(one)
        held.append(one)
        if new_file:
            write(lake, f"{file:03}", *held)
            held, file = [], file + 1
    if held:
        write(lake, f"{file:03}", *held)

    def state(known: list[dict[str, Any]]) -> dict[str, int]:
        last = {one["row_key"]: one for one in known}
        return {key: one["version"] for key, one in last.items() if not one["retracted"]}

    def seen(as_of: dt.datetime | None) -> dict[str, int]:
        table = read_current(lake, "bill", as_of=as_of)
        return dict(zip(table["row_key"].to_pylist(), table["version"].to_pylist(), strict=True))

    moment = NOON + dt.timedelta(hours=hour)
    assert seen(None) == state(rows)
    assert seen(moment) == state([one for one in rows if one["valid_from"] <= moment])
