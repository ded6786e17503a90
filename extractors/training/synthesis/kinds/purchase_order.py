"""Purchase orders: what a buyer wants from a supplier, where to and by when; the buyer is who issues them."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Entry, Facts, Party, Signature
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import ITEM, Line, Trade, cents, one_line, own

_FIELDS = (
    spec("order_number", "text", "order_number po_number purchase_order_no bestellnummer poNo", "Order number.",
        "Number of the purchase order.", "The buyer's number of this order, not that of a quotation or supplier.",
        key_field=True),
    spec("order_date", "date", "order_date po_date date bestelldatum dateOrdered", "Order date.", "Date of the order.",
        "Day on which the order was issued.", key_field=True),
    spec("requested_date", "date", "requested_delivery_date required_by deliveryDate liefertermin wanted",
        "Delivery date wanted.", "When to deliver.", "Day by which the buyer wants the goods."),
    spec("buyer_name", "text", "buyer_name purchaser ordering_company besteller customer", "Buyer.", "Who orders.",
        "Name of the firm that issues the order."),
    spec("supplier_name", "text", "supplier_name vendor seller lieferant fournisseur", "Supplier.", "Who delivers.",
        "Name of the firm that the order is sent to."),
    spec("supplier_address", "text", "supplier_address vendor_address vendorAddr lieferantenanschrift",
        "Supplier's address.", "Address of the supplier.", "Postal address of the supplier in one line, no name."),
    spec("ship_to", "text", "ship_to delivery_address shipTo lieferadresse deliver_to", "Delivery address.",
        "Where to deliver.", "Address that the goods go to in one line, if it is given apart."),
    spec("supplier_number", "text", "supplier_number vendor_no vendorCode lieferantennummer", "Supplier number.",
        "The buyer's number of the supplier.", "Vendor number as printed."),
    spec("contact", "text", "contact buyer_contact contactPerson ansprechpartner", "Contact.", "Whom to ask.",
        "Person at the buyer who handles the order."),
    spec("payment_terms", "text", "payment_terms terms zahlungsbedingungen termsOfPayment", "Payment terms.",
        "Terms of payment.", "Terms of payment as printed."),
    spec("incoterms", "text", "incoterms delivery_terms lieferbedingung incoterm", "Incoterms.", "Terms of delivery.",
        "Delivery terms as printed, such as a clause with a place."),
    spec("currency", "currency", "currency curr waehrung currencyCode", "Currency.", "Currency of the amounts.",
        "Currency as ISO code or sign as printed."),
    spec("net_total", "number", "net_total subtotal order_value netto total_ht", "Net total.", "Total before tax.",
        "Sum of the lines before tax."),
    spec("tax_total", "number", "tax_total tax vat steuer", "Tax.", "Amount of tax.", "Tax on the order if stated."),
    spec("total", "number", "total order_total grand_total gesamtbetrag", "Total.", "Order total.",
        "Total of the order including tax; null if only a net total is given."),
    spec("line_items", "list", "line_items items positions positionen order_lines", "Lines.", "What is ordered.",
        "All lines in reading order.", fields=ITEM),
    spec("signed", "boolean", "signed approved_signature isSigned unterschrieben", "Is it signed?",
        "Whether somebody signed.", "True if there is a signature above the line.", pixels=True),
)  # fmt: skip


def _sums(trade: Trade, lines: list[Line], truth: dict[str, Any]) -> list[Entry]:
    voice, terms = trade.voice, trade.terms
    taxes = trade.taxes(lines)
    net = sum((one for one, _ in taxes.values()), Decimal(0))
    tax = sum((one for _, one in taxes.values()), Decimal(0))
    truth["net_total"] = voice.number(net)
    entries = [Entry(terms("subtotal"), voice.money(net))]
    if trade.may(0.6):
        if trade.may(0.3):
            less = cents(net * Decimal("0.02"))  # what may be deducted later, and is not part of the total
            entries.append(
                Entry(f"{terms('discount')} 2% ({terms('net_days').format(10)})", voice.money(less))
            )
        entries.append(Entry(voice.habits.tax, voice.money(tax)))
        entries.append(Entry(terms("total"), voice.money(net + tax), strong=True))
        truth.update(tax_total=voice.number(tax), total=voice.number(net + tax))
    truth["currency"] = truth["currency"] or voice.sign or None
    return entries


def _entries(trade: Trade, truth: dict[str, Any]) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    place = voice.fake.city()
    optional = (
        ("requested_date", "wanted_date", 0.7, voice.day(chance.randint(3, 60))),
        ("supplier_number", "supplier_no", 0.5, voice.code("7#####")),
        ("contact", "contact", 0.6, voice.person()),
        ("payment_terms", "terms_of_payment", 0.6, terms("net_days").format(chance.choice((14, 30, 45, 60)))),
        ("incoterms", "incoterms", 0.4, f"{chance.choice(('EXW', 'DAP', 'FCA', 'DDP', 'CPT'))} {place}"),
        ("currency", "currency", 0.4 if voice.sign else 0.0, voice.habits.currency),
    )
    entries = [Entry(terms("order_date"), truth["order_date"])]
    for key, term, share, value in optional:
        if trade.may(share):
            truth[key] = value
            entries.append(Entry(terms(term), value))
    entries += trade.some((
        (0.25, "your_ref", voice.code("Q-#####")), (0.2, "print_date", voice.day(1)), (0.2, "approver", voice.person()),
        (0.15, "customer_no", voice.code("######")),
    ))  # fmt: skip
    chance.shuffle(entries)
    return [Entry(terms("order_no"), truth["order_number"]), *entries]


def make(chance: random.Random, locale: str) -> Facts:
    """An order of one line to some seventy."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    truth.update(order_number=trade.number_of("PO"), order_date=voice.day())
    entries = _entries(trade, truth)
    issuer = trade.issuer(terms("buyer"), voice.tax_id() if trade.may(0.4) else "")
    supplier, address = trade.party(terms("seller"))
    truth.update(buyer_name=issuer.name, supplier_name=supplier.name, supplier_address=address)
    parties = [supplier]
    if trade.may(0.5):
        lines = voice.address()
        truth["ship_to"] = one_line(lines)
        parties.append(Party(terms("ship_to"), issuer.name if trade.may(0.6) else voice.firm(), lines))
    items = trade.lines(chance.choice((1, 2, 3, 4, 5, 7, 9, 12, chance.randint(12, 70))))
    table, truth["line_items"] = trade.item_table(items)
    totals = _sums(trade, items, truth)
    truth["signed"] = trade.may(0.4)
    curve = chance.getrandbits(30) if truth["signed"] else None
    signatures = [Signature(terms("approver"), "", curve)] if curve is not None or trade.may(0.4) else []
    notes = chance.sample(terms.every("order_note"), 1) if trade.may(0.6) else []
    return Facts(
        terms("purchase_order"), issuer, parties, entries, [table], totals, truth=truth, prose=notes,
        signatures=signatures, language=terms.language, layouts=("business", "boxed", "columns", "centered", "listing"),
    )  # fmt: skip


KIND = DocumentKind(
    "purchase_order",
    ("purchase order", "order", "Bestellung", "supplier_order", "bon de commande"),
    _FIELDS,
    make,
)
