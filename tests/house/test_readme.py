"""The README cannot rot: its commands exist, its snippets run, its links lead somewhere."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from flows.cli import app
from flows.cli import main as parquetry
from flows.landing import current_sql
from flows.settings import load_settings
from schemas import catalog
from schemas.registry import catalog_names, load_schema
from schemas.tree import leaves

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/models.md",
    "docs/training.md",
    "samples/README.md",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    lines += re.findall(r"`(parquetry [a-z][^`]*|make [a-z][^`]*|[A-Z]+=\S+ make [a-z]+)`", README)
    return [shlex.split(line, comments=True) for line in lines]


PARQUETRY = [words[1:] for words in commands() if words[0] == "parquetry"]
MAKE = [words for words in commands() if "make" in words]


def test_the_two_commands_are_told() -> None:
    assert ["make", "demo"] in MAKE
    assert ["make", "test"] in MAKE
    assert len(PARQUETRY) >= 10


@pytest.mark.parametrize("words", MAKE, ids=" ".join)
def test_make_knows_the_target(words: list[str]) -> None:
    variables = [word.partition("=")[0] for word in words if "=" in word]
    targets = [word for word in words if "=" not in word and word != "make"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for variable in variables:
        assert re.search(rf"^{variable} \?=", makefile, re.MULTILINE)


@pytest.mark.parametrize("words", PARQUETRY, ids=" ".join)
def test_the_command_line_knows_the_command(words: list[str]) -> None:
    """Parsed by the real parser, which refuses unknown commands, options, and missing arguments."""
    command = typer.main.get_command(app)
    context = command.make_context("parquetry", list(words), resilient_parsing=False)
    while isinstance(command, typer.core.TyperGroup):
        name, command, words = command.resolve_command(context, words)
        assert command is not None
        context = command.make_context(name, list(words), parent=context)
    assert context.command is command


@pytest.mark.parametrize(
    "words", [["--help"], ["schemas", "list"], ["schemas", "show", "invoice"]], ids=" ".join
)
def test_cheap_commands_run(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert parquetry(words) == 0
    assert len(capsys.readouterr().out) > 100


def test_the_json_lines_command_runs(tmp_path: Path) -> None:
    (words,) = [w for w in PARQUETRY if w[0] == "extract"]
    words[words.index("out.jsonl")] = str(tmp_path / "out.jsonl")
    assert parquetry([*words, "--model", "scripted", "--home", str(tmp_path / "home")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert {line["document"]: line["outcome"] for line in lines} == {
        "samples/receipt/petrol-station.pdf": "extracted",
        "samples/receipt/empty.pdf": "unreadable",
    }


def test_the_pydantic_schema_works_as_a_new_file_of_the_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = [block for block in blocks("python") if "BaseModel" in block]
    (tmp_path / "purchase_order.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path)])
    try:
        assert "purchase_order" in catalog_names()
        schema = load_schema("purchase_order")
    finally:
        sys.modules.pop("schemas.catalog.purchase_order", None)
    assert schema.qualified_name == "purchase_order@1"
    paths = [path for path, _ in leaves(schema.tree)]
    assert paths[:2] == ["order_number", "supplier"]
    assert "lines[].quantity" in paths
    assert schema.rules[0].kind == "product"


def test_the_json_schema_works_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("json")
    path = tmp_path / "delivery_note.json"
    path.write_text(code, encoding="utf-8")
    assert parquetry(["schemas", "check", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "delivery_note@1: 3 fields" in shown
    assert shown in README


def test_the_settings_are_settings(tmp_path: Path) -> None:
    (code,) = blocks("toml")
    (tmp_path / "parquetry.toml").write_text(code, encoding="utf-8")
    settings = load_settings(tmp_path / "parquetry.toml")
    assert settings.serve.timezone == tomllib.loads(code)["serve"]["timezone"]
    assert settings.schema_ == "invoice"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three rows in the columns that the snippets use: one corrected, one withdrawn."""
    folder = tmp_path / "demo" / "lake" / "receipt"
    folder.mkdir(parents=True)
    rows = [
        ("a", 1, False, "Bakery", "9.99"),
        ("b", 1, False, "Pharmacy", "31.50"),
        ("c", 1, False, "Not a receipt", "1.00"),
        ("a", 2, False, "Harbour Lane Bakery", "26.95"),
        ("c", 2, True, "Not a receipt", "1.00"),
    ]
    for number, (key, version, retracted, company, total) in enumerate(rows):
        day = dt.date(2026, 3, 3 + number)
        table = pa.table(
            {
                "row_key": [key],
                "version": pa.array([version], pa.int64()),
                "valid_from": pa.array([dt.datetime.combine(day, dt.time(12), dt.UTC)]),
                "retracted": [retracted],
                "company": [company],
                "date": [day],
                "total": pa.array([Decimal(total)], pa.decimal128(38, 9)),
                "evidence": [[{"path": "total", "boxes": [[1.0, 2.0, 3.0, 4.0]]}]],
            }
        )
        pq.write_table(table, folder / f"{number}.parquet")
    monkeypatch.chdir(tmp_path)
    return folder


NOW = [("Harbour Lane Bakery", Decimal("26.95")), ("Pharmacy", Decimal("31.50"))]
THEN = [("Bakery", Decimal("9.99")), ("Not a receipt", Decimal("1.00")), ("Pharmacy", Decimal("31.50"))]


def test_the_duckdb_snippet_shows_the_rows_now_and_then(lake: Path) -> None:
    (code,) = blocks("sql")
    with duckdb.connect() as connection:
        view, macro, now, then = [part for part in code.split(";") if part.strip()]
        connection.execute(view)
        connection.execute(macro)
        assert sorted((r[0], r[2]) for r in connection.execute(now).fetchall()) == NOW
        assert sorted((r[0], r[2]) for r in connection.execute(then).fetchall()) == THEN


def test_the_duckdb_snippet_is_what_the_program_ships(lake: Path) -> None:
    (code,) = blocks("sql")
    shipped = current_sql("demo/lake", "receipt").replace(str(lake.parent.parent.parent) + "/", "")
    plain = [" ".join(text.replace('"', "").split()) for text in (code, shipped)]
    assert plain[0].startswith(plain[1])


def test_the_pandas_snippet_shows_the_current_rows(lake: Path) -> None:
    (code,) = [block for block in blocks("python") if "pandas" in block]
    names: dict[str, pd.DataFrame] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert sorted(names["receipts"]["company"]) == [company for company, _ in NOW]


def test_the_pyarrow_snippet_reads_all_versions_of_the_schema(lake: Path) -> None:
    added = pa.table(
        {
            "row_key": ["d"],
            "version": pa.array([1], pa.int64()),
            "retracted": [False],
            "company": ["Kiosk"],
            "tip": ["2.00"],
        }
    )
    pq.write_table(added, lake / "9.parquet")
    (code,) = [block for block in blocks("python") if "pyarrow" in block]
    names: dict[str, pa.Table] = {}
    exec(compile(code, "README.md", "exec"), names)
    seen = {row["company"]: row["tip"] for row in names["current"].to_pylist()}
    assert seen == {**dict.fromkeys((company for company, _ in NOW), None), "Kiosk": "2.00"}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_named_files_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", prose) if not link.startswith(("http", "mailto"))]
    named = re.findall(r"`((?:schemas|extractors|flows|docs|samples|scripts|deploy|tests)/[\w./-]+)`", prose)
    for link in links:
        assert ((ROOT / page).parent / link).exists(), link
    for name in named:
        assert (ROOT / name).exists(), name


def test_ci_runs_what_the_readme_calls_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert re.search(r"^make test$", script.read_text(encoding="utf-8"), re.MULTILINE)
    subprocess.run(["bash", "-n", str(script)], check=True)
