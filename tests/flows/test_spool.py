from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flows.spool import Spool


def _file(spool: Spool, data: bytes) -> Path:
    path = spool.new()
    path.write_bytes(data)
    return path


def test_what_is_kept_is_found_until_it_is_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.keep(_file(spool, b"abc"), "hash")
    found = spool.find("hash")
    assert found is not None and found.read_bytes() == b"abc"
    spool.drop(found)
    assert spool.find("hash") is None
    spool.drop(found)  # again is allowed
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_disk_is_bounded_and_room_comes_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=5)
    assert spool.keep(_file(spool, b"12345"), "one")
    assert not spool.keep(_file(spool, b"6"), "two")
    assert spool.find("two") is None
    kept = spool.find("one")
    assert kept is not None
    spool.drop(kept)
    assert spool.keep(_file(spool, b"6"), "two")
    spool.close()


def test_what_a_killed_process_left_is_cleared_away_and_a_live_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from flows.spool import Spool; print(Spool(pathlib.Path(sys.argv[1])).folder)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    alive = Spool(tmp_path)
    other = Spool(tmp_path)
    assert not left.exists()
    assert alive.folder.is_dir()
    alive.close()
    other.close()
