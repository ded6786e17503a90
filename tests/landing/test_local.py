"""What is left behind in a folder: who may sweep it, and what is nobody's business."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from flows.landing import check_lake, land, read_all
from flows.landing.local import ORPHANS, LocalLake
from flows.ledger.store import Ledger
from tests.ledger.builders import SCHEMA, add, process, start

HERE = socket.gethostname()


def accept(ledger: Ledger, *names: str, run: str = "run-1") -> None:
    start(ledger, run)
    for name in names:
        add(ledger, run, name)
    process(ledger, run)


def aside(folder: Path, host: str = HERE, *, old: bool = False, name: str = "20240101T000000-0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.{host}.4711.0badcafe.tmp"
    path.write_bytes(b"half a file")
    if old:
        os.utime(path, (1, 1))
    return path


def test_what_a_dead_writer_left_is_swept_at_once(lake: Path) -> None:
    left = aside(lake / "bill")
    opened = LocalLake(lake)
    assert opened.leftovers("bill") == [f"bill/{left.name}"]
    opened.remove(f"bill/{left.name}")
    opened.remove(f"bill/{left.name}")
    assert not left.exists() and opened.leftovers("nothing") == []


def test_what_a_living_writer_is_at_is_left_alone_however_old(lake: Path) -> None:
    left = aside(lake / "bill", old=True)
    with left.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert LocalLake(lake).leftovers("bill") == []
    assert len(LocalLake(lake).leftovers("bill")) == 1


def test_another_machine_has_an_hour(lake: Path) -> None:
    aside(lake / "bill", "elsewhere")
    old = aside(lake / "bill", "elsewhere", old=True, name="20230101T000000-0")
    assert LocalLake(lake).leftovers("bill") == [f"bill/{old.name}"]


@pytest.mark.parametrize(
    "name", [".notes.tmp", ".rows.parquet.tmp", "left.tmp", f".x.{HERE}.1.0badcafe.part", ".DS_Store"]
)
def test_foreign_files_are_never_swept(ledger: Ledger, lake: Path, name: str) -> None:
    (lake / "bill").mkdir(parents=True)
    foreign = lake / "bill" / name
    foreign.write_bytes(b"mine")
    os.utime(foreign, (1, 1))
    accept(ledger, "a.pdf")
    assert land(ledger, lake, SCHEMA).swept == []
    assert foreign.read_bytes() == b"mine" and read_all(lake, "bill").num_rows == 1


def test_a_file_swept_before_its_lock_is_begun_again(
    ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    calls: list[int] = []

    def late(stream: Any, how: int) -> None:
        if not calls:
            for path in (lake / "bill").glob(".*.tmp"):
                path.unlink()
        calls.append(how)
        real(stream, how)

    monkeypatch.setattr(fcntl, "flock", late)
    accept(ledger, "a.pdf")
    assert land(ledger, lake, SCHEMA).rows == 1 and len(calls) == 2
    assert read_all(lake, "bill").num_rows == 1


def test_a_file_system_without_locks_will_do(
    ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: Any) -> None:
        raise OSError("No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)
    accept(ledger, "a.pdf")
    assert land(ledger, lake, SCHEMA).rows == 1


def test_a_file_found_there_is_made_durable_before_it_is_noted(
    ledger: Ledger, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(ledger, "a.pdf")
    noted = Ledger.mark_landed
    monkeypatch.setattr(Ledger, "mark_landed", lambda *_: None)
    (file,) = land(ledger, lake, SCHEMA).files
    monkeypatch.setattr(Ledger, "mark_landed", noted)
    synced: list[int] = []
    real = os.fsync

    def noted_sync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", noted_sync)
    land(ledger, lake, SCHEMA)
    wanted = {Path(path).stat().st_ino for path in (file.path, lake / "bill", lake)}
    assert wanted <= set(synced)


def test_files_of_a_forgotten_batch_are_set_aside_and_those_of_others_stay(
    ledger: Ledger, lake: Path, tmp_path: Path
) -> None:
    accept(ledger, "a.pdf")
    land(ledger, lake, SCHEMA)
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        accept(other, "o.pdf")
        (foreign,) = land(other, lake, SCHEMA).files
    ledger.close()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup.db")
    accept(ledger, "b.pdf", run="run-2")
    (lost,) = land(ledger, lake, SCHEMA).files
    ledger.close()
    for stale in tmp_path.glob("ledger.db*"):
        stale.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "ledger.db")
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as restored:
        assert restored.ledger_id() == ledger.ledger_id()
        (checked,) = check_lake(restored, lake)
        assert sorted(t.what for t in checked.troubles) == ["lost batch", "unknown"]
        accept(restored, "b.pdf", "c.pdf", run="run-2")
        report = land(restored, lake, SCHEMA)
        assert len(report.swept) == 1 and Path(lost.path).name in report.swept[0]
        assert not Path(lost.path).exists() and (lake / report.swept[0]).exists()
        assert report.swept[0].startswith(f"bill/{ORPHANS}/")
        assert Path(foreign.path).exists() and land(restored, lake, SCHEMA).swept == []
    uris = read_all(lake, "bill")["source_uri"].to_pylist()
    assert sorted(uri[-5:] for uri in uris) == ["a.pdf", "b.pdf", "c.pdf", "o.pdf"]
