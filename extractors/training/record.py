"""What a run was: its data by hash, config, code, machine and measures, in ``run.json`` beside the model."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from extractors.models.base import file_sha256
from extractors.training.config import LabelledSet
from extractors.training.dataset import documents_of
from schemas.registry import load_schema

PACKAGES = ("parquetry", "torch", "transformers", "peft", "safetensors")
ROOT = Path(__file__).parents[2]


def data_record(labelled: LabelledSet, document_path: Any) -> dict[str, Any]:
    """What a labelled set held when it was trained on.

    Args:
        labelled: the set.
        document_path: from folder and id to the document's file.

    Returns:
        The folder's name, and for training and development the number of documents and one SHA-256 over the ids,
        bytes of the documents and bytes of their labels; the fingerprints of the schemas.

    Raises:
        UsageError: the folder lacks a document.
    """
    train, dev = documents_of(labelled.folder, labelled.split, labelled.dev_split, labelled.hold_out)
    schemas = {name: load_schema(name).fingerprint for name in dict.fromkeys(labelled.schemas)}
    return {
        "set": labelled.folder.resolve().name,
        "train": {"documents": len(train), "sha256": set_digest(labelled.folder, train, document_path)},
        "dev": {"documents": len(dev), "sha256": set_digest(labelled.folder, dev, document_path)},
        "schemas": schemas,
    }


def set_digest(folder: Path, ids: list[str], document_path: Any) -> str:
    """One SHA-256 over ids, bytes of documents and bytes of labels: tells whether two sets are the same.

    Raises:
        UsageError: the folder lacks a document.
    """
    digest = hashlib.sha256()
    for identity in sorted(ids):
        truth = folder / "truth" / f"{identity}.json"
        parts = [identity, file_sha256(document_path(folder, identity))]
        parts.append(file_sha256(truth) if truth.is_file() else "")
        digest.update("\0".join(parts).encode() + b"\n")
    return digest.hexdigest()


def code_record() -> dict[str, Any]:
    """Versions of the packages that matter, and the commit of the checkout, where it is one."""
    return {"commit": _git("rev-parse", "HEAD"), "changed": bool(_git("status", "--porcelain", "-uno"))} | {
        name: _version(name) for name in PACKAGES
    }


def machine_record(device: str, threads: int) -> dict[str, Any]:
    """Where it ran: processor or GPU, threads, system. No host name: the record travels with the model."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {
        "device": gpu or device,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes it whole or not at all."""
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(record, indent=1, default=str) + "\n")
    aside.replace(path)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a checkout
        return None


def _git(*words: str) -> str | None:
    if not (ROOT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor()
    line = next((row for row in text.splitlines() if row.startswith("model name")), "")
    return line.partition(":")[2].strip() or platform.processor()
