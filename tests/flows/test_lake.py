"""`parquetry lake` and `parquetry doctor --lake`, as a user types them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from flows import doctor, worker
from flows.cli import main
from flows.commands.lake import parse_moment
from flows.landing import land
from flows.ledger.store import Ledger
from flows.settings import load_settings
from schemas.errors import SchemaError, UsageError
from schemas.registry import from_json_schema
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, make_parts, work
from tests.landing.test_land import accept, decide
from tests.ledger.builders import SCHEMA, add, claim, extraction, start


@pytest.fixture(params=["parquet", pytest.param("delta", marks=pytest.mark.slow)])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two accepted rows; one was corrected later, and one withdrawn."""
    monkeypatch.setenv("PARQUETRY_LAKE_FORMAT", request.param)
    home = tmp_path / ".parquetry"
    with Ledger.open(sqlite_ledger(home / "ledger.db")) as ledger:
        first, second, _ = accept(ledger, "a.pdf", "b.pdf", "c.pdf")
        land(ledger, home / "lake", SCHEMA, format=request.param)
        (home / "then").write_text(dt.datetime.now(dt.UTC).isoformat())
        time.sleep(0.002)
        decide(ledger, first, "correct", {"number": "[bold]=1+1", "day": None, "total": 99})
        decide(ledger, second, "reject")
        land(ledger, home / "lake", SCHEMA, format=request.param)
    return home


def output(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> str:
    capsys.readouterr()
    assert main(words) == code
    return capsys.readouterr().out


def test_the_state_now_and_then(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(["lake", "current", "--format", "jsonl"], capsys).splitlines()
    assert sorted(json.loads(line)["version"] for line in lines) == [1, 2]
    then = (home / "then").read_text()
    told = output(["lake", "as-of", then, "--schema", "bill", "--format", "csv"], capsys)
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(told)))
    assert [row["version"] for row in rows] == ["1"] * 3 and "evidence" not in rows[0]
    assert output(["lake", "as-of", "2000-01-01", "--format", "jsonl"], capsys) == ""


def test_a_table_for_the_screen_says_what_it_leaves_out(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    told = output(["lake", "current"], capsys)
    assert "[bold]=1+1" in told and "c.pdf" in told and "row_key" not in told
    monkeypatch.setattr("flows.commands.lake.SHOWN_ROWS", 1)
    assert main(["lake", "current"]) == 0
    assert "1 more than are shown" in capsys.readouterr().err


def test_a_file(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out" / "rows.parquet"
    told = output(["lake", "current", "--format", "parquet", "--output", str(target)], capsys)
    assert told.strip() == str(target) and pq.read_table(target).num_rows == 2
    for words in (["--format", "parquet"], ["--output", str(target)]):
        assert main(["lake", "current", *words]) == 2
        assert "What to do" in capsys.readouterr().err


def test_the_doctor_looks_at_the_lake(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = output(["doctor", "--lake"], capsys)
    assert "ok" in told and "2 batches, 5 rows" in told
    with Ledger.open(f"sqlite:///{home / 'ledger.db'}") as ledger:
        made = ledger.ledger_id()
    assert made
    for file in (home / "lake").rglob("*"):
        if file.is_file():
            file.unlink()
    told = output(["doctor", "--lake"], capsys, code=1)
    assert "missing" in told and "--repair" in told
    assert "repaired" in output(["doctor", "--lake", "--repair"], capsys)
    assert "missing" not in output(["doctor", "--lake"], capsys)
    assert len(output(["lake", "current", "--format", "jsonl"], capsys).splitlines()) == 2


def test_compaction_is_for_delta(
    home: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if (home / "lake" / "bill" / "history").exists():
        told = output(["lake", "compact", "--schema", "bill"], capsys)
        assert "2 files put together" in told and "history" in told and "current" in told
    else:
        assert main(["lake", "compact"]) == 2
        assert "never rewritten" in capsys.readouterr().err


def test_sql_for_duckdb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / '.parquetry' / 'ledger.db'}") as ledger:
        accept(ledger, "a.pdf")
        land(ledger, tmp_path / ".parquetry" / "lake", SCHEMA)
    text = output(["lake", "sql"], capsys)
    with duckdb.connect() as connection:
        connection.execute(text)
        assert connection.execute("SELECT count(*) FROM bill").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM bill_as_of(now())").fetchone() == (1,)


def test_repair_is_of_the_lake_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--repair"]) == 2
    assert "--lake --repair" in capsys.readouterr().err


def test_nothing_has_landed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lake", "current"]) == 2
    assert "Nothing has landed yet" in capsys.readouterr().err
    assert main(["doctor", "--lake"]) == 0
    assert "Nothing has landed yet" in capsys.readouterr().err


def test_no_rows_at_all_are_a_mistake_and_what_is_there_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in (["lake", "current"], ["lake", "as-of", "2030-01-01"], ["export", "--format", "csv"]):
        assert main([*words, "--schema", "receipt"]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "has no rows of receipt; it has bill." in said and str(home / "lake") in said
    assert main(["lake", "current", "--schema", "bill", "--home", str(tmp_path / "elsewhere")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "is empty, or not there" in said and "PARQUETRY_LAKE" in said


def test_the_doctor_counts_what_waits_without_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = make_parts(tmp_path, sqlite_ledger(tmp_path / ".parquetry" / "ledger.db"), documents=3)
    worker.register_inputs(parts, RUN)
    work(parts)
    parts.ledger.close()
    settings = load_settings(home=tmp_path / ".parquetry")
    assert doctor._originals(settings).verdict == "warn"  # these runs had another folder
    parts.blobs.folder.rename(settings.home / "blobs")
    found = doctor._originals(settings)
    assert (found.verdict, found.detail) == ("ok", "of 3 documents that wait for a person, all are kept")
    next((settings.home / "blobs").iterdir()).unlink()
    found = doctor._originals(settings)
    assert found.verdict == "warn" and "of 3 documents that wait for a person, 1 have no file" in found.detail


def test_moments() -> None:
    assert parse_moment("2026-10-01") == dt.datetime(2026, 10, 1, 23, 59, 59, 999999, dt.UTC)
    assert parse_moment("2026-10-01T08:30") == dt.datetime(2026, 10, 1, 8, 30, tzinfo=dt.UTC)
    assert parse_moment("2026-10-01T08:30+02:00") == dt.datetime(2026, 10, 1, 6, 30, tzinfo=dt.UTC)
    for wrong in ("yesterday", "2026-13-01", "1.10.2026"):
        with pytest.raises(UsageError, match="is no date"):
            parse_moment(wrong)


def test_a_schema_that_no_reader_could_follow_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    parts = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"))
    ledger, today = parts.ledger, parts.schema
    field = today.tree.fields[0][0]
    before = {"title": "invoice", "type": "object", "properties": {field: {"type": "boolean"}}}
    old = from_json_schema(before, "invoice")
    start(ledger, "run-old", schema=old)
    add(ledger, "run-old", "old.pdf", schema=old)
    (held,) = claim(ledger, "run-old", schema=old)
    done = extraction(held.sha256, data={field: True}, fields=[], schema=old)
    ledger.record_extraction(held.document_id, held.token, done)
    with pytest.raises(SchemaError, match=f"{field} of invoice was true or false"), parts.run("run-new"):
        pytest.fail("it began")
    assert [run.run_id for run in ledger.status().runs if run.run_id == "run-new"] == []
    ledger.close()
