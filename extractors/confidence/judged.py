"""Judged documents as a file: features and verdicts, no text. What a later fit pools with documents of its own.

Gzipped JSON lines: a head with the version and the names of the features, then one line for each document.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.confidence.features import FEATURES, NULL_FEATURES, VERSION, vector
from extractors.confidence.fit import JudgedDocument, JudgedField
from schemas.errors import ModelError

FILE = "judged.jsonl.gz"
DIGITS = 4
MOST_BYTES = 64 << 20
"""Unpacked; a model that somebody else made may bring such a file along."""


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """A judged document with what it is told apart by: a hash, the name of its schema, the set it came from.

    The hash is of a file's bytes, or of what else was asked about. ``proves``: whether it is evidence for a budget. A
    document that the model may have learnt from, or that nobody drew, is good for a fit and proves nothing.
    """

    sha256: str
    schema_name: str
    source: str
    document: JudgedDocument
    proves: bool = True


def head(model_id: str) -> dict[str, Any]:
    """The first line: what the numbers behind it mean."""
    return {
        "version": VERSION,
        "model": model_id,
        "features": list(FEATURES),
        "null_features": list(NULL_FEATURES),
    }


def line_of(record: JudgedRecord) -> dict[str, Any]:
    """A record as JSON, figures rounded."""
    fields = [
        [
            one.path,
            one.null,
            one.right,
            one.eligible,
            [round(x, DIGITS) for x in vector(one.features, NULL_FEATURES if one.null else FEATURES)],
        ]
        for one in record.document.fields
    ]
    return {
        "sha256": record.sha256,
        "schema": record.schema_name,
        "fingerprint": record.document.fingerprint,
        "source": record.source,
        "weight": record.document.weight,
        "largest": record.document.largest,
        "proves": record.proves,
        "group": record.document.group,
        "fields": fields,
    }


def record_of(line: dict[str, Any]) -> JudgedRecord:
    """The record of a line.

    Raises:
        KeyError, ValueError, TypeError: the line is none.
    """
    fields = tuple(
        JudgedField(
            str(path),
            dict(zip(NULL_FEATURES if null else FEATURES, map(float, figures), strict=True)),
            bool(null),
            bool(right),
            bool(eligible),
        )
        for path, null, right, eligible, figures in line["fields"]
    )
    document = JudgedDocument(
        str(line["fingerprint"]),
        fields,
        float(line["weight"]),
        float(line["largest"]),
        str(line.get("group", "")),
    )
    names = str(line["sha256"]), str(line["schema"]), str(line["source"])
    return JudgedRecord(*names, document, bool(line.get("proves", True)))


def write_judged(path: Path, model_id: str, records: Iterable[JudgedRecord]) -> None:
    """Writes the file; it appears whole, and is the same for the same records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [head(model_id), *map(line_of, records)]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_bytes(gzip.compress(text.encode(), mtime=0))
    aside.replace(path)


def read_judged(path: Path, model_id: str) -> Iterator[JudgedRecord]:
    """Reads the file; one of another model or another list of features has nothing to say, and yields nothing.

    Raises:
        ModelError: it is damaged.
    """
    if not path.is_file():
        return
    try:
        with gzip.open(path) as packed:
            text = packed.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes unpacked")
        first, *rest = text.decode().splitlines()
        if json.loads(first) != head(model_id):
            return
        yield from map(record_of, map(json.loads, rest))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is damaged: {type(error).__name__}: {error}.",
            remedy="Delete it and run `parquetry calibrate` again.",
        ) from error
