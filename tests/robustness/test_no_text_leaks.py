"""A text planted in documents is in no log, no metric and nothing of Prefect, however the documents end."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.making import INVOICE
from tests.robustness.commands import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CANARY = "CANARY7Q4X"


def _document(path: Path, lines: list[str]) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path.parent.mkdir(exist_ok=True)
    canvas = Canvas(str(path), invariant=1)
    for row, line in enumerate(lines):
        canvas.drawString(72, 770 - 20 * row, line)
    canvas.save()


def _plant(folder: Path) -> None:
    """Documents that end in every way, each with the text in it."""
    invoice = [
        "Example Studio Ltd", f"Invoice INV-{CANARY}", "Invoice date: 2026-03-04", "Due date: 2026-04-04",
        "Net total: 100.00", "VAT: 19.00", "Total: 119.00 EUR",
    ]  # fmt: skip
    _document(
        folder / "accepted.pdf",
        INVOICE.format(number=7, day=4, total="119.00").replace("Studio", CANARY).split("\n"),
    )
    for name in ("raises", "model", "unreadable"):
        _document(folder / f"{name}.pdf", [*invoice, f"Reference {name}"])
    for number in range(7):
        _document(folder.with_name("many") / f"{number}.pdf", [*invoice, f"Reference {number}"])
    _document(folder / "review.pdf", [f"Dear {CANARY}, nothing of an invoice is on this page at all."])
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n1 0 obj << /Length (" + CANARY.encode() + b") >> endobj")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + CANARY.encode())
    (folder / "notes.txt").write_text(f"no document: {CANARY}", encoding="utf-8")


def _run(mode: str, home: str, tmp_path: Path, api: str, **more: str) -> subprocess.CompletedProcess[str]:
    words = [
        "run",
        "--source",
        "many" if mode == "all" else "in",
        "--schema",
        "invoice",
        "--model",
        "scripted",
        "--home",
        home,
    ]
    return subprocess.run(
        [sys.executable, "-m", "tests.robustness.leaky", mode, *words, CANARY],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PREFECT_API_URL": api,
            "PARQUETRY_INTAKE__SETTLE_SECONDS": "0",
            "PARQUETRY_CONCURRENCY": "2",
            "PARQUETRY_METRICS_FILE": str(tmp_path / "metrics" / f"{home}.prom"),
            **more,
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def _leaks(folders: list[Path]) -> list[str]:
    """Files that hold the text in any case, as bytes; a database's too."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and CANARY.lower().encode() in path.read_bytes().lower():
                found.append(str(path))
    return found


def test_however_documents_end_their_text_stays_in_ledger_lake_and_report(
    tmp_path: Path, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _plant(tmp_path / "in")
    done = _run("some", "home", tmp_path, prefect_api, PARQUETRY_LOG_FORMAT="json")
    assert done.returncode == 0, done.stderr
    stopped = _run("all", "stopped", tmp_path, prefect_api)
    assert stopped.returncode == 9, stopped.stderr
    unlanded = _run("land", "unlanded", tmp_path, prefect_api, PARQUETRY_LOG_STDERR="true")
    assert unlanded.returncode == 1, unlanded.stderr

    said = "".join([one for run in (done, stopped, unlanded) for one in (run.stdout, run.stderr)])
    assert CANARY.lower() not in said.lower()
    logs = [tmp_path / home / "logs" for home in ("home", "stopped", "unlanded")]
    server = [path for path in tmp_path_factory.getbasetemp().glob("prefect*") if path.is_dir()]
    assert _leaks([*logs, tmp_path / "metrics", *server]) == []

    # that they were there at all, and that somebody looked
    assert {Path(path).name.split(".")[0] for path in _leaks([tmp_path / "home"])} >= {"ledger"}
    with sqlite3.connect(tmp_path / "home" / "ledger.db") as ledger:
        outcomes = dict(ledger.execute("SELECT uri, outcome FROM inputs").fetchall())
        details = [row[0] for row in ledger.execute("SELECT detail FROM inputs WHERE detail != ''")]
    ended = {Path(uri).name: outcome for uri, outcome in outcomes.items()}
    assert ended == {
        "accepted.pdf": "accepted", "raises.pdf": "failed", "model.pdf": "failed", "review.pdf": "review",
        "unreadable.pdf": "unreadable", "broken.pdf": "unreadable", "picture.png": "unreadable",
        "notes.txt": "unreadable",
    }  # fmt: skip
    assert sum(CANARY in detail for detail in details) == 3  # the ledger keeps what was said
    told = b"".join(path.read_bytes() for folder in server for path in folder.rglob("*.db*"))
    assert b"raises.pdf" in told and b"cannot make sense of Example" not in told
    assert "ValueError at" in unlanded.stderr and "documents in a row failed" in stopped.stderr
    assert (tmp_path / "metrics" / "home.prom").read_text().count("parquetry_") > 20
    _check_log(logs[0] / "run.log")


def _check_log(path: Path) -> None:
    """Every line is JSON; whatever was said while a document was worked on names it and its run."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ends = {Path(line["message"].split(": ")[0]).name: line for line in lines if "outcome" in line}
    assert ends["raises.pdf"]["outcome"] == "failed" and ends["raises.pdf"]["reason"] == "internal_error"
    assert len({line["document_id"] for line in ends.values()}) == len(ends) == 8
    assert len({line["run_id"] for line in lines if "run_id" in line}) == 1
    assert all(line["model"].startswith("scripted") and line["schema"] == "invoice" for line in ends.values())
    assert ends["accepted.pdf"]["stages"]["read"] > 0 and ends["accepted.pdf"]["seconds"] > 0
    slips = [line for line in lines if line["logger"] == "flows.leaky"]
    assert len(slips) >= 8
    for line in slips:
        assert line["run_id"] and line["stage"] == "model"
        ids = line["document_id"] if isinstance(line["document_id"], list) else [line["document_id"]]
        assert set(ids) <= {end["document_id"] for end in ends.values()}
    assert any("ValueError" in line.get("traceback", "") for line in slips)
    assert {line["stage"] for line in lines if line["logger"] == "flows.reporting" and "seconds" in line} == {
        "discover", "extract", "land",
    }  # fmt: skip
