"""What the unpacking child gave up: tried from inside a real one, in the place of unpacking."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from extractors.confined import landlock
from flows.archives.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
TRYING = """
import json, sys
from pathlib import Path
from extractors.reading.probe import attempts
from flows.archives import child
def tries(path, *_, out, passwords):
    found = attempts(json.loads(sys.argv[1]))
    out.take("a member", out.write([path.read_bytes()], None), None, 1, None)
    print(json.dumps({"tried": found}))
child._unpack = tries
child.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="protections of the Linux kernel")
def test_an_unpacking_child_can_do_nothing_but_unpack(tmp_path: Path) -> None:
    folder, scratch, archive = tmp_path / "others", tmp_path / "scratch", tmp_path / "archive.zip"
    folder.mkdir()
    scratch.mkdir()
    archive.write_bytes(b"to be unpacked")
    for name in ("secret", "removable"):
        (folder / name).write_bytes(b"of somebody else")
    limits = asdict(Limits())
    request = {"path": str(archive), "folder": str(scratch), "kind": "", "limits": limits}
    request |= {"passwords": [], "only": None}
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        ready = {
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "unix": str(tmp_path / "no socket"),
            "folder": str(folder),
            "secret": str(folder / "secret"),
        }
        done = subprocess.run(
            [sys.executable, "-c", TRYING, json.dumps(ready)],
            input=json.dumps(request) + "\n{}\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            check=True,
        )
    member, tried, end = map(json.loads, done.stdout.splitlines())
    assert member["member"] == "a member" and bytes.fromhex(member["head"]) == b"to be unpacked"
    assert end == {"end": None}
    assert len(tried["tried"]) == 16
    if landlock.version():
        assert [attempt for attempt, why in tried["tried"].items() if not why] == []
        assert sorted(path.name for path in folder.iterdir()) == ["removable", "secret"]
