"""The command line as a user meets it: `flows.cli.main`, its exit codes and its sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.backends.scripted import RULES
from extractors.models.base import base_folder
from flows import conductor
from flows.cli import main
from flows.doctor import _model
from flows.ledger.store import Ledger
from flows.settings import load_settings
from schemas.registry import load_schema
from tests.flows.making import write_invoice
from tests.ledger.builders import add, start

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("run --source nowhere --schema invoice --model scripted", 4, "nowhere"),
        ("run --source . --schema no_such_schema --model scripted", 3, "No schema named"),
        ("run --source . --schema evil.py --model scripted", 3, "Python file"),
        ("run --schema invoice --model scripted", 2, "No source was given"),
        ("run --source . --model scripted", 2, "No schema was given"),
        ("run --source . --schema invoice --pages 3-1", 2, "no page range"),
        ("run --source . --schema invoice --limit 0", 2, "--limit"),
        ("run --sorce .", 2, "--source"),
        ("run --source . --schema invoice --config missing.toml", 2, "missing.toml"),
        ("run --source . --schema invoice --model scripted --password-file no", 2, "password file"),
        ("run --source . --schema invoice --model no/such/model", 5, "no/such/model"),
        ("extract --schema invoice", 2, "PATH"),
        ("extract --schema invoice --model scripted --output no/such/folder/x.jsonl a.pdf", 2, "x.jsonl"),
        ("extract --schema nope a.pdf", 3, "No schema named"),
        ("export --format pdf", 2, "--format"),
        ("export --format csv", 2, "Nothing has landed yet"),
        ("schemas check nope", 3, "No schema named"),
        ("serve --prefect-port 99999", 2, "--prefect-port"),
        ("evaluate nowhere --model scripted", 2, "nowhere"),
        ("run --source . --schema invoice --model scripted --since 2026-01-01", 2, "--reprocess"),
        ("run --source . --schema invoice --model scripted --reprocess --since yesterday", 2, "no date"),
        ("retry --outcome broken", 2, "no outcome"),
        ("retry --outcome failed --reason gremlins", 2, "no reason"),
        ("retry", 2, "--outcome"),
        ("no-such-command", 2, "No such command"),
    ],
)
def test_wrong_input_ends_in_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], line: str, code: int, said: str
) -> None:
    assert main(line.split()) == code
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_errors_of_ours_come_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--source", "nowhere", "--schema", "invoice", "--model", "scripted"])
    assert "What to do:" in capsys.readouterr().err


def test_credentials_are_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--source", "ftp://me:hunter2@127.0.0.1:1/x", "--schema", "invoice"]) != 0
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err


def test_extract_writes_one_line_per_path_as_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_invoice(tmp_path / "good.pdf", 1)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    paths = ["good.pdf", "./good.pdf", "broken.pdf", "missing.pdf", "."]
    assert main(["extract", "--schema", "invoice", "--model", "scripted", *paths]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["document"] for line in lines) == sorted(paths)
    by_path = {line["document"]: line for line in lines}
    good = by_path["good.pdf"]
    assert good["outcome"] == "extracted"
    assert good["timings"]
    assert {"path", "raw", "value", "page", "boxes", "probability", "calibration", "reasons"} <= set(
        good["fields"][0]
    )
    assert (by_path["missing.pdf"]["outcome"], by_path["missing.pdf"]["failure"]) == (
        "unreadable",
        "unavailable",
    )
    assert by_path["broken.pdf"]["failure"] == "broken"
    assert by_path["."]["outcome"] == "unreadable"


def test_extract_output_goes_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_invoice(tmp_path / "a.pdf", 1)
    line = ["extract", "--schema", "receipt", "--model", "scripted", "--output", "out.jsonl", "a.pdf"]
    assert main(line) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["document"] == "a.pdf"


def test_status_of_nothing_is_zero_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--home", "new", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["inputs"], status["outcomes"], status["members"]) == (0, {}, 0)
    assert not (tmp_path / "new").exists()


def test_dry_run_says_what_would_be_done_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_invoice(tmp_path / "in" / "a.pdf", 1)
    line = "run --source in --schema invoice --model scripted --home new --dry-run"
    assert main(line.split()) == 0
    out = capsys.readouterr().out
    assert "a.pdf" in out and "1 new" in out and "unknown" in out
    assert not (tmp_path / "new").exists()


def test_retry_without_anything_to_do_says_so_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retry", "--outcome", "failed", "--home", "new"]) == 0
    assert "nothing to do again" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


def test_two_schemas_have_a_column_each(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{Path('home/ledger.db').absolute()}"
    with Ledger.open(url) as ledger:
        for name, folder in (("invoice", "run-1"), ("receipt", "run-2")):
            run = start(ledger, folder, schema=load_schema(name))
            add(ledger, run, "a", schema=load_schema(name))
    assert main(["status", "--home", "home"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["outcome", "invoice", "receipt"]
    assert [row.split() for row in rows[:2]] == [["pending", "1", "1"], ["sum", "1", "1"]]
    assert rows[2].startswith("1 files; each counts once under each schema")
    assert main(["status", "--home", "home", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["files"], status["inputs"], [s["inputs"] for s in status["by_schema"]]) == (1, 2, [1, 1])


def test_a_server_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    main(["doctor", "--model", "scripted"])
    assert "server http://127.0.0.1:9/api does not answer" in " ".join(capsys.readouterr().out.split())


def test_doctor_names_what_is_wrong_and_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--model", "scripted", "--source", "nowhere"]) == 1
    out = capsys.readouterr().out
    assert "fail source" in out
    assert main(["doctor", "--model", "scripted"]) == 0
    out = capsys.readouterr().out
    assert "warn source" in out and "--source" in out and "fail" not in out


def test_doctor_says_that_a_calibration_would_end_every_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "home" / "calibration" / RULES / "calibration.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}", encoding="utf-8")
    assert main(["doctor", "--model", "scripted", "--home", "home"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "fail calibration" in said and "parquetry calibrate" in said
    kept.unlink()
    assert main(["doctor", "--model", "scripted", "--home", "home"]) == 0
    assert "calibration none" in " ".join(capsys.readouterr().out.split())


def test_doctor_says_that_weights_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an image that was built without giving its user the right."""
    base = base_folder(tmp_path)
    base.mkdir(parents=True)
    for name in ("manifest.json", "model.safetensors"):
        (base / name).touch()
    settings = load_settings().model_copy(update={"model": "embedded", "cache": tmp_path})
    assert _model(settings).verdict == "ok"
    monkeypatch.setattr(os, "access", lambda path, how: Path(path).suffix != ".safetensors")
    found = _model(settings)
    assert found.verdict == "fail" and "model.safetensors cannot be read" in found.detail


def test_schemas_are_listed_shown_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "list"]) == 0
    assert "receipt@1" in capsys.readouterr().out
    assert main(["schemas", "show", "receipt", "--json"]) == 0
    assert "company" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["schemas", "check", "invoice"]) == 0
    assert "note:" not in capsys.readouterr().out


def test_what_of_a_schema_is_not_extracted_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {"type": "object", "properties": {"sender": {"anyOf": [address, {"type": "string"}]}}}
    path = tmp_path / "letter.json"
    path.write_text(json.dumps(schema))
    assert main(["schemas", "check", str(path)]) == 0
    assert "note: #/properties/sender/anyOf: extracted as object; not as text." in capsys.readouterr().out


@pytest.mark.parametrize("line", ["--help", "status --home new", "schemas list"])
def test_light_commands_do_not_load_what_is_heavy(line: str, tmp_path: Path) -> None:
    code = (
        "import sys; from flows.cli import main; code = main(sys.argv[1:]);"
        "print(code, sorted({'torch', 'prefect', 'transformers', 'pdfplumber'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *line.split()],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PARQUETRY_HOME": str(tmp_path / "h")},
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_module_runs_as_the_script_does() -> None:
    line = [sys.executable, "-m", "flows.cli", "run", "--limit", "x"]
    done = subprocess.run(line, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "--limit" in done.stderr


@pytest.mark.slow
def test_two_runs_in_one_process_share_a_server_that_ends_with_it(tmp_path: Path) -> None:
    """As the demo does it; Prefect reads the address of its server only once."""
    write_invoice(tmp_path / "in" / "a.pdf", 1)
    write_invoice(tmp_path / "in" / "b.pdf", 2)
    code = (
        "import sys; from flows.cli import main; from flows import conductor;"
        "codes = [main(['run', '--source', 'in', '--schema', s, '--model', 'scripted', '--home', s])"
        " for s in ('invoice', 'receipt')];"
        "print(codes, conductor._started[0].url)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("[0, 0] http://127.0.0.1:"), done.stderr
    assert done.stderr.count("Starting a Prefect server") == 1
    assert "Traceback" not in done.stderr
    assert not conductor.healthy(last.split()[-1])
    for home in ("invoice", "receipt"):
        assert (tmp_path / home / "logs" / "run.log").read_text(encoding="utf-8").count("a.pdf") == 1
