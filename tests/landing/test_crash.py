"""A landing killed at every step, then landed again: each row once, and every file seen is whole."""

from __future__ import annotations

import multiprocessing
import random
import signal
import threading
import time
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from flows.landing import land, read_all
from flows.ledger.store import Ledger
from tests.landing.conftest import Bucket, Place
from tests.landing.deadly import land_all, land_and_die
from tests.ledger.builders import SCHEMA, add, process, start

LEDGER_STEPS = {
    "before freezing": ("flows.ledger.store:Ledger", "freeze_next", "before"),
    "after freezing": ("flows.ledger.store:Ledger", "freeze_next", "after"),
    "before the note": ("flows.ledger.store:Ledger", "mark_landed", "before"),
    "after the note": ("flows.ledger.store:Ledger", "mark_landed", "after"),
}
LOCAL_STEPS = {
    "before writing": ("flows.landing.local:LocalLake", "write", "before"),
    "folder made": ("flows.landing.local", "_make_folder", "after"),
    "half written": ("os", "fsync", "before"),
    "synced": ("os", "fsync", "after"),
    "before the rename": ("pathlib:Path", "replace", "before"),
    "after the rename": ("pathlib:Path", "replace", "after"),
    "folder synced": ("flows.landing.local:LocalLake", "write", "after"),
}
REMOTE_STEPS = {
    "before the put": ("flows.landing.lake:RemoteLake", "write", "before"),
    "after the put": ("flows.landing.lake:RemoteLake", "write", "after"),
}
DELTA_STEPS = {
    "table made": ("deltalake:DeltaTable", "create", "after"),
    "before the append": ("deltalake", "write_deltalake", "before"),
    "after the append": ("deltalake", "write_deltalake", "after"),
    "before the merge": ("deltalake.table:TableMerger", "execute", "before"),
    "after the merge": ("deltalake.table:TableMerger", "execute", "after"),
}
LEFT_ASIDE = {"half written", "synced", "before the rename"}

fresh = multiprocessing.get_context("forkserver")  # one that has imported everything, and no threads
fresh.set_forkserver_preload(["tests.landing.deadly"])


def killed(step: tuple[str, str, str], ledger: Ledger, place: Place, database: Path) -> None:
    """Three accepted rows, and a landing of them that dies at the step."""
    start(ledger)
    for number in range(3):
        add(ledger, "run-1", f"{number}.pdf")
    process(ledger)
    arguments = (step, f"sqlite:///{database}", place.uri, place.format, place.environment)
    child = fresh.Process(target=land_and_die, args=arguments)
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL


def landed_once(ledger: Ledger, place: Place) -> None:
    place.land(ledger)
    place.land(ledger)
    assert len(set(place.versions())) == len(place.versions()) == 3
    assert len(place.current()) == 3
    status = ledger.status()
    assert (status.landed_rows, status.landed_files, status.rows_to_land) == (3, 1, 0)
    assert place.troubles(ledger) == []


@pytest.mark.parametrize("step", list(LEDGER_STEPS | LOCAL_STEPS))
def test_killed_at_any_step_every_row_lands_exactly_once(
    step: str, ledger: Ledger, lake: Path, tmp_path: Path
) -> None:
    if step != "folder made":
        (lake / "bill").mkdir(parents=True)
    place = Place(str(lake), "parquet", {})
    killed((LEDGER_STEPS | LOCAL_STEPS)[step], ledger, place, tmp_path / "ledger.db")
    assert bool(list(lake.glob("bill/.*.tmp"))) == (step in LEFT_ASIDE)
    for seen in lake.glob("bill/*.parquet"):
        assert pq.read_table(seen).num_rows == 3
    assert bool(land(ledger, lake, SCHEMA).swept) == (step in LEFT_ASIDE)
    assert len(list(lake.glob("bill/*.parquet"))) == 1 and not list(lake.glob("bill/.*"))
    landed_once(ledger, place)


@pytest.mark.slow
@pytest.mark.parametrize("step", list(LEDGER_STEPS | REMOTE_STEPS))
def test_killed_before_an_object_store(step: str, ledger: Ledger, bucket: Bucket, tmp_path: Path) -> None:
    place = Place(bucket.uri, "parquet", bucket.environment)
    killed((LEDGER_STEPS | REMOTE_STEPS)[step], ledger, place, tmp_path / "ledger.db")
    landed_once(ledger, place)
    assert all(put.endswith(".parquet") for put in bucket.faults.puts) and len(bucket.faults.puts) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "where"),
    [(step, "here") for step in LEDGER_STEPS | DELTA_STEPS] + [(step, "on S3") for step in DELTA_STEPS],
)
def test_killed_between_the_commits_of_delta(
    step: str, where: str, ledger: Ledger, lake: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = Place(str(lake), "delta", {})
    if where == "on S3":
        bucket: Bucket = request.getfixturevalue("bucket")
        place = Place(bucket.uri, "delta", bucket.environment)
    killed((LEDGER_STEPS | DELTA_STEPS)[step], ledger, place, tmp_path / "ledger.db")
    assert len(set(place.versions())) == len(place.versions()) in (0, 3)
    landed_once(ledger, place)


ROUNDS, ROWS = {"here": 8, "on S3": 4}, {"here": 24, "on S3": 8}


@pytest.mark.slow
def test_killed_at_random_while_somebody_reads(ledger: Ledger, place: Place, tmp_path: Path) -> None:
    where = "on S3" if "://" in place.uri else "here"
    start(ledger)
    for number in range(ROWS[where]):
        add(ledger, "run-1", f"{number}.pdf")
    process(ledger)
    ledger.freeze_batch("bill", max_rows=1)
    reader = Reader(place)
    chance = random.Random(5)
    for _ in range(ROUNDS[where]):
        arguments = (f"sqlite:///{tmp_path / 'ledger.db'}", place.uri, place.format, place.environment)
        child = fresh.Process(target=land_all, args=arguments)
        child.start()
        time.sleep(chance.uniform(0.1, 1.2))
        child.kill()
        child.join(60)
    place.land(ledger)
    seen = reader.end()
    assert seen == sorted(seen) and len(seen) > 1  # what was there stays
    assert len(set(place.versions())) == len(place.versions()) == ROWS[where]
    assert len(place.current()) == ledger.status().landed_rows == ROWS[where]
    assert place.troubles(ledger) == []


class Reader(threading.Thread):
    """Reads the lake over and over, as a program would that knows nothing of us."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self.place, self.ended = place, threading.Event()
        self.seen: list[int] = []
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        while not self.ended.wait(0.05) and self.error is None:
            try:
                self.look()
            except BaseException as error:
                self.error = error

    def look(self) -> None:
        if self.place.format == "parquet" and "://" not in self.place.uri:
            files = list(Path(self.place.uri).glob("bill/*.parquet"))
            table = ds.dataset(files).to_table() if files else read_all(self.place.uri, "bill")
        else:
            table = read_all(self.place.uri, "bill")
        names = list(zip(table["row_key"].to_pylist(), table["version"].to_pylist(), strict=True))
        assert len(set(names)) == len(names)
        self.seen.append(len(names))

    def end(self) -> list[int]:
        self.ended.set()
        self.join(60)
        if self.error is not None:
            raise self.error
        return self.seen
