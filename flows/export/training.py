"""What reviewers decided, as a labelled folder to train and evaluate on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from extractors.confidence.sampling import FILE as SAMPLING
from extractors.confidence.sampling import QUEUE, WEIGHTED
from extractors.training.dataset import held_out
from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger
from flows.review.blobs import BlobStore
from schemas.errors import UsageError

HOLD_OUT = 0.2
_ENDINGS = {
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
}


def export_training(
    ledger: Ledger, blobs: BlobStore, schema_name: str, destination: Path, *, sampled: bool = False
) -> int:
    """Writes the documents that a person confirmed or corrected, with the decided values as their truth.

    Those that were drawn at random are for calibrating, all others for training.

    The folder has ``docs/``, ``truth/``, ``schema.json``, ``splits.json`` and ``sampling.json``; a fifth, by
    their content, is for development. Only the newest form of the schema counts: others have labels of other fields.

    Args:
        ledger: where the decisions are.
        blobs: where the bytes of reviewed documents are kept.
        schema_name: whose documents.
        destination: a new or empty folder.
        sampled: only those that were drawn at random, with the inverse of their chances as weights: what
            probabilities may be fitted on.

    Returns:
        How many documents were written; those whose bytes are not kept any more are left out.

    Raises:
        UsageError: the schema has no decided document, the folder is not empty, or ``sampled`` and not both of what
            was accepted and what was queued has been drawn from.
    """
    fingerprint = ledger.latest_schemas().get(schema_name)
    schema = ledger.stored_schema(fingerprint) if fingerprint else None
    decided = ledger.decided(fingerprint, DocumentState.REVIEWED) if fingerprint else []
    if schema is None or not decided:
        raise UsageError(
            f"No document of schema {schema_name!r} has been confirmed or corrected by a person.",
            remedy="Work through some of the queue with `parquetry review` first.",
        )
    chances = _chances(ledger, schema.fingerprint) if sampled else {}
    # What was drawn at random measures a model, so none is ever trained on it: it would be too sure of it.
    drawn_ids = chances.keys() if sampled else {one.document_id for one in ledger.samples(schema.fingerprint)}
    every, decided = decided, [one for one in decided if (one in drawn_ids) is sampled]
    if not decided:
        raise UsageError(
            f"None of the {len(every)} decided documents was drawn at random."
            if sampled
            else f"All {len(every)} decided documents were drawn at random, and are kept to measure with.",
            remedy="Work through more of the queue with `parquetry review`.",
        )
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise UsageError(f"{destination} is there already.", remedy="Give a new or empty folder as --output.")
    aside = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    for name in ("docs", "truth"):
        (aside / name).mkdir(parents=True)
    ids: list[str] = []
    weights: dict[str, float] = {}
    for document_id in decided:
        record = ledger.document(document_id)
        data = record.decisions[-1].data if record.decisions else None
        if data is None or not blobs.has(record.sha256):
            continue
        # By content: a document reviewed under two models is one, and the later decision holds.
        identity = record.sha256[:16]
        ending = _ENDINGS.get(record.media_type, ".bin")
        shutil.copyfile(blobs.path(record.sha256), aside / "docs" / f"{identity}{ending}")
        _write(aside / "truth" / f"{identity}.json", data)
        ids.append(identity)
        if sampled:
            weights[identity] = 1 / chances[document_id]
    ids = sorted(set(ids))
    if not ids:
        shutil.rmtree(aside)
        raise UsageError(
            f"The files of the {len(decided)} decided documents are not kept here any more.",
            remedy="Export on the machine, and with the home folder, that the runs had.",
        )
    held = held_out(ids, HOLD_OUT)
    _write(aside / "schema.json", schema.json_schema)
    # Without a draw doubtful ones were reviewed: no sample of what lands.
    drawn: dict[str, object] = {"drawn": QUEUE}
    if sampled:
        drawn = {"drawn": WEIGHTED, "weights": weights, "largest": max(1 / c for c in chances.values())}
    _write(aside / SAMPLING, drawn)
    splits = (
        {"calibrate": ids} if sampled else {"train": [i for i in ids if i not in held], "dev": sorted(held)}
    )
    _write(aside / "splits.json", splits)
    if destination.exists():
        destination.rmdir()
    aside.replace(destination)
    return len(ids)


def _chances(ledger: Ledger, fingerprint: str) -> dict[str, float]:
    """The chance of each document that was drawn; only if all that came had one."""
    drawn = ledger.samples(fingerprint)
    missing = {"blind", "queue"} - {one.kind for one in drawn}
    if missing:
        words = {"blind": "accepted (review.audit_share)", "queue": "queued (review.queue_share)"}
        raise UsageError(
            f"Nothing was drawn at random of what was {' or '.join(words[kind] for kind in sorted(missing))}.",
            remedy="Set both shares, and let some runs and reviews go by: then the sample stands for all documents.",
        )
    return {one.document_id: one.chance for one in drawn}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
