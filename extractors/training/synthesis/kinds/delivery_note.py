"""Delivery notes: what was sent, how much of what was ordered, packages and weight, and who took it in."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Signature, Stamp, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import Line, Trade, one_line, own

_ITEM = (
    spec("description", "text", "description item product bezeichnung", "What was sent.", "Description.",
        "Name of the item as printed in the line."),
    spec("article", "text", "article_number sku item_code artikelnummer", "Item code.", "Article number.",
        "Code of the item, null if the line has none."),
    spec("quantity", "number", "quantity qty_delivered delivered menge", "How many came.", "Quantity delivered.",
        "Quantity delivered, not the one ordered."),
    spec("ordered", "number", "ordered qty_ordered quantity_ordered bestellmenge", "How many were ordered.",
        "Quantity ordered.", "Quantity ordered, if the line tells it apart from the one delivered."),
)  # fmt: skip
_FIELDS = (
    spec("delivery_number", "text", "delivery_number delivery_note_no dn_number lieferscheinnummer doNumber",
        "Delivery note number.", "Number of the delivery note.", "Number of this note, not that of order or invoice.",
        key_field=True),
    spec("delivery_date", "date", "delivery_date date ship_date lieferdatum dispatchDate", "Date.",
        "Date of the delivery note.", "Day on which the goods were sent or delivered.", key_field=True),
    spec("order_number", "text", "order_number po_number customer_order bestellnummer", "Order number.",
        "Number of the order.", "The customer's order that this delivery belongs to."),
    spec("order_date", "date", "order_date po_date bestelldatum orderedOn", "Order date.", "When it was ordered.",
        "Date of the order that this delivery belongs to."),
    spec("customer_number", "text", "customer_number customer_no kundennummer account", "Customer number.",
        "The sender's number of the customer.", "Customer number as printed."),
    spec("sender_name", "text", "sender_name supplier shipper lieferant from_company", "Sender.", "Who sent it.",
        "Name of the firm that delivers."),
    spec("recipient_name", "text", "recipient_name consignee ship_to_name empfaenger customer", "Recipient.",
        "Who gets it.", "Name of whom the goods are delivered to."),
    spec("delivery_address", "text", "delivery_address ship_to_address lieferadresse shipAddress", "Delivery address.",
        "Where it goes.", "Address that the goods are delivered to, in one line and without the name."),
    spec("carrier", "text", "carrier shipped_via forwarder spedition", "Carrier.", "Who carries it.",
        "Name of the carrier or way of shipping."),
    spec("packages", "integer", "packages parcels num_packages packstuecke", "Packages.", "Number of packages.",
        "How many packages or cartons there are."),
    spec("gross_weight", "number", "gross_weight weight total_weight bruttogewicht", "Gross weight.", "Weight.",
        "Total weight as printed, without the unit."),
    spec("items", "list", "items line_items positions positionen", "Items.", "What was delivered.",
        "All lines in reading order.", fields=_ITEM),
    spec("received_signed", "boolean", "received_signed signature_present is_signed empfang_bestaetigt",
        "Receipt signed?", "Whether the recipient signed.", "True if somebody signed for the goods.", pixels=True),
    spec("stamped_received", "boolean", "stamped_received received_stamp hasStamp eingangsstempel",
        "Stamped as received?", "Whether it has a stamp of receipt.",
        "True if a stamp says that the goods were received; other stamps do not count.", pixels=True),
)  # fmt: skip


def _table(trade: Trade, lines: list[Line]) -> tuple[Table, list[dict[str, str | None]]]:
    terms, chance = trade.terms, trade.chance
    coded, ordered, unit, pos = trade.may(0.6), trade.may(0.4), trade.may(0.5), trade.may(0.5)
    columns: list[tuple[str, Align, float]] = []
    columns += [("pos", "left", 0.5)] if pos else []
    columns += [("article", "left", 1.4)] if coded else []
    columns.append(("goods_item", "left", 4.5))
    columns += [("ordered_qty", "right", 1.0)] if ordered else []
    columns.append(("quantity", "right", 1.0))
    columns += [("back_ordered", "right", 1.0)] if ordered else []
    columns += [("unit_of", "left", 0.8)] if unit else []
    rows: list[tuple[str, ...]] = []
    truths = []
    for at, line in enumerate(lines, 1):
        wanted = line.quantity + (chance.randint(1, 9) if ordered and trade.may(0.3) else Decimal(0))
        cells = {
            "pos": str(at), "article": line.code, "goods_item": line.name, "ordered_qty": trade.count(wanted),
            "quantity": trade.count(line.quantity), "back_ordered": trade.count(wanted - line.quantity),
            "unit_of": line.unit,
        }  # fmt: skip
        rows.append(tuple(cells[name] for name, _, _ in columns))
        if line.detail:
            rows.append((line.detail,))
        truths.append({
            "description": line.name, "article": line.code if coded else None,
            "quantity": trade.count(line.quantity), "ordered": trade.count(wanted) if ordered else None,
        })  # fmt: skip
    heads = tuple(terms(name) for name, _, _ in columns)
    return Table(heads, tuple(rows), tuple(c[1] for c in columns), tuple(c[2] for c in columns)), truths


def _entries(trade: Trade, truth: dict[str, Any]) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    weight = Decimal(chance.randint(5, 90000)) / 10
    entries = [Entry(terms(chance.choice(("delivery_date", "ship_date"))), truth["delivery_date"])]
    for key, term, share, value, unit in (
        ("order_number", "order_no", 0.75, trade.number_of("PO"), ""),
        ("order_date", "order_date", 0.4, voice.day(-chance.randint(2, 50)), ""),
        ("customer_number", "customer_no", 0.5, voice.code("######"), ""),
        ("carrier", "carried_by", 0.45, voice.firm(), ""),
        ("packages", "packing", 0.45, str(chance.randint(1, 60)), ""),
        ("gross_weight", "gross_weight", 0.4, voice.number(weight, 1), " kg"),
    ):
        if trade.may(share):
            truth[key] = value
            entries.append(Entry(terms(term), value + unit))
    entries += trade.some((
        (0.3, "contact", voice.person()), (0.25, "invoice_no", trade.number_of("INV")), (0.2, "incoterms", "DAP"),
        (0.15, "print_date", voice.day(1)),
    ))  # fmt: skip
    chance.shuffle(entries)
    return [Entry(terms("delivery_no"), truth["delivery_number"]), *entries]


def _stamps(trade: Trade, truth: dict[str, Any]) -> list[Stamp]:
    terms, chance = trade.terms, trade.chance
    truth["stamped_received"] = trade.may(0.3)
    if not truth["stamped_received"] and trade.may(0.7):
        return []
    word = terms(
        "received_stamp" if truth["stamped_received"] else chance.choice(("copy_stamp", "paid_stamp"))
    )
    text = (word, trade.voice.day(chance.randint(0, 4))) if trade.may(0.6) else (word,)
    color = chance.choice(("#b02020", "#1f3a8a", "#333333"))
    return [Stamp(text, chance.uniform(-20, 20), color, chance.choice(("box", "double", "round")),
        chance.uniform(0.35, 0.8), pixels=True)]  # fmt: skip


def make(chance: random.Random, locale: str) -> Facts:
    """A note of one line to some eighty, without prices."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    truth.update(delivery_number=trade.number_of(chance.choice(("DN", "LS", ""))), delivery_date=voice.day())
    entries = _entries(trade, truth)
    issuer = trade.issuer(terms("seller"), voice.tax_id() if trade.may(0.4) else "")
    recipient, address = trade.party(terms("ship_to"))
    truth.update(sender_name=issuer.name, recipient_name=recipient.name, delivery_address=address)
    parties = [recipient]
    if trade.may(0.4):
        parties.append(
            Party(terms("buyer"), recipient.name if trade.may(0.6) else voice.firm(), voice.address())
        )
    lines = trade.lines(chance.choice((1, 2, 3, 4, 5, 7, 10, 12, chance.randint(12, 80))), services=False)
    table, truth["items"] = _table(trade, lines)
    truth["received_signed"] = trade.may(0.5)
    curve = chance.getrandbits(30) if truth["received_signed"] else None
    signatures = [Signature(terms("received_by"), "", curve)] if curve is not None or trade.may(0.6) else []
    if trade.may(0.15):
        signatures.append(Signature(terms("carried_by"), "", None))
    return Facts(
        terms("delivery_note"), issuer, parties, entries, [table], truth=truth, signatures=signatures,
        stamps=_stamps(trade, truth), language=terms.language,
        footer=[one_line((issuer.name, *issuer.lines[:2]))] if trade.may(0.3) else [],
        layouts=("business", "boxed", "columns", "centered", "listing"),
    )  # fmt: skip


KIND = DocumentKind(
    "delivery_note", ("delivery note", "packing slip", "Lieferschein", "despatch_advice", "bon de livraison"), _FIELDS,
    make,
)  # fmt: skip
