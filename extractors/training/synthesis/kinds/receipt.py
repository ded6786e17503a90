"""Receipts of shops and restaurants: items, tax lines, rounding, cash and change on a narrow roll."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import ITEM, Line, Trade, cents, one_line, own

_FIELDS = (
    spec("company", "text", "company merchant_name store shop_name vendor haendler enseigne", "Shop.",
        "Name of the shop.", "Name of the firm that issued the receipt, with its legal form if printed."),
    spec("address", "text", "address store_address merchantAddress shop_addr anschrift", "Address.",
        "Address of the shop.", "Postal address of the issuing shop in one line, without phone and numbers."),
    spec("phone", "text", "phone tel store_phone telefon phoneNumber", "Phone.", "Phone number of the shop.",
        "Telephone number as printed on the receipt."),
    spec("tax_number", "text", "tax_number gst_no vat_reg_no taxId ust_id", "Tax number.", "GST or VAT number.",
        "Tax registration number of the shop."),
    spec("receipt_number", "text", "receipt_number bill_no receiptNo doc_no bonnummer", "Receipt number.",
        "Number of the receipt.", "Number that identifies this receipt at the shop.", key_field=True),
    spec("date", "date", "date purchase_date receipt_date datum transactionDate", "Date.", "Date of purchase.",
        "Day on which the receipt was issued, without the time.", key_field=True),
    spec("time", "text", "time purchase_time uhrzeit heure receiptTime", "Time.", "Time of purchase.",
        "Time of day as printed."),
    spec("subtotal", "number", "subtotal sub_total net_amount amount_before_tax zwischensumme", "Subtotal.",
        "Sum before tax and rounding.", "Sum of the items before tax, service and rounding, if printed."),
    spec("tax_total", "number", "tax_total tax gst_amount vat steuer", "Tax.", "Amount of tax.",
        "Total tax charged or included, as printed."),
    spec("rounding", "number", "rounding rounding_adjustment round_off rundung", "Rounding.", "Rounding adjustment.",
        "Amount by which the total was rounded, with its sign."),
    spec("total", "number", "total grand_total total_amount amount_paid summe totalDue", "Total.", "Amount to pay.",
        "Final amount including tax and rounding; neither the cash handed over nor the change."),
    spec("cash", "number", "cash cash_tendered amount_tendered gegeben paid_cash", "Cash.", "Cash handed over.",
        "What the customer gave in cash."),
    spec("change", "number", "change change_due rueckgeld rendu wisselgeld", "Change.", "Change given back.",
        "What the customer got back."),
    spec("items", "list", "items line_items articles artikel purchases", "Items.", "What was bought.",
        "All lines of goods in reading order.", fields=ITEM),
)  # fmt: skip


def _lines(trade: Trade, count: int) -> list[Line]:
    chance = trade.chance
    names = list(trade.terms.every(chance.choice(("groceries", "groceries", "meals"))))
    chance.shuffle(names)
    rate = Decimal(chance.choice(trade.voice.habits.rates))
    return [
        Line(
            name=names[at % len(names)] if at < len(names) else f"{names[at % len(names)]} {at // len(names) + 1}",
            code=trade.voice.code(trade.codes),
            quantity=Decimal(chance.randint(80, 3000)) / 1000
            if trade.may(0.05)
            else Decimal(chance.choice((1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 10))),
            unit="",
            price=cents(Decimal(str(round(chance.lognormvariate(1.6, 0.9), 2)))) + Decimal("0.10"),
            rate=rate,
        )
        for at in range(count)
    ]  # fmt: skip


def _count(trade: Trade, value: Decimal) -> str:
    return trade.voice.number(value, 0 if value == value.to_integral() else 3)


def _items(trade: Trade, lines: list[Line], show: Any) -> tuple[Table, list[dict[str, str | None]]]:
    """Columns as tills print them: the name alone or behind a code, how much of it, what it costs."""
    terms, number = trade.terms, trade.voice.number
    coded = trade.may(0.3)
    prices = trade.may(0.7)
    quantity_first = trade.may(0.3)
    letter = trade.chance.choice(("", "", " SR", " A", " *")) if trade.may(0.4) else ""
    heads = [terms("goods_item"), *([terms("unit_price")] if prices else []), terms("line_total")]
    heads.insert(0 if quantity_first else 1, terms("quantity"))
    price_side: list[Align] = ["right"] if prices else []
    aligns: list[Align] = ["left", *price_side, "right"]
    aligns.insert(0 if quantity_first else 1, "right")
    widths = [3.0, *([1.2] if prices else []), 1.3]
    widths.insert(0 if quantity_first else 1, 0.7)
    rows, truths = [], []
    for line in lines:
        name = f"{line.code} {line.name}" if coded else line.name
        row = [name, *([show(line.price)] if prices else []), show(line.total) + letter]
        row.insert(0 if quantity_first else 1, _count(trade, line.quantity))
        rows.append(tuple(row))
        truths.append({
            "description": line.name, "quantity": _count(trade, line.quantity), "line_total": number(line.total),
            "unit_price": number(line.price) if prices else None, "article": line.code if coded else None,
        })  # fmt: skip
    shown = tuple(heads) if trade.may(0.7) else ("",) * len(heads)
    return Table(shown, tuple(rows), tuple(aligns), tuple(widths)), truths


def _sums(
    trade: Trade, lines: list[Line], truth: dict[str, Any], show: Any
) -> tuple[list[Entry], list[Table]]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    number = voice.number
    inclusive = trade.may(0.6 if trade.locale[:2] == "en" and trade.locale != "en_US" else 0.8)
    inclusive = inclusive and trade.locale != "en_US"
    rate = lines[0].rate
    goods = sum((line.total for line in lines), Decimal(0))
    service = cents(goods / 10) if trade.may(0.08) else Decimal(0)
    base = goods + service
    tax = cents(base * rate / (100 + rate)) if inclusive else cents(base * rate / 100)
    due = base if inclusive else base + tax
    five = trade.locale in ("en_MY", "en_SG") and trade.may(0.75)
    total = (due * 20).quantize(Decimal(1), ROUND_HALF_UP) / 20 if five else due
    total = cents(total)
    entries: list[Entry] = []
    pieces = sum(int(line.quantity) or 1 for line in lines)
    entries += trade.some(((0.3, "total_qty", str(pieces)),))
    if not inclusive or trade.may(0.5):
        entries.append(Entry(terms("shop_subtotal"), show(goods)))
        truth["subtotal"] = number(goods)
    if service:
        entries.append(Entry(terms("service"), show(service)))
    name = (
        f"{voice.habits.tax} {trade.rate(rate)}%"
        if trade.may(0.7)
        else f"{voice.habits.tax} @{trade.rate(rate)}%"
    )
    if trade.may(0.1):
        entries.append(Entry(terms("discount"), show(Decimal("0.00"))))
    tables: list[Table] = []
    if not inclusive:
        entries.append(Entry(name, show(tax)))
        truth["tax_total"] = number(tax)
    if five and (total != due or trade.may(0.5)):
        if trade.may(0.5):  # the same word for what is not the total yet
            entries.append(Entry(terms("total"), show(due)))
        entries.append(Entry(terms("rounding"), number(total - due)))
        truth["rounding"] = number(total - due)
    entries.append(Entry(terms("shop_total"), show(total), strong=True))
    truth["total"] = number(total)
    if inclusive and trade.may(0.45):
        entries.append(Entry(terms("tax_included").format(name), show(tax)))
        truth["tax_total"] = number(tax)
    entries += _payment(trade, total, truth, show)
    if trade.may(0.3):
        rows = ((f"{chance.choice(('SR', 'S', 'A', 'B', '1'))} {trade.rate(rate)}%",
            number(base - tax if inclusive else base), number(tax)),)  # fmt: skip
        truth["tax_total"] = number(tax)
        heads = (terms("tax_summary"), terms("basis"), voice.habits.tax)
        tables.append(Table(heads, rows, ("left", "right", "right"), (1.4, 1.0, 1.0)))
    return entries, tables


def _payment(trade: Trade, total: Decimal, truth: dict[str, Any], show: Any) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    way = chance.random()
    if way < 0.5:
        note = Decimal(chance.choice((1, 5, 10, 50, 100)))
        cash = total if trade.may(0.2) else (total / note).to_integral(rounding="ROUND_CEILING") * note
        truth.update(cash=voice.number(cash), change=voice.number(cash - total))
        return [Entry(terms("cash"), show(cash)), Entry(terms("change"), show(cash - total))]
    if way < 0.8:
        digits = voice.code("####")
        card = Entry(
            f"{terms('card')} ************{digits}" if trade.may(0.5) else terms("card"), show(total)
        )
        return [card, *trade.some(((0.4, "auth", voice.code("######")),))]
    return []


def _head(trade: Trade, truth: dict[str, Any]) -> Party:
    voice, terms = trade.voice, trade.terms
    address = voice.address()
    truth.update(company=voice.firm(), address=one_line(address) if trade.may(0.93) else None)
    lines = list(address) if truth["address"] else []
    extra = []
    if trade.may(0.6):
        truth["phone"] = voice.phone()
        extra.append(f"{terms('phone')}: {truth['phone']}")
        if trade.may(0.3):
            extra.append(f"{terms('fax')}: {voice.phone()}")
    if trade.may(0.55):
        truth["tax_number"] = voice.tax_id()
        label = (
            trade.chance.choice(("GST No", "GST ID", "GST Reg No"))
            if voice.habits.tax == "GST"
            else terms("tax_no")
        )
        extra.append(f"{label}: {truth['tax_number']}")
    if trade.may(0.4):
        registration = voice.code("######-?")
        text = f"({registration})" if trade.may(0.6) else f"{terms('company_no')}: {registration}"
        lines.insert(0, text) if trade.may(0.7) else extra.append(text)
    return Party("", truth["company"], (*lines, *extra))


def make(chance: random.Random, locale: str) -> Facts:
    """A receipt of one item to some thirty."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    issuer = _head(trade, truth)
    show = voice.money if voice.sign and trade.may(0.3) else voice.number
    truth["date"] = voice.day()
    clock = f"{chance.randint(7, 22):02}:{chance.randint(0, 59):02}"
    clock += chance.choice(("", "", f":{chance.randint(0, 59):02}"))
    entries = []
    if trade.may(0.8):
        truth["time"] = clock
    if truth["time"] and trade.may(0.6):
        entries.append(Entry(terms("shop_date"), f"{truth['date']} {clock}"))
    else:
        entries.append(Entry(terms("shop_date"), truth["date"]))
        entries += [Entry(terms("time"), clock)] if truth["time"] else []
    if trade.may(0.85):
        truth["receipt_number"] = trade.number_of(chance.choice(("CS", "R", "B", "")))
        entries.append(Entry(terms("receipt_no"), truth["receipt_number"]))
    entries += trade.some((
        (0.4, "cashier", chance.choice((voice.person(), voice.code("##")))), (0.3, "till", voice.code("0#")),
        (0.15, "table_no", str(chance.randint(1, 40))), (0.12, "member", voice.code("8#######")),
        (0.1, "order_no", voice.code("###")), (0.06, "customer_no", voice.code("C####")),
    ))  # fmt: skip
    chance.shuffle(entries)
    lines = _lines(trade, chance.choice((1, 1, 2, 2, 3, 4, 5, 6, 8, 11, 16, chance.randint(18, 32))))
    table, truth["items"] = _items(trade, lines, show)
    totals, tables = _sums(trade, lines, truth, show)
    footer = chance.sample(
        terms.every("shop_thanks"), min(chance.choice((0, 1, 1, 2)), len(terms.every("shop_thanks")))
    )
    if trade.may(0.1):  # another firm's name, which is not the shop's
        footer.append(voice.firm())
    title = terms("receipt") if trade.may(0.6) else ""
    layouts = ("slip_columns", "slip_columns", "slip_lines", "slip_lines") + (
        ("centered",) if trade.may(0.3) else ()
    )
    return Facts(
        title, issuer, [], entries, [table, *tables], totals, truth=truth, footer=footer, layouts=layouts,
        language=terms.language,
    )  # fmt: skip


KIND = DocumentKind(
    "receipt",
    ("receipt", "shop receipt", "Kassenbon", "till_receipt", "ticket"),
    _FIELDS,
    make,
)
