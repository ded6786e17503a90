"""Invoices and credit notes: lines, taxes by rate, several sums and dates, now and then all of it in a letter."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Entry, Facts, Party, Stamp, StampFrame
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import ITEM, Line, Trade, cents, own

_FIELDS = (
    spec("document_type", "choice", "document_type type doc_kind documentKind belegart", "Kind of document.",
        "Invoice or credit note.", "Whether the document charges (invoice) or gives money back (credit note).",
        choices=("invoice", "credit_note")),
    spec("invoice_number", "text", "invoice_number document_number invoiceNo inv_no rechnungsnummer numero_facture",
        "Invoice number.", "Number of the invoice or credit note.",
        "The number that the seller gave the document, as printed; not that of the order or the customer.",
        key_field=True),
    spec("issue_date", "date", "issue_date invoice_date date rechnungsdatum dateIssued", "Date of the invoice.",
        "Date on which it was issued.", "Date of issue; neither delivery, order nor due date.", key_field=True),
    spec("due_date", "date", "due_date pay_by dueDate faelligkeit date_echeance", "Due date.",
        "Date by which to pay.", "Last day of payment as printed; null when only a number of days is given."),
    spec("delivery_date", "date", "delivery_date date_of_supply serviceDate lieferdatum", "Delivery date.",
        "Date of supply.", "Day on which goods or services were delivered."),
    spec("seller_name", "text", "seller_name vendor supplier issuer sellerName verkaeufer", "Seller.",
        "Name of the seller.", "Firm that issues the invoice, name only."),
    spec("seller_tax_id", "text", "seller_tax_id seller_vat_id vat_no ust_id tva_intracom", "Tax number of the seller.",
        "VAT id of the seller.", "Tax registration number of the seller, not of the buyer."),
    spec("buyer_name", "text", "buyer_name customer bill_to client_name kaeufer", "Buyer.", "Who has to pay.",
        "Name of the firm or person that the invoice is addressed to."),
    spec("buyer_address", "text", "buyer_address billing_address customerAddress rechnungsadresse", "Buyer's address.",
        "Address of the buyer.", "Postal address of the buyer without the name, in one line."),
    spec("order_reference", "text", "order_reference purchase_order po_number bestellnummer orderRef",
        "Order number.", "The buyer's order.", "Number of the purchase order that the invoice refers to."),
    spec("customer_number", "text", "customer_number customer_no account_no kundennummer clientCode",
        "Customer number.", "The seller's number of the customer.", "Account number of the buyer with the seller."),
    spec("currency", "currency", "currency curr waehrung devise currencyCode", "Currency.",
        "Currency of the amounts.", "Currency as ISO code or sign, as it is printed."),
    spec("iban", "text", "iban bank_account payee_iban kontonummer account_to_pay", "Account to pay to.", "IBAN.",
        "The seller's bank account as printed."),
    spec("net_total", "number", "net_total subtotal total_excl_tax netto total_ht", "Net total.",
        "Total before tax.", "Sum of all lines less discounts, before tax."),
    spec("tax_total", "number", "tax_total total_tax vat_amount steuerbetrag montant_tva", "Total tax.", "Tax amount.",
        "Sum of all taxes on the invoice."),
    spec("gross_total", "number", "gross_total total grand_total bruttobetrag total_ttc", "Gross total.",
        "Total with tax.", "Invoice total including tax, before prepayments are deducted."),
    spec("amount_due", "number", "amount_due balance_due payable zahlbetrag net_a_payer", "Amount due.",
        "What is left to pay.", "Amount that is still to be paid after prepayments; null when not stated apart."),
    spec("line_items", "list", "line_items items positions positionen lines", "Lines of the invoice.", "Line items.",
        "All lines of goods and services in reading order.", fields=ITEM),
    spec("stamped_paid", "boolean", "stamped_paid is_paid paidStamp bezahlt", "Stamped as paid?",
        "Whether it has a PAID stamp.", "True if a stamp on the page says that the invoice is paid.", pixels=True),
)  # fmt: skip


def _dates(trade: Trade, truth: dict[str, Any]) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    truth["issue_date"] = voice.day()
    entries = [Entry(terms("invoice_date"), voice.day())]
    days = chance.choice((7, 10, 14, 30, 45, 60))
    if trade.may(0.55):
        truth["due_date"] = voice.day(days)
        entries.append(Entry(terms("due_date"), voice.day(days)))
    elif trade.may(0.6):
        entries.append(Entry(terms("terms_of_payment"), terms("net_days").format(days)))
    if trade.may(0.5):
        truth["delivery_date"] = voice.day(-chance.randint(1, 12))
        entries.append(Entry(terms("delivery_date"), truth["delivery_date"]))
    return entries


def _references(trade: Trade, truth: dict[str, Any]) -> list[Entry]:
    voice, terms = trade.voice, trade.terms
    entries = []
    for key, term, share, value in (
        ("customer_number", "customer_no", 0.6, voice.code("######")),
        ("order_reference", "order_no", 0.5, trade.number_of("PO")),
    ):
        if trade.may(share):
            truth[key] = value
            entries.append(Entry(terms(term), value))
    entries += trade.some((
        (0.3, "delivery_no", voice.code("LS-#####")), (0.3, "order_date", voice.day(-trade.chance.randint(13, 40))),
        (0.35, "contact", voice.person()), (0.2, "your_ref", voice.code("??/##")), (0.12, "print_date", voice.day(1)),
        (0.15, "supplier_no", voice.code("7#####")),
    ))  # fmt: skip
    if voice.sign and trade.may(0.35):
        entries.append(Entry(terms("currency"), voice.habits.currency))
        truth["currency"] = voice.habits.currency
    return entries


def _sums(trade: Trade, lines: list[Line], truth: dict[str, Any]) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    discount = Decimal(chance.choice((2, 3, 5, 10))) / 100 if trade.may(0.15) else Decimal(0)
    shipping = cents(Decimal(chance.randint(300, 9000)) / 100) if trade.may(0.15) else Decimal(0)
    if shipping:
        lines = [*lines, Line("", "", Decimal(1), "", shipping, lines[0].rate)]
    goods = sum((line.total for line in lines), Decimal(0)) - shipping
    taxes = trade.taxes(lines, discount)
    net = sum((one for one, _ in taxes.values()), Decimal(0))
    tax = sum((one for _, one in taxes.values()), Decimal(0))
    gross = net + tax
    entries = []
    if discount or shipping:
        entries.append(Entry(terms("goods_total"), voice.money(goods)))
    if shipping:
        entries.append(Entry(terms("shipping"), voice.money(shipping)))
    if discount:
        less = goods + shipping - net
        entries.append(Entry(f"{terms('discount')} {trade.rate(discount * 100)}%", voice.money(-less)))
    truth.update(net_total=voice.number(net), gross_total=voice.number(gross))
    entries.append(Entry(terms("subtotal"), voice.money(net)))
    name = voice.habits.tax
    for rate, (basis, amount) in taxes.items():
        basis_text = f" ({voice.number(basis)})" if len(taxes) > 1 and trade.may(0.7) else ""
        entries.append(Entry(f"{name} {trade.rate(rate)}%{basis_text}", voice.money(amount)))
    if len(taxes) == 1 or trade.may(0.4):
        truth["tax_total"] = voice.number(tax)
        if len(taxes) > 1:
            entries.append(Entry(terms("total_tax"), voice.money(tax)))
    entries.append(Entry(terms("total"), voice.money(gross), strong=True))
    if trade.may(0.25):
        paid = cents(gross * chance.choice((Decimal("0.2"), Decimal("0.3"), Decimal(0), Decimal("0.5"))))
        if paid or trade.may(0.5):
            entries.append(Entry(terms("prepaid_sum"), voice.money(-paid) if paid else voice.number(paid)))
        entries.append(Entry(terms("amount_due"), voice.money(gross - paid), strong=True))
        truth["amount_due"] = voice.number(gross - paid)
    if voice.sign:
        truth["currency"] = truth["currency"] or voice.sign
    return entries


def _stamps(trade: Trade, truth: dict[str, Any]) -> list[Stamp]:
    chance, terms = trade.chance, trade.terms
    truth["stamped_paid"] = trade.may(0.25)
    word = (
        "paid_stamp"
        if truth["stamped_paid"]
        else chance.choice(("copy_stamp", "approved_stamp", "received_stamp"))
    )
    if not truth["stamped_paid"] and trade.may(0.7):
        return []
    text = (terms(word),) if trade.may(0.6) else (terms(word), trade.voice.day(chance.randint(2, 20)))
    frame: StampFrame = chance.choice(("box", "double", "round", "none"))
    color = chance.choice(("#b02020", "#1f3a8a", "#333333", "#1d5c3a"))
    return [Stamp(text, chance.uniform(-25, 25), color, frame, chance.uniform(0.35, 0.75), pixels=True)]


def _letter(trade: Trade, facts: Facts) -> None:
    """Puts what entries and table say into sentences instead; what they leave out is not on the document."""
    truth, voice = facts.truth, trade.voice
    line = trade.lines(1)[0]
    net, tax = line.total, cents(line.total * line.rate / 100)
    due, account = voice.day(30), voice.iban()
    order, ordered = trade.number_of("PO"), voice.day(-20)
    count = f"{trade.count(line.quantity)} x {line.name}"
    keep = {key: truth[key] for key in ("document_type", "invoice_number", "issue_date", "seller_name",
        "seller_tax_id", "buyer_name", "buyer_address", "stamped_paid")}  # fmt: skip
    truth.update(dict.fromkeys(truth))
    truth.update(
        keep, due_date=due, iban=account, order_reference=order, net_total=voice.number(net),
        tax_total=voice.number(tax), gross_total=voice.number(net + tax), currency=voice.sign or None,
        line_items=[{"description": line.name, "quantity": trade.count(line.quantity), "unit_price": None,
            "line_total": None, "article": None}],
    )  # fmt: skip
    text = trade.terms("bill_prose").format(
        truth["invoice_number"], voice.money(net + tax), due, account, order, ordered, count, voice.money(net),
        voice.money(tax),
    )  # fmt: skip
    facts.prose = [
        trade.terms("greeting"),
        text,
        trade.terms("thanks_note"),
        trade.terms("regards"),
        voice.person(),
    ]
    facts.entries, facts.tables, facts.totals, facts.footer = facts.entries[:2], [], [], []
    facts.layouts = ("business", "centered")


def make(chance: random.Random, locale: str) -> Facts:
    """An invoice of one line to some ninety."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    credit = trade.may(0.12)
    truth["document_type"] = "credit_note" if credit else "invoice"
    truth["invoice_number"] = trade.number_of(chance.choice(("INV", "RE", "F", "")))
    number = Entry(terms("credit_no" if credit else "invoice_no"), truth["invoice_number"])
    entries = [*_dates(trade, truth), *_references(trade, truth)]
    if trade.may(0.5):
        chance.shuffle(entries)
    entries.insert(0, number)
    truth["seller_tax_id"] = voice.tax_id() if trade.may(0.8) else None
    issuer = trade.issuer(terms("seller"), truth["seller_tax_id"] or "")
    buyer, address = trade.party(terms("buyer"), person=trade.may(0.25))
    truth.update(seller_name=issuer.name, buyer_name=buyer.name, buyer_address=address)
    if trade.may(0.15):  # a distractor of the same form as the seller's
        buyer = Party(buyer.heading, buyer.name, (*buyer.lines, f"{terms('tax_no')}: {voice.tax_id()}"))
    parties = [buyer]
    if trade.may(0.3):
        parties.append(trade.party(terms("ship_to"), name=buyer.name if trade.may(0.5) else "")[0])
    lines = trade.lines(
        chance.choice((1, 1, 2, 3, 3, 4, 5, 6, 8, 12, chance.randint(14, 40), chance.randint(25, 90)))
    )
    table, truth["line_items"] = trade.item_table(lines)
    totals = _sums(trade, lines, truth)
    facts = Facts(
        terms("credit_note" if credit else "invoice"), issuer, parties, entries, [table], totals, truth=truth,
        stamps=_stamps(trade, truth), language=terms.language,
        layouts=("business", "business", "boxed", "columns", "centered", "listing", "listing"),
    )  # fmt: skip
    if not credit and trade.may(0.06):
        _letter(trade, facts)
        return facts
    _notes(trade, facts, totals[-1].value)
    return facts


def _notes(trade: Trade, facts: Facts, amount: str) -> None:
    """Account, sentences that repeat values, thanks."""
    voice, terms, truth = trade.voice, trade.terms, facts.truth
    account = voice.iban() if trade.may(0.6) else ""
    note = terms("pay_note")
    fits = (truth["due_date"] or "{2}" not in note) and (account or "{3}" not in note)
    if fits and trade.may(0.5):
        facts.prose.append(note.format(truth["invoice_number"], amount, truth["due_date"], account))
        truth["iban"] = account if "{3}" in note else None
    if trade.may(0.5):
        facts.prose.append(terms("thanks_note"))
    if account and not truth["iban"] and trade.may(0.8):
        facts.footer += [f"{terms('bank')}: {voice.firm()}", f"{terms('iban')}: {account}"]
        truth["iban"] = account
    if facts.footer and trade.may(0.4):
        facts.footer.append(f"{facts.issuer.name}, {', '.join(facts.issuer.lines[:2])}")


KIND = DocumentKind(
    "invoice", ("invoice", "supplier invoice", "Rechnung", "vendor_bill", "facture"), _FIELDS, make
)
