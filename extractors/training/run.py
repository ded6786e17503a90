"""A training run from a config to a model folder: what ``parquetry train`` does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.models.base import BASE_NAME
from extractors.models.cpu import in_fast_type
from extractors.models.load import VISION_FILE, load_base
from extractors.models.manifest import check_folder
from extractors.models.stored import locate
from extractors.options import ReadOptions
from extractors.prompting.encode import count_tokens
from extractors.reading import ReaderPool, document_ref
from extractors.training.config import TrainConfig
from extractors.training.curve import draw_curves
from extractors.training.dataset import documents_of, split_ids
from extractors.training.loop import METRICS, Report, Trainer
from extractors.training.record import code_record, data_record, machine_record, write_record
from extractors.training.stream import SyntheticSource, document_path
from schemas.document import READ_DOCUMENT, ReadDocument
from schemas.errors import DocumentError, ModelError, UsageError

if TYPE_CHECKING:
    from extractors.training.ranks import Ranks

MODEL_FOLDER = "model"
RECORD = "run.json"
UNSURE = {"unsure_below": -0.3, "rows_unsure_below": -0.2}
"""When to believe the rules more than a model on the embedded base that was trained beside them, in nats: as was found
best for the embedded one (`extractors/models/embedded/README.md`). A larger model may know better than any rules."""

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
    from extractors.training.ranks import joined

    with joined() as ranks:
        if not ranks.leads:
            report, say = _unheard, _unheard
        return _train(config, cache, read_options, report, say, ranks)


def _train(
    config: TrainConfig, cache: Path, read_options: ReadOptions, report: Report, say: Say, ranks: Ranks
) -> Path:
    import torch

    began, before = time.time(), time.perf_counter()
    adapter = None
    if config.start is not None:
        config, adapter = begun_with(config, cache)
    data = [data_record(labelled, document_path) for labelled in config.sets]
    if ranks.leads:
        _tell_held_out(config, say)
    device = _device(config.device, ranks.local)
    say(f"loading the base model {config.base}")
    model, processor = load_base(config.base, cache)
    if config.threads:
        torch.set_num_threads(config.threads)
    model = in_fast_type(model.to(device))
    with ReaderPool(read_options) as pool:
        trainer = Trainer(
            config,
            model,
            processor,
            _Reading(pool, read_options, config.output / "read", say),
            synthetic=_made_up(config, processor, read_options.image_side_px),
            adapter=adapter,
            ranks=ranks,
        )
        trainer.train(report)
    position = trainer.position
    if trainer.has_settled():
        say(f"development was best at step {position.best_step}: stopped at step {position.step}")
    if trainer.model_step == 0:
        say("nothing measured better than the model it began with: that is what was written")
    folder = config.output / MODEL_FOLDER
    if not ranks.leads:
        return folder
    export_model(trainer, folder, data, _card(adapter) if adapter is not None else None)
    draw_curves(config.output / METRICS, config.output / "curve.png", position.best_step)
    record = {
        "began": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - before, 1),
        "config": json.loads(config.model_dump_json()),
        "data": data,
        "code": code_record(),
        "machine": machine_record(str(device), torch.get_num_threads()),
        "processes": ranks.size,
        "training": _training_record(trainer),
    }
    write_record(config.output / RECORD, record)
    write_record(folder / RECORD, record)  # travels with the model
    say(f"the model is in {folder}, its curves and record beside it: curve.png, {RECORD}")
    return folder


def _unheard(said: object) -> None:
    """What the first process says, the others need not say again."""


def _made_up(
    config: TrainConfig, processor: Any, image_side_px: int
) -> tuple[SyntheticSource, SyntheticSource] | None:
    """Documents made up for training and for development, where the run has a share of them."""
    if config.synthetic is None:
        return None
    from extractors.training.synthesis.examples import SynthesisOptions, SyntheticExamples

    options = SynthesisOptions(
        seed=config.seed,
        exclude_kinds=tuple(config.synthetic.exclude_kinds),
        budgets=tuple(config.budgets),
        empty_share=config.empty_share,
        image_side_px=image_side_px,
        scan_share=config.synthetic.scan_share,
        injected_share=config.injected_share,
    )

    def count(texts: Sequence[str]) -> list[int]:
        return count_tokens(processor, list(texts))

    return (
        SyntheticExamples(options, count, config.synthetic.workers),
        SyntheticExamples(replace(options, split="dev", injected_share=0.0), count),
    )


def _tell_held_out(config: TrainConfig, say: Say) -> None:
    """Writes down what was held out of folders that do not say so themselves, in the form of ``splits.json``."""
    for labelled in config.sets:
        path = labelled.folder / "splits.json"
        train, dev = documents_of(labelled.folder, labelled.split, labelled.dev_split, labelled.hold_out)
        if not dev or (path.exists() and split_ids(labelled.folder, labelled.dev_split)):
            continue
        config.output.mkdir(parents=True, exist_ok=True)
        kept = config.output / f"splits-{labelled.folder.resolve().name}.json"
        kept.write_text(json.dumps({labelled.split: train, labelled.dev_split: dev}, indent=1) + "\n")
        say(f"held out of {labelled.folder}: {len(dev)} of {len(train) + len(dev)} documents, see {kept}")


def _training_record(trainer: Trainer) -> dict[str, Any]:
    """Steps, tokens, speed, and the development measures of the weights that the model has."""
    position = trainer.position
    rows = [json.loads(line) for line in (trainer.config.output / METRICS).read_text().splitlines()]
    kept: dict[str, Any] = next((row for row in rows if row["step"] == trainer.model_step), {})
    return {
        "steps": position.step,
        "tokens": position.tokens,
        "examples": position.drawn,
        "made_up_examples": position.synthetic,
        "seconds_in_steps": round(position.seconds, 1),
        "tokens_per_second": round(position.tokens / position.seconds, 1) if position.seconds else None,
        "ended": "development had settled" if trainer.has_settled() else "token budget spent",
        "model_of_step": trainer.model_step,
        "dev_loss": kept.get("dev_loss"),
        "dev_f1": kept.get("dev_f1"),
        "parameters": sum(p.numel() for p in trainer.weights.live.values()),
    }


def begun_with(config: TrainConfig, cache: Path | None = None) -> tuple[TrainConfig, Path]:
    """A config whose run begins with a tuned model: with that model's base and rank; and the model's folder.

    Raises:
        ModelError: it is no tuned model folder, or has what must not be loaded.
    """
    folder = Path(str(config.start))
    try:
        found = locate(str(config.start), cache)
        folder = found.folder
        checked = check_folder(folder, found.digest)
        card = _card(folder)
        if checked.manifest is not None and checked.manifest.base:
            card["base"] = checked.manifest.base
        lora = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        known = {
            "base": str(card["base"]),
            "lora_rank": int(lora["r"]),
            "lora_alpha": int(lora["lora_alpha"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} is no tuned model folder: {type(error).__name__}: {error}",
            remedy="Give embedded, a folder that `parquetry train` wrote, or begin from a base with --base.",
        ) from error
    return config.model_copy(update=known), folder


def _card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return card


def _device(name: str, local: int) -> Any:
    """The device of a name; ``auto``: of the GPUs of a machine, each process takes its own."""
    import torch

    if name in ("auto", "cuda") and torch.cuda.is_available():
        own = torch.device("cuda", local)
        torch.cuda.set_device(own)
        return own
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"There is no device {name!r} here: {str(error).splitlines()[0]}",
            remedy="Give cpu, or cuda on a machine with a GPU and a CUDA build of torch.",
        ) from error
    return device


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
            self.say(f"passed over: {error}")
            self.unreadable.add(path)
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}.tmp")
        aside.write_bytes(READ_DOCUMENT.dump_json(replace(document, pages=tuple(document.pages))))
        aside.replace(kept)
        return document


def _unsure(config: TrainConfig) -> dict[str, float]:
    """When to believe the rules more than a model that was begun anew."""
    return UNSURE if config.base == BASE_NAME and config.hint_share > 0 else {}


def export_model(
    trainer: Trainer, folder: Path, data: list[dict[str, Any]], started: dict[str, Any] | None = None
) -> None:
    """Writes adapter, tower and connector, and ``model.json`` last; the folder appears whole.

    Args:
        trainer: of the run.
        folder: where to.
        data: what it was trained on.
        started: the card of the tuned model that it began with, if it did. When to believe the rules more is as of
            that model, else as `_unsure` says; where nothing better came of the training, the rest is that model's too.
    """
    import torch
    from safetensors.torch import save_file

    aside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for adapter in trainer.model.peft_config.values():
        adapter.base_model_name_or_path = trainer.config.base  # else a path of the machine that trained it
    # In bf16, as models are loaded, whatever this machine computed in.
    state = {n: t.to(torch.bfloat16) for n, t in trainer.model.state_dict().items() if "lora_" in n}
    # Embeddings are never trained. Left to itself, peft asks huggingface.co whether they might have been.
    trainer.model.save_pretrained(str(aside), state_dict=state, save_embedding_layers=False)
    (aside / "README.md").unlink(missing_ok=True)  # peft's empty card; a model folder gets its own
    if trainer.weights.exported:
        tensors = {
            name: p.detach().to("cpu", torch.bfloat16).contiguous()
            for name, p in trainer.weights.exported.items()
        }
        save_file(tensors, aside / VISION_FILE)
    begun = started or {}
    unchanged = trainer.model_step == 0
    under = set(begun.get("trained_under", ()))
    if not unchanged:
        under |= {schema.fingerprint for schema in trainer.stream.schemas.values()}
    card: dict[str, Any] = {
        "base": trainer.config.base,
        "window_tokens": max(trainer.config.budgets),
        "hints": trainer.config.hint_share > 0,
        **{key: begun[key] for key in ("window_tokens", "hints") if unchanged and key in begun},
        **(
            _unsure(trainer.config)
            if started is None
            else {key: begun[key] for key in UNSURE if key in begun}
        ),
        "trained_under": sorted(under),
        "steps": trainer.position.step,
        "tokens": trainer.position.tokens,
        "model_of_step": trainer.model_step,
        "training": json.loads(trainer.config.model_dump_json(exclude={"sets", "output"})),
        "data": data,
    }
    (aside / "model.json").write_text(json.dumps(card, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)
