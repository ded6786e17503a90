"""The one config file of a training run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import UsageError


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelledSet(_Config):
    """A labelled folder and how it enters an epoch.

    Attributes:
        folder: with ``docs/``, ``truth/``, ``splits.json``.
        schemas: names or files; each document takes one at random, so that wording varies.
        repeat: times per epoch.
        windows: most windows of one document per epoch.
        hold_out: share of the documents kept for development where ``splits.json`` is missing or has no such split.
    """

    folder: Path
    schemas: list[str] = Field(min_length=1)
    split: str = "train"
    dev_split: str = "dev"
    repeat: int = Field(1, ge=1)
    windows: int = Field(2, ge=1)
    hold_out: float = Field(0.0, ge=0, lt=1)


class Synthetic(_Config):
    """The table ``[synthetic]``: documents made up on the way.

    Attributes:
        share: of all examples.
        exclude_kinds: kinds of documents that are left out.
        scan_share: of these documents, how many are as a scan or photograph is read.
        workers: processes that make documents ahead, so that training need not wait; 0: none.
    """

    share: float = Field(gt=0, le=1)
    exclude_kinds: list[str] = []
    scan_share: float = Field(0.4, ge=0, le=1)
    workers: int = Field(1, ge=0, le=64)


class TrainConfig(_Config):
    """All of a run. ``max_tokens`` is the budget that the learning-rate schedule spans."""

    sets: list[LabelledSet] = []
    synthetic: Synthetic | None = None
    base: str = "embedded-base"
    start: str | None = Field(
        None, description="tuned model to begin with, embedded or a folder; it brings base and rank along"
    )
    output: Path
    device: str = Field("auto", description="auto (CUDA where it is there), cpu, cuda, cuda:1 ...")
    seed: int = 0
    max_tokens: int = Field(1_500_000, ge=1)
    batch_windows: int = Field(4, ge=1)
    pack_tokens: int = Field(
        2048, ge=1, description="tokens of a pass, windows one behind the other; longer ones alone"
    )
    learning_rate: float = Field(5e-4, gt=0)
    vision_learning_rate: float = Field(5e-4, gt=0)
    warmup_share: float = Field(0.04, ge=0, lt=1)
    final_rate_share: float = Field(0.05, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    clip: float = Field(1.0, gt=0)
    lora_rank: int = Field(32, ge=1)
    lora_alpha: int = Field(64, ge=1)
    train_vision: Literal["auto"] | bool = Field(
        "auto", description="tower and connector; auto: of a large vision half the connector only"
    )
    layout: bool = Field(
        False,
        description="add where words stand to their embeddings; a start that knows coordinates keeps them",
    )
    budgets: list[int] = Field(default=[500, 800, 1400], min_length=1)
    empty_share: float = Field(0.15, ge=0, le=1)
    shuffle_share: float = Field(0.2, ge=0, le=1)
    image_share: float = Field(0.9, ge=0, le=1, description="share of examples that show the page image")
    hint_share: float = Field(
        0.8,
        ge=0,
        le=1,
        description="share of examples that show what the scripted rules found; 0: the model is never shown it",
    )
    injected_share: float = Field(
        0.08, ge=0, le=1, description="share of examples whose page has a line that means to steer its reader"
    )
    renamed_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of labelled examples whose document is given other names and numbers",
    )
    checkpoint_every: int = Field(20, ge=1)
    dev_every: int = Field(60, ge=1)
    dev_windows: int = Field(16, ge=0)
    dev_decoded: int = Field(
        0, ge=0, description="of the development windows, how many are also answered, for an F1"
    )
    best_by: Literal["loss", "f1"] = "loss"
    patience: int = Field(
        0, ge=0, description="development measures without a better one before the run ends; 0: never"
    )
    gradient_checkpointing: bool = Field(
        False, description="layers computed twice instead of kept: less memory, a third more time"
    )
    threads: int = Field(0, ge=0, description="torch threads; 0: torch's default")

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if not self.sets and (self.synthetic is None or self.synthetic.share < 1):
            raise ValueError("sets: give at least one [[sets]], or [synthetic] with share = 1")
        if self.best_by == "f1" and not self.dev_decoded:
            raise ValueError("best_by: an F1 needs dev_decoded")
        return self


def load_config(path: Path) -> TrainConfig:
    """Reads a TOML file.

    Raises:
        UsageError: no such file, no TOML, or a wrong key or value, named.
    """
    try:
        return TrainConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror or error}.", remedy="Give an existing config file."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}.", remedy="Correct the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{step}: " for step in [".".join(map(str, first["loc"]))] if step)
        raise UsageError(
            f"{path}: {where}{first['msg'].removeprefix('Value error, ')}.",
            remedy="See extractors/training/config.py for the settings.",
        ) from error
