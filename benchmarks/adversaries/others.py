"""Documents that are not what the schema asks for: of another type, blank, or in a language that was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from benchmarks.adversaries.paper import FONT
from benchmarks.adversaries.twins import Clean
from extractors.evaluation.metrics import judge
from schemas.extraction import Extraction
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema

Ask = Callable[[Path, LoadedSchema], Extraction]
"""The pipeline: one file under one schema."""

# Words of a receipt, by language: shop, street, date, item, subtotal, total, thanks. None of these was trained on.
_WORDS = {
    "Czech": ("Potraviny Dvořák", "Lidická 14, 602 00 Brno", "Datum", "Chléb", "Základ", "Celkem", "Děkujeme"),
    "Danish": ("Bageriet Nørgaard", "Algade 21, 4000 Roskilde", "Dato", "Rugbrød", "Moms", "I alt", "Tak"),
    "Finnish": ("Kauppa Virtanen", "Aleksanterinkatu 7, 33100 Tampere", "Päivä", "Leipä", "Vero", "Yhteensä", "Kiitos"),
    "Greek": ("Αρτοποιείο Νικολάου", "Ερμού 12, Αθήνα", "Ημερομηνία", "Ψωμί", "Καθαρή αξία", "Σύνολο", "Ευχαριστούμε"),
    "Hungarian": ("Kovács Pékség", "Fő utca 3, 6720 Szeged", "Dátum", "Kenyér", "Áfa", "Összesen", "Köszönjük"),
    "Portuguese": ("Padaria Moreira", "Rua Direita 45, Porto", "Data", "Pão", "Base", "Total a pagar", "Obrigado"),
    "Romanian": ("Brutăria Ionescu", "Strada Lungă 8, 500058 Brașov", "Data", "Pâine", "Bază", "De plată", "Mulțumim"),
    "Swedish": ("Bageri Lindqvist", "Storgatan 5, 411 24 Göteborg", "Datum", "Bröd", "Moms", "Att betala", "Tack"),
    "Turkish": ("Yıldız Fırını", "Atatürk Caddesi 9, 35210 İzmir", "Tarih", "Ekmek", "Matrah", "Toplam", "Teşekkürler"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One document that the schema is not made for, and what came of it.

    ``filled``: fields with a value, of ``fields`` (choices apart: they are answered on any document). ``told``: the
    answer says that this is no such document. ``right``: of the labelled fields, where there are labels.
    """

    kind: str
    document: str
    schema: str
    filled: int
    fields: int
    told: bool
    accepted: bool
    right: int = 0
    labelled: int = 0


def _found(kind: str, document: str, schema: LoadedSchema, answer: Extraction) -> Found:
    fields = [f for f in answer.fields if f.grounding != "choice"]
    told = ReviewReason.WRONG_DOCUMENT_TYPE in answer.reasons
    filled = sum(f.raw is not None for f in fields)
    return Found(kind, document, schema.name, filled, len(fields), told, answer.accepted)


def wrong_schemas(cleans: Sequence[Clean], schemas: Sequence[LoadedSchema], ask: Ask) -> Iterator[Found]:
    """Every document under every schema that is not its own."""
    for clean in cleans:
        for schema in schemas:
            if schema.fingerprint != clean.schema.fingerprint:
                kind = f"{clean.schema.name} as {schema.name}"
                yield _found(kind, clean.name, schema, ask(clean.path, schema))


def blank_pages(schemas: Sequence[LoadedSchema], ask: Ask, folder: Path) -> Iterator[Found]:
    """Pages with nothing on them: digital, scanned, several."""
    for path in _write_blanks(folder):
        for schema in schemas:
            yield _found("blank", path.name, schema, ask(path, schema))


def _write_blanks(folder: Path) -> list[Path]:
    grain = np.random.default_rng(7).normal(246, 2.5, (1100, 800)).clip(0, 255).astype("uint8")
    paper = Image.fromarray(np.asarray(grain)).convert("RGB")
    kept = BytesIO()
    paper.save(kept, "PNG")
    made = []
    for name, pages, picture in (("blank", 1, False), ("blank-three", 3, False), ("blank-scan", 1, True)):
        path = folder / f"{name}.pdf"
        canvas = Canvas(str(path), pagesize=(595, 842))
        for _ in range(pages):
            if picture:
                canvas.drawImage(ImageReader(BytesIO(kept.getvalue())), 0, 0, 595, 842)
            canvas.showPage()
        canvas.save()
        made.append(path)
    photo = folder / "blank-photo.jpg"
    paper.save(photo, quality=85)
    return [*made, photo]


def languages(schema: LoadedSchema, ask: Ask, folder: Path) -> Iterator[Found]:
    """Receipts in languages that the embedded model has not been trained on, with their truth.

    Args:
        schema: the catalog's ``receipt``.
        ask: the pipeline.
        folder: where the receipts go.
    """
    if "Injected" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("Injected", str(FONT)))
    for number, language in enumerate(_WORDS):
        path = folder / f"{language.lower()}.pdf"
        truth = _write_receipt(path, language, number)
        answer = ask(path, schema)
        found = _found(language, path.name, schema, answer)
        counts = judge(truth, answer, schema.tree).fields.values()
        yield Found(
            found.kind, found.document, found.schema, found.filled, found.fields, found.told, found.accepted,
            sum(c.right for c in counts), sum(c.right + c.missed for c in counts),
        )  # fmt: skip


def _write_receipt(path: Path, language: str, number: int) -> dict[str, str]:
    shop, street, day, item, net, total, thanks = _WORDS[language]
    date = f"{13 + number:02d}.0{1 + number % 9}.2026"
    sums = [f"{11 + 7 * number},{40 + number}", f"{10 + 6 * number},{31 + number}"]
    rows = [(shop, ""), (street, ""), ("", ""), (f"{day}:", date), (f"2 x {item}", sums[0]), (net, sums[1]),
            (total, sums[0]), ("", ""), (thanks, "")]  # fmt: skip
    canvas = Canvas(str(path), pagesize=(300, 320))
    canvas.setFont("Injected", 11)
    for row, (left, right) in enumerate(rows):
        canvas.drawString(30, 280 - 22 * row, left)
        canvas.drawRightString(270, 280 - 22 * row, right)
    canvas.save()
    return {"company": shop, "address": street, "date": date, "total": sums[0].replace(",", ".")}
