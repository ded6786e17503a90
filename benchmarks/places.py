"""Is a value found at its right place? Generated documents with repeated values, each place known.

    python -m benchmarks.places [--documents 60] [--seed 0]

The answer is given (the true text of every field), so that only the choice among the places of a text is measured:
the first place in reading order, labels near by, and labels with the places of the scripted rules.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from rich.console import Console
from rich.table import Table

from extractors.backends.base import Span
from extractors.backends.scripted import ScriptedBackend
from extractors.decoding.row import Decoded
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.options import ReadOptions
from extractors.prompting.window import windows_of
from extractors.reading import ReaderPool, document_ref
from schemas.document import ReadDocument
from schemas.registry import LoadedSchema, load_schema

SIZE = 10.0
HEIGHT = 792.0
STATIONS = ["KQRS-TV", "WBNM", "Channel 12 Eastport", "WXLT-FM"]
BUYERS = ["Friends of Dana Whitlow", "Harbor Jobs Coalition", "Citizens for Clean Lakes", "Okafor for Senate"]


@dataclass(slots=True)
class Sheet:
    """A page being drawn; ``places`` has for each field the left upper corners that count as right."""

    canvas: Canvas
    places: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def put(
        self, x: float, y: float, text: str, field_name: str | None = None, *, right: bool = False
    ) -> float:
        """Draws a text at ``y`` points from the top; gives where it ends."""
        self.canvas.setFont("Helvetica", SIZE)
        x = x - stringWidth(text, "Helvetica", SIZE) if right else x
        self.canvas.drawString(x, HEIGHT - y, text)
        if field_name:
            self.places.setdefault(field_name, []).append((x, y))
            self.texts[field_name] = text
        return x + stringWidth(text, "Helvetica", SIZE)

    def labelled(self, x: float, y: float, label: str, text: str, field_name: str, *, above: bool) -> None:
        """A text with its label: left of it, or in the line above."""
        if above:
            self.put(x, y - 13, label)
            self.put(x, y, text, field_name)
        else:
            self.put(self.put(x, y, label) + 8, y, text, field_name)


def ad_buy(sheet: Sheet, chance: random.Random) -> None:
    """An order with flight dates, weeks that repeat them, and the gross amount among equal sums."""
    above = chance.random() < 0.5
    start = dt.date(2026, chance.randint(1, 9), chance.randint(1, 20))
    end = start + dt.timedelta(days=7 * chance.randint(1, 3) - 1)
    written = chance.choice(["%m/%d/%Y", "%m/%d/%y", "%b %d, %Y"])
    first, last = start.strftime(written), end.strftime(written)
    number, buyer = str(chance.randint(100000, 999999)), chance.choice(BUYERS)
    gross = f"${chance.randint(5, 90) * 250:,}.00"
    sheet.put(40, 40, chance.choice(STATIONS))
    sheet.put(560, 40, f"Printed {first}", right=True)
    sheet.put(40, 60, f"Order for {buyer} as of {first} to {last}, {gross}, ref {number}")
    spots = [(40, 110), (300, 110), (40, 150), (300, 150)]
    chance.shuffle(spots)
    contract = chance.choice(["Contract / Revision", "Contract #", "Order Number", "Contract No."])
    sheet.labelled(
        *spots[0], chance.choice(["Advertiser", "Advertiser Name:"]), buyer, "advertiser", above=above
    )
    sheet.labelled(*spots[1], contract, number, "contract_num", above=above)
    sheet.labelled(
        *spots[2], chance.choice(["Flight Start Date", "Flight from:"]), first, "flight_from", above=above
    )
    sheet.labelled(
        *spots[3], chance.choice(["Flight End Date", "Flight to:"]), last, "flight_to", above=above
    )
    y = 200.0
    for week in range(4):
        sheet.put(40, y, str(week + 1))
        sheet.put(80, y, first if week < 2 else last)
        sheet.put(180, y, last)
        sheet.put(560, y, gross if week == 0 else "$0.00", right=True)
        y += 16
    sheet.put(360, y + 14, "Agency commission")
    sheet.put(560, y + 14, "$0.00", right=True)
    sheet.put(360, y + 30, chance.choice(["Gross Amount", "Total Gross", "Order gross total:"]))
    sheet.put(560, y + 30, gross, "gross_amount", right=True)
    sheet.put(360, y + 46, "Balance carried")
    sheet.put(560, y + 46, gross, right=True)
    sheet.put(40, 740, f"{number} {buyer} {first} {last} page 1")


def receipt(sheet: Sheet, chance: random.Random) -> None:
    """A receipt whose one item, tender and total are the same amount, and whose date stands in the foot too."""
    amount = f"{chance.randint(300, 9000) / 100:.2f}"
    day = dt.date(2026, chance.randint(1, 12), chance.randint(1, 28)).strftime("%d/%m/%Y")
    name = chance.choice(["MILL HARDWARE LTD", "GREEN LEAF GROCER", "PINE STREET BOOKS"])
    sheet.put(200, 40, name, "company")
    sheet.put(200, 56, f"{chance.randint(2, 99)} Station Road", "address")
    rows = ["item", "date", "cash"]
    chance.shuffle(rows)
    y = 100.0
    for row in rows:
        if row == "item":
            sheet.put(60, y, "1 x Goods")
            sheet.put(400, y, amount, right=True)
        elif row == "date":
            sheet.labelled(60, y, chance.choice(["Date", "Date:", "Invoice date"]), day, "date", above=False)
        else:
            sheet.put(60, y, "Card, approved")
            sheet.put(400, y, amount, right=True)
        y += 18
    sheet.put(60, y, chance.choice(["Total", "TOTAL INCL TAX", "Total payable"]))
    sheet.put(400, y, amount, "total", right=True)
    sheet.put(60, y + 24, f"Offer ends {day}. Thank you from {name}")


KINDS = {"ad_buy": ad_buy, "receipt": receipt}


def hits(
    document: ReadDocument, schema: LoadedSchema, sheet: Sheet, rules: Mapping[str, Span] | None
) -> dict[str, bool]:
    """By field, whether its value went to a right place. Without ``rules`` only labels speak."""
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    text = json.dumps({n: sheet.texts.get(n) for n, _ in schema.tree.fields}, separators=(",", ":"))
    answer = read_answer(Decoded(text, list(text), [0.0] * len(text)), schema.tree, index, rules)
    spans = {leaf.path: leaf.span for leaf in answer.leaves}
    return {name: _right(spans[name], corners) for name, corners in sheet.places.items()}


def first_hits(document: ReadDocument, schema: LoadedSchema, sheet: Sheet) -> dict[str, bool]:
    """The same with the first place in reading order, whatever is printed there."""
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    kinds = dict(schema.tree.fields)
    found = {}
    for name, corners in sheet.places.items():
        places = index.places(sheet.texts[name], kinds[name].kind)  # type: ignore[union-attr]
        found[name] = _right(Span(tuple(index.words(places[0]))) if places else None, corners)
    return found


def _right(span: Span | None, corners: list[tuple[float, float]]) -> bool:
    if span is None:
        return False
    box = span.words[0][1].box
    return any(box.x0 - 3 <= x <= box.x1 and box.y0 - 2 <= y <= box.y1 + 3 for x, y in corners)


def main() -> None:
    """Generates, reads, measures, prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    options = ReadOptions()
    with tempfile.TemporaryDirectory() as folder, ReaderPool(options) as pool:
        for number in range(asked.documents):
            kind = list(KINDS)[number % len(KINDS)]
            path = Path(folder) / f"{number}.pdf"
            sheet = Sheet(Canvas(str(path), pagesize=(612, HEIGHT)))
            KINDS[kind](sheet, random.Random(f"{asked.seed}/{number}"))
            sheet.canvas.save()
            schema = load_schema(kind)
            document = pool.read(document_ref(path, path.as_uri()), path, options)
            answer = ScriptedBackend().answer([document], schema)[0]
            rules = {leaf.path: leaf.span for leaf in answer.leaves if leaf.span is not None}
            ways = {
                "first hit": first_hits(document, schema, sheet),
                "labels": hits(document, schema, sheet, None),
                "labels and rules": hits(document, schema, sheet, rules),
            }
            for name in sheet.places:
                total[f"{kind}.{name}"] += 1
                for way, found in ways.items():
                    counts.setdefault(way, Counter())[f"{kind}.{name}"] += found[name]
    table = Table("field", "places", *counts, title=f"values at their right place, seed {asked.seed}")
    for name, n in sorted(total.items()):
        table.add_row(name, str(n), *(f"{c[name] / n:.3f}" for c in counts.values()))
    whole = total.total()
    table.add_row("all", str(whole), *(f"{c.total() / whole:.3f}" for c in counts.values()), style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
