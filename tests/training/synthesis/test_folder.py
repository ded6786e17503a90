"""Made-up documents as labelled folders: what train and evaluate read back."""

import json
from pathlib import Path

import pytest

from extractors.training.dataset import split_ids, truth_of
from extractors.training.stream import document_path
from extractors.training.synthesis.examples import SynthesisOptions
from extractors.training.synthesis.folder import main, write_folder
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.schemas import folder_schema
from extractors.training.synthesis.sheets import make_sheet
from schemas.registry import load_schema


def test_a_folder_has_documents_truths_and_one_schema(tmp_path: Path) -> None:
    folder = tmp_path / "receipt"
    write_folder(folder, "receipt", 3, SynthesisOptions(split="dev", scan_share=0.5))
    ids = split_ids(folder, "dev")
    assert len(ids) == 3
    slices = json.loads((folder / "slices.json").read_text())
    assert list(slices) == ids
    assert {frozenset(one) for one in slices.values()} == {
        frozenset({"language", "locale", "layout", "kind"})
    }
    schema = load_schema(folder / "schema.json")
    names = {name for name, _ in schema.tree.fields}
    assert names == {field.key for field in KINDS["receipt"].fields}
    for identity in ids:
        assert document_path(folder, identity).stat().st_size > 1000
        assert set(truth_of(folder, identity)) == names


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_one_schema_whatever_the_truth(kind: str) -> None:
    what = KINDS[kind]
    truth = make_sheet(7, kind).truth
    for seed in (None, 3):
        full, none = folder_schema(what, truth, seed), folder_schema(what, dict.fromkeys(truth), seed)
        assert full.schema.json_schema == none.schema.json_schema


def test_the_command_and_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = ["--write", str(tmp_path / "out"), "--count", "2", "--scan-share", "0"]
    main([*into, "--kinds", "registration_form", "receipt", "--pixels-only"])
    assert "receipt: nothing that only pixels answer" in capsys.readouterr().out
    folder = tmp_path / "out" / "registration_form"
    asked = json.loads((folder / "schema.json").read_text())["properties"]
    assert set(asked) == {field.key for field in KINDS["registration_form"].fields if field.pixels}
    for wrong, said in (
        ([*into, "--kinds", "registration_form"], "not an empty folder"),
        ([*into, "--kinds", "invoce"], "No kind of document is called 'invoce'"),
        ([*into[:2], "--count", "0"], "--count"),
        ([*into[:4], "--scan-share", "2"], "--scan-share"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert said in str(stopped.value)
