"""Tax statements and returns: numbered boxes with amounts that are easily taken for each other."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("tax_year", "integer", "tax_year year calendarYear kalenderjahr annee_fiscale",
        "Tax year.", "Year that the statement is for.", "Calendar year of the income, not of the filing.",
        key_field=True),
    spec("taxpayer", "text", "taxpayer employee_name taxpayerName name steuerpflichtiger",
        "Name of the taxpayer.", "Whose taxes these are.", "Full name of the taxpayer as printed or filled in."),
    spec("taxpayer_number", "text", "taxpayer_id ssn tin steuer_id numero_fiscal",
        "Taxpayer's number.", "Tax identification number of the person.",
        "The taxpayer's own number, not that of the employer.", key_field=True),
    spec("taxpayer_address", "text", "taxpayer_address address home_address wohnanschrift adresse",
        "Taxpayer's address.", "Where the taxpayer lives.", "Address of the taxpayer as written."),
    spec("employer", "text", "employer payer employerName arbeitgeber pagador",
        "Employer.", "Who paid the wages.", "Name of the employer or payer, without its address."),
    spec("employer_number", "text", "employer_id ein employerNumber betriebsnummer siret",
        "Employer's number.", "Identification number of the employer.", "The payer's number, not the taxpayer's."),
    spec("wages", "number", "wages gross_income box_1 bruttolohn revenus_bruts",
        "Wages.", "Gross income of the year.", "Wages and other compensation of the year as printed."),
    spec("tax_withheld", "number", "tax_withheld income_tax_withheld box_2 lohnsteuer impot_preleve",
        "Tax withheld.", "Income tax that was withheld.", "Income tax withheld, not the social security tax."),
    spec("social_wages", "number", "social_security_wages social_wages box_3 sv_lohn base_cotisations",
        "Social security wages.", "Wages subject to social security.", "Basis of the social security tax."),
    spec("social_tax", "number", "social_security_tax social_tax box_4 sv_beitrag cotisations",
        "Social security tax.", "Social security tax withheld.", "What was withheld for social security."),
    spec("interest", "number", "interest taxable_interest interestIncome zinsen interets",
        "Interest.", "Taxable interest.", "Taxable interest; null where the line is empty."),
    spec("donations", "number", "donations charitable_contributions gifts spenden dons",
        "Donations.", "Gifts to charity.", "Donations that are claimed; null where the line is empty."),
    spec("refund", "number", "refund overpaid amount_refunded erstattung rimborso",
        "Refund.", "Amount to be refunded.", "What the taxpayer gets back, if anything is filled in."),
    spec("filing_status", "choice", "filing_status status filingStatus veranlagungsart situation",
        "Filing status.", "Which status is ticked.", "Filing status by the box that is marked.",
        choices=("single", "joint", "separate"), pixels=True),
    spec("corrected", "boolean", "corrected is_corrected amended berichtigt rectificative",
        "Is it a corrected form?", "Whether 'corrected' is ticked.",
        "True if the box for a corrected form is marked.", pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present",
        "Signed?", "Whether it is signed.", "True if there is a signature above the line.", pixels=True),
)  # fmt: skip


def make(chance: random.Random, locale: str) -> Facts:
    """A statement of one year."""
    form = Form(chance, locale, _FIELDS, hand=chance.random() < 0.35)
    voice, terms = form.voice, form.terms
    year = str(voice.today.year - 1)
    form.put("tax_year", "tax_year", year, 0.95)
    form.put(
        "taxpayer_number",
        "taxpayer_no",
        voice.code(chance.choice(("###-##-####", "## ### ### ###", "??#######"))),
    )
    form.put("taxpayer", "name", voice.person(), 0.97)
    form.put("taxpayer_address", "address", form.address())
    form.put("employer_number", "employer_no", voice.tax_id(), 0.8)
    form.put("employer", "employer", voice.firm(), 0.9)
    wages = Decimal(chance.randint(900_000, 14_000_000)) / 100
    cent = Decimal("0.01")
    tax = (wages * Decimal(chance.uniform(0.05, 0.3))).quantize(cent)
    capped = wages if chance.random() < 0.5 else (wages * Decimal("0.92")).quantize(cent)
    form.money("wages", "wages", wages, 0.97)
    form.money("tax_withheld", "withheld", tax, 0.95)
    form.money("social_wages", "social_wages", capped, 0.8)
    form.money("social_tax", "social_tax", (capped * Decimal("0.062")).quantize(cent), 0.8)
    for key, term, limit in (("interest", "interest", 90_000), ("donations", "donations", 200_000)):
        form.money(key, term, Decimal(chance.randint(500, limit)) / 100, 0.45)
    form.money("refund", "refund", Decimal(chance.randint(1000, int(tax * 50))) / 100, 0.5)
    form.put("", "date", voice.day(chance.randint(10, 100)), 0.7)
    form.choose("filing_status", "filing", {"single": "single", "joint": "joint", "separate": "separate"})
    form.tick("corrected", {"corrected": "corrected"}, 0.45)
    form.sign("signed", form.truth["taxpayer"] or "", 0.55)
    title = terms("tax_form") + (f" {year}" if form.truth["tax_year"] and chance.random() < 0.5 else "")
    issuer = Party("", f"{terms('form_no')} {voice.code(chance.choice(('?-#', '####', '###-?')))}")
    return form.facts(title, issuer, ("boxes", "boxes", "label_above", "label_below", "dotted", "beside"),
        footer=[terms("print_hint")],
        prose=form.small_words())  # fmt: skip


KIND = DocumentKind(
    "tax_form",
    ("tax_form", "wage and tax statement", "annual tax certificate", "Steuerformular"),
    _FIELDS,
    make,
)
