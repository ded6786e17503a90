"""Invoices: English, German, two pages, a credit note, and one with an ambiguous date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from samples.make.paper import A4, LETTER, Sheet, Truth

LEFT, RIGHT = 56.0, A4[0] - 56
HEADER_FIELDS = (
    "document_type", "document_number", "issue_date", "due_date", "seller_name", "seller_address",
    "seller_vat_id",
    "buyer_name", "buyer_address", "buyer_vat_id", "order_reference", "currency", "iban", "payment_terms",
    "net_total", "tax_rate", "tax_total", "gross_total", "amount_due",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One billed position; numbers as plain decimals."""

    description: str
    quantity: str
    unit_price: str
    total: str


def studio() -> tuple[bytes, Truth]:
    """A design studio's invoice: labels right of the address, three positions."""
    truth = Truth()
    truth.add("document_type", None, "invoice")
    sheet = Sheet(A4, "Invoice", "Vera")
    sheet.text(LEFT, 80, truth.add("seller_name", "Paper Lantern Studio Ltd"), 17, bold=True, color="#23395b")
    sheet.text(LEFT, 96, address(truth, "seller", "9 Foundry Yard, Eastwick EW2 7QT"), 8.5)
    sheet.text(LEFT, 108, "VAT no. " + truth.add("seller_vat_id", "GB 418 2201 75"), 8.5)
    sheet.text(RIGHT, 80, "INVOICE", 17, align="right", color="#8a8a8a")
    sheet.text(LEFT, 152, "Billed to", 8, color="#777777")
    sheet.text(LEFT, 167, truth.add("buyer_name", "Marlow & Finch Publishing"), 10.5, bold=True)
    sheet.text(LEFT, 181, address(truth, "buyer", "31 Quayside, Northmere NM1 3RA"), 9.5)
    for index, (label, value) in enumerate((
        ("Invoice number", truth.add("document_number", "PLS-2026-0117")),
        ("Issue date", truth.add("issue_date", "14 March 2026", "2026-03-14")),
        ("Due date", truth.add("due_date", "13 April 2026", "2026-04-13")),
        ("Your order", truth.add("order_reference", "PO 88213")),
    )):  # fmt: skip
        sheet.text(360, 152 + 15 * index, label, 9)
        sheet.text(RIGHT, 152 + 15 * index, value, 9, align="right")
    items = (
        Item("Cover design, hardback", "3", "480.00", "1440.00"),
        Item("Typesetting per page", "212", "3.25", "689.00"),
        Item("Proof corrections, hourly", "6.5", "52.00", "338.00"),
    )
    y = table(sheet, truth, items, 240, ("Description", "Qty", "Unit price", "Amount"))
    y = totals(sheet, y, (
        ("Net total", truth.add("net_total", "2,467.00", "2467.00")),
        ("VAT " + truth.add("tax_rate", "20%", "20"), truth.add("tax_total", "493.40")),
        ("Total " + truth.add("currency", "GBP"), truth.add("gross_total", "2,960.40", "2960.40")),
    ))  # fmt: skip
    sheet.text(LEFT, y + 40, "Payment terms: " + truth.add("payment_terms", "30 days net"), 9)
    sheet.text(LEFT, y + 54, "IBAN " + truth.add("iban", "GB82 WEST 1234 5698 7654 32"), 9)
    return finish(sheet, truth)


def german() -> tuple[bytes, Truth]:
    """A German Rechnung: decimal comma, day first, Umsatzsteuer."""
    truth = Truth()
    truth.add("document_type", None, "invoice")
    sheet = Sheet(A4, "Rechnung", "Helvetica")
    seller = truth.add("seller_name", "Kesselbrink Werkzeugbau GmbH")
    street = address(truth, "seller", "Am Alten Hafen 12, 24939 Lindenförde")
    sheet.text(RIGHT, 70, seller, 14, bold=True, align="right")
    sheet.text(RIGHT, 85, street, 9, align="right")
    sheet.text(RIGHT, 97, "USt-IdNr. " + truth.add("seller_vat_id", "DE811907980"), 9, align="right")
    sheet.lines(LEFT, 150, [truth.add("buyer_name", "Brauhaus Möwenstein AG")], 11)
    sheet.lines(LEFT, 165, ["Böttcherweg 4", "18055 Ostkapelle"], 10)
    truth.add("buyer_address", "Böttcherweg 4 18055 Ostkapelle")
    sheet.text(LEFT, 236, "Rechnung Nr. " + truth.add("document_number", "RE-20260298"), 13, bold=True)
    for index, (label, value) in enumerate((
        ("Rechnungsdatum", truth.add("issue_date", "27.02.2026", "2026-02-27")),
        ("Zahlbar bis", truth.add("due_date", "13.03.2026", "2026-03-13")),
        ("Ihre Bestellung", truth.add("order_reference", "BM-5512")),
    )):  # fmt: skip
        sheet.text(350, 150 + 15 * index, label, 9.5)
        sheet.text(RIGHT, 150 + 15 * index, value, 9.5, align="right")
    items = (
        Item("Spannfutter 125 mm", "2", "418.50", "837.00"),
        Item("Fräserhalter ISO 40", "4", "96.75", "387.00"),
        Item("Montage vor Ort (Std.)", "7.5", "84.00", "630.00"),
    )
    y = table(sheet, truth, items, 264, ("Bezeichnung", "Menge", "Einzelpreis", "Gesamt"), comma=True)
    y = totals(sheet, y, (
        ("Nettobetrag", truth.add("net_total", "1.854,00", "1854.00")),
        ("Umsatzsteuer " + truth.add("tax_rate", "19 %", "19"), truth.add("tax_total", "352,26", "352.26")),
        ("Rechnungsbetrag " + truth.add("currency", "EUR"), truth.add("gross_total", "2.206,26", "2206.26")),
    ))  # fmt: skip
    sheet.text(
        LEFT, y + 44, truth.add("payment_terms", "Zahlbar innerhalb von 14 Tagen ohne Abzug") + ".", 9.5
    )
    sheet.text(LEFT, y + 60, "Bankverbindung: IBAN " + truth.add("iban", "DE89 3704 0044 0532 0130 00"), 9.5)
    return finish(sheet, truth)


def two_pages() -> tuple[bytes, Truth]:
    """A supplier's invoice whose positions run over the page break."""
    truth = Truth()
    truth.add("document_type", None, "invoice")
    sheet = Sheet(LETTER, "Invoice", "Helvetica")
    right = LETTER[0] - 56
    sheet.text(LEFT, 70, truth.add("seller_name", "Tall Pines Restaurant Supply Inc."), 15, bold=True)
    sheet.text(LEFT, 86, address(truth, "seller", "6021 Depot Street, Fallow Creek, NE 68000"), 9)
    sheet.text(right, 70, "Invoice", 20, align="right")
    sheet.text(LEFT, 128, "SOLD TO", 8, bold=True)
    sheet.text(LEFT, 142, truth.add("buyer_name", "The Copper Kettle Diner"), 10)
    sheet.text(LEFT, 156, address(truth, "buyer", "77 Main Street, Summit Falls, CO 80000"), 10)
    for index, (label, value) in enumerate((
        ("Invoice #", truth.add("document_number", "309-44817")),
        ("Date", truth.add("issue_date", "January 22, 2026", "2026-01-22")),
        ("Terms", truth.add("payment_terms", "Net 21")),
        ("Due", truth.add("due_date", "February 12, 2026", "2026-02-12")),
    )):  # fmt: skip
        sheet.text(370, 128 + 15 * index, label, 9.5, bold=True)
        sheet.text(right, 128 + 15 * index, value, 9.5, align="right")
    items = [
        Item(name, quantity, price, str(Decimal(quantity) * Decimal(price)))
        for name, quantity, price in GOODS
    ]
    columns = ("Article", "Qty", "Price", "Extension")
    table(sheet, truth, items[:24], 214, columns, right=right)
    sheet.text(right, 756, "carried over to page 2", 8, align="right")
    sheet.page()
    sheet.text(LEFT, 60, "Tall Pines Restaurant Supply Inc.", 10, bold=True)
    sheet.text(right, 60, "Invoice # 309-44817, page 2", 9, align="right")
    y = table(sheet, truth, items[24:], 92, columns, first=24, right=right)
    net = sum(Decimal(item.total) for item in items)
    tax = (net * Decimal("0.055")).quantize(Decimal("0.01"))
    y = totals(sheet, y, (
        ("Subtotal", truth.add("net_total", f"{net:,}", str(net))),
        ("Sales tax " + truth.add("tax_rate", "5.5%", "5.5"), truth.add("tax_total", f"{tax:,}", str(tax))),
        ("Total " + truth.add("currency", "USD"), truth.add("gross_total", f"{net + tax:,}", str(net + tax))),
    ), right=right)  # fmt: skip
    sheet.text(LEFT, y + 40, "Thank you. Claims within five days of delivery.", 9)
    return finish(sheet, truth)


def plumber() -> tuple[bytes, Truth]:
    """A small trader's invoice with few details and an ambiguous date, 03/04/2026."""
    truth = Truth()
    truth.add("document_type", None, "invoice")
    sheet = Sheet(A4, "Invoice", "Helvetica")
    sheet.text(LEFT, 84, truth.add("seller_name", "R. Hallam Plumbing & Heating"), 16, bold=True)
    sheet.text(LEFT, 102, address(truth, "seller", "5 Weir Cottages, Brackenford BF3 8LN"), 10)
    sheet.rule(LEFT, 116, RIGHT, 1.4)
    sheet.text(LEFT, 148, "To: " + truth.add("buyer_name", "Brackenford Primary School"), 11)
    sheet.text(LEFT, 172, "Invoice no. " + truth.add("document_number", "1046"), 11)
    sheet.text(RIGHT, 172, "Date: " + truth.add("issue_date", "03/04/2026", "2026-04-03"), 11, align="right")
    items = (
        Item("Replace thermostatic valve", "4", "38.00", "152.00"),
        Item("Call-out and labour", "3", "45.00", "135.00"),
        Item("Sundry fittings", "1", "21.40", "21.40"),
    )
    y = table(sheet, truth, items, 216, ("Work done", "Qty", "Each", "Total"), size=11)
    truth.add("net_total", "308.40")
    total = truth.add("gross_total", "308.40")
    sheet.row(y + 10, [(RIGHT - 90, "Total due", "right"), (RIGHT, total, "right")], 13, bold=True)
    sheet.text(
        LEFT, y + 60, "Not VAT registered. " + truth.add("payment_terms", "Payment on receipt") + ".", 10
    )
    return finish(sheet, truth)


def credit_note() -> tuple[bytes, Truth]:
    """Money back: a credit note."""
    truth = Truth()
    truth.add("document_type", None, "credit_note")
    sheet = Sheet(A4, "Credit note", "Vera")
    sheet.box(0, 0, A4[0], 48, fill="#efe9dd", weight=0)
    sheet.text(LEFT, 32, truth.add("seller_name", "Bluebell Textiles Ltd"), 15, bold=True)
    sheet.text(RIGHT, 32, "CREDIT NOTE", 13, align="right")
    sheet.text(LEFT, 72, address(truth, "seller", "Mill Lane 40, Northmere NM7 1AB"), 9)
    sheet.text(LEFT, 84, "VAT no. " + truth.add("seller_vat_id", "GB 552 9031 48"), 9)
    sheet.text(LEFT, 128, truth.add("buyer_name", "Hotel Seven Gables"), 10.5, bold=True)
    sheet.text(LEFT, 142, address(truth, "buyer", "2 Cliff Walk, Eastwick EW9 9ZZ"), 9.5)
    for index, (label, value) in enumerate((
        ("Credit note", truth.add("document_number", "CN-00731")),
        ("Date", truth.add("issue_date", "2026-02-20")),
        ("For invoice", "BT-11962"),
    )):  # fmt: skip
        sheet.text(380, 128 + 15 * index, label, 9)
        sheet.text(RIGHT, 128 + 15 * index, value, 9, align="right")
    items = (
        Item("Bath towel 70x140, returned", "25", "11.20", "280.00"),
        Item("Pillow case, faulty seam", "12", "4.75", "57.00"),
    )
    y = table(sheet, truth, items, 210, ("Article", "Qty", "Price", "Amount"))
    totals(sheet, y, (
        ("Net", truth.add("net_total", "337.00")),
        ("VAT " + truth.add("tax_rate", "20%", "20"), truth.add("tax_total", "67.40")),
        ("Credit " + truth.add("currency", "GBP"), truth.add("gross_total", "404.40")),
    ))  # fmt: skip
    return finish(sheet, truth)


def address(truth: Truth, party: str, text: str) -> str:
    """Records a one-line address."""
    return truth.add(f"{party}_address", text)


def table(
    sheet: Sheet, truth: Truth, items: Sequence[Item], y: float, names: tuple[str, str, str, str], *,
    comma: bool = False, first: int = 0, right: float = RIGHT, size: float = 9.5,
) -> float:  # fmt: skip
    """The positions, each recorded; the baseline after them."""
    columns = (LEFT, right - 190, right - 95, right)
    aligns = ("left", "right", "right", "right")
    sheet.row(y, list(zip(columns, names, aligns, strict=True)), size, bold=True)
    sheet.rule(LEFT, y + 6, right)
    y += 2.2 * size
    for index, item in enumerate(items, start=first):
        base = f"line_items.{index}."
        cells = [truth.add(base + "description", item.description)]
        for name, value in (
            ("quantity", item.quantity),
            ("unit_price", item.unit_price),
            ("line_total", item.total),
        ):
            cells.append(truth.add(base + name, local(value, comma), value))
        sheet.row(y, list(zip(columns, cells, aligns, strict=True)), size)
        y += 2 * size
    sheet.rule(LEFT, y - size, right)
    return y + size


def totals(sheet: Sheet, y: float, rows: tuple[tuple[str, str], ...], *, right: float = RIGHT) -> float:
    """Labels and sums at the right, the last one bold; the baseline after them."""
    for index, (label, amount) in enumerate(rows):
        bold = index == len(rows) - 1
        sheet.row(y, [(right - 95, label, "right"), (right, amount, "right")], 11 if bold else 9.5, bold=bold)
        y += 18
    return y


def local(number: str, comma: bool) -> str:
    """``1440.00`` as ``1,440.00``, or as ``1.440,00`` where the comma is decimal."""
    shown = f"{Decimal(number):,}"
    return shown.translate(str.maketrans(",.", ".,")) if comma else shown


def finish(sheet: Sheet, truth: Truth) -> tuple[bytes, Truth]:
    """Ends the document; header fields that were not drawn are not on it."""
    truth.absent(*(name for name in HEADER_FIELDS if name not in truth.values))
    return sheet.pdf(), truth


GOODS = (
    ("Dinner plate 27 cm", "48", "6.40"), ("Soup bowl", "36", "4.15"), ("Dessert plate", "48", "3.90"),
    ("Coffee cup 20 cl", "60", "2.85"), ("Saucer", "60", "1.95"), ("Espresso cup", "24", "2.45"),
    ("Water glass", "72", "1.60"), ("Wine glass", "48", "3.20"), ("Beer mug", "36", "3.75"),
    ("Table knife", "72", "2.10"), ("Table fork", "72", "1.85"), ("Table spoon", "48", "1.85"),
    ("Tea spoon", "72", "1.10"), ("Steak knife", "36", "4.60"), ("Serving tongs", "8", "7.25"),
    ("Ladle 12 cl", "6", "8.90"), ("Whisk 30 cm", "4", "9.35"), ("Chef knife 25 cm", "3", "41.50"),
    ("Cutting board red", "4", "18.75"), ("Cutting board green", "4", "18.75"),
    ("Sheet pan half", "12", "11.30"), ("Stock pot 24 l", "2", "86.00"), ("Saucepan 3 l", "4", "34.20"),
    ("Frying pan 28 cm", "6", "29.95"),
    ("Sieve fine", "3", "14.60"), ("Mixing bowl 8 l", "5", "16.40"), ("Salt shaker", "30", "1.75"),
    ("Pepper mill", "20", "6.95"), ("Napkin holder", "30", "3.30"), ("Oven mitt pair", "6", "9.80"),
    ("Apron black", "10", "12.50"), ("Dish cloth, pack of 12", "4", "15.20"),
    ("Floor mat 60x90", "3", "38.75"),
)  # fmt: skip
