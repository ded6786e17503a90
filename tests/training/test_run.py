"""A run that is killed goes on as if it had not been; the model folder it writes can be loaded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from reportlab.pdfgen.canvas import Canvas
from safetensors.torch import load_file

from extractors.models.load import load_model
from extractors.training.config import LabelledSet, TrainConfig, load_config
from extractors.training.loop import Trainer
from extractors.training.run import export_model
from schemas.errors import ModelError, UsageError
from tests.tiny import tiny_model, tiny_processor

DRIVER = """
import sys
from pathlib import Path
from extractors.options import ReadOptions
from extractors.training.config import TrainConfig
from extractors.training.run import train
config = TrainConfig.model_validate_json(Path(sys.argv[1]).read_text())
options = ReadOptions(image_side_px=64)
train(config, cache=Path(sys.argv[2]), read_options=options, report=lambda s: print(s.step, flush=True))
"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    (folder / "docs").mkdir()
    (folder / "truth").mkdir()
    ids = []
    for i in range(6):
        pdf = Canvas(str(folder / "docs" / f"r{i}.pdf"), pagesize=(300, 200))
        for row, line in enumerate([f"Shop {i} Ltd", f"Date 0{i + 1}/02/2024", f"Total {i + 1}.50"]):
            pdf.drawString(30, 150 - 20 * row, line)
        pdf.save()
        truth = {"company": f"SHOP {i} LTD", "date": f"2024-02-0{i + 1}", "total": f"{i + 1}.50"}
        (folder / "truth" / f"r{i}.json").write_text(json.dumps(truth))
        ids.append(f"r{i}")
    (folder / "splits.json").write_text(json.dumps({"train": ids[:5], "dev": ids[5:]}))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    tiny_model().save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    return folder


def config_for(labelled: Path, base: Path, output: Path) -> TrainConfig:
    return TrainConfig(
        sets=[LabelledSet(folder=labelled, schemas=["receipt"])],
        base=str(base),
        output=output,
        max_tokens=26_000,
        batch_windows=2,
        checkpoint_every=2,
        dev_every=5,
        dev_windows=1,
        lora_rank=2,
        threads=1,
    )


def test_nothing_to_train_on_is_said_and_where(labelled: Path, base: Path, tmp_path: Path) -> None:
    config = config_for(labelled, base, tmp_path / "run")
    misspelt = config.sets[0].model_copy(update={"split": "trian", "dev_split": "none"})
    trainer = Trainer(
        config.model_copy(update={"sets": [misspelt]}), tiny_model(), tiny_processor(), lambda path: None
    )
    with pytest.raises(UsageError, match="nothing to train on") as caught:
        trainer.train(lambda step: None)
    assert str(labelled) in str(caught.value)


def test_writing_a_model_asks_nobody_elsewhere(
    labelled: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def nobody(*address: object, **_: object) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    config = config_for(labelled, base, tmp_path / "run")
    trainer = Trainer(config, tiny_model(), tiny_processor(), lambda path: None)
    trainer.config = config.model_copy(update={"base": "embedded-base"})  # as it is called everywhere
    export_model(trainer, tmp_path / "model", [])
    assert asked == []
    assert (tmp_path / "model" / "adapter_model.safetensors").is_file()


def test_a_model_is_written_in_bf16_whatever_it_was_trained_in(
    labelled: Path, base: Path, tmp_path: Path
) -> None:
    trainer = Trainer(
        config_for(labelled, base, tmp_path / "run"), tiny_model(), tiny_processor(), lambda path: None
    )
    assert {one.dtype for one in trainer.weights.live.values()} == {torch.float32}
    export_model(trainer, tmp_path / "model", [])
    for name in ("adapter_model.safetensors", "vision.safetensors"):
        tensors = load_file(tmp_path / "model" / name)
        assert {one.dtype for one in tensors.values()} == {torch.bfloat16}, name
    assert {
        n.rpartition(".lora_")[0] for n in load_file(tmp_path / "model" / "adapter_model.safetensors")
    } == {n.rpartition(".lora_")[0] for n in trainer.weights.live if ".lora_" in n}


@pytest.mark.parametrize(
    ("changed", "started", "expected"),
    [
        ({"base": "embedded-base"}, None, (-0.3, -0.2)),
        (
            {"base": "embedded-base", "hint_share": 0.0},
            None,
            (None, None),
        ),  # it never saw what the rules found
        ({}, None, (None, None)),  # a larger base may know better than any rules
        ({"base": "embedded-base"}, {"unsure_below": -0.5}, (-0.5, None)),
    ],
)
def test_when_to_believe_the_rules_more_is_the_embedded_bases_or_the_starts(
    labelled: Path,
    base: Path,
    tmp_path: Path,
    changed: dict[str, object],
    started: dict[str, object] | None,
    expected: tuple[float | None, float | None],
) -> None:
    config = config_for(labelled, base, tmp_path / "run")
    trainer = Trainer(config, tiny_model(), tiny_processor(), lambda path: None)
    trainer.config = config.model_copy(update=changed)
    export_model(trainer, tmp_path / "model", [], started)
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (card.get("unsure_below"), card.get("rows_unsure_below")) == expected


def start(config: TrainConfig, cache: Path) -> subprocess.Popen[str]:
    path = config.output.with_suffix(".config.json")
    path.write_text(config.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path), str(cache)], stdout=subprocess.PIPE, text=True
    )


def losses(output: Path) -> list[tuple[int, float, float | None]]:
    rows = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"], row["dev_loss"]) for row in rows]


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_it_had_not_been(labelled: Path, base: Path, tmp_path: Path) -> None:
    whole = config_for(labelled, base, tmp_path / "whole")
    process = start(whole, tmp_path)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed

    broken = config_for(labelled, base, tmp_path / "broken")
    process = start(broken, tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "5":  # between two checkpoints
            process.send_signal(signal.SIGKILL)
            break
    process.wait(timeout=60)
    assert process.returncode == -signal.SIGKILL
    process = start(broken, tmp_path)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed

    expected = losses(tmp_path / "whole")
    assert len(expected) > 8
    assert losses(tmp_path / "broken") == expected
    assert expected[-1][1] < expected[0][1]
    loaded = load_model(str(tmp_path / "broken" / "model"), tmp_path)
    assert loaded.model_id.startswith("model-")
    assert (tmp_path / "broken" / "curve.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sets = 3", "sets"),
        ("output = 'x'\nsets = []", "sets"),
        ("output = 'x'\nlearning = 1\n[[sets]]\nfolder='a'\nschemas=['receipt']", "learning"),
        ("output = 'x", "TOML"),
    ],
)
def test_a_wrong_config_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint) as caught:
        load_config(path)
    assert caught.value.remedy


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"base": "nowhere"}'])
def test_a_broken_model_folder_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        load_model(str(tmp_path), tmp_path)
    assert caught.value.remedy


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model named"):
        load_model("gpt", tmp_path)
    with pytest.raises(ModelError, match="neither"):
        load_model(str(tmp_path), tmp_path)


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_trains(labelled: Path, base: Path, tmp_path: Path) -> None:
    """Each takes a share of every batch: the same steps, but for the order in which gradients are added."""
    alone = config_for(labelled, base, tmp_path / "alone")
    printed, _ = start(alone, tmp_path).communicate(timeout=240)
    both = config_for(labelled, base, tmp_path / "both")
    path = tmp_path / "both.json"
    path.write_text(both.model_dump_json())
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, str(driver), str(path), str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=240, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == printed.split()  # one of the two reports
    expected, found = losses(alone.output), losses(both.output)
    assert [step for step, _, _ in found] == [step for step, _, _ in expected]
    for (_, loss, dev), (_, other, other_dev) in zip(found, expected, strict=True):
        assert loss == pytest.approx(other, rel=0.02)
        assert (dev is None) == (other_dev is None)
        assert dev is None or dev == pytest.approx(other_dev, rel=0.02)
    assert json.loads((both.output / "run.json").read_text())["processes"] == 2
    weights = [load_file(run.output / "model" / "adapter_model.safetensors") for run in (alone, both)]
    assert all(torch.allclose(weights[0][n].float(), weights[1][n].float(), atol=0.02) for n in weights[0])
