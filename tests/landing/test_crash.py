"""A landing killed at every step, then landed again: each row once, and every file seen is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.landing import land, read_all
from flows.ledger.store import Ledger
from tests.ledger.builders import SCHEMA, add, process, start

STEPS = {
    "before freezing": ("flows.ledger.store.Ledger", "freeze_batch", "before"),
    "after freezing": ("flows.ledger.store.Ledger", "freeze_batch", "after"),
    "before writing": ("flows.landing.lake.LocalLake", "write", "before"),
    "folder made": ("flows.landing.lake", "_make_folder", "after"),
    "half written": ("flows.landing.lake", "os.fsync", "before"),
    "synced": ("flows.landing.lake", "os.fsync", "after"),
    "before the rename": ("pathlib.Path", "replace", "before"),
    "after the rename": ("pathlib.Path", "replace", "after"),
    "folder synced": ("flows.landing.lake.LocalLake", "write", "after"),
    "before the note": ("flows.ledger.store.Ledger", "mark_landed", "before"),
    "after the note": ("flows.ledger.store.Ledger", "mark_landed", "after"),
}

CHILD = """
import importlib, os, pkgutil, signal, sys
from flows.landing import land
from flows.ledger.store import Ledger
from tests.ledger.builders import SCHEMA

owner, attribute, when, url, lake = sys.argv[1:]
target = pkgutil.resolve_name(owner.replace(".Ledger", ":Ledger").replace(".LocalLake", ":LocalLake")
                              .replace(".Path", ":Path"))
*inner, attribute = attribute.split(".")
for name in inner:
    target = getattr(target, name)
real = getattr(target, attribute)

def deadly(*args, **kwargs):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

ledger = Ledger.open(url)
setattr(target, attribute, deadly)
land(ledger, lake, SCHEMA)
"""


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
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, *STEPS[step], url, str(lake)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    for seen in lake.glob("bill/*.parquet"):
        assert pq.read_table(seen).num_rows == 3  # what a reader finds is whole
    land(ledger, lake, SCHEMA)
    land(ledger, lake, SCHEMA)
    assert len(list(lake.glob("bill/*.parquet"))) == 1
    table = read_all(lake, "bill")
    assert table.num_rows == 3 and len(set(table["row_key"].to_pylist())) == 3
    status = ledger.status()
    assert (status.landed_rows, status.landed_files, status.rows_to_land) == (3, 1, 0)
