"""A landing killed at every step, then landed again: each row once, and every file seen is whole."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.landing import land, read_all
from flows.ledger.store import Ledger
from tests.landing.deadly import land_and_die
from tests.ledger.builders import SCHEMA, add, process, start

STEPS = {
    "before freezing": ("flows.ledger.store:Ledger", "freeze_next", "before"),
    "after freezing": ("flows.ledger.store:Ledger", "freeze_next", "after"),
    "before writing": ("flows.landing.lake:LocalLake", "write", "before"),
    "folder made": ("flows.landing.lake", "_make_folder", "after"),
    "half written": ("os", "fsync", "before"),
    "synced": ("os", "fsync", "after"),
    "before the rename": ("pathlib:Path", "replace", "before"),
    "after the rename": ("pathlib:Path", "replace", "after"),
    "folder synced": ("flows.landing.lake:LocalLake", "write", "after"),
    "before the note": ("flows.ledger.store:Ledger", "mark_landed", "before"),
    "after the note": ("flows.ledger.store:Ledger", "mark_landed", "after"),
}
LEFT_ASIDE = {"half written", "synced", "before the rename"}

fresh = multiprocessing.get_context("forkserver")  # one that has imported everything, and no threads
fresh.set_forkserver_preload(["tests.landing.deadly"])


@pytest.mark.parametrize("step", list(STEPS))
def test_killed_at_any_step_every_row_lands_exactly_once(
    step: str, ledger: Ledger, lake: Path, tmp_path: Path
) -> None:
    start(ledger)
    for number in range(3):
        add(ledger, "run-1", f"{number}.pdf")
    process(ledger)
    if step != "folder made":
        (lake / "bill").mkdir(parents=True)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    child = fresh.Process(target=land_and_die, args=(*STEPS[step], url, str(lake)))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert bool(list(lake.glob("bill/.*.tmp"))) == (step in LEFT_ASIDE)
    for seen in lake.glob("bill/*.parquet"):
        assert pq.read_table(seen).num_rows == 3
    land(ledger, lake, SCHEMA)
    land(ledger, lake, SCHEMA)
    assert len(list(lake.glob("bill/*.parquet"))) == 1
    table = read_all(lake, "bill")
    assert table.num_rows == 3 and len(set(table["row_key"].to_pylist())) == 3
    status = ledger.status()
    assert (status.landed_rows, status.landed_files, status.rows_to_land) == (3, 1, 0)
