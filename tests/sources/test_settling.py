from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.intake_options import IntakeOptions
from flows.sources import SourceObject, discover, settling
from flows.sources.objects import StillWrittenError
from flows.sources.settling import settled
from schemas.errors import SourceError


class Clock:
    """Time that passes only when somebody waits; ``at`` does something when it has come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        self.waited: list[float] = []
        monkeypatch.setattr("flows.sources.settling.time.time", lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def write(path: Path, data: bytes, at: float) -> Path:
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def look(folder: Path, clock: Clock, seconds: float = 2, patience: float = 10) -> dict[str, bool]:
    """Name and whether it is left for the next run, in the order in which files come."""
    options = IntakeOptions(settle_seconds=seconds, settle_wait_seconds=patience)
    return {o.name: o.unsettled for o in discover(str(folder), options=options, wait=clock.wait)}


def test_files_copied_just_now_are_all_taken_by_default_after_a_moment(tmp_path: Path, clock: Clock) -> None:
    for number in range(50):
        write(tmp_path / f"{number}.pdf", b"x", clock.now)
    write(tmp_path / "old.pdf", b"x", clock.now - 100)
    found = look(tmp_path, clock)
    assert next(iter(found)) == "old.pdf" and len(found) == 51 and not any(found.values())
    assert sum(clock.waited) == pytest.approx(2, abs=0.01)


def test_what_does_not_settle_in_time_is_left_and_said_so(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "young.pdf", b"x", clock.now - 1)
    write(tmp_path / "older.pdf", b"x", clock.now - 295)
    assert look(tmp_path, clock, seconds=300) == {"older.pdf": False, "young.pdf": True}
    clock.now += 300
    assert not any(look(tmp_path, clock, seconds=300).values())


def test_a_file_that_grows_while_it_is_waited_for_is_waited_for_again(tmp_path: Path, clock: Clock) -> None:
    path = write(tmp_path / "growing.pdf", b"x", clock.now)
    times = iter(range(2, 5))

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if size := next(times, 0):
            write(path, b"x" * size, clock.now)

    options = IntakeOptions(settle_seconds=2, settle_wait_seconds=10)
    (found,) = discover(str(tmp_path), options=options, wait=wait)
    assert found.size == 4 and not found.unsettled
    write(path, b"", clock.now)
    times = iter(range(1, 100))
    (found,) = discover(str(tmp_path), options=options, wait=wait)
    assert found.unsettled


def test_a_time_in_the_future_hides_no_file(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "a.pdf", b"x", clock.now + 10_000)
    assert look(tmp_path, clock) == {"a.pdf": False} and clock.waited == []


def test_what_goes_away_meanwhile_says_so_when_it_is_fetched(tmp_path: Path, clock: Clock) -> None:
    path = write(tmp_path / "a.pdf", b"x", clock.now)
    options = IntakeOptions()
    (found,) = discover(str(tmp_path), options=options, wait=lambda seconds: path.unlink())
    with pytest.raises(SourceError, match="cannot be fetched"):
        found.fetch(tmp_path / "copy")


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", b"first half", time.time() - 100)
    (found,) = discover(str(tmp_path))
    path.write_bytes(b"first half and second half")
    with pytest.raises(StillWrittenError, match="being written"):
        found.fetch(tmp_path / ".copy")
    assert not (tmp_path / ".copy").exists()


@given(
    ages=st.lists(st.one_of(st.none(), st.floats(-20, 20)), max_size=30),
    patience=st.floats(0, 15),
    held=st.integers(1, 5),
)
def test_every_object_comes_out_once_and_waiting_is_bounded(
    ages: list[float | None], patience: float, held: int
) -> None:
    start = time.time()
    waited: list[float] = []

    def objects() -> Iterator[SourceObject]:
        for number, age in enumerate(ages):
            modified = None if age is None else start - age
            one = SourceObject(str(number), "v", 1, lambda: pytest.fail("not fetched"), modified=modified)
            yield replace(one, again=None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "HELD", held)
        patch.setattr("flows.sources.settling.time.time", lambda: start + sum(waited))
        out = list(settled(objects(), seconds=5, patience=patience, wait=waited.append))
    assert sorted(int(o.uri) for o in out) == list(range(len(ages)))
    assert sum(waited) <= patience
    assert not any(o.unsettled for o in out if o.modified is None)
