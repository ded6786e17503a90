"""Contracts: what is asked for hides in running text, between other dates, firms and sums."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import cache
from pathlib import Path

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("contract_number", "text", "contract_number agreement_no contractNo vertragsnummer numero_contrat",
        "Contract number.", "Number of the agreement.", "Number under which the agreement is filed.", key_field=True),
    spec("provider", "text", "provider party_a supplierName auftragnehmer prestataire", "Provider.",
        "Who provides the services.", "Name of the party that provides the services, no subcontractor."),
    spec("client", "text", "client party_b clientName auftraggeber cliente", "Client.", "Who receives the services.",
        "Name of the party that pays for the services."),
    spec("provider_address", "text", "provider_address address_party_a providerAddress anschrift_auftragnehmer sede",
        "Address of the provider.", "Where the provider sits.", "Address given with the provider's name."),
    spec("effective_date", "date", "effective_date commencement startDate vertragsbeginn date_effet", "Effective date.",
        "When the contract takes effect.", "Date on which it takes effect, neither that of an offer nor of signature."),
    spec("end_date", "date", "end_date term_end expiresOn laufzeit_ende fin_contrat", "End of the term.",
        "Until when it runs.", "Last day of the term; null if no end is stated."),
    spec("fee", "number", "fee contract_value price verguetung remuneration", "Fee.", "What the client pays.",
        "The agreed fee without currency; no cap on liability and no threshold for expenses."),
    spec("notice_period", "text", "notice_period termination_notice noticePeriod kuendigungsfrist preavis",
        "Notice period.", "Notice for termination.", "Period of notice as worded; null if none is agreed."),
    spec("governing_law", "text", "governing_law jurisdiction law gerichtsstand tribunal", "Governing law.",
        "Place of the courts or law.", "Place or state whose courts or law apply."),
    spec("date_signed", "date", "date_signed signature_date signedOn unterzeichnet_am fecha_firma",
        "Date of signature.",
        "When it was signed.", "Date at the signatures, if there is one."),
    spec("provider_signed", "boolean", "provider_signed signed_by_provider firstSignature unterschrift_an signature_1",
        "Did the provider sign?", "Is there a signature above the provider's line?",
        "True if somebody signed above the provider's name.", pixels=True),
    spec("client_signed", "boolean", "client_signed signed_by_client secondSignature unterschrift_ag signature_2",
        "Did the client sign?", "Is there a signature above the client's line?",
        "True if somebody signed above the client's name.", pixels=True),
    spec("is_copy", "boolean", "is_copy copy_stamp stampedCopy kopie copie", "Is it stamped copy?",
        "Does a stamp say copy?", "True if the document bears a stamp 'copy' in its language.", pixels=True),
)  # fmt: skip
_TITLES = {
    "en": ("Service Agreement", "Consulting Agreement", "Maintenance Contract", "Framework Agreement"),
    "de": ("Dienstleistungsvertrag", "Beratervertrag", "Wartungsvertrag", "Rahmenvertrag"),
    "fr": ("Contrat de prestation de services", "Contrat de maintenance", "Contrat-cadre"),
    "it": ("Contratto di servizi", "Contratto di consulenza", "Contratto quadro"),
    "es": ("Contrato de prestación de servicios", "Contrato de mantenimiento", "Contrato marco"),
    "nl": ("Dienstverleningsovereenkomst", "Raamovereenkomst", "Onderhoudscontract"),
    "pl": ("Umowa o świadczenie usług", "Umowa ramowa", "Umowa serwisowa"),
}
_NOTICE = {
    "en": ("thirty (30) days'", "60 days'", "three months'", "90 days'"),
    "de": ("drei Monaten", "30 Tagen", "sechs Wochen"),
    "fr": ("trois mois", "30 jours", "deux mois"),
    "it": ("30 giorni", "tre mesi", "60 giorni"),
    "es": ("30 días", "dos meses", "tres meses"),
    "nl": ("één maand", "30 dagen", "drie maanden"),
    "pl": ("30 dni", "trzech miesięcy", "14 dni"),
}


@cache
def all_clauses() -> dict[str, list[tuple[tuple[str, ...], str, str]]]:
    """By language: keys of the truth that a clause states, its heading, its text."""
    lines = (Path(__file__).parents[1] / "clauses.txt").read_text(encoding="utf-8").splitlines()
    clauses: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for language, keys, heading, text in (line.split("|") for line in lines if not line.startswith("#")):
        clauses.setdefault(language, []).append((tuple(keys.split()), heading, text))
    return clauses


def make(chance: random.Random, locale: str) -> Facts:
    """A contract of one to four pages; clauses may be missing."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    language = terms.language
    days = {"effective_date": chance.randint(1, 60), "end_date": chance.randint(300, 1500)}
    fee, cap = Decimal(chance.randint(20, 9000)) * 100, Decimal(chance.randint(10, 500)) * 50
    values = {
        "contract_number": voice.code(chance.choice(("####-##", "?-####/##", "??#####"))),
        "provider": voice.firm(), "client": voice.firm(), "other": voice.firm(),
        "provider_address": form.address(), "client_address": form.address(),
        **{key: voice.day(offset) for key, offset in days.items()},
        "offer_date": voice.day(-chance.randint(10, 90)),
        "fee": voice.number(fee), "fee_money": voice.money(fee), "cap_money": voice.money(cap),
        "days": str(chance.choice((14, 30, 45, 60))), "notice_period": chance.choice(_NOTICE[language]),
        "governing_law": voice.fake.city().strip(),
    }  # fmt: skip
    clauses = all_clauses()[language]
    prose = [clauses[0][2].format(**values)]
    for key in ("contract_number", "provider", "client", "provider_address"):
        form.truth[key] = values[key]
    sign = chance.choice(("{}. ", "§ {} ", "Art. {} ", "({}) "))
    number = 1
    wordy = chance.choice((0, 0, 1, 3))
    for keys, heading, text in clauses[1:]:
        if chance.random() < (0.15 if keys else 0.25):
            continue
        prose.append(f"# {sign.format(number)}{heading}")
        prose.append(text.format(**values))
        prose += [voice.fake.paragraph(7) for _ in range(wordy if chance.random() < 0.6 else 0)]
        form.truth.update({key: values[key] for key in keys})
        number += 1
    signed_on = voice.day(chance.randint(-8, 0))
    if chance.random() < 0.7:
        form.truth["date_signed"] = signed_on
        prose.append(f"{terms('place')}, {terms('date')}: {voice.fake.city().strip()}, {signed_on}")
    form.sign("provider_signed", values["provider"], 0.55)
    form.sign("client_signed", values["client"], 0.5)
    form.eye_stamp("is_copy", "copy_stamp", 0.45, ("approved_stamp", "paid_stamp"))
    issuer = Party("", chance.choice((values["provider"], values["client"])))
    return form.facts(chance.choice(_TITLES[language]), issuer, ("clauses",), prose=prose)


KIND = DocumentKind(
    "contract", ("service_contract", "agreement", "services agreement", "Vertrag"), _FIELDS, make
)
