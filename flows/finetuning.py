"""Fine-tuning as the command and the flow do it: a config, the training, and where its runs are kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.training.config import TrainConfig
from extractors.training.dataset import documents_of
from extractors.training.folder import HOLD_OUT, config_for_folder
from extractors.training.loop import Report
from extractors.training.record import set_digest
from extractors.training.run import MODEL_FOLDER, RECORD, Say
from extractors.training.run import train as run_training
from extractors.training.stream import document_path
from flows.export.training import export_training
from flows.ledger.store import Ledger
from flows.review.blobs import BlobStore
from flows.settings import Settings

FOLDER = "training"
DATA = "data"


@dataclass(frozen=True, slots=True)
class Corrections:
    """What reviewers decided, as a labelled folder inside the folder of its training run.

    Attributes:
        run: the folder of the run: one for each state of the corrections, so that a run that was stopped goes on.
        documents: for training and for development together.
    """

    run: Path
    documents: int

    @property
    def data(self) -> Path:
        """The labelled folder."""
        return self.run / DATA

    @property
    def model(self) -> Path:
        """Where the trained model is, or will be."""
        return self.run / MODEL_FOLDER

    @property
    def record(self) -> dict[str, Any] | None:
        """The record of the training; ``None``: it is not through."""
        path = self.run / RECORD
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def export_corrections(settings: Settings, ledger: Ledger, schema: str) -> Corrections:
    """Writes the decided documents of a schema under ``home/training``, named by what they are.

    Raises:
        UsageError: nobody has decided on a document of this schema yet.
    """
    aside = settings.home / FOLDER / f".{schema}.export"
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    count = export_training(ledger, BlobStore(settings.home / "blobs"), schema, aside)
    train, dev = documents_of(aside, "train", "dev", HOLD_OUT)
    run = aside.parent / f"{schema}-{set_digest(aside, [*train, *dev], document_path)[:12]}"
    if (run / DATA).exists():
        shutil.rmtree(aside)
    else:
        run.mkdir(parents=True, exist_ok=True)
        aside.replace(run / DATA)
    return Corrections(run, count)


def corrections_config(
    found: Corrections, *, start: str | None, tokens: int | None, device: str
) -> TrainConfig:
    """The training's config, as ``parquetry train --folder`` would make it.

    Raises:
        UsageError: there are too few documents.
    """
    schema = str(found.data / "schema.json")
    return config_for_folder(found.data, schema, found.run, start=start, tokens=tokens, device=device)


def run(config: TrainConfig, settings: Settings, report: Report, say: Say) -> Path:
    """Trains, or goes on with a run that was stopped; gives the model folder."""
    return run_training(
        config, cache=settings.cache, read_options=settings.read_options(), report=report, say=say
    )
