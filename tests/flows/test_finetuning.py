"""What reviewers decided as a training run that goes on after a stop, and is not done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.training.run import RECORD
from flows import finetune, finetuning
from flows.settings import load_settings
from schemas.errors import UsageError
from tests.flows.test_export_training import decide, reviewed
from tests.ledger.builders import SCHEMA, sha_of


def test_each_state_of_the_corrections_has_one_folder(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, model="scripted")
    ledger, _ = reviewed(tmp_path, ["correct", "accept", "wait"])
    with ledger:
        first = finetuning.export_corrections(settings, ledger, SCHEMA.name)
        again = finetuning.export_corrections(settings, ledger, SCHEMA.name)
        assert first == again and first.documents == 2 and first.record is None
        assert first.run.parent == tmp_path / "training" and first.run.name.startswith(f"{SCHEMA.name}-")
        assert finetune._why_not(first, 2) == ""
        assert "2 documents are decided, 3 are wanted" in finetune._why_not(first, 3)

        config = finetuning.corrections_config(first, start="embedded", tokens=1000, device="cpu")
        assert config.output == first.run and config.max_tokens == 1000 and config.start == "embedded"
        (first.run / RECORD).write_text(json.dumps({"training": {}}))
        assert "Nothing was decided since the last training" in finetune._why_not(again, 2)

        (waiting,) = ledger.queue()
        assert ledger.document(waiting.document_id).sha256 == sha_of("2.pdf")
        decide(ledger, waiting.document_id, "accept", None)
        more = finetuning.export_corrections(settings, ledger, SCHEMA.name)
        assert more.run != first.run and more.documents == 3 and more.record is None
        assert finetune._why_not(more, 2) == ""
    assert {path.name for path in (tmp_path / "training").iterdir()} == {first.run.name, more.run.name}


def test_nothing_decided_is_told(tmp_path: Path) -> None:
    ledger, _ = reviewed(tmp_path, ["wait"])
    with ledger, pytest.raises(UsageError, match="has been confirmed or corrected"):
        finetuning.export_corrections(load_settings(home=tmp_path), ledger, SCHEMA.name)
    assert finetune._why_not("Nobody has decided.", 2) == "Nobody has decided. Nothing was trained."
    with pytest.raises(UsageError, match="on a server"):
        finetune._refuse_served("vllm:bills")
