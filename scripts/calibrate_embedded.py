"""Fits the calibration that the embedded model ships with, on documents that its last training run did not see.

    python -m scripts.calibrate_embedded DATA WORK

DATA holds the labelled folders that the model was trained on (`sroie`, `ad_buy`, `einvoice`, `fara_scans`); they are no
part of the project. WORK keeps readings and judged answers: a call that was stopped goes on, and one after a change of
rules need not recognise any page again (after a change of the reader, give a new one). What the shipped file has of
this very model and these rules is not asked again either: another machine goes on where the last one ended. Written are
``calibration.json`` and ``judged.jsonl.gz`` of the model folder; no text of any document is in them.

Asked are

- the part of each training split that was held out of the third run (drawn by hash, see `SHARES`), under other names on
  the page and in the labels (`extractors.training.renamed`); the receipts as they are besides, with their misreadings;
- for schemas that the model does not know: made-up documents of seeds that training never draws, under their own
  schemas and under names drawn anew, and some documents of each folder under keys that say nothing.

Earlier runs had seen the documents of the folders, so nothing of this proves a budget: the records say so
(`JudgedRecord.proves`).
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from extractors.confidence.calibrate import calibrate, judge_fields, kept_line, kept_records
from extractors.confidence.calibrator import Calibrator, UnknownSchemas
from extractors.confidence.fit import JudgedDocument
from extractors.confidence.judged import FILE as JUDGED
from extractors.confidence.judged import JudgedRecord, line_of, read_judged, record_of
from extractors.confidence.reliability import reliability
from extractors.evaluation.run import LabelledSet, open_set
from extractors.reading import document_ref
from extractors.training.dataset import truth_of
from extractors.training.renamed import Renamer
from extractors.training.synthesis.examples import SynthesisOptions, document_seed
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.scan import scanned_words
from extractors.training.synthesis.schemas import folder_schema
from extractors.training.synthesis.sheet_reading import read_sheet
from extractors.training.synthesis.sheets import make_sheet
from flows.calibration import identity, shipped_folder
from flows.extractor import Extractor, extractor_for
from flows.settings import load_settings
from schemas.document import READ_DOCUMENT, ReadDocument
from schemas.errors import DocumentError
from schemas.registry import LoadedSchema, from_json_schema, load_schema

SHARES = {"sroie": 20, "ad_buy": 20, "einvoice": 25, "fara_scans": 12}
"""Percent of each training split, by hash of the id; the third run was given none of these."""
UNNAMED = {"sroie": 17, "ad_buy": 8, "einvoice": 8, "fara_scans": 8}
"""Documents of each folder that are asked about under keys that say nothing as well."""
SENDERS = {"sroie": "company", "einvoice": "seller_name"}
"""The truth that documents of one sender share. New ones come from others: no fold may learn from one's own sender."""
MADE_UP = 10
"""Made-up documents of each kind; every second one under names drawn anew."""
A_ROUND = 4
"""Made-up documents beside one of each folder: a call that ends early leaves a mixture."""
LEFT_OUT = ("utility_bill",)
"""Kinds that the model is measured on."""
SEED = 977
SCANS = 0.3


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that was read, with what is true of it."""

    document: ReadDocument
    truth: dict[str, Any]
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """A document under a schema. It is read, or made, when somebody asks for it: most were answered long ago."""

    name: str
    source: str
    schema: LoadedSchema
    group: str
    """Of those that tell of one another: the same page, papers of one sender."""
    paper: Callable[[], Paper]
    """Raises `DocumentError` where the file cannot be read."""

    @property
    def key(self) -> str:
        """What its judged answer is kept under."""
        return hashlib.sha256(f"{self.name}/{self.schema.fingerprint}".encode()).hexdigest()


def held_out(folder: Path) -> LabelledSet:
    """The part of a training split that the third run was not given."""
    whole = open_set(folder, "train")
    share = SHARES[folder.name]
    kept = [(name, path) for name, path in whole.documents if _hash(f"cal/{name}") % 100 < share]
    return replace(whole, documents=tuple(kept))


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def questions(data: Path, read: Callable[[Path], ReadDocument]) -> Iterator[Question]:
    """All of them, in an order that leaves a mixture wherever a call ends."""
    first, *others = SHARES
    yield from chain.from_iterable(_of_folder(data / first, read))
    kinds = [kind for kind in KINDS if kind not in LEFT_OUT]
    made = (_made_up(kind, number) for number in range(MADE_UP) for kind in kinds)
    folders = [_of_folder(data / name, read) for name in others]
    while True:
        asked = [*chain.from_iterable(next(folder, ()) for folder in folders), *islice(made, A_ROUND)]
        if not asked:
            return
        yield from asked


def _of_folder(folder: Path, read: Callable[[Path], ReadDocument]) -> Iterator[list[Question]]:
    """The questions about each document that was held out of a folder."""
    schema = load_schema(str(folder / "schema.json"))
    unnamed, renamed_keys = without_names(schema)
    names = [name for name, _ in open_set(folder, "train").documents]
    renamer = Renamer(truth_of(folder, name) for name in names)
    labelled = held_out(folder)
    for number, (name, path) in enumerate(labelled.documents):
        truth, skip = labelled.truth(name), labelled.skips.get(name, frozenset())
        at = f"{folder.name}/{name}"
        plain, renamed = _papers(partial(read, path), truth, skip, renamer, schema, at)
        sender = str(truth.get(SENDERS.get(folder.name, "")) or "")
        letters = "".join(char for char in sender.upper() if char.isalnum())
        group = f"{_hash(f'{folder.name}/{letters or name}'):064x}"[:16]
        found = [Question(f"{at}/renamed", folder.name, schema, group, renamed)]
        if folder.name == "sroie":
            found.append(Question(at, folder.name, schema, group, plain))
        if number < UNNAMED[folder.name]:
            asked = partial(_under_other_keys, renamed, renamed_keys)
            found.append(Question(f"{at}/unnamed", f"{folder.name}, unnamed", unnamed, group, asked))
        yield found


def _papers(
    read: Callable[[], ReadDocument],
    truth: dict[str, Any],
    skip: frozenset[str],
    renamer: Renamer,
    schema: LoadedSchema,
    at: str,
) -> tuple[Callable[[], Paper], Callable[[], Paper]]:
    """A labelled document as it is and under other names; read once, and only for who asks."""

    @cache
    def plain() -> Paper:
        return Paper(read(), truth, skip)

    @cache
    def renamed() -> Paper:
        return Paper(*renamer.renamed(plain().document, truth, schema.tree, random.Random(at)), skip)

    return plain, renamed


def _under_other_keys(paper: Callable[[], Paper], renamed_keys: Callable[[Any], Any]) -> Paper:
    return Paper(paper().document, renamed_keys(paper().truth))


def without_names(schema: LoadedSchema) -> tuple[LoadedSchema, Callable[[Any], Any]]:
    """The schema with keys that say nothing, and what labels are called under it. Descriptions stay."""
    data = copy.deepcopy(schema.json_schema)
    keys: dict[str, str] = {}

    def walk(node: Any) -> None:
        if not isinstance(node, dict):
            return
        if isinstance(properties := node.get("properties"), dict):
            for key in properties:
                keys.setdefault(key, f"f_{len(keys) + 10}")
            node["properties"] = {keys[key]: child for key, child in properties.items()}
            node["required"] = [keys[key] for key in node.get("required", []) if key in keys]
            for child in properties.values():
                walk(child)
        walk(node.get("items"))

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {keys.get(key, key): rename(child) for key, child in value.items()}
        return [rename(child) for child in value] if isinstance(value, list) else value

    walk(data)
    return from_json_schema(data, f"{schema.name}_unnamed"), rename


def _made_up(kind: str, number: int) -> Question:
    seed = document_seed(SynthesisOptions(seed=SEED, split="dev"), number)
    sheet = make_sheet(seed, kind)
    drawn = folder_schema(KINDS[kind], sheet.truth, None if number % 2 == 0 else SEED + number)
    chance = random.Random(f"scan/{seed}")

    @cache
    def paper() -> Paper:
        scanned = chance.random() < SCANS
        return Paper(scanned_words(sheet, chance) if scanned else read_sheet(sheet), drawn.truth)

    return Question(f"made-up/{kind}/{number}", "made-up", drawn.schema, "", paper)


class Work:
    """What is done: readings and judged answers, each kept as soon as it is there.

    Args:
        folder: where they are kept.
        extractor: that reads and answers.
        model_id: of the model that answers.
        shipped: what the model folder has.
    """

    def __init__(
        self, folder: Path, extractor: Extractor, model_id: str, shipped: Iterable[JudgedRecord]
    ) -> None:
        self.readings = folder / "readings"
        self.readings.mkdir(parents=True, exist_ok=True)
        self.kept = folder / f"judged-{hashlib.sha256(model_id.encode()).hexdigest()[:12]}.jsonl"
        self.done = {one.sha256: one for one in shipped} | kept_records(self.kept, model_id)
        self.extractor = extractor

    def read(self, path: Path) -> ReadDocument:
        """The reading of a file, from the folder where it was read before."""
        key = path.read_bytes() + self.extractor.read_options.model_dump_json().encode()
        kept = self.readings / f"{hashlib.sha256(key).hexdigest()}.json"
        if not kept.is_file():
            made = self.extractor.reader.read(
                document_ref(path, path.name), path, self.extractor.read_options
            )
            aside = kept.with_suffix(".tmp")
            aside.write_bytes(READ_DOCUMENT.dump_json(made))
            aside.replace(kept)
        return READ_DOCUMENT.validate_json(kept.read_bytes())

    def judged(self, question: Question, *, ask: bool = True) -> JudgedRecord | None:
        """What is known of a question; asks where nothing is, if it may. ``None``: not asked, or it cannot be read."""
        record = self.done.get(question.key)
        if record is None and ask:
            try:
                record = self._asked(question)
            except DocumentError as error:
                print(f"{question.name}: {error}", file=sys.stderr)
                return None
            with self.kept.open("a", encoding="utf-8") as log:
                log.write(kept_line(question.key, record) + "\n")
        if record is None:
            return None
        return replace(record, document=replace(record.document, group=question.group))

    def _asked(self, question: Question) -> JudgedRecord:
        paper = question.paper()
        validated = self.extractor.answered(question.schema, paper.document)
        fields = judge_fields(validated, paper.truth, question.schema, paper.skip)
        document = JudgedDocument(question.schema.fingerprint, tuple(fields))
        record = JudgedRecord(question.key, question.schema.name, question.source, document, proves=False)
        return record_of(line_of(record))  # rounded as it is kept: a fit is the same after a stop


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.calibrate_embedded", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="ask no more after so long, and fit"
    )
    given = parser.parse_args()
    settings = load_settings().model_copy(update={"model": "embedded"})
    records: list[JudgedRecord] = []
    with extractor_for(settings.model_copy(update={"schema_": "invoice"}), None, judged=False) as extractor:
        model_id = identity(settings, extractor.backend.model_id)
        folder = shipped_folder(settings)
        if folder is None:
            sys.exit("The embedded model has no folder to write to.")
        work = Work(given.work, extractor, model_id, read_judged(folder / JUDGED, model_id))
        began = time.monotonic()
        for number, question in enumerate(questions(given.data, work.read), start=1):
            spent = time.monotonic() - began
            record = work.judged(question, ask=spent < 60 * given.minutes)
            if record is not None:
                right = sum(field.right for field in record.document.fields)
                said = f"{right} of {len(record.document.fields)} right"
                print(f"{number} {question.name}: {said}, {spent:.0f} s", flush=True)
                records.append(record)
    records = [one for one in records if one.document.fields]
    made = calibrate(records, [], model_id)
    replace(made, calibrator=_without_strange_schemas(made.calibrator)).write(folder)
    _tell(made.records, made.fitted.scored)


def _without_strange_schemas(made: Calibrator) -> Calibrator:
    """Without the levels of single schemas that nobody will ask: made-up ones, and those whose keys say nothing."""
    if made.unknown is None:
        return made
    bare = {
        name: getattr(made.unknown, name).model_copy(update={"groups": {}}) for name in ("values", "nulls")
    }
    return made.model_copy(update={"unknown": UnknownSchemas(**bare)})


def _tell(records: tuple[JudgedRecord, ...], scored: tuple[Any, ...]) -> None:
    """By source: how right, how much was promised by fits that had not seen the document, how far off."""
    pairs: dict[str, list[tuple[float, bool]]] = {}
    for record, document in zip(records, scored, strict=True):
        pairs.setdefault(record.source, []).extend((1 - v.risk, not v.wrong) for v in document.values)
    print(f"{'source':<28}{'fields':>8}{'right':>8}{'promised':>10}{'ECE':>8}")
    for source, both in sorted(pairs.items()):
        curve = reliability(both)
        promised = sum(p for p, _ in both) / len(both)
        print(f"{source:<28}{len(both):>8}{curve.right:>8.3f}{promised:>10.3f}{curve.ece:>8.3f}")


if __name__ == "__main__":
    main()
