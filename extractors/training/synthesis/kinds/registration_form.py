"""Forms of government registers: typed or written by hand, with a received stamp."""

from __future__ import annotations

import datetime as dt
import random

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("registration_number", "text", "registration_number registrationNo reg_no regNr numero_registro",
        "Registration number.", "The number under which the registrant is registered.",
        "Registration number of the registrant as it stands in the form, without the words 'Registration No.'.",
        key_field=True),
    spec("registrant_name", "text", "registrant_name registrant registrantName anmelder declarant_name",
        "Name of the registrant.", "The firm or body that registers.",
        "Name of the registering firm as filled in, not that of its agent and not that of the principal."),
    spec("agent_name", "text", "agent_name agent agentFullName individual_name vertreter",
        "Name of the agent.", "The individual who files for the registrant.",
        "Full name of the individual agent; null on forms that name no individual."),
    spec("principal", "text", "principal foreign_principal principalName client_represented mandant",
        "Principal that is represented.", "For whom the registrant acts.",
        "Name of the principal on whose behalf the registrant acts, if the form names one."),
    spec("business_address", "text", "business_address address principal_address anschrift adres_siedziby",
        "Business address.", "Address of the registrant's business.",
        "Principal business address as written, street to town."),
    spec("nationality", "text", "nationality citizenship national_of staatsangehoerigkeit",
        "Nationality.", "Citizenship of the person named.", "Nationality or citizenship as filled in."),
    spec("date_received", "date", "date_received received_on receivedDate stamp_date eingangsdatum",
        "Date of the received stamp.", "When the office received the form.",
        "Date in the register office's received stamp (it may be rotated or faint), not the date of signature."),
    spec("date_signed", "date", "date_signed signature_date signedOn date_of_signature",
        "Date of signature.", "When the form was signed.",
        "Date beside the signature as written; neither the received date nor a notary's."),
    spec("filing_type", "choice", "filing_type type_of_filing filingKind art_der_anmeldung",
        "Type of filing.", "Which box is ticked: initial, amendment or termination.",
        "What kind of filing this is by the box that is marked.",
        choices=("initial", "amendment", "termination"), pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature signature_present unterschrieben",
        "Is it signed?", "Whether there is a signature above the line.",
        "True if somebody signed the form by hand, false if the signature line is empty.", pixels=True),
    spec("approved", "boolean", "approved approved_stamp isApproved stamped_approved",
        "Stamped approved?", "Whether there is a stamp that says approved.",
        "True if the form bears a stamp with 'approved' (in the form's language); other stamps do not count.",
        pixels=True),
)  # fmt: skip
_ACTIVITIES = ("public relations", "tourism promotion", "legal services", "trade consulting", "import and export",
    "publishing", "translation", "logistics", "lobbying", "research")  # fmt: skip
_COUNTRIES = {
    "en": ("United States", "Canada", "Japan", "Norway", "Brazil", "Ireland"),
    "de": ("deutsch", "österreichisch", "japanisch", "kanadisch"),
    "fr": ("française", "belge", "canadienne", "suisse"),
    "it": ("italiana", "svizzera", "francese"),
    "es": ("española", "mexicana", "argentina"),
    "nl": ("Nederlandse", "Belgische", "Duitse"),
    "pl": ("polskie", "czeskie", "niemieckie"),
}


def _stamp_date(form: Form, day: dt.date) -> str:
    """As date stamps print it."""
    month = day.strftime("%b").upper() if form.terms.language == "en" else f"{day.month:02}"
    patterns = (
        f"{day.day} {month} {day.year}",
        f"{month} {day.day:02} {day.year}",
        f"{day.year} {month} {day.day:02}",
    )
    if form.terms.language != "en":
        return form.chance.choice((f"{day:%d.%m.%Y}", f"{day:%d. %m. %y}", patterns[0]))
    return form.chance.choice((*patterns, f"{month} {day.day}, {day.year}", f"{day:%m/%d/%y}"))


def make(chance: random.Random, locale: str) -> Facts:
    """A filed form, now and then unsigned, not stamped, or without an agent."""
    form = Form(chance, locale, _FIELDS, hand=chance.random() < 0.75)
    voice, terms = form.voice, form.terms
    voice.today = dt.date(chance.randint(1941, 2024), chance.randint(1, 12), chance.randint(1, 28))
    number = chance.choice(
        (voice.code("####"), voice.code("###"), voice.code("HRB #####"), voice.code("@@-#####"))
    )
    agent = voice.person() if chance.random() < 0.6 else ""
    form.put("registration_number", "registration_no", number, 0.92)
    if agent:
        form.put("agent_name", "agent", agent.upper() if chance.random() < 0.3 else agent, 1.0)
    form.put("registrant_name", "registrant", voice.firm(), 0.97)
    if agent and chance.random() < 0.6:
        form.put("", "birth", voice.day(-chance.randint(9000, 25000)))
    form.put("business_address", "business_address", form.address())
    form.put("nationality", "nationality", chance.choice(_COUNTRIES[terms.language]), 0.5)
    form.put("principal", "principal", voice.firm(), 0.6)
    if terms.language == "en":
        form.put("", "activities", ", ".join(chance.sample(_ACTIVITIES, 2)), 0.6)
    if chance.random() < 0.6:
        form.choose("filing_type", "filing_kind",
            {"initial": "initial_filing", "amendment": "amendment", "termination": "termination"}, 0.9)  # fmt: skip
    form.put("date_signed", "date_signed", voice.day(-chance.randint(0, 9)), 0.85)
    if chance.random() < 0.5:  # questions that nobody asks for, some of them left empty
        for term in chance.sample(
            ["phone", "email", "occupation", "place", "purpose", "further"], chance.randint(1, 4)
        ):
            said = {
                "phone": voice.phone(),
                "email": voice.fake.ascii_safe_email(),
                "place": voice.fake.city().strip(),
            }
            form.put("", term, said.get(term, " ".join(voice.fake.words(3))), 0.6)
    if chance.random() < 0.35:
        form.put("", "notary", voice.day(chance.randint(0, 3)), 1.0)
        form.put("", "expires", voice.day(chance.randint(200, 900)), 1.0)
    if chance.random() < 0.8:
        printed = _stamp_date(form, voice.today + dt.timedelta(days=chance.randint(1, 20)))
        form.truth["date_received"] = printed
        office = chance.choice(
            (voice.code("UNIT ?"), terms("register_office").upper(), voice.code("REG/??-#"))
        )
        lines = [terms("received_stamp"), printed, office]
        form.stamp(chance.choice((lines, lines[:2], [office, printed, terms("received_stamp")])), turn=18)
    form.eye_stamp("approved", "approved_stamp", 0.45)
    form.sign("signed", form.truth["agent_name"] or "", 0.55)
    issuer = Party("", terms("register_office"), (terms("print_hint"),) if chance.random() < 0.5 else ())
    code = f"{terms('form_no')} {voice.code('??-###')}"
    return form.facts(
        terms("registration"), issuer, ("boxes", "dotted", "label_above", "label_below", "beside", "two_columns"),
        footer=[f"{code} ({chance.randint(1, 12):02}/{voice.today.year - chance.randint(1, 6)})"],
        prose=form.small_words())  # fmt: skip


KIND = DocumentKind(
    "registration_form",
    ("registration_statement", "register_filing", "government registration form", "Registeranmeldung"),
    _FIELDS,
    make,
)
