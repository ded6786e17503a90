"""``parquetry doctor``, ``extract`` and ``run`` with a model at a server, as a user types them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import composition
from flows.cli import main
from flows.report import RunReport
from tests.backends import serving
from tests.backends.serving import KEY, TinyServer
from tests.flows.making import write_invoice
from tests.robustness.commands import Start
from tests.tiny import tiny_model, tiny_processor

WORDS = "--schema receipt --model vllm:tiny"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TinyServer, Path]]:
    """The tiny model at a server, and its folder without weights, as a worker has it."""
    folder = tmp_path_factory.mktemp("served") / "tiny"
    tiny_model(1).config.save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    server = TinyServer(tiny_model(1), tiny_processor()).start()
    yield server, folder
    server.stop()


@pytest.fixture
def settings(
    served: tuple[TinyServer, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_readers: None
) -> Iterator[dict[str, str]]:
    """The settings of the server as variables, of this process and for others."""
    server, folder = served
    server.reset()
    for name in list(os.environ):
        if name.startswith("PARQUETRY_") or name == "PREFECT_API_URL":
            monkeypatch.delenv(name)
    told = {"URL": server.url, "FOLDER": str(folder), "API_KEY": KEY, "MAX_ANSWER_TOKENS": "40"}
    variables = {f"PARQUETRY_VLLM__{name}": value for name, value in told.items()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    composition.use(None)
    write_invoice(tmp_path / "in" / "a.pdf", 1)
    yield variables
    composition.use(None)


def test_the_doctor_says_whether_the_server_keeps_to_grammars(
    settings: dict[str, str],
    served: tuple[TinyServer, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ["doctor", "--source", "in", "--model", "vllm:tiny"]
    assert main(line) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"ok model tiny by vLLM 0.32.0 at {served[0].url}; it keeps to grammars" in said
    served[0].always = serving.ignores_grammar
    assert main(line) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "fail model The vLLM server failed the test" in said and "--structured-outputs-config" in said
    monkeypatch.setenv("PARQUETRY_VLLM__URL", "http://127.0.0.1:9")
    assert main(line) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "fail model The vLLM server at http://127.0.0.1:9 does not answer" in said and "vllm.url" in said
    monkeypatch.delenv("PARQUETRY_VLLM__FOLDER")
    assert main(line) == 1
    assert "Set vllm.folder" in " ".join(capsys.readouterr().out.split())


def test_extract_asks_the_server_and_takes_nothing_from_one_that_lies(
    settings: dict[str, str],
    served: tuple[TinyServer, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ["extract", *WORDS.split(), "in/a.pdf"]
    assert main(line) == 0
    (told,) = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert told["outcome"] == "extracted" and told["model"].startswith("vllm-tiny-tiny-")
    assert told["timings"]["model_busy"] > 0 and "model_cpu" not in told["timings"]
    assert len(served[0].bodies) > 2  # of the test that comes first, and of the document
    served[0].always = serving.ignores_grammar
    assert main(line) == 0
    (told,) = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert (told["outcome"], told["failure"], told["fields"]) == ("failed", "model_error", [])
    assert "outside the grammar" in told["detail"]
    monkeypatch.setenv("PARQUETRY_VLLM__CONCURRENCY", "3")  # as a process that has asked nothing yet
    assert main(line) == 5
    out, err = capsys.readouterr()
    assert out == "" and "failed the test that comes before any document" in err and "What to do" in err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_asks_the_server_and_stops_when_it_lies(
    start: Start, settings: dict[str, str], served: tuple[TinyServer, Path], tmp_path: Path
) -> None:
    served[0].always = serving.ignores_grammar
    lied = start(f"run --source in {WORDS} --home home", **settings)
    assert lied.end() == 5, lied.text  # before any document
    assert "outside the grammar" in lied.text and KEY not in lied.text
    served[0].reset()
    done = start(f"run --source in {WORDS} --home home", **settings)
    assert done.end() == 0, done.text
    reports = [
        RunReport.model_validate_json(path.read_bytes())
        for path in (tmp_path / "home/reports").glob("*.json")
    ]
    (report,) = (one for one in reports if one.state == "completed")
    assert report.outcomes == {"review": 1} and report.model.startswith("vllm-tiny-")
    assert report.weights is not None and report.cost is not None
    (model,) = (stage for stage in report.cost.stages if stage.name == "model")
    assert model.machine_seconds > 0
    assert KEY not in (tmp_path / "home/logs/run.log").read_text(encoding="utf-8")
