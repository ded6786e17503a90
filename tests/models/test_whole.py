"""A tuned model as one checkpoint: what its card says goes with it, and a server's client can read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.models import __main__ as commands
from extractors.models.load import load_model, load_processor
from tests.tiny import tiny_model, tiny_processor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    tiny_model(1).save_pretrained(made)
    tiny_processor().save_pretrained(made)
    card = {"window_tokens": 77, "hints": True, "unsure_below": -0.3}
    (made / "model.json").write_text(json.dumps(card))
    return made


def test_the_card_goes_with_the_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "whole" / "receipts"
    assert commands.main(["export", str(folder), str(to), str(tmp_path)]) == 0
    assert [path.name for path in to.parent.iterdir()] == ["receipts"]
    before, after = load_model(str(folder), tmp_path), load_model(str(to), tmp_path)
    assert (after.window_tokens, after.hints, after.unsure_below) == (77, True, -0.3)
    assert after.rows_unsure_below == before.rows_unsure_below
    assert json.loads((to / "model.json").read_text())["whole_of"] == before.model_id
    told = load_processor(str(to), tmp_path)
    assert told.window_tokens == 77 and not told.layout
    assert commands.main(["export", str(folder), str(to), str(tmp_path)]) != 0
    assert "is there already" in capsys.readouterr().err


def test_a_folder_without_weights_has_a_processor(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert load_processor(str(folder), tmp_path).processor.tokenizer.eos_token == "<|im_end|>"


def test_commands_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["export"], ["export", "embedded"], ["fetch", "a", "b"], ["print"]):
        assert commands.main(words) == 2
    assert "export MODEL FOLDER" in capsys.readouterr().err
