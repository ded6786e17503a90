"""A ledger with a past: documents of two schemas over eleven weeks, decided, corrected, sampled, held."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from flows.ledger.engine import create_ledger_engine, migrate
from flows.ledger.records import FieldChange, SecondLook
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, load_schema
from tests.ledger.builders import sha_of

MODEL = "granite-docling@1"
SOURCES = ("s3://inbox/north", "s3://inbox/south/2026", "file:///scans/till")


@dataclass
class Clock:
    """A clock that is put by hand."""

    at: dt.datetime

    def __call__(self, _: Session) -> dt.datetime:
        return self.at

    def on(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


@contextmanager
def ledger_with_clock(url: str, at: dt.datetime) -> Iterator[tuple[Ledger, Clock]]:
    """A ledger whose time is ours."""
    engine, clock = create_ledger_engine(url), Clock(at)
    migrate(engine)
    with Ledger(engine, clock=clock) as ledger:
        yield ledger, clock


def receipt(
    sha256: str, total: float, reasons: tuple[ReviewReason, ...], schema: LoadedSchema, probability: float
) -> Extraction:
    """A receipt whose total is in doubt for some reasons, or accepted for none."""
    sure: dict[str, object] = {"calibration": "calibrated", "probability": 0.999}
    doubted = {**sure, "probability": probability, "reasons": list(reasons)} if reasons else sure
    names = {"company": "Bäckerei Huber", "date": "2026-03-02", "address": "Hauptstr. 1, Freiburg"}
    fields = [ExtractedField(path=p, raw=v, value=v, **sure) for p, v in names.items()]  # type: ignore[arg-type]
    fields.append(ExtractedField(path="total", raw=f"{total:.2f}", value=f"{total:.2f}", **doubted))  # type: ignore[arg-type]
    return Extraction(
        document="r.pdf",
        sha256=sha256,
        outcome="extracted",
        accepted=not reasons,
        schema_name=schema.name,
        schema_fingerprint=schema.fingerprint,
        model=MODEL,
        data={**names, "total": f"{total:.2f}"},
        fields=fields,
        reasons=list(reasons),
        page_count=1,
    )


def fill_history(url: str, documents: int = 400, days: int = 77, seed: int = 7) -> list[str]:
    """Fills a ledger up to now; the ids of what it holds, in the order they came."""
    chance, schema = random.Random(seed), load_schema("receipt")
    now = dt.datetime.now(dt.UTC)
    ids: list[str] = []
    waiting: list[str] = []
    with ledger_with_clock(url, now - dt.timedelta(days=days)) as (ledger, clock):
        ledger.register_schema(schema)
        ledger.start_run(
            run_id="history",
            source="s3://inbox",
            schema=schema.name,
            fingerprint=schema.fingerprint,
            model=MODEL,
            parameters={"judged_by": {"error_budget": 0.05, "confidence": 0.95, "unit": "documents"}},
        )
        for number in range(documents):
            clock.at = now - dt.timedelta(days=days * (1 - (number + 1) / documents) ** 1.3 + 0.02)
            source = chance.choices(SOURCES, (3, 2, 1))[0]
            sha256 = sha_of(f"{seed}-{number}")
            ledger.add_input(
                "history",
                f"{source}/receipt-{number:05}.pdf",
                version="1",
                member=None,
                sha256=sha256,
                size=1000,
                media_type="application/pdf",
                schema_name=schema.name,
                fingerprint=schema.fingerprint,
                model=MODEL,
            )
            [claimed] = ledger.claim(
                "history",
                worker="w",
                lease_seconds=60,
                limit=1,
                fingerprint=schema.fingerprint,
                model=MODEL,
            )
            late = number > documents * 0.8 and source == SOURCES[1]
            doubted = chance.random() < (0.55 if late else 0.3)
            reasons = (
                (ReviewReason.LOW_OCR_CONFIDENCE if late else ReviewReason.MODEL_UNSURE,) if doubted else ()
            )
            total = round(chance.lognormvariate(3.5, 1.2), 2)
            ledger.record_extraction(
                claimed.document_id,
                claimed.token,
                receipt(sha256, total, reasons, schema, chance.uniform(0.4, 0.96)),
                sampling=Sampling(accepted=0.2),
            )
            ids.append(claimed.document_id)
            if ledger.document(claimed.document_id).waiting:
                waiting.append(claimed.document_id)
            if len(waiting) > 25:
                _decide(ledger, clock, chance, waiting.pop(0))
        clock.at = now
        for document_id, who in zip(waiting[:4], ("Ada", "Ada", "Grace", "Linus"), strict=False):
            ledger.hold(document_id, who, seconds=3600)
        if len(waiting) > 6:
            _look(ledger, waiting[5])
    return ids


def _decide(ledger: Ledger, clock: Clock, chance: random.Random, document_id: str) -> None:
    who, fate = chance.choice(("Ada", "Grace")), chance.random()
    ledger.hold(document_id, who, seconds=1800)
    clock.on(chance.lognormvariate(3, 0.7))
    record = ledger.document(document_id)
    assert record.extraction is not None
    data = record.extraction.data or {}
    path = chance.choices(("total", "company", "date"), (5, 2, 1))[0]
    changes = [FieldChange(path=path, before=data.get(path), after="1.00")] if fate < 0.2 else []
    ledger.decide(
        document_id,
        reviewer=who,
        action="reject" if fate > 0.97 else "correct" if changes else "accept",
        data={**data, "total": "1.00"} if changes else None,
        fields=None,
        changes=changes,
        comment="Not a receipt" if fate > 0.97 else "",
        expected_version=record.version,
    )


def _look(ledger: Ledger, document_id: str) -> None:
    """A first look that waits for a second one."""
    ledger.decide(
        document_id,
        reviewer="Grace",
        action="accept",
        data=None,
        fields=None,
        changes=[],
        comment="",
        expected_version=ledger.document(document_id).version,
        second=SecondLook.AMOUNT,
    )
