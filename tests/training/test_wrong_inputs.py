"""Labelled folders and checkpoints that cannot be used are named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from extractors.training.checkpoint import Position, check_base, load_checkpoint, save_checkpoint
from extractors.training.dataset import split_ids, truth_of
from schemas.errors import UsageError


def trained(width: int = 3) -> tuple[dict[str, torch.Tensor], torch.optim.Optimizer]:
    tensors = {"a": torch.ones(2, width)}
    optimizer = torch.optim.AdamW(list(tensors.values()), lr=0.1)
    tensors["a"].grad = torch.ones(2, width)
    optimizer.step()
    return tensors, optimizer


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, *trained()) is None
    tensors, optimizer = trained()
    save_checkpoint(tmp_path, tensors, optimizer, Position(3, 40, 1, 2))
    fresh, other = {"a": torch.zeros(2, 3)}, trained()[1]
    assert load_checkpoint(tmp_path, fresh, other) == Position(3, 40, 1, 2)
    assert torch.equal(fresh["a"], tensors["a"])


@pytest.mark.parametrize("name", ["position.json", "trained.safetensors", "state.safetensors", "groups.json"])
@pytest.mark.parametrize("harm", ["cut", "emptied", "gone"])
def test_a_damaged_checkpoint_is_named(name: str, harm: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, *trained(), Position(1))
    path = tmp_path / "checkpoint" / name
    content = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    fresh = {"a": torch.zeros(2, 3)}
    with pytest.raises(UsageError, match="checkpoint is damaged") as caught:
        load_checkpoint(tmp_path, fresh, trained()[1])
    assert caught.value.remedy
    assert not fresh["a"].any()


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, *trained(), Position(1))
    with pytest.raises(UsageError, match="another model"):
        load_checkpoint(tmp_path, *trained(4))
    (tmp_path / "config.json").write_text('{"base": "one"}')
    check_base(tmp_path, "one")
    with pytest.raises(UsageError, match=r"'one'.*'two'"):
        check_base(tmp_path, "two")


@pytest.mark.parametrize(
    ("splits", "complaint"),
    [(None, "No such file"), ("{", "not JSON"), ("[]", "no list"), ('{"train": "r1"}', "no list")],
)
def test_wrong_splits_are_named(splits: str | None, complaint: str, tmp_path: Path) -> None:
    if splits is not None:
        (tmp_path / "splits.json").write_text(splits)
    with pytest.raises(UsageError, match=complaint):
        split_ids(tmp_path, "train")


def test_a_missing_folder_is_named_and_a_missing_split_is_empty(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        split_ids(tmp_path / "none", "train")
    (tmp_path / "splits.json").write_text('{"train": ["r1", 2]}')
    assert split_ids(tmp_path, "train") == ["r1", "2"]
    assert split_ids(tmp_path, "dev") == []


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "No such file"), ("{", "not JSON"), ("[]", "no object")]
)
def test_wrong_labels_are_named(content: str | None, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    if content is not None:
        (tmp_path / "truth" / "r1.json").write_text(content)
    with pytest.raises(UsageError, match=complaint):
        truth_of(tmp_path, "r1")
