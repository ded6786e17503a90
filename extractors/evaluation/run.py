"""Evaluating a way of extracting on a folder of labelled documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.evaluation.results import VERSION, DocumentResult, result_of
from extractors.pipeline import Seen
from extractors.reading import ReaderPool, document_ref
from schemas.document import ReadDocument
from schemas.errors import DocumentError, UsageError
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema

Progress = Callable[[int, int, str], None]
"""Called before each document: its position from 1, the number of documents, its name."""
Extract = Callable[[Path, Seen], Extraction]
"""From a document's path to its extraction; tells what was read."""


@dataclass(frozen=True)
class LabelledSet:
    """A split of a folder: ``docs/<id>.*``, ``truth/<id>.json``, ``schema.json``, ``splits.json``.

    ``skips`` are fields by document whose labels are known to be wrong (``skip_fields.json``, optional).
    """

    folder: Path
    split: str
    documents: tuple[tuple[str, Path], ...]
    skips: dict[str, frozenset[str]]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def truth(self, document: str) -> dict[str, Any]:
        """The labels of a document.

        Raises:
            UsageError: there are none, or they are no JSON object.
        """
        return _json_object(self.folder / "truth" / f"{document}.json")


def open_set(folder: Path, split: str, limit: int | None = None) -> LabelledSet:
    """Opens one split of a labelled folder, and sees that every document of it is there.

    Raises:
        UsageError: the folder is not laid out like this, has no such split, or lacks a document.
    """
    splits = _json_object(folder / "splits.json")
    if split not in splits:
        raise UsageError(
            f"{folder / 'splits.json'} has no split {split!r}.",
            remedy=f"It has: {', '.join(sorted(splits))}.",
        )
    docs = folder / "docs"
    if not docs.is_dir():
        raise UsageError(
            f"{docs} is no folder.", remedy="Put the documents there, named <id>.pdf or <id>.jpg."
        )
    by_name = {path.name: path for path in docs.iterdir()} | {path.stem: path for path in docs.iterdir()}
    found = []
    for name in splits[split][:limit]:
        path = by_name.get(str(name))
        if path is None:
            raise UsageError(
                f"{docs} has no document {name!r}.", remedy="Correct splits.json or add the file."
            )
        labelled = (folder / "truth" / f"{name}.json").exists()
        found.append((str(name) if labelled else path.stem, path))
    skip_file = folder / "skip_fields.json"
    skips = _json_object(skip_file) if skip_file.exists() else {}
    return LabelledSet(
        folder, split, tuple(found), {name: frozenset(fields) for name, fields in skips.items()}
    )


def evaluate(
    labelled: LabelledSet,
    schema: LoadedSchema,
    extract: Extract,
    *,
    model: str = "",
    judged_by: dict[str, Any] | None = None,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> list[DocumentResult]:
    """Extracts every document of a split and judges it.

    Args:
        labelled: the documents and their labels.
        schema: what ``extract`` extracts, for what is a number and what a date.
        extract: from a path to an extraction; a document that cannot be read is one without data. It tells what was
            read, if anything was, for the ceiling.
        model: who answers; with ``kept``.
        judged_by: under which calibration and budget (`Judge.record`); with ``kept``.
        kept: file of what is done already; what it has of the same model, schema, document and labels is not asked
            again.
        progress: told before each document.

    Raises:
        UsageError: a document has no labels.
    """
    head = {"version": VERSION, "model": model, "judged_by": judged_by or {}, "schema": schema.fingerprint}
    done = _Kept(kept, head) if kept else None
    slices = _slices(labelled)
    found = []
    for position, (name, path) in enumerate(labelled.documents, start=1):
        if progress is not None:
            progress(position, len(labelled.documents), name)
        truth = labelled.truth(name)
        skip = labelled.skips.get(name, frozenset())
        key = f"{_digest(path.read_bytes())}/{_digest(json.dumps([truth, sorted(skip)]).encode())}"
        kept_before = done.get(key) if done else None
        if kept_before is None:
            read: list[ReadDocument] = []
            extraction = extract(path, read.append)
            document = read[0] if read else None
            result = result_of(
                name, truth, extraction, schema, skip=skip, document=document, slices=slices.get(name)
            )
        else:  # what it is called and told apart by may have changed since
            own = {**kept_before.slices, **slices.get(name, {})}
            result = kept_before.model_copy(update={"name": name, "slices": own})
        if done and result != kept_before:
            done.add(key, result)
        found.append(result)
    return found


AGAIN = "failed"
"""The outcome that is tried again: the model failed, not the document."""


class _Kept:
    """Results by key, in a file that a later call goes on with; one with another head is begun anew."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self.path = path
        self.known: dict[str, DocumentResult] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if not lines or lines[0] != json.dumps(head):
            path.write_text(json.dumps(head) + "\n", encoding="utf-8")
            return
        for line in lines[1:]:
            try:
                read = json.loads(line)
                self.known[str(read["key"])] = DocumentResult.model_validate(read["result"])
            except (ValueError, KeyError, TypeError):  # the last line of a process that was killed
                continue
        whole = [lines[0], *(_line(key, result) for key, result in self.known.items())]
        path.write_text("".join(line + "\n" for line in whole), encoding="utf-8")

    def get(self, key: str) -> DocumentResult | None:
        found = self.known.get(key)
        return None if found is None or found.outcome == AGAIN else found

    def add(self, key: str, result: DocumentResult) -> None:
        with self.path.open("a", encoding="utf-8") as log:
            log.write(_line(key, result) + "\n")


def _line(key: str, result: DocumentResult) -> str:
    return json.dumps({"key": key, "result": result.model_dump(mode="json")})


def read_results(path: Path) -> list[DocumentResult]:
    """The results that an evaluation kept, in the order in which they came.

    Raises:
        UsageError: there are none, or they are of another version.
    """
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        if json.loads(head)["version"] != VERSION:
            raise ValueError("it is of another version")
        results = [DocumentResult.model_validate(json.loads(line)["result"]) for line in lines]
        return list(
            {one.name: one for one in results}.values()
        )  # the last one of a document whose label changed
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} has no results of an evaluation: {error}",
            remedy="Give the folder that `parquetry evaluate FOLDER --report DIR` wrote.",
        ) from error


def predicted(path: Path) -> Extract:
    """Extractions that `parquetry extract --output` wrote, found by the documents' file names.

    Raises:
        UsageError: the file cannot be read, or has a line that is no extraction.
    """
    by_name: dict[str, Extraction] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            extraction = Extraction.model_validate_json(line)
            by_name[extraction.document.rpartition("/")[2]] = extraction
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} has no extractions: {str(error).splitlines()[0]}",
            remedy="Give a file that `parquetry extract ... --output FILE` wrote.",
        ) from error

    def look_up(document: Path, seen: Seen) -> Extraction:
        found = by_name.get(document.name)
        if found is not None:
            return found
        return Extraction(
            document=document.name,
            outcome="failed",
            schema_name="",
            schema_fingerprint="",
            model=next((one.model for one in by_name.values()), ""),
            detail="no prediction",
        )

    return look_up


def with_reading(extract: Extract, pool: ReaderPool) -> Extract:
    """``extract``, with the documents read beside it: what they say is told, what cannot be read is not."""

    def both(path: Path, seen: Seen) -> Extraction:
        with suppress(OSError, DocumentError):  # the extraction says what is wrong with it
            seen(pool.read(document_ref(path, path.name), path))
        return extract(path, seen)

    return both


def _slices(labelled: LabelledSet) -> dict[str, dict[str, str]]:
    """What ``slices.json`` says of documents, if the set has one: ``{"ID": {"language": "de"}}``."""
    path = labelled.folder / "slices.json"
    said = _json_object(path) if path.is_file() else {}
    if not all(isinstance(value, dict) for value in said.values()):
        raise UsageError(
            f"{path}: each document needs an object.", remedy='Write {"ID": {"language": "de"}}.'
        )
    return {name: {str(k): str(v) for k, v in value.items()} for name, value in said.items()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _json_object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.", remedy="Is this a labelled set?") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.", remedy="Correct the file.") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds no JSON object.", remedy="Correct the file.")
    return data
