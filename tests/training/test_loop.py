"""The loop goes on as if it had not stopped, mixes as told, keeps its best, and ends when nothing gets better."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count as count_up
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from extractors.prompting.encode import count_tokens
from extractors.training.checkpoint import Position, load_best
from extractors.training.config import LabelledSet, Synthetic, TrainConfig
from extractors.training.dataset import Example, documents_of, examples_of
from extractors.training.loop import StepReport, Trainer
from extractors.training.stream import ExampleStream
from schemas.document import ReadDocument
from schemas.errors import UsageError
from schemas.registry import from_json_schema
from tests.tiny import document_of, tiny_model, tiny_processor

SCHEMA = {
    "title": "Slip",
    "type": "object",
    "properties": {"company": {"type": "string"}, "total": {"type": "number"}},
}


def count(texts: Any) -> list[int]:
    return count_tokens(tiny_processor(), list(texts))


def document(number: int) -> ReadDocument:
    return document_of([f"Shop {number} Ltd", f"Total {number}.50"])


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    folder = tmp_path / "labelled"
    (folder / "docs").mkdir(parents=True)
    (folder / "truth").mkdir()
    for i in range(6):
        (folder / "docs" / f"{i}.pdf").touch()
        (folder / "truth" / f"{i}.json").write_text(json.dumps({"company": f"Shop {i} Ltd"}))
    (folder / "splits.json").write_text(json.dumps({"train": list("01234"), "dev": ["5"]}))
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    return folder


class MadeUp:
    """A source of examples by number, as synthesis is one."""

    def __init__(self, first: int) -> None:
        self.first = first

    def stream(self, start: int) -> Iterator[Example]:
        number = self.first + start
        while True:
            made = document(number)
            yield from examples_of(
                made, {"total": f"{number}.50"}, from_json_schema(SCHEMA, "slip"), 500, count
            )
            number += 1


def config_for(labelled: Path, output: Path, **settings: Any) -> TrainConfig:
    usual: dict[str, Any] = {
        "sets": [LabelledSet(folder=labelled, schemas=[str(labelled / "schema.json")])],
        "base": "tiny",
        "max_tokens": 2_400,
        "batch_windows": 3,
        "pack_tokens": 500,
        "checkpoint_every": 2,
        "dev_every": 2,
        "dev_windows": 2,
        "lora_rank": 2,
        "image_share": 0.0,
    }
    return TrainConfig(output=output, **(usual | settings))


def trainer_for(config: TrainConfig) -> Trainer:
    made_up = (MadeUp(1000), MadeUp(9000)) if config.synthetic else None
    return Trainer(
        config, tiny_model(), tiny_processor(), lambda path: document(int(path.stem)), synthetic=made_up
    )


def logged(output: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "tokens_per_second"} for row in rows]


class StoppedError(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_numbers(labelled: Path, tmp_path: Path) -> None:
    mixed = {"synthetic": Synthetic(share=0.5), "dev_decoded": 1, "dev_every": 3}
    whole = trainer_for(config_for(labelled, tmp_path / "whole", **mixed))
    whole.train()
    expected = logged(tmp_path / "whole")
    assert len(expected) >= 4
    assert any(row["dev_f1"] is not None for row in expected)
    assert whole.position.synthetic

    def stop(step: StepReport) -> None:
        if step.step == 3:  # a checkpoint was at 2
            raise StoppedError

    broken = config_for(labelled, tmp_path / "broken", **mixed)
    with pytest.raises(StoppedError):
        trainer_for(broken).train(stop)
    again = trainer_for(broken)
    again.train()
    assert logged(tmp_path / "broken") == expected
    for name, tensor in whole.weights.master.items():
        assert torch.equal(again.weights.master[name], tensor), name


def test_training_lowers_the_loss_and_keeps_its_best(labelled: Path, tmp_path: Path) -> None:
    trainer = trainer_for(config_for(labelled, tmp_path / "run", max_tokens=5_000, learning_rate=5e-3))
    trainer.train()
    rows = logged(tmp_path / "run")
    assert rows[-1]["loss"] < rows[0]["loss"]
    measured = {row["dev_loss"]: row["step"] for row in reversed(rows) if row["dev_loss"] is not None}
    assert trainer.position.best == min(measured)
    assert trainer.position.best_step == measured[min(measured)]
    best = load_best(tmp_path / "run")
    assert best is not None
    assert all(torch.equal(trainer.weights.master[n], t) for n, t in best.items())
    assert trainer.dev_measures()[0] == pytest.approx(min(measured), abs=1e-4)


def test_a_run_is_measured_at_its_end_however_seldom_between(labelled: Path, tmp_path: Path) -> None:
    trainer = trainer_for(config_for(labelled, tmp_path / "run", max_tokens=3_000, dev_every=1000))
    trainer.train()
    rows = logged(tmp_path / "run")
    assert len(rows) > 1
    assert [row["dev_loss"] is not None for row in rows] == [False] * (len(rows) - 1) + [True]
    assert trainer.position.best_step == rows[-1]["step"]


def test_a_run_ends_when_development_gets_no_better(labelled: Path, tmp_path: Path) -> None:
    settled = {"max_tokens": 240_000, "dev_every": 1, "patience": 2, "learning_rate": 0.5, "clip": 100.0}
    trainer = trainer_for(config_for(labelled, tmp_path / "run", **settled))
    trainer.train()
    assert trainer.has_settled()
    assert trainer.position.tokens < 240_000
    losses = [row["dev_loss"] for row in logged(tmp_path / "run")]
    best = trainer.position.best
    assert len(losses) == trainer.position.best_step + 2
    assert best == min(losses)
    assert all(loss >= best for loss in losses[-2:])


def test_a_run_that_only_makes_it_worse_gives_the_model_back(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_for(config_for(labelled, tmp_path / "run", start="tiny", dev_every=1))
    worse = count_up(1)
    monkeypatch.setattr(trainer, "dev_measures", lambda: (float(next(worse)), None))
    before = {name: tensor.clone() for name, tensor in trainer.weights.master.items()}
    trainer.train()
    assert trainer.position.step > 1
    assert trainer.model_step == 0
    assert all(torch.equal(trainer.weights.master[name], tensor) for name, tensor in before.items())


def test_the_mixture_has_its_shares_and_the_order_is_the_positions(labelled: Path, tmp_path: Path) -> None:
    config = config_for(labelled, tmp_path / "run", synthetic=Synthetic(share=0.3))

    def stream() -> ExampleStream:
        return ExampleStream(
            config, lambda path: document(int(path.stem)), count, (MadeUp(1000), MadeUp(9000))
        )

    position = Position()
    taken = [example.answer for example in islice(stream().examples(position), 60)]
    made = Counter("Shop" not in answer for answer in taken)[True]
    assert (position.drawn, position.synthetic) == (60, made)
    assert 9 <= made <= 27  # 18 expected; three standard deviations are 10.6
    half = Position()
    first = [example.answer for example in islice(stream().examples(half), 25)]
    second = [example.answer for example in islice(stream().examples(half), 35)]
    assert first + second == taken
    dev = [example.answer for example in stream().dev(10)]
    assert sum("Shop" not in answer for answer in dev) == 3
    assert not set(dev) & set(taken)


def test_documents_are_held_out_where_no_split_says_so(labelled: Path) -> None:
    assert documents_of(labelled, "train", "dev", 0.5) == (list("01234"), ["5"])
    (labelled / "splits.json").write_text(json.dumps({"train": list("01234")}))
    train, dev = documents_of(labelled, "train", "dev", 0.4)
    assert sorted(train + dev) == list("01234")
    assert len(dev) == 2
    (labelled / "splits.json").unlink()
    everything, held = documents_of(labelled, "train", "dev", 0.3)
    assert sorted(everything + held) == list("012345")
    assert set(held) <= {*dev, "5"}
    with pytest.raises(UsageError, match=r"splits\.json"):
        documents_of(labelled, "train", "dev", 0.0)
    for path in (labelled / "truth").iterdir():
        path.unlink()
    with pytest.raises(UsageError, match="no labelled document"):
        documents_of(labelled, "train", "dev", 0.3)


def test_hints_are_shown_to_the_share_that_was_asked_for(labelled: Path, tmp_path: Path) -> None:
    (example,) = examples_of(document(7), {"total": "7.50"}, from_json_schema(SCHEMA, "slip"), 500, count)
    lengths = {}
    for share in (0.0, 1.0):
        config = config_for(labelled, tmp_path / str(share), hint_share=share)
        trainer = Trainer(config, tiny_model(), tiny_processor(), lambda path: document(int(path.stem)))
        lengths[share] = trainer.sample(example).prompt.input_ids.shape[1]
        shown = tiny_processor().tokenizer.decode(trainer.sample(example).prompt.input_ids[0])
        assert ('{"total":"7.50"}' in shown) == bool(share)
    assert lengths[0.0] < lengths[1.0]
