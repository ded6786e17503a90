"""docs/training.md cannot rot: its commands run, in order, on tiny models in place of the real ones."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from extractors.models import stored
from extractors.training import folder as folder_module
from flows.cli import main as parquetry
from tests.tiny import tiny_model, tiny_processor

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
SCHEMA = {
    "title": "Bill",
    "type": "object",
    "properties": {"date": {"type": "string", "format": "date"}, "total": {"type": "number"}},
}


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [shlex.split(line[2:]) for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def config_file() -> str:
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def make_bills(bills: Path) -> None:
    for name in ("docs", "truth"):
        (bills / name).mkdir(parents=True)
    for i in range(5):
        pdf = Canvas(str(bills / "docs" / f"b{i}.pdf"), pagesize=(300, 200))
        for row, line in enumerate([f"Date 0{i + 1}/02/2024", f"Total {i + 1}.50"]):
            pdf.drawString(30, 150 - 20 * row, line)
        pdf.save()
        truth = {"date": f"2024-02-0{i + 1}", "total": f"{i + 1}.50"}
        (bills / "truth" / f"b{i}.json").write_text(json.dumps(truth))
    (bills / "schema.json").write_text(json.dumps(SCHEMA))
    (bills / "splits.json").write_text(json.dumps({"train": ["b0", "b1", "b2", "b3"], "dev": ["b4"]}))


@pytest.mark.slow
def test_the_commands_of_the_page_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_bills(Path("bills"))
    base = tmp_path / "checkpoints" / "larger"
    tiny_model().save_pretrained(base)
    tiny_processor().save_pretrained(base)
    monkeypatch.setattr(folder_module, "WINDOW_TOKENS", 40)  # a short run
    first = ["train", "--folder", "bills", "--base", str(base), "--output", "tiny", "--tokens", "500"]
    assert parquetry(first) == 0, capsys.readouterr().err
    monkeypatch.setattr(
        stored, "EMBEDDED", tmp_path / "tiny" / "model"
    )  # the tiny tuned model is the embedded one
    Path("bills.toml").write_text(config_file().replace("400_000", "1_500"))
    found = commands()
    assert [words[1] for words in found].count("train") == 3
    for words in found:
        asked = ["cpu" if word == "cuda" else word for word in words[1:]]
        assert parquetry(asked) == 0, (words, capsys.readouterr().err)
    for name in ("bills", "all-bills", "bills-larger"):
        output = tmp_path / "runs" / name
        assert {"model", "curve.png", "run.json", "metrics.jsonl", "checkpoint"} <= {
            path.name for path in output.iterdir()
        }
        record = json.loads((output / "run.json").read_text())
        assert record["data"][0]["train"]["documents"] == 4
        assert record["training"]["tokens_per_second"] > 0
        card = json.loads((output / "model" / "model.json").read_text())
        assert card["data"] == record["data"]
    record = json.loads((tmp_path / "runs" / "all-bills" / "run.json").read_text())
    assert record["training"]["made_up_examples"] > 0
    assert record["config"]["base"] == str(base)


def test_the_config_of_the_page_is_one(tmp_path: Path) -> None:
    from extractors.training.config import TrainConfig

    config = TrainConfig.model_validate(tomllib.loads(config_file()))
    assert config.synthetic is not None
    assert config.sets[0].hold_out
