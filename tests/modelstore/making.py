"""Model folders that are small and whole: what the store takes in, without weights that anybody could use."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from extractors.confidence.calibrator import Calibrator, LinearFit, SchemaEvidence
from extractors.confidence.features import VERSION, judged_as
from extractors.models.load import model_description
from extractors.options import ExtractOptions, ReadOptions

CHECKPOINT = ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "README.md")
TUNED = ("adapter_config.json", "adapter_model.safetensors", "model.json", "calibration/calibration.json")


def write_checkpoint(folder: Path, seed: float = 0.0) -> Path:
    """A folder with the files of a whole checkpoint."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        json.dumps({"model_type": "idefics3", "text_config": {"hidden_size": 8}})
    )
    save_file({"a": torch.full((4, 4), seed), "b": torch.ones(3)}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"auto_map": 1, "a": 2}}}))
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "README.md").write_text("# A model\n\nTrained on bills.\n")
    return folder


def write_tuned(folder: Path, base: str = "embedded-base", seed: float = 0.0) -> Path:
    """A folder as `parquetry train` writes it."""
    folder.mkdir(parents=True)
    lora = {
        "peft_type": "LORA",
        "r": 2,
        "lora_alpha": 4,
        "megatron_config": None,
        "megatron_core": "megatron.core",
    }
    lora["auto_mapping"] = {"parent_library": "transformers.models.idefics3.modeling_idefics3"}
    (folder / "adapter_config.json").write_text(json.dumps(lora))
    save_file({"a": torch.full((2, 2), seed)}, folder / "adapter_model.safetensors")
    card = {"base": base, "window_tokens": 500, "steps": 7, "tokens": 900, "data": [{"set": "bills"}]}
    (folder / "model.json").write_text(json.dumps(card))
    (folder / "run.json").write_text(json.dumps({"training": {"dev_f1": 0.75, "dev_loss": 0.2}}))
    calibrator_of(model_description(str(folder)).model_id).write(folder / "calibration" / "calibration.json")
    return folder


def calibrator_of(model_id: str) -> Calibrator:
    """A calibration of a model that knows nothing, but whose it is."""
    nothing = LinearFit(features=(), means=(), scales=(), weights=(), intercept=0.0)
    return Calibrator(
        version=VERSION,
        model_id=judged_as(model_id, ExtractOptions(), ReadOptions()),
        made="2026-11-29T00:00:00+00:00",
        values=nothing,
        nulls=nothing,
        evidence={"f" * 64: SchemaEvidence(name="bill", documents=[[]])},
    )


def write_evaluation(path: Path, model_id: str, documents: int = 12) -> Path:
    """What `parquetry evaluate --report` writes, as far as it is looked at."""
    report = {
        "model": model_id, "set": "bills", "split": "dev", "documents": documents,
        "micro": {"f1": 0.875}, "document_accuracy": {"value": 0.5},
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report))
    return path
