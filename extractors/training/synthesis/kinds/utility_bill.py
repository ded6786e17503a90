"""Bills of electricity suppliers: meter readings, a tariff, charges and tax, what was paid and what is due."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import Trade, cents, one_line, own

_CHARGE = (
    spec("description", "text", "description charge item bezeichnung", "What is charged.", "Name of the charge.",
        "Text of the charge as printed."),
    spec("amount", "number", "amount charge_amount betrag value", "Amount.", "Amount of the charge.",
        "Amount of the charge before tax as printed."),
)  # fmt: skip
_FIELDS = (
    spec("supplier", "text", "supplier provider utility versorger company", "Supplier.", "Who supplies.",
        "Name of the utility that bills."),
    spec("customer_name", "text", "customer_name account_holder customer kunde", "Customer.", "Who is billed.",
        "Name of the customer."),
    spec("supply_address", "text", "supply_address service_address premises verbrauchsstelle", "Supply address.",
        "Where it was used.", "Address that is supplied, in one line, if it is given apart from the postal address."),
    spec("bill_number", "text", "bill_number invoice_number bill_no rechnungsnummer", "Bill number.",
        "Number of the bill.", "The number of the bill, not that of the contract or meter.", key_field=True),
    spec("bill_date", "date", "bill_date invoice_date issued rechnungsdatum", "Date of the bill.", "Date.",
        "Day on which the bill was issued.", key_field=True),
    spec("due_date", "date", "due_date pay_by faellig dueBy", "Due date.", "Date by which to pay.",
        "Last day of payment, null if not printed."),
    spec("account_number", "text", "account_number contract_account customer_reference vertragskonto",
        "Contract account.", "Number of the customer's account.", "Contract or account number at the utility."),
    spec("meter_number", "text", "meter_number meter_no meter_serial zaehlernummer", "Meter number.",
        "Number of the meter.", "Serial number of the meter."),
    spec("period_start", "date", "period_start from_date billing_from zeitraum_von", "Start of the period.",
        "First day.", "First day of the period that is billed."),
    spec("period_end", "date", "period_end to_date billing_to zeitraum_bis", "End of the period.", "Last day.",
        "Last day of the period that is billed."),
    spec("reading_previous", "number", "reading_previous start_reading old_index anfangsstand", "Previous reading.",
        "Meter at the start.", "Meter reading at the start of the period."),
    spec("reading_current", "number", "reading_current end_reading new_index endstand", "Current reading.",
        "Meter at the end.", "Meter reading at the end of the period."),
    spec("consumption", "number", "consumption usage kwh_used verbrauch", "Consumption.", "What was used.",
        "Energy used in the period in kWh, without the unit."),
    spec("tariff", "text", "tariff plan rate_name tarif", "Tariff.", "Name of the tariff.", "Tariff as printed."),
    spec("net_total", "number", "net_total subtotal charges_before_tax netto", "Net total.", "Charges before tax.",
        "Sum of this bill's charges before tax."),
    spec("tax_total", "number", "tax_total vat tax_amount steuer", "Tax.", "Amount of tax.", "Tax on the charges."),
    spec("total", "number", "total bill_total current_charges rechnungsbetrag", "Total of the bill.",
        "Charges with tax.", "Charges of this period including tax, before payments and older balances."),
    spec("previous_balance", "number", "previous_balance last_bill old_balance vorherige_rechnung",
        "Previous balance.", "What the last bill was.", "Balance brought over from the last bill."),
    spec("amount_due", "number", "amount_due to_pay total_due zahlbetrag", "Amount due.", "What is to be paid.",
        "What is left to pay after payments and older balances; null when not stated apart from the total."),
    spec("charges", "list", "charges line_items cost_items positionen", "Charges.", "What is charged.",
        "Every charge before tax in reading order.", fields=_CHARGE),
)  # fmt: skip


def _reading(trade: Trade, truth: dict[str, Any], days: int) -> tuple[Table | None, Decimal]:
    """A meter, in a table or not at all, and what was used."""
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    before = Decimal(chance.randint(300, 90000))
    used = Decimal(chance.randint(60, 5200))
    truth["consumption"] = voice.number(used, 0)
    if not trade.may(0.7):
        return None, used
    truth.update(reading_previous=voice.number(before, 0), reading_current=voice.number(before + used, 0))
    heads = [terms("reading_before"), terms("reading_now"), terms("consumption")]
    row = [truth["reading_previous"], truth["reading_current"], f"{truth['consumption']} kWh"]
    if trade.may(0.6):
        truth["meter_number"] = voice.code("##########")
        heads.insert(0, terms("meter_no"))
        row.insert(0, truth["meter_number"])
    if trade.may(0.4):
        heads.insert(-1, terms("booking_date"))
        row.insert(-1, voice.day(days))
    aligns: list[Align] = ["left"] * len(row)
    return Table(tuple(heads), (tuple(row),), tuple(aligns), (1.0,) * len(row)), used


def _charges(trade: Trade, used: Decimal, days: int) -> list[tuple[str, str, Decimal]]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    price = Decimal(chance.randint(900, 4200)) / 10000
    daily = Decimal(chance.randint(1500, 6500)) / 10000
    unit = f"{voice.number(used, 0)} kWh x {voice.number(price, 4)}"
    charges = [
        (terms("energy_charge"), unit, cents(used * price)),
        (terms("standing_charge"), f"{days} x {voice.number(daily, 4)}", cents(days * daily)),
    ]
    for term, share in (("network_charge", 0.6), ("levy", 0.5)):
        if trade.may(share):
            rate = Decimal(chance.randint(100, 900)) / 10000
            charges.append(
                (terms(term), f"{voice.number(used, 0)} kWh x {voice.number(rate, 4)}", cents(used * rate))
            )
    return charges


def _sums(trade: Trade, charges: list[tuple[str, str, Decimal]], truth: dict[str, Any]) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    net = sum((amount for _, _, amount in charges), Decimal(0))
    rate = Decimal(chance.choice(voice.habits.rates))
    tax = cents(net * rate / 100)
    total = net + tax
    truth.update(net_total=voice.number(net), tax_total=voice.number(tax), total=voice.number(total))
    entries = [
        Entry(terms("subtotal"), voice.money(net)),
        Entry(f"{voice.habits.tax} {trade.rate(rate)}%", voice.money(tax)),
        Entry(terms("total"), voice.money(total), strong=True),
    ]
    if trade.may(0.5):
        previous = cents(total * Decimal(chance.randint(80, 120)) / 100)
        paid = previous if trade.may(0.6) else cents(previous / 2)
        due = total + previous - paid
        entries += [
            Entry(terms("previous_bill"), voice.money(previous)),
            Entry(terms("payment_received"), voice.money(-paid)),
            Entry(terms("amount_due"), voice.money(due), strong=True),
        ]
        truth.update(previous_balance=voice.number(previous), amount_due=voice.number(due))
    return entries


def _entries(trade: Trade, truth: dict[str, Any], days: int) -> list[Entry]:
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    entries = []
    for key, term, share, value in (
        ("bill_date", "bill_date", 1.0, voice.day(days + 5)), ("due_date", "due_date", 0.7, voice.day(days + 19)),
        ("account_number", "contract_account", 0.8, voice.code("## #### ####")),
        ("tariff", "tariff_name", 0.5, chance.choice(("Basic", "Eco 12", "Flex", "Green Home", "Comfort Plus"))),
        ("supply_address", "supply_address", 0.45, one_line(voice.address())),
    ):  # fmt: skip
        if trade.may(share):
            truth[key] = value
            entries.append(Entry(terms(term), value))
    if truth["meter_number"] is None and trade.may(0.4):
        meter = voice.code("##########")
        truth["meter_number"] = meter
        entries.append(Entry(terms("meter_no"), meter))
    if trade.may(0.8):
        truth.update(period_start=voice.day(), period_end=voice.day(days))
        entries.append(Entry(terms("billing_period"), f"{voice.day()} - {voice.day(days)}"))
    entries += trade.some(((0.4, "emergency_line", voice.phone()), (0.3, "customer_no", voice.code("#######")),
        (0.2, "print_date", voice.day(days + 6))))  # fmt: skip
    chance.shuffle(entries)
    return [Entry(terms("bill_no"), truth["bill_number"]), *entries]


def make(chance: random.Random, locale: str) -> Facts:
    """A bill of one or two pages."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    days = chance.choice((28, 30, 31, 61, 91, 365))
    supplier = f"{voice.fake.city()} {chance.choice(('Energy', 'Power', 'Energie', 'Electric', 'Utilities'))}"
    customer, _ = trade.party(terms("buyer") if trade.may(0.5) else "", person=trade.may(0.8))
    truth.update(supplier=supplier, customer_name=customer.name, bill_number=voice.code("##########"))
    meter, used = _reading(trade, truth, days)
    entries = _entries(trade, truth, days)
    charges = _charges(trade, used, days)
    if meter is None and trade.may(0.5):
        entries.append(Entry(terms("consumption"), f"{truth['consumption']} kWh"))
    rows = tuple((name, basis, voice.number(amount)) for name, basis, amount in charges)
    truth["charges"] = [{"description": name, "amount": voice.number(amount)} for name, _, amount in charges]
    heads = (terms("goods_item"), terms("quantity"), terms("amount"))
    table = Table(heads, rows, ("left", "left", "right"), (3.0, 2.5, 1.2))
    issuer = Party(terms("seller"), supplier, (*voice.address(), f"{terms('phone')}: {voice.phone()}",
        f"{terms('tax_no')}: {voice.tax_id()}"))  # fmt: skip
    sums = _sums(trade, charges, truth)
    notes = [terms("pay_note").format(truth["bill_number"], sums[-1].value, truth["due_date"], voice.iban())]
    return Facts(
        terms("utility_bill"), issuer, [customer], entries, [*([meter] if meter else []), table],
        sums, truth=truth, prose=notes if truth["due_date"] and trade.may(0.3) else [],
        language=terms.language, layouts=("business", "business", "boxed", "columns", "centered", "listing"),
    )  # fmt: skip


KIND = DocumentKind(
    "utility_bill", ("utility bill", "electricity bill", "Stromrechnung", "energy_bill", "facture d'énergie"), _FIELDS,
    make,
)  # fmt: skip
