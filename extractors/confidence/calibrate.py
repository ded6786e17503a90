"""From labelled folders to a calibrator: every document is answered, judged against its labels, and fitted on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from extractors.confidence.calibrator import FILE, Calibrator, SchemaEvidence, Source, UnknownSchemas
from extractors.confidence.features import UNFITTED, VERSION
from extractors.confidence.fit import Fitted, JudgedDocument, JudgedField, fit
from extractors.confidence.judged import FILE as JUDGED
from extractors.confidence.judged import JudgedRecord, head, line_of, read_judged, record_of, write_judged
from extractors.confidence.sampling import sampling_of
from extractors.evaluation.metrics import Labels, verdicts
from extractors.evaluation.run import LabelledSet
from extractors.prompting.meant import as_meant
from extractors.validation.validate import Validated
from schemas.registry import LoadedSchema

LABELLED_SHARE = 0.2
"""A field that fewer of a schema's documents have a label for never lands under a budget: nothing speaks for it."""

Ask = Callable[[LoadedSchema, Path], Validated | None]
"""The checked answer for a document, without any judge; ``None`` when it cannot be read: it never lands."""
Progress = Callable[[int, int, str], None]
"""Told before each document: its position from 1, how many there are, its name."""


@dataclass(frozen=True, slots=True)
class LabelledSource:
    """A labelled set, and the schema under which it is answered."""

    labelled: LabelledSet
    schema: LoadedSchema


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The calibrator, and what it was fitted on: each record beside the risks it was given unseen."""

    calibrator: Calibrator
    records: tuple[JudgedRecord, ...]
    fitted: Fitted

    def write(self, folder: Path) -> Path:
        """Writes the calibration and the judged documents into a folder; gives the calibration's path."""
        write_judged(folder / JUDGED, self.calibrator.model_id, self.records)
        self.calibrator.write(folder / FILE)
        return folder / FILE


def judge_fields(
    validated: Validated, truth: Labels, schema: LoadedSchema, skip: frozenset[str]
) -> list[JudgedField]:
    """Every labelled field of an answer with its features and its verdict, by what the schema means (`as_meant`)."""
    right = verdicts(truth, validated.fields, as_meant(schema).tree, skip)
    whole = not (validated.document_reasons - UNFITTED)
    return [
        JudgedField(
            one.path,
            validated.features[one.path],
            one.raw is None,
            right[one.path],
            whole and not (set(one.reasons) - UNFITTED),
        )
        for one in validated.fields
        if one.path in right
    ]


def collect(
    sources: Sequence[LabelledSource], ask: Ask, model_id: str, kept: Path, progress: Progress | None = None
) -> Iterator[JudgedRecord]:
    """Answers and judges every document; what is done is kept, and not done again after a stop.

    Args:
        sources: what to answer.
        ask: the pipeline without a judge.
        model_id: of the model that answers.
        kept: file of what is done; one of another model or another list of features is begun anew.
        progress: told before each document.

    Raises:
        UsageError: a folder's documents are no sample, or a label is missing.
    """
    done = kept_records(kept, model_id)
    plan = [(source, name, path) for source in sources for name, path in source.labelled.documents]
    drawn = {source.labelled.folder: sampling_of(source.labelled.folder) for source in sources}
    with kept.open("a", encoding="utf-8") as log:
        for position, (source, name, path) in enumerate(plan, start=1):
            if progress is not None:
                progress(position, len(plan), name)
            labelled, schema = source.labelled, source.schema
            sampling = drawn[labelled.folder]
            weight = sampling.weight(labelled.folder, name)
            truth, skip = labelled.truth(name), labelled.skips.get(name, frozenset())
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            key = f"{sha256}/{schema.fingerprint}/{_hash([truth, sorted(skip)])}"
            record = done.get(key)
            if record is None:
                validated = ask(schema, path)
                if validated is None:
                    continue  # never lands; another time it may be readable (a password, a longer limit)
                fields = judge_fields(validated, truth, schema, skip)
                document = JudgedDocument(schema.fingerprint, tuple(fields), group=sha256)
                record = JudgedRecord(sha256, schema.name, labelled.name, document)
                record = record_of(line_of(record))  # rounded as it is kept: a fit is the same after a stop
                log.write(kept_line(key, record) + "\n")
                log.flush()
            if record.document.fields:
                document = replace(record.document, weight=weight, largest=sampling.largest)
                yield replace(record, source=labelled.name, document=document)


def kept_line(key: str, record: JudgedRecord) -> str:
    """A record as a line of the file of what is done, under what it was asked by."""
    return json.dumps({"key": key, **line_of(record)})


def kept_records(path: Path, model_id: str) -> dict[str, JudgedRecord]:
    """What an earlier call has done, by key. Begins the file where there is none of this model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = {}
    if lines and lines[0] == json.dumps(head(model_id)):
        for line in lines[1:]:
            try:
                read = json.loads(line)
                found[str(read["key"])] = record_of(read)
            except (ValueError, KeyError, TypeError):  # the last line of a process that was killed
                continue
        whole = [lines[0], *(kept_line(key, record) for key, record in found.items())]
        aside = path.with_suffix(".tmp")
        aside.write_text("".join(line + "\n" for line in whole), encoding="utf-8")
        aside.replace(path)
        return found
    path.write_text(json.dumps(head(model_id)) + "\n", encoding="utf-8")
    return {}


def calibrate(
    records: Sequence[JudgedRecord],
    sources: Sequence[LabelledSource],
    model_id: str,
    pools: Sequence[Path] = (),
) -> Calibrated:
    """Fits on judged documents, pooled with those of earlier calibrations of the same model.

    Args:
        records: of `collect`.
        sources: where they came from, for the record.
        model_id: of the model that answered.
        pools: ``judged.jsonl.gz`` of earlier calibrations, the oldest first; the same document under the same schema
            counts once, as it was judged last.

    Raises:
        UsageError: too few documents.
        ModelError: the file to pool with is damaged.
    """
    earlier = [record for pool in pools for record in read_judged(pool, model_id)]
    # Once each, however often it is listed: the same document twice is no more evidence than once.
    unique = {(one.document.fingerprint, one.sha256): one for one in [*earlier, *records]}
    every = [unique[key] for key in sorted(unique)]
    random.Random(0).shuffle(every)  # folds must not follow the order of a set
    fitted = fit([replace(one.document, borrowed=not one.proves) for one in every])
    made = Calibrator(
        version=VERSION,
        model_id=model_id,
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        values=fitted.values,
        nulls=fitted.nulls,
        unknown=UnknownSchemas(values=fitted.unknown[0], nulls=fitted.unknown[1]) if fitted.unknown else None,
        evidence=_evidence(every, fitted),
        sources=[_source(source, records) for source in sources],
    )
    return Calibrated(made, tuple(every), fitted)


def _evidence(records: Sequence[JudgedRecord], fitted: Fitted) -> dict[str, SchemaEvidence]:
    by_schema: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        if record.proves:
            by_schema.setdefault(record.document.fingerprint, []).append(number)
    found = {}
    for fingerprint, numbers in sorted(by_schema.items()):
        scored = [fitted.scored[number] for number in numbers]
        weights = [one.weight for one in scored]
        largest = max(records[number].document.largest for number in numbers)
        alike = set(weights) == {largest}
        found[fingerprint] = SchemaEvidence(
            name=records[numbers[0]].schema_name,
            documents=[[(round(v.risk, 6), v.wrong, v.eligible) for v in one.values] for one in scored],
            weights=[] if alike else weights,
            largest=None if alike else largest,
            labelled=_labelled([records[number].document for number in numbers]),
        )
    return found


def _labelled(documents: Sequence[JudgedDocument]) -> list[str]:
    """The top-level fields that enough of the documents have a label for."""
    counts = Counter(
        name for one in documents for name in {field.path.partition(".")[0] for field in one.fields}
    )
    return sorted(name for name, count in counts.items() if count >= LABELLED_SHARE * len(documents))


def _source(source: LabelledSource, records: Sequence[JudgedRecord]) -> Source:
    labelled = source.labelled
    mine = [
        one
        for one in records
        if one.source == labelled.name and one.document.fingerprint == source.schema.fingerprint
    ]
    truths = {name: labelled.truth(name) for name, _ in labelled.documents}
    return Source(
        folder=labelled.name,
        split=labelled.split,
        schema_name=source.schema.name,
        documents=len(mine),
        values=sum(len(one.document.fields) for one in mine),
        sha256=_hash(truths),
    )


def _hash(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
