"""Certificates of insurance: cover that is ticked, and sums that are not the premium."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("insurer", "text", "insurer underwriter insurance_company versicherer assureur", "Insurer.",
        "Who gives the cover.", "Name of the insurance company, not of a broker."),
    spec("broker", "text", "broker agent producer vermittler courtier", "Broker.", "Who arranged it.",
        "Name of the broker or agent, if one is named."),
    spec("policyholder", "text", "policyholder insured named_insured versicherungsnehmer souscripteur", "Policyholder.",
        "Who is insured.", "Name of the policyholder, without the address."),
    spec("policyholder_address", "text", "policyholder_address insured_address address anschrift indirizzo",
        "Address of the policyholder.", "Where the insured lives or sits.", "Address given for the policyholder."),
    spec("policy_number", "text", "policy_number policy_no policyNo versicherungsschein_nr polizza", "Policy number.",
        "Number of the policy.", "Number of the policy, not of the vehicle.", key_field=True),
    spec("valid_from", "date", "valid_from effective_date startDate versicherungsbeginn date_effet", "Valid from.",
        "Beginning of the cover.", "First day of cover, not the day of issue."),
    spec("valid_to", "date", "valid_to expiry_date expirationDate ablauf echeance", "Valid until.",
        "End of the cover.", "Last day of cover."),
    spec("issued_on", "date", "issued_on issue_date issuedDate ausgestellt_am emission", "Date of issue.",
        "When it was issued.", "Day on which the certificate was issued, not the beginning of the cover."),
    spec("insured_object", "text", "insured_object vehicle property versichertes_objekt vehicule", "Insured object.",
        "What is insured.", "Vehicle or property as described."),
    spec("registration_plate", "text", "registration_plate license_plate plateNumber kennzeichen targa",
        "License plate.", "Registration of the vehicle.", "License plate of the insured vehicle, if there is one."),
    spec("sum_insured", "number", "sum_insured limit coverage_amount versicherungssumme capital", "Sum insured.",
        "Limit of the cover.", "Sum insured or limit of liability, without currency; not the premium."),
    spec("premium", "number", "premium annual_premium premiumAmount jahresbeitrag prime", "Premium.",
        "What it costs a year.", "Premium without currency; neither the limit nor the deductible."),
    spec("deductible", "number", "deductible excess selfRetention selbstbeteiligung franchise", "Deductible.",
        "What the insured bears.", "Deductible or excess per claim, without currency."),
    spec("liability", "boolean", "liability third_party liabilityCover haftpflicht responsabilite",
        "Liability covered?",
        "Is liability ticked?", "True if the box of liability is marked.", pixels=True),
    spec("fire", "boolean", "fire fire_theft fireCover teilkasko incendie", "Fire and theft covered?",
        "Is fire ticked?", "True if the box of fire and theft is marked.", pixels=True),
    spec("comprehensive", "boolean", "comprehensive all_risks fullCover vollkasko tous_risques", "All risks covered?",
        "Is comprehensive cover ticked?", "True if the box of comprehensive cover is marked.", pixels=True),
    spec("legal", "boolean", "legal legal_expenses legalCover rechtsschutz protection_juridique",
        "Legal expenses covered?", "Is legal protection ticked?", "True if the box of legal expenses is marked.",
        pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present", "Signed?",
        "Whether it is signed.", "True if there is a signature above the line.", pixels=True),
    spec("paid", "boolean", "paid stamped_paid paidStamp bezahlt paye", "Stamped paid?", "Does a stamp say paid?",
        "True if a stamp says 'paid' in the document's language; a copy stamp does not count.", pixels=True),
)  # fmt: skip
_CARS = (
    "VW Golf",
    "Toyota Corolla",
    "Ford Transit",
    "Renault Clio",
    "BMW 320d",
    "Skoda Octavia",
    "Honda Civic",
    "Volvo V60",
)


def make(chance: random.Random, locale: str) -> Facts:
    """One policy's."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    insurer, holder, home = voice.firm(), chance.choice((voice.firm, voice.person))(), form.address()
    form.truth["insurer"] = insurer
    parties = []
    if chance.random() < 0.5:
        form.truth["policyholder"], form.truth["policyholder_address"] = holder, home
        parties.append(Party(terms("policyholder"), holder, (home,)))
        if chance.random() < 0.5:
            form.truth["broker"] = voice.firm()
            parties.append(Party(terms("broker"), form.truth["broker"], voice.address()))
    else:
        form.put("policyholder", "policyholder", holder, 0.97)
        form.put("policyholder_address", "address", home, 0.8)
        form.put("broker", "broker", voice.firm(), 0.4)
    form.put(
        "policy_number",
        "policy_no",
        voice.code(chance.choice(("##.###.###-#", "??-#######", "#### ######"))),
        0.97,
    )
    begins = chance.randint(-20, 40)
    form.put("valid_from", "valid_from", voice.day(begins), 0.95)
    form.put("valid_to", "valid_to", voice.day(begins + 364), 0.9)
    form.put("issued_on", "issued", voice.day(-chance.randint(21, 40)), 0.75)
    if chance.random() < 0.5:
        form.put("insured_object", "object", chance.choice(_CARS), 1.0)
        form.put(
            "registration_plate", "plate", voice.code(chance.choice(("??-?? ###", "### ???", "?? ####"))), 0.9
        )
    else:
        form.put("insured_object", "object", form.address(), 0.6)
    form.money("sum_insured", "sum_insured", Decimal(chance.randint(1, 200)) * 50000, 0.9)
    form.money("premium", "premium", Decimal(chance.randint(9000, 400000)) / 100, 0.8)
    form.money("deductible", "deductible", Decimal(chance.choice((150, 250, 300, 500, 1000))), 0.6)
    form.tick(
        "cover", {"liability": "liability", "fire": "fire", "comprehensive": "full", "legal": "legal"}, 0.5
    )
    form.eye_stamp("paid", "paid_stamp", 0.45)
    form.sign("signed", insurer, 0.55)
    issuer = Party("", insurer, voice.address())
    prose = [voice.fake.paragraph(5)] if chance.random() < 0.5 else []
    return form.facts(terms("insurance"), issuer, ("letter", "letter", "beside", "boxes", "label_above", "two_columns"),
        parties=parties, prose=prose)  # fmt: skip


KIND = DocumentKind(
    "insurance_certificate",
    ("insurance_certificate", "certificate of insurance", "insurance policy", "Versicherungsschein"),
    _FIELDS,
    make,
)
