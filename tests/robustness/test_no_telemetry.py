"""No process opens a connection, or looks up a name, that the user did not configure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.flows.making import write_invoice
from tests.loops import outside_of_loops
from tests.ports import free_port
from tests.robustness.connections import STRACE, Watched, is_local, leaves, run

ROOT = Path(__file__).parents[2]
PATIENCE = 1200.0
"""For what takes a minute on a quiet machine."""
LIBRARIES = """
import os, time
os.environ["MPLBACKEND"] = "agg"
import flows.settings  # as every process of ours does, first
import accelerate, authlib.integrations.starlette_client, cv2, fsspec, httpx, huggingface_hub, matplotlib.pyplot as plt
import onnxruntime, peft, prefect, pyarrow, rapidocr, sklearn, transformers
plt.plot([1, 2]); plt.savefig("curve.png")
from extractors.reading.ocr import Recogniser
Recogniser(1).warm_up()  # without the confinement that readers have
time.sleep(5)  # onnxruntime's telemetry would take some seconds to begin
print("libraries are fine")
"""

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def strace_is_there() -> None:
    if STRACE is None and os.environ.get("CI") == "true":
        pytest.fail("There is no strace: apt-get install strace. Without it nobody looks.")
    if STRACE is None:
        pytest.skip("needs strace (apt-get install strace)")


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    folder = tmp_path / "watched"
    folder.mkdir()
    return Watched(folder)


def environment(watched: Watched, home: Path) -> dict[str, str]:
    """As a user has it who never heard of telemetry: nothing is switched off that we do not switch off.

    No ``CI`` either, which keeps some libraries quiet.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([watched.python_path(), str(ROOT)]),
        "PARQUETRY_CACHE": str(Path("~/.cache/parquetry").expanduser()),
        "PARQUETRY_INTAKE__SETTLE_SECONDS": "0",
        "PARQUETRY_CONCURRENCY": "1",
    }


def test_the_watch_sees_what_it_should(watched: Watched, tmp_path: Path) -> None:
    """From Python and from C; connections, datagrams and look-ups of names, in a process and in its children."""
    here = free_port()
    script = f"""
import socket, subprocess
def quietly(step):
    try: step()
    except OSError: pass
tcp = socket.socket(); tcp.settimeout(0.1)
quietly(lambda: tcp.connect(("192.0.2.1", 9)))
quietly(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.2", 9)))
quietly(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("2001:db8::3", 9)))
quietly(lambda: socket.getaddrinfo("telemetry.invalid", 80))
quietly(lambda: socket.create_connection(("localhost", {here}), 0.1))
subprocess.run(["bash", "-c", "exec 3<>/dev/udp/192.0.2.4/9"], stderr=subprocess.DEVNULL)
"""
    done = run(watched, sys.executable, "-c", script, env=environment(watched, tmp_path))
    assert done.returncode == 0, done.stderr
    found = "\n".join(watched.outside())
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::3", "192.0.2.4", "telemetry.invalid"):
        assert address in found, found
    assert "getaddrinfo telemetry.invalid" in found
    calls = [call for call in watched.calls() if f"htons({here})" in call]
    assert calls and not any(map(leaves, calls))  # seen, and known to stay here


def test_what_is_local_and_what_is_not() -> None:
    assert all(map(is_local, ("localhost", "127.0.0.53", "::1", "")))
    assert not any(map(is_local, ("example.org", "10.0.0.1", "::ffff:10.0.0.1", "169.254.169.254")))
    assert leaves(
        '1 connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0'
    )
    assert not leaves('1 connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT')
    assert leaves("1 io_uring_setup(8, {flags=0}) = 3")


def _scan(path: Path) -> None:
    """A page that only OCR can read."""
    image = Image.new("L", (1000, 700), 255)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(40)
    for row, line in enumerate(("Invoice INV-7", "Date: 2026-03-04", "Total: 119.00 EUR")):
        pen.text((80, 80 + 90 * row), line, fill=0, font=font)
    image.save(path)


@pytest.fixture
def everything(watched: Watched, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A batch with the embedded model, its temporary server and readers; then all that `parquetry serve` brings up."""
    write_invoice(tmp_path / "in" / "a.pdf", 1)
    _scan(tmp_path / "in" / "scan.png")
    (tmp_path / "libraries.py").write_text(LIBRARIES, encoding="utf-8")
    prefect, review = free_port(), free_port()
    python = f"{sys.executable} -m flows.cli"
    (tmp_path / "all.sh").write_text(
        f"""set -eu
{python} run --source in --schema invoice --home home
{python} metrics --home home
{sys.executable} libraries.py
exec {python} serve --source in --schema invoice --home home --prefect-port {prefect} --review-port {review}
""",
        encoding="utf-8",
    )
    with (tmp_path / "said.log").open("w") as said:
        process = subprocess.Popen(
            watched.command("bash", "all.sh"),
            cwd=tmp_path,
            env=environment(watched, tmp_path),
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process, prefect, review
        finally:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
                process.wait()


def _until(ready: str, tmp_path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while ready not in (said := (tmp_path / "said.log").read_text(encoding="utf-8")):
        assert process.poll() is None and time.monotonic() < until, said
        time.sleep(0.3)


@pytest.mark.model
@pytest.mark.browser
@pytest.mark.timeout(1700)
def test_a_batch_its_server_its_readers_and_the_pages_stay_on_this_machine(
    everything: tuple[subprocess.Popen[str], int, int], watched: Watched, tmp_path: Path
) -> None:
    process, prefect, review = everything
    _until("Ctrl-C ends all of it.", tmp_path, process)
    requested = outside_of_loops(_look_at)([f"http://127.0.0.1:{prefect}/", f"http://127.0.0.1:{review}/"])
    with urllib.request.urlopen(f"http://127.0.0.1:{review}/healthz", timeout=60) as answer:
        assert answer.status == 200
    # what serve started: flows take their time to ask the server for work
    time.sleep(5)
    for child in psutil.Process(process.pid).children():
        child.send_signal(signal.SIGINT)
    assert process.wait(240) == 0, (tmp_path / "said.log").read_text(encoding="utf-8")

    said = (tmp_path / "said.log").read_text(encoding="utf-8")
    assert "2 documents with 2 pages processed" in said and "libraries are fine" in said, said
    begun = "\n".join(one["what"] for one in watched.asked() if one["event"] == "begun")
    for role in (
        "flows.cli run",
        "prefect.server.api.server:create_app",
        "extractors.reading.child text",
        "extractors.reading.child ocr",
        "flows.cli metrics",
        "flows.cli serve",
        "flows.serve",
        "flows.cli review",
    ):
        assert role in begun, f"the hook is not in {role}:\n{begun}"
    assert sum("127.0.0.1" in call for call in watched.calls()) > 20, "strace saw nothing"
    assert watched.outside() == []
    assert len(requested) > 5 and [url for url in requested if not _stays(url)] == []


def _look_at(addresses: list[str]) -> list[str]:
    """Everything that a browser asks for when it shows these pages."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, chromium

    requested: list[str] = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        page.on("request", lambda request: requested.append(request.url))
        for address in addresses:
            page.goto(address, timeout=PATIENCE * 1000)
            page.wait_for_timeout(4000)
        browser.close()
    return requested


def _stays(url: str) -> bool:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or is_local(parts.hostname or "")
