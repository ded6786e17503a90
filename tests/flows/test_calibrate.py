"""``parquetry calibrate`` and what follows from it: real PDFs, the scripted rules, a run under an error budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.backends.scripted import RULES
from extractors.confidence.calibrator import OtherCircumstancesError
from extractors.training.record import set_digest
from extractors.training.stream import document_path
from flows.again import _obstacle
from flows.calibrating import fit_calibration
from flows.calibration import home_folder, judge_for
from flows.cli import main
from flows.composition import Job
from flows.ledger.records import RetryGroup
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
    (root / "splits.json").write_text(json.dumps({"calibrate": ids}))
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


def test_progress_is_told_before_each_document_and_before_the_fit(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "set", 10)
    settings = load_settings(None, home=tmp_path / "home", model="scripted")
    told: list[tuple[int, int, str]] = []
    fit_calibration(
        settings, [folder], ["invoice"], split="calibrate", progress=lambda *step: told.append(step)
    )
    assert told == [*((n + 1, 10, f"i{n}") for n in range(10)), (11, 10, "fitting")]


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


def test_the_documents_that_a_model_was_trained_on_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, model = labelled(tmp_path / "set"), tmp_path / "model"
    model.mkdir()
    learnt = set_digest(folder, [f"i{number}" for number in range(12)], document_path)
    card = {"base": "embedded-base", "data": [{"set": "set", "train": {"sha256": learnt}}]}
    (model / "model.json").write_text(json.dumps(card))
    asked = line("calibrate", folder, "--schema", "invoice", "--model", model, "--home", tmp_path / "home")
    assert main(asked) == 2
    assert "was trained on the documents of" in " ".join(capfd.readouterr().err.split())


def test_a_budget_of_the_command_line_comes_before_those_of_single_schemas(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_invoice(tmp_path / "i.pdf", 1)
    (tmp_path / "parquetry.toml").write_text("[extract.error_budgets]\ninvoice = 0.2\n")
    rules = line("--schema", "invoice", "--model", "scripted", "--home", tmp_path / "home")
    assert main([*line("extract", "i.pdf", "--error-budget", 0.01), *rules]) == 0
    assert any("an error budget of 0.01" in one for one in json.loads(capfd.readouterr().out)["messages"])
    assert main([*line("extract", "i.pdf"), *rules]) == 0
    assert any("an error budget of 0.2" in one for one in json.loads(capfd.readouterr().out)["messages"])
    (tmp_path / "parquetry.toml").write_text("[extract.error_budgets]\ninvioce = 0.2\n")
    assert main([*line("extract", "i.pdf"), *rules]) == 2
    assert "none for invoice" in " ".join(capfd.readouterr().err.split())


def test_a_retry_keeps_the_budget_of_the_run_or_leaves_its_documents(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = {"source": "s", "schema_": "invoice", "model": "scripted", "judged_by": {"error_budget": 0.02}}
    fingerprint = load_schema("invoice").fingerprint
    group = RetryGroup(
        source="s",
        schema_name="invoice",
        fingerprint=fingerprint,
        model=RULES,
        inputs=3,
        parameters=job,
    )
    made = Job.model_validate(job)
    plain = load_settings(None, home=tmp_path, model="scripted")
    assert "had an error budget of 0.02" in _obstacle(made, group, plain)
    budgeted = load_settings(None, home=tmp_path, model="scripted", extract={"error_budget": 0.05})
    assert _obstacle(made, group, budgeted) == ""


def test_parts_of_documents_do_not_land_on_the_evidence_of_whole_ones(tmp_path: Path) -> None:
    folder, home = labelled(tmp_path / "set"), tmp_path / "home"
    assert main(line("calibrate", folder, "--schema", "invoice", "--model", "scripted", "--home", home)) == 0
    lax = {"error_budget": 0.45, "confidence": 0.8}
    settings = load_settings(None, home=home, model="scripted", extract=lax)
    assert judge_for(settings, load_schema("invoice"), RULES).in_force
    assert not judge_for(settings, load_schema("invoice"), RULES, whole=False).in_force
    other = load_settings(None, home=home, model="scripted", extract={**lax, "min_ocr_confidence": 0.5})
    with pytest.raises(OtherCircumstancesError):
        judge_for(other, load_schema("invoice"), RULES)
