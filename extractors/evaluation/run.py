"""Evaluating a way of extracting on a folder of labelled documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from extractors.evaluation.metrics import judge
from extractors.evaluation.report import Report
from schemas.errors import UsageError
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema, load_schema

Progress = Callable[[int, int, str], None]
"""Called before each document: its position from 1, the number of documents, its name."""


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
    folder: Path,
    split: str,
    extract: Callable[[Path], Extraction],
    *,
    schema: LoadedSchema | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Extracts every document of a split and judges it.

    Args:
        folder: a labelled set (`LabelledSet`).
        split: a key of its ``splits.json``, usually ``dev``.
        extract: from a path to an extraction; a document that cannot be read is one without data.
        schema: what ``extract`` extracts, for what is a number and what a date; the folder's ``schema.json``
            when absent.
        limit: only the first so many documents.
        progress: told before each document.

    Raises:
        UsageError: the folder is not a labelled set.
    """
    labelled = open_set(folder, split, limit)
    tree = (schema or load_schema(folder / "schema.json")).tree
    report = Report(labelled.name, split)
    for position, (name, path) in enumerate(labelled.documents, start=1):
        if progress is not None:
            progress(position, len(labelled.documents), name)
        truth = labelled.truth(name)
        started = perf_counter()
        extraction = extract(path)
        seconds = perf_counter() - started
        report.add(
            name, judge(truth, extraction, tree, labelled.skips.get(name, frozenset())), extraction, seconds
        )
    return report


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
