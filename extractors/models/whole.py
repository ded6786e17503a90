"""A tuned model as one whole checkpoint, as servers want it: adapter merged, tower and connector in place."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

from extractors.models.load import load_model, load_processor
from schemas.errors import ModelError


def export_whole(name: str, cache: Path, to: Path) -> None:
    """Writes config, processor, weights in bf16 (safetensors) and ``model.json`` into a new folder.

    The folder is a model folder like any other: in process it answers as the tuned one does.

    Args:
        name: of the model, as `load_model` takes it.
        cache: folder of the store, and of the embedded model's base.
        to: a folder that is not there yet.

    Raises:
        ModelError: there is no such model, it cannot be served, or the folder is there already.
    """
    if to.exists():
        raise ModelError(f"{to} is there already.", remedy="Give a folder that is not.")
    if load_processor(name, cache).layout:
        raise ModelError(
            f"{name} was trained with coordinates beside its words; a whole checkpoint has no place for them.",
            remedy="Use it in process, or train without layout.",
        )
    loaded = load_model(name, cache, packed=False)
    scores = {"unsure_below": loaded.unsure_below, "rows_unsure_below": loaded.rows_unsure_below}
    card = {
        "whole_of": loaded.model_id,
        "window_tokens": loaded.window_tokens,
        "hints": loaded.hints,
        "trained_under": sorted(loaded.trained_under),
        **{key: value for key, value in scores.items() if value > -math.inf},
    }
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".export-") as scratch:
        built = Path(scratch) / "built"
        loaded.model.save_pretrained(built)
        loaded.processor.save_pretrained(built)
        (built / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        built.rename(to)
