"""What a run keeps: trained tensors, optimiser, random state and position; written aside, then renamed."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

STATE = "state.pt"
TENSORS = "trained.safetensors"


@dataclass(slots=True)
class Position:
    """Where a run stands: the next example is ``example`` of ``epoch``."""

    step: int = 0
    tokens: int = 0
    epoch: int = 0
    example: int = 0


def save_checkpoint(
    folder: Path, trained: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer, position: Position
) -> None:
    """Writes ``folder/checkpoint`` whole or not at all; a killed run finds the one before."""
    aside = folder / ".checkpoint.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in trained.items()}, aside / TENSORS)
    state = {"optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
    torch.save(state, aside / STATE)
    (aside / "position.json").write_text(json.dumps(asdict(position)))
    final, before = folder / "checkpoint", folder / ".checkpoint.old"
    shutil.rmtree(before, ignore_errors=True)
    if final.exists():
        final.replace(before)
    aside.replace(final)
    shutil.rmtree(before, ignore_errors=True)


def load_checkpoint(
    folder: Path, trained: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer
) -> Position | None:
    """Puts the last checkpoint into ``trained`` and ``optimizer``, in place. ``None`` when there is none."""
    final = folder / "checkpoint"
    if not final.exists() and (folder / ".checkpoint.old").exists():  # killed between the two renames
        (folder / ".checkpoint.old").replace(final)
    if not (final / "position.json").is_file():
        return None
    saved = load_file(final / TENSORS)
    with torch.no_grad():
        for name, tensor in trained.items():
            tensor.copy_(saved[name])
    # Our own file, tensors and numbers only: weights_only keeps a planted pickle from running.
    state: dict[str, Any] = torch.load(final / STATE, weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return Position(**json.loads((final / "position.json").read_text()))
