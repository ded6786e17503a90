"""Model folders to models in memory. One path for all: Hugging Face image-text-to-text, safetensors, no remote code.

A folder is either a whole checkpoint, or a tuned one: ``model.json`` (names its base), a LoRA adapter, and the trained
vision tower and connector. The embedded model is a tuned one that ships with the project. Whatever is loaded went
through `check_folder` first: no file that can hold code, and, where there is a manifest, no byte changed.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.models.base import BASE_NAME, base_folder, is_fetched
from extractors.models.cpu import in_fast_type, settle_instruction_set
from extractors.models.guard import RECORDS
from extractors.models.layout import WEIGHT, attach_layout
from extractors.models.manifest import FileEntry, Manifest, check_folder
from extractors.models.stored import EMBEDDED, Located, find_stored, is_folder, is_reference, locate
from schemas.errors import ModelError

__all__ = [
    "EMBEDDED",
    "LoadedModel",
    "ModelDescription",
    "load_base",
    "load_model",
    "load_processor",
    "model_description",
]

EMBEDDED_BASE = BASE_NAME
VISION_FILE = "vision.safetensors"
ADAPTER_FILE = "adapter_model.safetensors"
DEFAULT_WINDOW_TOKENS = 1400


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """``model`` and ``processor`` ready to answer; ``window_tokens`` of document text per window.

    ``unsure_below``: the score (nats) under which this model's answers were found to be often wrong, and texts of the
    rules to be better. ``hints``: it was trained to be shown what the scripted rules found. ``rows_unsure_below``: of a
    list on whose rows its mean score is lower, the rules' rows were found to be better. ``trained_under``: the
    fingerprints of the schemas that it was trained under; under others it is believed less.
    """

    name: str
    model_id: str
    model: Any
    processor: Any
    window_tokens: int
    unsure_below: float = -math.inf
    hints: bool = False
    rows_unsure_below: float = -math.inf
    trained_under: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """Which model, told without loading it: ``model_id`` is what its documents bear.

    ``revision`` is a commit of a hub or the same as ``manifest``, the hash of all the files.
    """

    model_id: str
    name: str
    revision: str
    manifest: str


@dataclass(frozen=True, slots=True)
class ServedParts:
    """Of a model whose weights are elsewhere: as `LoadedModel`. ``layout``: it wants the coordinates of words."""

    processor: Any
    window_tokens: int
    unsure_below: float
    hints: bool
    rows_unsure_below: float
    trained_under: frozenset[str]
    layout: bool


def load_processor(name: str, cache: Path) -> ServedParts:
    """What there is of a model beside its weights; a folder may be without any.

    Args:
        name: the path of a folder, or a model of the store.
        cache: folder of the store, and of the embedded model's base.

    Raises:
        ModelError: it is missing, has no processor, or what must not be loaded.
    """
    found = locate(name, cache)
    card = _tuned_card(found.folder) or {}
    checked = check_folder(found.folder, found.digest)
    folder = found.folder
    if "base" in card:
        base = _located_base(_base_of(card, checked.manifest), cache)
        check_folder(base.folder, base.digest)
        folder = base.folder
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise _needs_package(folder, error) from error
    except Exception as error:  # over a config that is wrong, libraries raise whatever comes
        raise ModelError(
            f"{folder} has no processor that can be loaded: {_first_line(error)}",
            remedy="Give a folder with config.json, processor_config.json, tokenizer.json and the chat template.",
        ) from error
    return ServedParts(
        processor,
        int(card.get("window_tokens", DEFAULT_WINDOW_TOKENS)),
        float(card.get("unsure_below", -math.inf)),
        bool(card.get("hints", False)),
        float(card.get("rows_unsure_below", -math.inf)),
        frozenset(card.get("trained_under", ())),
        _has_layout(found.folder),
    )


def _needs_package(folder: Path, error: ImportError) -> ModelError:
    return ModelError(
        f"{folder} needs a package that is not installed: {_first_line(error)}",
        remedy="Install it beside parquetry: SmolVLM asks for num2words, Qwen2.5-VL for torchvision.",
    )


def _has_layout(folder: Path) -> bool:
    """Whether trained coordinates lie beside the tower and the connector."""
    if not (folder / VISION_FILE).is_file():
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / VISION_FILE, framework="numpy") as file:
            return WEIGHT in set(file.keys())
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{folder / VISION_FILE} cannot be read: {_first_line(error)}",
            remedy="Restore the folder's files, or train again.",
        ) from error


def load_base(base: str, cache: Path) -> tuple[Any, Any]:
    """The untuned model and its processor, in bf16, on the CPU.

    Args:
        base: ``embedded-base``, the path of a checkpoint folder, or a model of the store as ``NAME@REVISION``.
        cache: folder of the store, and of the embedded model's base.

    Raises:
        ModelError: the folder is missing, no image-text-to-text checkpoint, or has what must not be loaded.
    """
    found = _located_base(base, cache)
    check_folder(found.folder, found.digest)
    return _load_checkpoint(found.folder, cache)


def _load_checkpoint(folder: Path, cache: Path) -> tuple[Any, Any]:
    """Of a folder that was checked."""
    settle_instruction_set(cache)
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
        model = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=torch.bfloat16,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except ImportError as error:
        raise _needs_package(folder, error) from error
    except Exception as error:  # over a config that is wrong, libraries raise whatever comes
        raise ModelError(
            f"{folder} is no image-text-to-text checkpoint: {_first_line(error)}",
            remedy="Give a folder with config.json, processor files and safetensors weights.",
        ) from error
    return model, processor


def load_model(name: str, cache: Path, *, packed: bool = True) -> LoadedModel:
    """A model by name: ``embedded``, the path of a folder, or one of the store. On CUDA when it is there.

    Args:
        name: which.
        cache: folder of the store, and of the embedded model's base.
        packed: lay its weights out for speed (`in_fast_type`, `pack_language_half`); without it, it can be saved.

    Raises:
        ModelError: with what is missing, changed or not to be loaded, and what to do.
    """
    found = locate(name, cache)
    folder = found.folder
    tuned = _tuned_card(folder)
    if tuned is None and not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} has neither model.json nor config.json.",
            remedy="Train it with `parquetry train`, or give a checkpoint folder.",
        )
    checked = check_folder(folder, found.digest)
    if tuned and "base" in tuned:
        model, processor = load_base(_base_of(tuned, checked.manifest), cache)
        model = _with_adapter(model, folder)
    else:
        model, processor = _load_checkpoint(folder, cache)
    import torch

    from extractors.models.packed import pack_language_half

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).eval()
    if packed:
        model = in_fast_type(model)
        pack_language_half(model)
    card = tuned or {}
    window = int(card.get("window_tokens", DEFAULT_WINDOW_TOKENS))
    unsure = float(card.get("unsure_below", -math.inf))
    hints = bool(card.get("hints", False))
    rows = float(card.get("rows_unsure_below", -math.inf))
    identity = _identity(found, checked.files, card)
    under = frozenset(card.get("trained_under", ()))
    return LoadedModel(name, identity, model, processor, window, unsure, hints, rows, under)


def model_description(name: str, cache: Path | None = None) -> ModelDescription:
    """What a model is, without loading it. Folders are looked through; of the store's models the manifest tells.

    Raises:
        ModelError: there is no such model, or it has what must not be loaded.
    """
    found = locate(name, cache)
    card = _tuned_card(found.folder) or {}
    if found.digest is not None and cache is not None:
        manifest = find_stored(f"{found.name}@{found.digest}", cache).manifest
        files, digest, revision = manifest.files, found.digest, manifest.revision
    else:
        checked = check_folder(found.folder)
        files, digest = checked.files, checked.digest
        revision = digest
    return ModelDescription(_identity(found, files, card), found.name, revision, digest)


def _identity(found: Located, files: Mapping[str, FileEntry], card: dict[str, Any]) -> str:
    """Folder's name and content; of a model that is shown hints, also which rules made them."""
    from extractors.backends.scripted import RULES

    rules = f"-{RULES}" if card.get("hints") else ""
    return f"{found.name}-{_fingerprint(files)}{rules}"


def shows_hints(name: str) -> bool:
    """Whether a model was trained to be shown what the scripted rules found.

    Raises:
        ModelError: its card is damaged.
    """
    return bool((_tuned_card(locate(name, None).folder) or {}).get("hints", False))


def _base_of(card: dict[str, Any], manifest: Manifest | None) -> str:
    """The base of a tuned model: of one in the store, the very one that it was stored with."""
    return manifest.base if manifest is not None and manifest.base else str(card["base"])


def _located_base(base: str, cache: Path) -> Located:
    if base == EMBEDDED_BASE:
        if not is_fetched(cache):
            raise ModelError(
                f"The embedded model's base weights are not in {cache}.",
                remedy="Fetch them once: python -m extractors.models fetch (or make demo).",
            )
        return Located(base, base_folder(cache))
    if not is_folder(base, cache) and not is_reference(base):
        raise ModelError(f"The base model folder {base} does not exist.", remedy="Give an existing folder.")
    return locate(base, cache)


def _tuned_card(folder: Path) -> dict[str, Any] | None:
    path = folder / "model.json"
    if not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict) or ("base" not in card and not (folder / "config.json").is_file()):
            raise ValueError("no base named")
        if wrong := next(
            (name for name, whole in _NUMBERS.items() if not _is_number(card.get(name), whole)), None
        ):
            raise ValueError(f"{wrong} is no number that can be")
        under = card.get("trained_under", [])
        if not isinstance(under, list) or not all(isinstance(one, str) for one in under):
            raise ValueError("trained_under is no list of fingerprints")
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: {error}.", remedy="Restore the file, or train again.") from error
    return card


_NUMBERS = {"window_tokens": True, "unsure_below": False, "rows_unsure_below": False}
"""What a card may say, and whether it counts something."""


def _is_number(value: Any, whole: bool) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return value > 0 if whole else not math.isnan(value)


def _with_adapter(model: Any, folder: Path) -> Any:
    """Tower and connector put in place, adapter merged into the weights."""
    from peft import PeftModel
    from safetensors.torch import load_file

    try:
        if not (folder / ADAPTER_FILE).is_file():  # peft would look for a pickle, then on the hub
            raise ValueError(f"{ADAPTER_FILE} is missing")
        if (folder / VISION_FILE).is_file():
            tensors = load_file(folder / VISION_FILE)
            if WEIGHT in tensors:
                attach_layout(model)
            _, unexpected = model.load_state_dict(tensors, strict=False)
            if unexpected:
                raise ValueError(f"{VISION_FILE} has unknown tensors: {unexpected[:3]}")
        with warnings.catch_warnings():
            # peft asks the model for a property by its old name.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except Exception as error:  # over a config that is wrong, libraries raise whatever comes
        raise ModelError(
            f"The adapter in {folder} cannot be loaded: {_first_line(error)}",
            remedy="Restore the folder's files, or train again.",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _fingerprint(files: Mapping[str, FileEntry]) -> str:
    """Changes with any weight or config file of the folder."""
    digest = hashlib.sha256()
    for name, entry in sorted(files.items()):
        if name.endswith((".safetensors", ".json")) and "/" not in name and name not in RECORDS:
            digest.update(name.encode())
            digest.update(entry.sha256.encode())
    return digest.hexdigest()[:12]
