"""``parquetry calibrate`` and what follows from it: real PDFs, the scripted rules, a run under an error budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.backends.scripted import RULES
from flows.calibration import home_folder, judge_for
from flows.cli import main
from flows.settings import load_settings
from schemas.registry import load_schema
from tests.flows.making import write_invoice


def labelled(root: Path, count: int = 12) -> Path:
    """Invoices with three labels each; every fourth total is labelled otherwise, so that it is answered wrongly."""
    (root / "truth").mkdir(parents=True)
    ids = [f"i{number}" for number in range(count)]
    for number, one in enumerate(ids):
        write_invoice(root / "docs" / f"{one}.pdf", number)
        truth = {
            "document_number": f"INV-{number}",
            "gross_total": 1.0 if number % 4 == 0 else 119.0,
            "buyer_name": None,
        }
        (root / "truth" / f"{one}.json").write_text(json.dumps(truth))
    (root / "splits.json").write_text(json.dumps({"train": ids}))
    return root


def line(*words: object) -> list[str]:
    return [str(word) for word in words]


def test_calibrate_and_extract_under_a_budget(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    folder, home = labelled(tmp_path / "set"), tmp_path / "home"
    rules = line("--schema", "invoice", "--model", "scripted", "--home", home)
    assert main([*line("calibrate", folder, "--json"), *rules]) == 0
    (row,) = json.loads(capfd.readouterr().out)["schemas"]
    assert (row["schema"], row["documents"], row["values"]) == ("invoice", 12, 36)
    assert [one["needed"] for one in row["certificates"]] == [59, 149, 299]
    assert {one["least_probability"] for one in row["certificates"]} == {None}
    settings = load_settings(None, home=home, model="scripted")
    folder_of_it = home_folder(settings, RULES)
    assert {p.name for p in folder_of_it.iterdir()} == {
        "answered.jsonl", "calibration.json", "judged.jsonl.gz", "reliability.png",
    }  # fmt: skip

    assert main([*line("calibrate", folder), *rules]) == 0  # again: from what is kept
    shown = capfd.readouterr().out
    assert "nothing yet: 149 documents needed" in shown
    assert "[extract]" in shown

    pdf = folder / "docs" / "i1.pdf"
    assert main([*line("extract", pdf), *rules]) == 0
    found = json.loads(capfd.readouterr().out)
    by_path = {one["path"]: one for one in found["fields"]}
    assert by_path["document_number"]["calibration"] == "calibrated"
    assert by_path["document_number"]["probability"] > by_path["gross_total"]["probability"] > 0.5
    assert "too_little_evidence" not in found["reasons"]

    assert main([*line("extract", pdf, "--error-budget", 0.02), *rules]) == 0
    found = json.loads(capfd.readouterr().out)
    assert not found["accepted"]
    assert "too_little_evidence" in found["reasons"]
    assert any("149 labelled documents" in message and "12" in message for message in found["messages"])


def test_with_few_errors_allowed_little_evidence_is_enough(tmp_path: Path) -> None:
    """A lax promise that twelve documents can prove: the threshold then decides field by field."""
    folder, home = labelled(tmp_path / "set"), tmp_path / "home"
    rules = line("--schema", "invoice", "--model", "scripted", "--home", home)
    assert main([*line("calibrate", folder), *rules]) == 0
    settings = load_settings(
        None, home=home, model="scripted", extract={"error_budget": 0.45, "confidence": 0.8}
    )
    judge = judge_for(settings, load_schema("invoice"), RULES)
    assert judge.in_force
    assert judge.calibration == "calibrated"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("calibrate nowhere --model scripted", 2, "nowhere"),
        ("calibrate {set} --schema nope --model scripted", 3, "No schema named"),
        ("calibrate {set} --schema invoice --split test --model scripted", 2, "no split 'test'"),
        ("calibrate {set} --schema invoice --schema receipt --model scripted", 2, "1 folders and 2 schemas"),
        ("calibrate {set} --schema invoice --model scripted --error-budget 2", 2, "between 0 and 1"),
        ("calibrate {set} --schema invoice --model scripted --confidence 1", 2, "between 0 and 1"),
        ("calibrate {few} --schema invoice --model scripted", 2, "too few to fit"),
        ("calibrate {set} --schema invoice --model no/such", 5, "no/such"),
        ("extract a.pdf --schema invoice --model scripted --error-budget 0", 2, "error_budget"),
        ("extract a.pdf --schema invoice --model scripted --confidence 1.5", 2, "confidence"),
    ],
)
def test_wrong_inputs_end_in_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    sets = {"set": labelled(tmp_path / "set"), "few": labelled(tmp_path / "few", 3)}
    assert main([*words.format(**sets).split(), "--home", str(tmp_path / "home")]) == code
    told = " ".join(capfd.readouterr().err.split())
    assert said in told
    assert "Traceback" not in told


def test_a_calibration_of_another_model_ends_a_run_before_it_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, home = labelled(tmp_path / "set"), tmp_path / "home"
    rules = line("--schema", "invoice", "--model", "scripted", "--home", home)
    assert main([*line("calibrate", folder), *rules]) == 0
    path = home / "calibration" / RULES / "calibration.json"
    path.write_text(path.read_text().replace(RULES, "scripted-1"))
    capfd.readouterr()
    assert main([*line("extract", folder / "docs" / "i1.pdf"), *rules]) == 5
    assert "fitted for the model scripted-1" in " ".join(capfd.readouterr().err.split())
    # What is wrong with a calibration is mended by making it anew.
    assert main([*line("calibrate", folder), *rules]) == 0
    assert main([*line("extract", folder / "docs" / "i1.pdf"), *rules]) == 0
