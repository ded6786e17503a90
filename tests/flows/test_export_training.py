"""What reviewers decided becomes a labelled folder that training and evaluation take as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from extractors.confidence.sampling import sampling_of
from extractors.evaluation.run import open_set
from extractors.training.dataset import documents_of, truth_of
from flows.export.training import export_training
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from flows.review.blobs import BlobStore
from schemas.errors import UsageError
from schemas.registry import load_schema
from tests.databases import sqlite_ledger
from tests.ledger.builders import SCHEMA, add, claim, extraction, process, sha_of, start

CORRECTED = {"number": "N-7", "day": None, "total": "9.50"}


def decide(ledger: Ledger, document_id: str, action: Any, data: dict[str, Any] | None) -> None:
    ledger.decide(
        document_id,
        reviewer="ada",
        action=action,
        data=data,
        fields=None,
        changes=[],
        comment="",
        expected_version=ledger.document(document_id).version,
    )


def reviewed(tmp_path: Path, actions: list[str]) -> tuple[Ledger, BlobStore]:
    """A ledger with a document for each action; all their bytes are kept."""
    ledger = Ledger.open(sqlite_ledger(tmp_path / "ledger.db"))
    blobs = BlobStore(tmp_path / "blobs")
    start(ledger)
    for i in range(len(actions)):
        add(ledger, "run-1", f"{i}.pdf")
        (tmp_path / "source").write_text(f"{i}.pdf")
        blobs.put(tmp_path / "source", sha_of(f"{i}.pdf"))
    ids = {ledger.document(one).sha256: one for one in process(ledger, accepted=False)}
    for i, action in enumerate(actions):
        if action != "wait":
            decide(ledger, ids[sha_of(f"{i}.pdf")], action, CORRECTED if action == "correct" else None)
    return ledger, blobs


def test_decided_documents_are_written_with_their_truth(tmp_path: Path) -> None:
    ledger, blobs = reviewed(tmp_path, ["correct", "accept", "reject", "wait", "correct"])
    blobs.path(sha_of("4.pdf")).unlink()  # not kept any more
    folder = tmp_path / "out"
    with ledger:
        assert export_training(ledger, blobs, SCHEMA.name, folder) == 2
    corrected, accepted = sha_of("0.pdf")[:16], sha_of("1.pdf")[:16]
    assert {path.stem for path in (folder / "docs").iterdir()} == {corrected, accepted}
    assert (folder / "docs" / f"{corrected}.pdf").read_text() == "0.pdf"
    assert truth_of(folder, corrected) == CORRECTED
    assert truth_of(folder, accepted)["day"] == "2024-02-29"
    train, dev = documents_of(folder, "train", "dev", 0.2)
    assert sorted(train + dev) == sorted([corrected, accepted])
    assert len(open_set(folder, "dev").documents) == 1
    assert load_schema(folder / "schema.json").tree == SCHEMA.tree
    assert json.loads((folder / "schema.json").read_text())["title"] == "bill"
    assert json.loads((folder / "sampling.json").read_text()) == {"drawn": "queue"}


def test_nothing_decided_and_full_folders_are_named(tmp_path: Path) -> None:
    ledger, blobs = reviewed(tmp_path, ["wait", "accept"])
    with ledger:
        with pytest.raises(UsageError, match="No document of schema 'other'"):
            export_training(ledger, blobs, "other", tmp_path / "out")
        with pytest.raises(UsageError, match="there already"):
            export_training(ledger, blobs, SCHEMA.name, tmp_path)
        blobs.path(sha_of("1.pdf")).unlink()
        with pytest.raises(UsageError, match="not kept here any more"):
            export_training(ledger, blobs, SCHEMA.name, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.tmp").exists()


def test_only_what_was_drawn_at_random_is_to_calibrate_on_with_its_chances(tmp_path: Path) -> None:
    shares = Sampling(accepted=0.5, queued=0.25)
    blobs = BlobStore(tmp_path / "blobs")
    with Ledger.open(sqlite_ledger(tmp_path / "ledger.db")) as ledger:
        start(ledger)
        for i in range(80):
            add(ledger, "run-1", f"{i}.pdf")
            (tmp_path / "source").write_text(f"{i}.pdf")
            blobs.put(tmp_path / "source", sha_of(f"{i}.pdf"))
        for i, held in enumerate(claim(ledger, limit=80)):
            done = extraction(held.sha256, accepted=i % 2 == 0)
            ledger.record_extraction(held.document_id, held.token, done, shares)
        for item in ledger.queue(limit=80):
            decide(ledger, item.document_id, "accept", None)
        drawn = {one.document_id: one for one in ledger.samples(SCHEMA.fingerprint)}
        assert {one.kind for one in drawn.values()} == {"blind", "queue"} and all(
            d.decided for d in drawn.values()
        )
        folder = tmp_path / "out"
        assert export_training(ledger, blobs, SCHEMA.name, folder, sampled=True) == len(drawn)
        weights = {ledger.document(d).sha256[:16]: 1 / one.chance for d, one in drawn.items()}
        queued = sum(one.kind == "queue" for one in drawn.values())
        assert export_training(ledger, blobs, SCHEMA.name, tmp_path / "trained") == 40 - queued
    names = [{path.name for path in (one / "docs").iterdir()} for one in (folder, tmp_path / "trained")]
    assert not names[0] & names[1]  # nothing that measures a model is learnt by one
    assert len(open_set(folder, "calibrate").documents) == len(drawn)
    said = json.loads((folder / "sampling.json").read_text())
    assert said == {"drawn": "weighted", "weights": weights, "largest": 4.0}
    assert set(weights.values()) == {2.0, 4.0}
    read = sampling_of(folder)
    assert read.largest > read.weight(folder, min(weights, key=lambda one: weights[one]))


def test_a_sample_of_the_queue_alone_is_no_sample_of_all(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        (held,) = claim(ledger)
        done = extraction(held.sha256, accepted=False)
        ledger.record_extraction(held.document_id, held.token, done, Sampling(queued=1))
        decide(ledger, held.document_id, "accept", None)
        with pytest.raises(UsageError, match=r"accepted \(review\.audit_share\)"):
            export_training(ledger, blobs, SCHEMA.name, tmp_path / "out", sampled=True)
