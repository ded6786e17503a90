"""``parquetry evaluate`` on what was extracted before, and against another model: real PDFs, the scripted rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.test_calibrate import labelled


def test_predictions_are_judged_read_and_compared(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, home = labelled(tmp_path / "set", 2), str(tmp_path / "home")
    predictions, report = tmp_path / "predictions.jsonl", tmp_path / "report"
    rules = ["--schema", "invoice", "--model", "scripted", "--home", home]
    files = [str(path) for path in sorted((folder / "docs").iterdir())]
    assert main(["extract", *files, "--output", str(predictions), *rules]) == 0
    judged = ["evaluate", str(folder), "--split", "calibrate", "--predictions", str(predictions), *rules]
    assert main([*judged, "--report", str(report), "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert (figures["micro"]["n"], figures["micro"]["ceiling"]) == (4, None)
    assert figures["fields"]["gross_total"]["f1"] == 0.5  # one label of two is wrong

    # Read, they have ceilings and looked-at places; the results of the call before are not taken for these.
    results = str(report / "results.jsonl")
    assert main([*judged, "--read", "--report", str(tmp_path / "two"), "--against", results, "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert figures["fields"]["document_number"]["ceiling"] == 1
    assert figures["grounding"]["looked_at"] == figures["grounding"]["values"] > 0
    assert figures["grounding"]["not_spelled"] == 0
    assert figures["against"]["fields"]["all"]["difference"] == 0

    assert main([*judged, "--against-model", "scripted"]) == 0
    assert "Against scripted" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--against", "x", "--against-model", "scripted"], "two comparisons"),
        (["--against", "nowhere"], "no results of an evaluation"),
        (["--predictions", "nowhere.jsonl"], "no extractions"),
        (["--split", "test"], "no split"),
    ],
)
def test_wrong_input_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    folder = labelled(tmp_path / "set", 1)
    line = ["evaluate", str(folder), "--split", "calibrate", "--schema", "invoice", "--model", "scripted"]
    assert main([*line, *more]) in (2, 3)
    assert said in " ".join(capfd.readouterr().err.split())
