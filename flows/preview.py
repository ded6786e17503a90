"""What a run would do, without doing any of it: for ``parquetry run --dry-run``."""

from __future__ import annotations

from dataclasses import dataclass

from flows import composition
from flows.composition import Again
from flows.estimate import seconds_for
from flows.extractor import backend
from flows.ledger.records import InputRecord
from flows.ledger.store import Ledger
from flows.settings import Settings
from flows.sources import discover
from schemas.registry import load_schema

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures of a run that was not made. ``size`` in bytes; ``seconds`` is ``None`` when nothing is known.

    ``new`` counts objects that are not in the ledger as they are now; some may turn out to be copies. ``again``
    counts those of the known ones that would be done again.
    """

    inputs: int
    size: int
    new: int
    known: int
    again: int
    seconds: float | None
    shown: list[str]


def preview(
    settings: Settings, limit: int | None, pages: str | None = None, again: Again | None = None
) -> Preview:
    """Lists the source and looks each object up in the ledger, if there is one. Writes nothing.

    Raises:
        UsageError: source, schema or model are wrong.
    """
    composition.use(settings)
    job = composition.job(limit=limit, pages=pages, again=again)
    schema = load_schema(job.schema_)
    model = backend(job.model, settings.cache, settings.vllm).model_id
    exists = settings.database is not None or (settings.home / "ledger.db").exists()
    ledger = Ledger.open(settings.database_url) if exists else None
    try:
        inputs = size = known = redone = 0
        shown: list[str] = []
        for found in discover(
            composition.real_source(job.source, settings),
            limit=limit,
            options=settings.intake.model_copy(update={"settle_seconds": 0.0}),
        ):
            record = (
                ledger.peek_input(
                    found.uri, version=found.version, member=None, fingerprint=schema.fingerprint, model=model
                )
                if ledger
                else None
            )
            through = record is not None and not record.needs_content
            redo = through and again is not None and _is_done_again(ledger, record, again)
            inputs, size, known = inputs + 1, size + found.size, known + through
            redone += redo
            if len(shown) < SHOWN:
                kind = "again" if redo else "known" if through else "new"
                shown.append(f"{kind:<5}  {found.size:>12,}  {found.uri}")
        new = inputs - known
        guess = (
            seconds_for(new + redone, ledger, fingerprint=schema.fingerprint, model=model) if ledger else None
        )
        return Preview(inputs, size, new, known, redone, guess, shown)
    finally:
        if ledger is not None:
            ledger.close()


def _is_done_again(ledger: Ledger | None, record: InputRecord | None, again: Again) -> bool:
    """Whether a run would extract the document of a known input again; that of a copy counts with the first."""
    if ledger is None or record is None or record.document_id is None or record.duplicate:
        return False
    return ledger.is_reprocessable(record.document_id, since=again.since)
