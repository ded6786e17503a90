"""docs/models.md cannot rot: its commands run, in order, on small folders in place of the hub and the bucket."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from extractors.models.load import model_description
from flows.cli import main
from tests.modelstore.making import write_checkpoint, write_evaluation, write_tuned

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [shlex.split(line[2:]) for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_commands_of_the_page_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARQUETRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PARQUETRY_CACHE", str(tmp_path / "cache"))
    write_tuned(tmp_path / "runs" / "bills" / "model")
    write_tuned(tmp_path / "runs" / "bills-larger" / "model", base="checkpoints/larger", seed=1.0)
    instead = {
        "s3://my-bucket/models/bills": write_tuned(tmp_path / "bucket" / "bills", seed=2.0),
        "s3://my-bucket/models/larger": write_checkpoint(tmp_path / "bucket" / "larger"),
        "hf://HuggingFaceTB/SmolVLM-256M-Instruct@COMMIT": write_checkpoint(tmp_path / "hub", seed=3.0),
    }
    found = commands()
    assert [words[1:3] for words in found].count(["models", "fetch"]) == 5
    for words in found:
        if words[1] == "evaluate":  # tried in tests/flows; here what it would have written
            identity = model_description("bills", tmp_path / "cache").model_id
            write_evaluation(tmp_path / "report" / "report.json", identity)
            assert main(["models", "promote", "smolvlm", "--without-evaluation", "--reason", "x"]) == 0
            continue
        assert main([str(instead.get(word, word)) for word in words[1:]]) == 0, (
            words,
            capsys.readouterr().err,
        )
    assert "In force again: smolvlm" in capsys.readouterr().out


def test_what_the_page_calls_dangerous_is() -> None:
    from extractors.models.guard import _FORBIDDEN

    (line,) = [line for line in PAGE.splitlines() if line.startswith("- files called")]
    assert set(re.findall(r"`(\.\w+)`", line)) <= _FORBIDDEN
