"""Payslips: earnings less deductions, with the year's sums beside the month's."""

from __future__ import annotations

import random
from decimal import Decimal

from babel.dates import format_date

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import Form, spec

_ROW = (
    spec("description", "text", "description item label bezeichnung wage_type", "What it is for.", "Wage type.",
        "Text of the line as printed."),
    spec("amount", "number", "amount value betrag current_amount", "Amount.", "Amount of this period.",
        "Amount of this pay period, not the year's."),
)  # fmt: skip
_FIELDS = (
    spec("employer", "text", "employer employer_name company arbeitgeber payer",
        "Employer.", "Name of the employer.", "Firm that pays the salary, name only."),
    spec("employee", "text", "employee employee_name employeeName worker arbeitnehmer",
        "Employee.", "Name of the employee.", "Full name of the person who is paid."),
    spec("employee_number", "text", "employee_number staff_id personnelNo personalnummer matricule",
        "Employee number.", "Personnel number.", "The employer's number of the employee, not that of social security.",
        key_field=True),
    spec("pay_period", "text", "pay_period period abrechnungsmonat payPeriod wage_month",
        "Pay period.", "Period that is paid.", "The period that the payslip covers, as printed.", key_field=True),
    spec("pay_date", "date", "pay_date payment_date paidOn zahltag date_paid",
        "Date of payment.", "When the money is paid.", "Date of payment, neither hiring nor birth."),
    spec("social_number", "text", "social_security_number ssn sv_nummer national_id numero_ss",
        "Social security number.", "Number at the social insurance.",
        "The employee's social security or national number."),
    spec("gross_pay", "number", "gross_pay gross total_gross brutto salaire_brut",
        "Gross pay.", "Sum of all earnings.", "Gross pay of the period before deductions, not the year's."),
    spec("total_deductions", "number", "total_deductions deductions_total deductionsSum abzuege",
        "Total deductions.", "Sum of what is deducted.", "All deductions of the period in one figure, as printed."),
    spec("net_pay", "number", "net_pay net take_home auszahlungsbetrag net_a_payer",
        "Net pay.", "Amount paid out.", "What is paid to the employee: gross less deductions."),
    spec("iban", "text", "iban bank_account account bankverbindung payee_account",
        "Bank account.", "Account that is paid into.", "IBAN or account number of the employee."),
    spec("earnings", "list", "earnings earning_lines bezuege gains payments",
        "Earnings.", "Lines of the earnings.", "Every line of earnings in reading order.", fields=_ROW),
    spec("deductions", "list", "deductions deduction_lines abzuege_positionen retenues",
        "Deductions.", "Lines that are deducted.", "Every line of deductions in reading order.", fields=_ROW),
)  # fmt: skip
_SIDES: tuple[Align, ...] = ("left", "right", "right")


def _amounts(
    form: Form, names: list[str], first: int, share: tuple[float, float]
) -> list[tuple[str, Decimal]]:
    cent = Decimal("0.01")
    return [
        (form.terms(name), (Decimal(first) * Decimal(form.chance.uniform(*share))).quantize(cent))
        for name in names
    ]


def _table(form: Form, head: str, rows: list[tuple[str, Decimal]], months: int, year: bool) -> Table:
    terms, number = form.terms, form.voice.number
    cells = tuple((name, number(value), number(value * months)) for name, value in rows)
    heads = (terms(head) if form.chance.random() < 0.5 else terms("item"), terms("amount"), terms("ytd"))
    if year:
        return Table(heads, cells, _SIDES, (5, 2, 2), terms(head))
    return Table(heads[:2], tuple(row[:2] for row in cells), _SIDES[:2], (5, 2), terms(head))


def make(chance: random.Random, locale: str) -> Facts:
    """One month's."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    employer = voice.firm()
    form.truth["employer"] = employer
    form.put("employee", "employee", voice.person(), 1.0)
    form.put("employee_number", "staff_no", voice.code(chance.choice(("#####", "######", "?-####"))))
    month = voice.today.replace(day=1)
    period = chance.choice((format_date(month, "MMMM yyyy", locale), f"{month:%m/%Y}"))
    if chance.random() < 0.3:
        period = f"{format_date(month, voice.pattern, locale)} - {voice.day(27 - voice.today.day)}"
    form.put("pay_period", "pay_period", " ".join(period.split()), 0.97)
    form.put("pay_date", "pay_date", voice.day(chance.randint(0, 9)), 0.85)
    form.put("", "birth", voice.day(-chance.randint(8000, 20000)), 0.4)
    form.put("", "hired", voice.day(-chance.randint(100, 5000)), 0.6)
    form.put("social_number", "social_no", voice.code("##-######-?-###"), 0.7)
    form.put("", "department", voice.code("?##"), 0.4)
    form.put("iban", "bank_account", voice.iban(), 0.75)
    chance.shuffle(form.entries)
    salary = chance.randint(1400, 9500)
    earnings = [(terms("base_pay"), Decimal(salary))]
    earnings += _amounts(
        form, chance.sample(["overtime", "bonus", "allowance"], chance.randint(0, 3)), salary, (0.02, 0.2)
    )
    gross = sum((value for _, value in earnings), Decimal(0))
    taken = ["income_tax", *chance.sample(["pension", "health", "unemployment"], chance.randint(1, 3))]
    deductions = _amounts(form, taken, int(gross), (0.01, 0.16))
    total = sum((value for _, value in deductions), Decimal(0))
    year, months = chance.random() < 0.5, voice.today.month
    tables = [
        _table(form, "earnings", earnings, months, year),
        _table(form, "deductions", deductions, months, year),
    ]
    for key, rows in (("earnings", earnings), ("deductions", deductions)):
        form.truth[key] = [{"description": name, "amount": voice.number(value)} for name, value in rows]
    totals = []
    for key, term, value in (
        ("gross_pay", "gross", gross), ("total_deductions", "total_deductions", total),
        ("net_pay", "net", gross - total),
    ):  # fmt: skip
        if key == "net_pay" or chance.random() < 0.85:
            form.truth[key] = voice.number(value)
            totals.append(Entry(terms(term), voice.money(value)))
    issuer = Party("", employer, voice.address())
    return form.facts(terms("payslip"), issuer, ("beside", "label_above", "two_columns", "boxes"),
        tables=tables, totals=totals)  # fmt: skip


KIND = DocumentKind(
    "payslip", ("payslip", "earnings_statement", "salary slip", "Gehaltsabrechnung"), _FIELDS, make
)
