"""What people decide is learnt, for real and small; collected by `test_extract_batch`, whose server it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from extractors.options import ReadOptions
from extractors.training.folder import config_for_folder
from extractors.training.run import train
from flows import composition
from flows.cli import main
from flows.ledger.records import FieldChange
from flows.ledger.store import Ledger
from flows.settings import Settings
from schemas.extraction import Extraction
from tests.flows.making import write_invoice
from tests.flows.test_calibrate import labelled
from tests.loops import outside_of_loops
from tests.tiny import tiny_model, tiny_processor

SIDE = 64
"""Pixels of the tiny model's pictures."""


def decided(ledger: Ledger, *, wrong: frozenset[str] = frozenset()) -> int:
    """Confirms what waits, as the review page does; of the documents named ``wrong`` the total is corrected."""
    waiting = ledger.queue(limit=1000)
    for item in waiting:
        proposal = ledger.document(item.document_id).extraction
        assert proposal is not None and proposal.data is not None
        corrected = Path(item.uri).name in wrong
        change = FieldChange(path="gross_total", before=proposal.data["gross_total"], after="1.00")
        ledger.decide(
            item.document_id,
            reviewer="ada",
            action="correct" if corrected else "accept",
            data={**proposal.data, "gross_total": "1.00"} if corrected else None,
            fields=None,
            changes=[change] if corrected else [],
            comment="",
            expected_version=item.version,
        )
    return len(waiting)


def extraction_of(settings: Settings, run_id: str, name: str) -> Extraction:
    with Ledger.open(settings.database_url) as ledger:
        (document,) = [one for one in ledger.run_documents(run_id) if one.uri.endswith(f"/{name}")]
        found = ledger.document(document.document_id).extraction
    assert found is not None
    return found


@outside_of_loops
def test_what_was_drawn_and_decided_is_fitted_and_used_by_the_next_run(settings: Settings) -> None:
    from flows.extract_batch import extract_batch
    from flows.maintain import RefitOptions, maintain

    def calibration() -> Any:
        report = maintain(calibration=RefitOptions(least_documents=10))
        assert not report.of("fail")
        (found,) = [one for one in report.findings if one.step == "calibration"]
        return found

    review = settings.review.model_copy(update={"audit_share": 1.0, "queue_share": 1.0})
    settings = settings.model_copy(update={"review": review})
    composition.use(settings)
    source = Path(composition.job().source)
    for number in range(20, 32):
        write_invoice(source / f"{number}.pdf", number, "119.00" if number % 3 else "120.00")
    before = extract_batch()
    assert before.outcomes["accepted"] and before.outcomes["review"]
    assert calibration().said.startswith("No schema has enough documents")
    with Ledger.open(settings.database_url) as ledger:
        # Of what was accepted, too, every file is kept that somebody is to look at.
        assert decided(ledger, wrong=frozenset({"20.pdf", "21.pdf", "25.pdf"})) == 15

    fitted = calibration()
    assert (fitted.verdict, fitted.said.partition(":")[0]) == (
        "done",
        "Fitted anew with 15 documents drawn at random and decided",
    )
    assert calibration().said == "Nothing new was drawn and decided since the calibration was fitted."
    path = Path(fitted.said.partition(": ")[2].rstrip("."))
    (evidence,) = json.loads(path.read_text(encoding="utf-8"))["evidence"].values()
    assert (evidence["name"], len(evidence["documents"])) == ("invoice", 15)

    write_invoice(source / "next.pdf", 40)
    report = extract_batch()
    total = {one.path: one for one in extraction_of(settings, report.run_id, "next.pdf").fields}[
        "gross_total"
    ]
    assert total.calibration == "calibrated" and total.probability is not None
    assert 0.5 < total.probability < 1

    # Under other settings that calibration is no good: it is fitted anew, although nothing new was decided.
    extract = settings.extract.model_copy(update={"min_ocr_confidence": 0.5})
    composition.use(settings.model_copy(update={"extract": extract}))
    assert calibration().said.startswith("Fitted anew")


def tuned(folder: Path) -> Path:
    """A tiny model with a step of training behind it: what a training can begin with."""
    tiny_model().save_pretrained(folder / "base")
    tiny_processor().save_pretrained(folder / "base")
    documents = labelled(folder / "set", 3)
    (documents / "splits.json").unlink()  # a third is held out
    config = config_for_folder(
        documents, "invoice", folder / "run", base=str(folder / "base"), tokens=1, device="cpu"
    )
    return train(config, cache=folder, read_options=ReadOptions(image_side_px=SIDE))


@outside_of_loops
def test_corrections_become_a_model_that_is_promoted_and_used(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of a tiny model: nothing is learnt, and all of the way is gone."""
    from flows.extract_batch import extract_batch
    from flows.finetune import finetune

    start = str(tuned(tmp_path / "tiny"))
    review = settings.review.model_copy(update={"queue_share": 0.0})
    read = settings.read.model_copy(update={"image_side_px": SIDE})
    settings = settings.model_copy(update={"review": review, "read": read, "cache": tmp_path / "cache"})
    composition.use(settings)
    source = Path(composition.job().source)
    for number in range(20, 23):
        write_invoice(source / f"{number}.pdf", number, "120.00")
    assert extract_batch().outcomes["review"] == 3
    with Ledger.open(settings.database_url) as ledger:
        assert decided(ledger, wrong=frozenset({"20.pdf"})) == 3
    few = finetune("invoice", start=start, device="cpu")
    assert (few.model, few.said) == (None, "3 documents are decided, 50 are wanted; nothing was trained.")

    report = finetune("invoice", least_documents=3, start=start, tokens=1, device="cpu")
    assert report.model is not None and report.record is not None
    assert report.record["training"]["steps"] == 1 and report.record["config"]["start"] == start
    again = finetune("invoice", least_documents=3, start=start, tokens=1, device="cpu")
    assert again.model is None and again.said.startswith("Nothing was decided since the last training")

    monkeypatch.setenv("PARQUETRY_CACHE", str(settings.cache))
    home = ["--home", str(settings.home)]
    assert main(["models", "fetch", str(tmp_path / "tiny" / "base"), "--name", "tiny", *home]) == 0
    assert main(["models", "fetch", report.model, "--name", "bills", "--base", "tiny", *home]) == 0
    reason = ["--without-evaluation", "--reason", "a test"]
    assert main(["models", "promote", "bills", *reason, *home]) == 0
    composition.use(settings.model_copy(update={"model": "promoted"}))
    used = extract_batch(source=str(write_invoice(tmp_path / "next" / "next.pdf", 40)))
    assert used.weights is not None and used.weights.name == "bills"
    assert used.outcomes == {"review": 1}  # it knows nothing, and says so
