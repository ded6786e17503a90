"""A training run from a config to a model folder: what ``parquetry train`` does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from extractors.models.load import VISION_FILE, load_base
from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from extractors.training.config import TrainConfig
from extractors.training.loop import Report, Trainer
from schemas.document import READ_DOCUMENT, ReadDocument
from schemas.errors import DocumentError

MODEL_FOLDER = "model"
TRAINED_WINDOW_TOKENS = 1400

Say = Callable[[str], None]


def train(
    config: TrainConfig,
    *,
    cache: Path,
    read_options: ReadOptions,
    report: Report = lambda step: None,
    say: Say = lambda line: None,
) -> Path:
    """Trains, or goes on with a run that was stopped, and writes the model folder.

    Args:
        config: the run; ``config.output`` keeps checkpoints, ``metrics.jsonl`` and the model.
        cache: where the embedded model's base was fetched to.
        read_options: how documents are read; the first reading of each is kept in ``output/read``.
        report: told of every optimiser step.
        say: told of everything else, in short lines.

    Returns:
        The model folder, usable as ``--model FOLDER``.

    Raises:
        ModelError: the base is missing.
        UsageError: a labelled folder or schema is not usable.
    """
    say("loading the base model")
    model, processor = load_base(config.base, cache)
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    if torch.cuda.is_available():
        model = model.to("cuda")
    with ReaderPool(read_options) as pool:
        trainer = Trainer(config, model, processor, _Reading(pool, read_options, config.output / "read", say))
        trainer.train(report)
    folder = config.output / MODEL_FOLDER
    export_model(trainer, folder)
    draw_curve(config.output / "metrics.jsonl", config.output / "curve.png")
    say(f"the model is in {folder}")
    return folder


class _Reading:
    """Reads each labelled document once; later epochs and later runs take it from the folder."""

    def __init__(self, pool: ReaderPool, options: ReadOptions, kept: Path, say: Say) -> None:
        self.pool = pool
        self.kept = kept
        self.say = say
        self.options_key = hashlib.sha256(options.model_dump_json().encode()).hexdigest()[:8]
        self.unreadable: set[Path] = set()

    def __call__(self, path: Path) -> ReadDocument | None:
        if path in self.unreadable:
            return None
        ref = document_ref(path, path.name)
        kept = self.kept / f"{ref.sha256}-{self.options_key}.json"
        if kept.is_file():
            return READ_DOCUMENT.validate_json(kept.read_bytes())
        try:
            document = self.pool.read(ref, path)
        except DocumentError as error:
            self.say(f"passed over: {path.name}: {error}")
            self.unreadable.add(path)
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(".tmp")
        aside.write_bytes(READ_DOCUMENT.dump_json(replace(document, pages=tuple(document.pages))))
        aside.replace(kept)
        return document


def export_model(trainer: Trainer, folder: Path) -> None:
    """Writes adapter, tower and connector, and ``model.json`` last; the folder appears whole."""
    from safetensors.torch import save_file

    aside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for adapter in trainer.model.peft_config.values():
        adapter.base_model_name_or_path = trainer.config.base  # else a path of the machine that trained it
    trainer.model.save_pretrained(str(aside))
    (aside / "README.md").unlink(missing_ok=True)  # peft's empty card; a model folder gets its own
    if trainer.weights.vision:
        tensors = {name: p.detach().cpu().contiguous() for name, p in trainer.weights.vision.items()}
        save_file(tensors, aside / VISION_FILE)
    card: dict[str, Any] = {
        "base": trainer.config.base,
        "window_tokens": TRAINED_WINDOW_TOKENS,
        "steps": trainer.position.step,
        "tokens": trainer.position.tokens,
        "training": json.loads(trainer.config.model_dump_json(exclude={"sets", "output"})),
    }
    (aside / "model.json").write_text(json.dumps(card, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)


def draw_curve(metrics: Path, picture: Path) -> None:
    """The loss over training tokens, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.plot([r["tokens"] for r in rows], [r["loss"] for r in rows], lw=0.7, label="step")
    dev = [r for r in rows if r.get("dev_loss") is not None]
    axes.plot([r["tokens"] for r in dev], [r["dev_loss"] for r in dev], "o-", label="development")
    axes.set(xlabel="tokens", ylabel="loss per answer token (nats)", yscale="log")
    axes.legend()
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
