"""Workers whose extraction is a pause of known length: all else of them is real. For crowds on small machines."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import number_of, total_of
from benchmarks.program import Plan, enter, process_next, until_stopped
from flows import composition
from flows.extractor import Extractor
from schemas.document import DocumentRef
from schemas.extraction import ExtractedField, Extraction


@dataclass(frozen=True)
class Pausing(Extractor):
    """Knows what is on a document by its name, and takes its time to say so."""

    shortest: float = 0.0
    longest: float = 0.0

    def extract(self, ref: DocumentRef, path: Path) -> Extraction:
        time.sleep(random.uniform(self.shortest, self.longest))
        index = int(Path(ref.uri).stem.removeprefix("B-"))
        total = str(total_of(index))
        return Extraction(
            document=ref.uri,
            sha256=ref.sha256,
            outcome="extracted",
            accepted=True,
            schema_name=self.schema.name,
            schema_fingerprint=self.schema.fingerprint,
            model=self.backend.model_id,
            data={"bill_number": number_of(index), "issue_date": "2026-03-14", "total": total},
            fields=[ExtractedField(path="total", raw=total, value=total, page=1)],
            page_count=1,
        )


def work(
    plan: Plan, name: str, run_id: str, shortest: float, longest: float, start: Path | None = None
) -> None:
    """What `benchmarks.program.work` does in one thread, with pauses for extraction.

    With a file to start at, it says beside it that it is ready, and waits until the file is there.
    """
    enter(plan, name)
    with composition.opened(plan.job) as parts:
        real = parts.extractor
        parts.extractor = Pausing(
            schema=real.schema,
            backend=real.backend,
            reader=real.reader,
            read_options=real.read_options,
            options=real.options,
            judge=real.judge,
            shortest=shortest,
            longest=longest,
        )
        if start is not None:
            start.with_name(f"ready-{name}").touch()
            while not start.exists():
                time.sleep(0.3)
        until_stopped(plan, lambda: process_next(parts, run_id))
