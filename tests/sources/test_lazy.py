"""Nothing is listed before it is wanted, and nothing is kept."""

from __future__ import annotations

import os
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from flows.intake_options import IntakeOptions
from flows.sources import discover

OLD = (1_000_000_000, 1_000_000_000)


def fill(folder: Path, files: int) -> None:
    """Empty files; links to one, so that it is quick."""
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "first.pdf"
    first.write_bytes(b"")
    os.utime(first, OLD)
    for number in range(files - 1):
        os.link(first, folder / f"{number:06d}.pdf")


def test_files_are_looked_at_as_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        fill(tmp_path / str(number), 100)
    looked: list[Path] = []
    real = Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        looked.append(self)
        return real(self, follow_symlinks=follow_symlinks)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", stat)
        found = discover(str(tmp_path))
        assert len(list(islice(found, 10))) == 10
        assert len(looked) < 20
        assert len(list(found)) == 490


def test_a_link_to_a_folder_that_is_listed_anyway_adds_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "in" / "real", 3)
    fill(tmp_path / "outside" / "sub", 2)
    fill(tmp_path / "in" / "..data", 1)
    (tmp_path / "in" / "again").symlink_to("real")
    (tmp_path / "in" / "up").symlink_to("..")
    (tmp_path / "in" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "outside" / "sub")
    (tmp_path / "in" / "data").symlink_to("..data")  # hidden where it is: only the link leads there
    found = [o.uri for o in discover(str(tmp_path / "in"))]
    reals = [str(Path(uri.removeprefix("file://")).resolve()) for uri in found]
    assert len(set(reals)) == len(reals) == 6


@pytest.mark.slow
def test_a_hundred_thousand_files_cost_no_memory(tmp_path: Path) -> None:
    for number in range(20):
        fill(tmp_path / f"{number:02d}", 5_000)
    # Files of the last moments are put aside until they have settled: how many, a fast disk would decide.
    found = discover(str(tmp_path), options=IntakeOptions(settle_seconds=0))
    for _ in islice(found, 1_000):
        pass
    tracemalloc.start()
    try:
        count = sum(1 for _ in found)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 99_000
    assert peak < 8_000_000  # the objects themselves would be 60 MB and more
