"""Applications for membership, credit or a contract: with a plan to choose, consents and a signature."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("application_number", "text", "application_no reference applicationNumber antragsnummer aktenzeichen",
        "Application number.", "Reference of the application.", "Number or reference printed for this application.",
        key_field=True),
    spec("organisation", "text", "organisation organization company receiver_name empfaenger", "Who receives it.",
        "Organisation that is applied to.", "Name of the organisation whose form this is."),
    spec("applicant", "text", "applicant applicant_name applicantName antragsteller demandeur", "Applicant.",
        "Who applies.", "Full name of the applicant as filled in."),
    spec("birth_date", "date", "date_of_birth dob birthDate geburtsdatum fecha_nacimiento", "Date of birth.",
        "When the applicant was born.", "The applicant's date of birth as written."),
    spec("address", "text", "address applicant_address homeAddress anschrift domicilio", "Address.",
        "Where the applicant lives.", "Applicant's address, not that of the organisation."),
    spec("email", "text", "email email_address eMail mail correo", "E-mail.", "E-mail of the applicant.",
        "The applicant's e-mail address."),
    spec("phone", "text", "phone telephone phoneNumber telefon tel", "Telephone.", "Number of the applicant.",
        "The applicant's telephone number, not the organisation's."),
    spec("employer", "text", "employer employer_name currentEmployer arbeitgeber employeur", "Employer.",
        "Where the applicant works.", "Name of the applicant's employer, if given."),
    spec("monthly_income", "number", "monthly_income income netIncome einkommen revenu_mensuel", "Monthly income.",
        "Income per month.", "The applicant's monthly income as filled in, without currency."),
    spec("amount_requested", "number", "amount_requested loan_amount requestedAmount kreditbetrag montant",
        "Amount requested.", "How much is applied for.", "Amount that the applicant asks for, without currency."),
    spec("iban", "text", "iban bank_account accountNumber bankverbindung rekening", "Bank account.",
        "Account of the applicant.", "IBAN or account number for debits."),
    spec("start_date", "date", "start_date desired_start startsOn beginn debut", "Desired start.",
        "When it is to begin.", "Start that the applicant wishes for, not the date of signature."),
    spec("date_signed", "date", "date_signed signed_on signatureDate datum fecha_firma", "Date of signature.",
        "When it was signed.", "Date of the application beside the signature."),
    spec("marital_status", "choice", "marital_status civil_status maritalStatus familienstand situation_familiale",
        "Marital status.", "Which marital status is marked.", "Marital status by what is marked; null if nothing is.",
        choices=("single", "married", "divorced", "widowed"), pixels=True),
    spec("plan", "choice", "plan category chosen_plan tarif formule", "Chosen plan.", "Which plan is marked.",
        "Plan by what is circled, ticked or left when the others are struck out.",
        choices=("basic", "standard", "premium"), pixels=True),
    spec("direct_debit", "boolean", "direct_debit debit_agreed directDebit lastschrift prelevement", "Direct debit?",
        "Is direct debit agreed to?", "True if the box of the direct debit is marked.", pixels=True),
    spec("newsletter", "boolean", "newsletter wants_newsletter newsletterOptIn rundbrief marketing", "Newsletter?",
        "Is the newsletter wanted?", "True if the box of the newsletter is marked.", pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present", "Signed?",
        "Whether it is signed.", "True if the applicant signed above the line.", pixels=True),
    spec("approved", "boolean", "approved is_approved approvalStamp genehmigt stamped_approved", "Stamped approved?",
        "Whether a stamp says approved.", "True if a stamp says 'approved'; received or copy stamps do not count.",
        pixels=True),
    spec("date_received", "date", "date_received received_on receivedDate eingang stamp_date", "Received on.",
        "Date of the received stamp.", "Date in the received stamp, if there is one."),
)  # fmt: skip


def make(chance: random.Random, locale: str) -> Facts:
    """One application."""
    form = Form(chance, locale, _FIELDS, hand=chance.random() < 0.7)
    voice, terms = form.voice, form.terms
    organisation = voice.firm()
    form.truth["organisation"] = organisation
    form.put(
        "application_number",
        "application_no",
        voice.code(chance.choice(("##-####", "?-#####", "########"))),
        0.8,
    )
    name = voice.person()
    form.put("applicant", "applicant", name, 0.97)
    form.put("birth_date", "birth", voice.day(-chance.randint(7000, 28000)))
    form.put("address", "address", form.address())
    form.put("phone", "phone", voice.phone(), 0.7)
    form.put("email", "email", voice.fake.ascii_safe_email(), 0.7)
    form.put("employer", "employer", voice.firm(), 0.5)
    form.money("monthly_income", "income", Decimal(chance.randint(90, 900)) * 10, 0.5)
    form.money("amount_requested", "requested", Decimal(chance.randint(5, 500)) * 100, 0.55)
    form.put("iban", "bank_account", voice.iban(), 0.7)
    form.put("start_date", "start", voice.day(chance.randint(10, 120)), 0.75)
    form.put("date_signed", "date", voice.day(), 0.85)
    if chance.random() < 0.7:
        form.choose(
            "marital_status", "marital", {key: key for key in ("single", "married", "divorced", "widowed")}
        )
    if chance.random() < 0.8:
        form.choose("plan", "plan", {"basic": "basic", "standard": "standard", "premium": "premium_plan"}, 0.95,
            chance.choice(("ring", "ring", "strike", "box")))  # fmt: skip
    form.tick("consent", {"direct_debit": "debit", "newsletter": "newsletter"}, 0.5)
    form.sign("signed", chance.choice((form.truth["applicant"] or "", "")), 0.55)
    if chance.random() < 0.4:
        printed = voice.day(chance.randint(1, 15))
        form.truth["date_received"] = printed
        form.stamp([terms("received_stamp"), printed])
    form.eye_stamp("approved", "approved_stamp", 0.45)
    issuer = Party("", organisation, voice.address())
    layouts = ("boxes", "label_above", "label_below", "dotted", "beside", "two_columns")
    return form.facts(terms("application"), issuer, layouts,
        footer=[terms("office_use")] if chance.random() < 0.5 else [],
        prose=form.small_words())  # fmt: skip


KIND = DocumentKind(
    "application_form",
    ("application_form", "membership application", "loan application", "Antrag"),
    _FIELDS,
    make,
)
