"""What a run keeps: trained tensors, optimiser, random state and position; written aside, then renamed.

All of it as safetensors and JSON: no pickle is written, and none is read.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from schemas.errors import UsageError

STATE = "state.safetensors"
GROUPS = "groups.json"
_RANDOM = "random"
TENSORS = "trained.safetensors"
BEST = "best.safetensors"


@dataclass(slots=True)
class Position:
    """Where a run stands: the next labelled example is ``example`` of ``epoch``, the next made up ``synthetic``.

    ``drawn`` are all examples so far. ``best`` is the best development measure, ``since`` how many came after it.
    """

    step: int = 0
    tokens: int = 0
    epoch: int = 0
    example: int = 0
    synthetic: int = 0
    drawn: int = 0
    best: float | None = None
    best_step: int = 0
    since: int = 0
    seconds: float = 0.0


def save_checkpoint(
    folder: Path, trained: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer, position: Position
) -> None:
    """Writes ``folder/checkpoint`` whole or not at all; a killed run finds the one before."""
    aside = folder / ".checkpoint.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in trained.items()}, aside / TENSORS)
    state = optimizer.state_dict()
    tensors = {f"{i}.{name}": value for i, parts in state["state"].items() for name, value in parts.items()}
    save_file(
        {k: v.contiguous() for k, v in tensors.items()} | {_RANDOM: torch.get_rng_state()}, aside / STATE
    )
    (aside / GROUPS).write_text(json.dumps(state["param_groups"]))
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
    """Puts the last checkpoint into ``trained`` and ``optimizer``, in place. ``None`` when there is none.

    Raises:
        UsageError: the checkpoint is damaged, or of a model with other trained tensors.
    """
    final = folder / "checkpoint"
    if not final.exists() and (folder / ".checkpoint.old").exists():  # killed between the two renames
        (folder / ".checkpoint.old").replace(final)
    if not final.exists():
        return None
    try:
        position = Position(**json.loads((final / "position.json").read_text()))
        saved = load_file(final / TENSORS)
        moments, generator = _optimizer_state(final)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise _damaged(final, error) from error
    if {n: t.shape for n, t in saved.items()} != {n: t.shape for n, t in trained.items()}:
        raise UsageError(
            f"{final} is of another model: the tensors it trained are not those of this run.",
            remedy="Give base, rank and train_vision as when the run began, or another output folder.",
        )
    try:
        optimizer.load_state_dict(moments)
        torch.set_rng_state(generator)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _damaged(final, error) from error
    with torch.no_grad():
        for name, tensor in trained.items():
            tensor.copy_(saved[name])
    return position


def _optimizer_state(folder: Path) -> tuple[dict[str, Any], torch.Tensor]:
    """What `torch.optim.Optimizer.load_state_dict` takes, and the state of the random numbers."""
    tensors = load_file(folder / STATE)
    generator = tensors.pop(_RANDOM)
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    groups = json.loads((folder / GROUPS).read_text())
    for group in groups:
        group["betas"] = tuple(group["betas"])
    return {"state": state, "param_groups": groups}, generator


def save_best(folder: Path, trained: dict[str, torch.Tensor]) -> None:
    """Keeps the tensors of the best development measure so far."""
    aside = folder / f".{BEST}.tmp"
    save_file({k: v.contiguous() for k, v in trained.items()}, aside)
    aside.replace(folder / BEST)


def load_best(folder: Path) -> dict[str, torch.Tensor] | None:
    """What `save_best` kept; ``None`` when nothing was measured.

    Raises:
        UsageError: the file is damaged.
    """
    path = folder / BEST
    if not path.is_file():
        return None
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error


def check_base(folder: Path, base: str) -> None:
    """Tensors of two bases may have the same shapes; the run's own config tells them apart.

    Raises:
        UsageError: the checkpoint in ``folder`` was trained on another base.
    """
    kept = folder / "config.json"
    if not (folder / "checkpoint").exists() or not kept.is_file():
        return
    try:
        before = json.loads(kept.read_text(encoding="utf-8"))["base"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(kept, error) from error
    if before != base:
        raise UsageError(
            f"{folder} has a checkpoint of a run on {before!r}; this run is on {base!r}.",
            remedy="Give the same base, or another output folder.",
        )


def _damaged(path: Path, error: Exception) -> UsageError:
    told = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UsageError(f"{path} is damaged: {told}.", remedy="Remove the output folder, and train anew.")
