"""Model folders that are small and whole: what the store takes in, without weights that anybody could use."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

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
    (folder / "calibration").mkdir()
    evidence = {"f" * 64: {"name": "bill", "documents": [[]]}}
    calibration = {"model_id": "model-0/1", "made": "2026-11-29", "evidence": evidence}
    (folder / "calibration" / "calibration.json").write_text(json.dumps(calibration))
    return folder


def write_evaluation(path: Path, model_id: str, documents: int = 12) -> Path:
    """What `parquetry evaluate --report` writes, as far as it is looked at."""
    report = {
        "model": model_id, "set": "bills", "split": "dev", "documents": documents,
        "micro": {"f1": 0.875}, "document_accuracy": {"value": 0.5},
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report))
    return path
