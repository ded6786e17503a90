"""Bank statements: opening and closing balance, and postings between them that add up."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import Trade, cents, one_line, own

_ROW = (
    spec("date", "date", "date booking_date posted_on buchungstag", "Date.", "Booking date.",
        "Day of booking as printed in the line, not the value date."),
    spec("description", "text", "description details text buchungstext narrative", "What it was.", "Description.",
        "Text of the posting as printed."),
    spec("amount", "number", "amount value betrag transaction_amount", "Amount.", "Amount of the posting.",
        "Amount of the posting as printed; negative only where a minus is printed."),
    spec("balance", "number", "balance balance_after saldo running_balance", "Balance.", "Balance after it.",
        "Running balance after the posting, null if the statement has none."),
)  # fmt: skip
_FIELDS = (
    spec("bank_name", "text", "bank_name bank institution kreditinstitut", "Bank.", "Name of the bank.",
        "Bank that issued the statement."),
    spec("account_holder", "text", "account_holder holder customer_name kontoinhaber titulaire", "Account holder.",
        "Who has the account.", "Name of the holder of the account."),
    spec("holder_address", "text", "holder_address customer_address address anschrift", "Address of the holder.",
        "Where the holder lives.", "Postal address of the account holder in one line, not that of the bank."),
    spec("account_number", "text", "account_number iban account_no kontonummer", "Account number.",
        "IBAN or account number.", "Number of the account that the statement is of.", key_field=True),
    spec("bic", "text", "bic swift swift_code bank_code", "BIC.", "SWIFT code.", "BIC of the bank if printed."),
    spec("statement_number", "text", "statement_number statement_no auszugsnummer seq_no", "Statement number.",
        "Number of the statement.", "Sequence number of the statement as printed.", key_field=True),
    spec("statement_date", "date", "statement_date date issued_on auszugsdatum", "Statement date.",
        "Date of the statement.", "Day on which the statement was made, not a posting's."),
    spec("period_start", "date", "period_start from_date period_from zeitraum_von", "Start of the period.",
        "First day.", "First day of the period that the statement covers."),
    spec("period_end", "date", "period_end to_date period_to zeitraum_bis", "End of the period.", "Last day.",
        "Last day of the period that the statement covers."),
    spec("currency", "currency", "currency curr waehrung account_currency", "Currency.", "Currency of the account.",
        "Currency as ISO code or sign as printed."),
    spec("opening_balance", "number", "opening_balance previous_balance anfangssaldo balance_start",
        "Opening balance.", "Balance at the start.", "Balance brought forward before the first posting."),
    spec("closing_balance", "number", "closing_balance new_balance endsaldo balance_end", "Closing balance.",
        "Balance at the end.", "Balance after the last posting."),
    spec("total_credits", "number", "total_credits money_in deposits_total summe_haben", "Total credits.",
        "Sum of what came in.", "Sum of all credits if printed."),
    spec("total_debits", "number", "total_debits money_out withdrawals_total summe_soll", "Total debits.",
        "Sum of what went out.", "Sum of all debits if printed, without a sign."),
    spec("transactions", "list", "transactions postings movements buchungen lines", "Postings.", "Transactions.",
        "Every posting in reading order, without balances brought forward.", fields=_ROW),
)  # fmt: skip


@dataclass(frozen=True)
class _Posting:
    day: dt.date
    text: str
    amount: Decimal


def _postings(trade: Trade, days: int) -> list[_Posting]:
    chance, voice = trade.chance, trade.voice
    names = trade.terms.every("postings")
    count = chance.choice((2, 4, 6, 9, 12, 18, 25, chance.randint(28, 70), chance.randint(40, 130)))
    postings = []
    for offset in sorted(chance.randint(0, days) for _ in range(count)):
        text = chance.choice(names)
        if trade.may(0.75):
            text += " " + chance.choice((voice.firm(), voice.person(), voice.code("########"), voice.firm()))
        amount = cents(Decimal(str(round(chance.lognormvariate(4.2, 1.2), 2))))
        postings.append(
            _Posting(voice.today + dt.timedelta(days=offset), text, amount if trade.may(0.3) else -amount)
        )
    return postings


def _table(
    trade: Trade, postings: list[_Posting], opening: Decimal
) -> tuple[Table, list[dict[str, str | None]]]:
    """Signed amounts in one column, or debits and credits in two, with or without a running balance."""
    terms, number, chance = trade.terms, trade.voice.number, trade.chance
    split, running, valued = trade.may(0.5), trade.may(0.6), trade.may(0.4)
    plus = "+" if not split and trade.may(0.2) else ""
    behind = not split and trade.may(0.2)  # the sign after the figure
    pattern = chance.choice(("", "", "dd.MM." if trade.locale[:2] in ("de", "pl") else "dd/MM"))
    columns: list[tuple[str, Align, float]] = [("booking_date", "left", 1.1)]
    columns += [("value_date", "left", 1.1)] if valued else []
    columns.append(("posting", "left", 4.5))
    columns += (
        [("debit_side", "right", 1.3), ("credit_side", "right", 1.3)] if split else [("amount", "right", 1.4)]
    )
    columns += [("balance", "right", 1.4)] if running else []
    rows, truths, balance = [], [], opening
    if running and trade.may(0.4):
        width = len(columns) - 2 - valued
        rows.append(
            ("", *([""] if valued else []), terms("opening_balance"), *([""] * (width - 1)), number(opening))
        )
    for one in postings:
        balance += one.amount
        offset = (one.day - trade.voice.today).days
        sign = "-" if one.amount < 0 else plus
        bare = number(abs(one.amount))
        signed = bare if split else f"{bare}{sign}" if behind else f"{sign}{bare}"
        row = [trade.voice.day(offset, pattern)]
        row += [trade.voice.day(offset + chance.randint(0, 2), pattern)] if valued else []
        row.append(one.text)
        row += ([bare, ""] if one.amount < 0 else ["", bare]) if split else [signed]
        row += [number(balance)] if running else []
        rows.append(tuple(row))
        truths.append({"date": row[0], "description": one.text, "amount": signed,
            "balance": number(balance) if running else None})  # fmt: skip
    heads = tuple(terms(name) for name, _, _ in columns)
    return Table(heads, tuple(rows), tuple(c[1] for c in columns), tuple(c[2] for c in columns)), truths


def _entries(trade: Trade, truth: dict[str, Any], days: int) -> list[Entry]:
    voice, terms = trade.voice, trade.terms
    entries = []
    optional = (
        ("account_holder", "holder_of", 0.5, truth["account_holder"]),
        ("account_number", "account_no", 1.0, voice.iban()),
        ("bic", "bic", 0.4, voice.code("????")[:4] + voice.habits.currency[:2] + voice.code("@@")),
        ("statement_number", "statement_no", 0.6, trade.chance.choice((str(trade.chance.randint(1, 60)),
            voice.code(f"{voice.today.year}/0##")))),
        ("statement_date", "statement_date", 0.7, voice.day(days + trade.chance.randint(0, 2))),
        ("currency", "currency", 0.5, voice.habits.currency),
    )  # fmt: skip
    for key, term, share, value in optional:
        if trade.may(share):
            truth[key] = value
            entries.append(Entry(terms(term), value))
    if trade.may(0.65):
        truth.update(period_start=voice.day(), period_end=voice.day(days))
        between = trade.chance.choice((" - ", " - ", " / "))
        entries.append(Entry(terms("period"), f"{voice.day()}{between}{voice.day(days)}"))
    limit = Decimal(trade.chance.choice((500, 1000, 2500, 10000)))
    entries += trade.some(((0.3, "credit_limit", voice.number(limit)), (0.3, "customer_no", voice.code("########")),
        (0.2, "contact", voice.person())))  # fmt: skip
    trade.chance.shuffle(entries)
    return entries


def make(chance: random.Random, locale: str) -> Facts:
    """A statement of two postings to some hundred and thirty."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    truth: dict[str, Any] = own(_FIELDS)
    bank = f"{chance.choice(('', 'First ', 'Banca ', 'Banque ', 'Sparkasse '))}{voice.fake.city()}"
    bank += chance.choice((" Bank", " Savings", " Credit Union", "")) if " " not in bank else ""
    holder, address = trade.party("", person=trade.may(0.6))
    truth.update(bank_name=bank, account_holder=holder.name, holder_address=address)
    days = chance.choice((6, 13, 27, 29, 30, 89))
    entries = _entries(trade, truth, days)
    opening = cents(Decimal(str(round(chance.lognormvariate(7.0, 1.2), 2))))
    postings = _postings(trade, days)
    opening = max(
        opening, Decimal(1) - sum((p.amount for p in postings), Decimal(0))
    )  # never overdrawn at the end
    table, truth["transactions"] = _table(trade, postings, opening)
    credits = sum((one.amount for one in postings if one.amount > 0), Decimal(0))
    debits = -sum((one.amount for one in postings if one.amount < 0), Decimal(0))
    closing = opening + credits - debits
    sums = [Entry(terms("opening_balance"), voice.money(opening))]
    if trade.may(0.55):
        truth.update(total_credits=voice.number(credits), total_debits=voice.number(debits))
        sums += [
            Entry(terms("total_in"), voice.money(credits)),
            Entry(terms("total_out"), voice.money(debits)),
        ]
    sums.append(Entry(terms("closing_balance"), voice.money(closing), strong=True))
    truth.update(opening_balance=voice.number(opening), closing_balance=voice.number(closing))
    truth["currency"] = truth["currency"] or voice.sign or None
    above = trade.may(0.4)
    issuer = Party(terms("bank"), bank, (*voice.address(), f"{terms('phone')}: {voice.phone()}"))
    return Facts(
        terms("bank_statement"), issuer, [holder], entries + sums if above else entries, [table],
        [] if above else sums, truth=truth, prose=list(terms.every("bank_note")[:1]) if trade.may(0.5) else [],
        footer=[one_line((bank, *issuer.lines[:2]))] if trade.may(0.4) else [], language=terms.language,
        layouts=("business", "business", "boxed", "columns", "listing", "centered"),
    )  # fmt: skip


KIND = DocumentKind(
    "bank_statement",
    ("bank statement", "account statement", "Kontoauszug", "relevé de compte"),
    _FIELDS,
    make,
)
