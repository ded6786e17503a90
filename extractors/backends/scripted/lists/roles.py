"""What a field of an entry is: begin or end of a period, a title, an organisation, a place, a description.

The words are names of fields in eight languages, and kinds of organisations, positions and degrees; never names.
"""

from __future__ import annotations

import re
from enum import StrEnum

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import LEGAL_FORM, is_place
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind


class Role(StrEnum):
    """What a field asks for of an entry."""

    START = "start"
    END = "end"
    PERIOD = "period"
    DATE = "date"
    LASTS = "lasts"
    TITLE = "title"
    ORGANISATION = "organisation"
    PLACE = "place"
    DESCRIPTION = "description"


_NAMES = {
    Role.PERIOD: "period periods dates duration years timeframe zeitraum dauer periode duree periodo durata duracion "
    "periode looptijd okres",
    Role.DATE: "year date graduated graduation completed jahr annee anno ano jaar rok datum fecha data",
    Role.ORGANISATION: "employer company organisation organization institution school university college firm institute "
    "arbeitgeber unternehmen firma hochschule universitat schule einrichtung employeur entreprise etablissement ecole "
    "universite azienda datore istituto universita empresa empleador institucion universidad centro werkgever bedrijf "
    "instelling universiteit pracodawca uczelnia szkola empregador instituicao issuer provider",
    Role.TITLE: "title position role job jobtitle degree qualification diploma stelle funktion abschluss titel rolle "
    "poste fonction intitule diplome titolo posizione ruolo mansione laurea puesto cargo titulo functie stanowisko tytul "
    "dyplom certification certificate award name program programme bezeichnung nom nome nombre naam nazwa",
    Role.PLACE: "location place city town country ort standort stadt land lieu ville pays luogo citta lugar ciudad plaats "
    "stad miejsce miasto cidade",
    Role.DESCRIPTION: "description responsibilities duties summary details tasks achievements notes highlights bullets "
    "beschreibung aufgaben tatigkeiten taches missions descrizione mansioni descripcion funciones omschrijving taken opis "
    "obowiazki descricao",
}
_ROLE_OF = {text_key(word): role for role, words in _NAMES.items() for word in words.split()}
_LASTS = frozenset(["current", "present", "ongoing", "active", "aktuell", "laufend", "actuel", "attuale", "actual"])
_NULL = re.compile(r"\bnull\b.*\b(?:current|present|ongoing|still|lasts)|\b(?:current|present|ongoing)\b.*\bnull\b", re.IGNORECASE)
_ORGANISATION = re.compile(
    r"\b(?:univer\w+|uniwersytet|hochschule|fachhochschule|\w*institut\w*|istituto|college|school|\w*schule|gymnasium"
    r"|academy|akademie|acad[ée]mie|accademia|hospital|klinik\w*|h[ôo]pital|bank|banque|banca|ministry|museum|lyc[ée]e"
    r"|[ée]cole|iut|liceo|polite\w+|hogeschool|technikum|szko[łl]a|association|society|foundation|stiftung|verein|group"
    r"|groep|gruppe|groupe|gruppo|grupo|stichting|solutions|laborator\w+|e\.v|gesbr|s\.l|sp\.|company|corporation|press"
    r"|council|agency|department|services|industries|systems|partners|consulting|technologies)\b"
    r"|\w+(?:schule|universität)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:\w*engineer|\w*manager(?:in)?|director|analyst|assistant\w*|officer|developer|consultant|teacher|nurse|professor"
    r"|lecturer|intern|internship|coordinator|specialist|head|lead|leader|chief|president|administrator|technician|clerk"
    r"|designer|architect|accountant|secretary|supervisor|research(?:er|\w* fellow)|scientist|editor|member|fellow|advisor"
    r"|adviser|trainee|executive|operator|representative|worker|driver|therapist|\w+ist|\w*leiter(?:in)?"
    r"|\w*ingenieur\w*|referent(?:in)?|sachbearbeiter(?:in)?|\w*kauf(?:mann|frau)|\w*berater(?:in)?|\w*entwickler(?:in)?"
    r"|\w*mitarbeiter(?:in)?|praktikant(?:in)?|werkstudent(?:in)?|\w*meister(?:in)?|\w+\*in|ing[ée]nieure?|technicien(?:ne)?"
    r"|direct(?:eur|rice)|responsable|charg[ée]e?|chef|conseill(?:er|[èe]re)|d[ée]velopp\w+|stagiaire|ingegnere|direttore"
    r"|direttrice|responsabile|impiegat[oa]|consulente|tecnico|operaio|addett[oa]|ingenier[oa]|gerente|jef[ea]|t[ée]cnic[oa]"
    r"|asesor\w?|medewerker|adviseur|hoofd|leraar|beheerder|kierownik|specjalista|in[żz]ynier|dyrektor|asystent\w*|doradca"
    r"|b\.?sc|m\.?sc|b\.?a|m\.?a|mba|ph\.?d|bachelor\w*|master\w*|diplom\w*|doctor\w*|doktor\w*|dottorato|laurea"
    r"|licen[cs]\w*|grado|m[áa]ster|bachillerato|abitur|lehre|ausbildung|matura|magister|bts|baccalaur\w+|degree"
    r"|certificat\w+|certified|zertifikat|hbo|technik|graduate)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 12
"""A name has no more words."""
_TOWN = re.compile(r"[^\W\d_][\w .'-]{1,30}, (?:[A-Z]{2}|[^\W\d_]{4,20})")


def role_of(goal: Goal) -> Role | None:
    """What a field of an entry asks for; ``None`` for anything that only a label tells."""
    words = [text_key(part) for part in parts_of(goal.path)]
    if goal.leaf.kind is Kind.BOOLEAN:
        return Role.LASTS if any(word in _LASTS for word in words) else None
    if goal.means("from") or words[-1:] == ["since"]:
        return Role.START
    if goal.means("until"):
        return Role.END
    found = [role for word in reversed(words) if (role := _ROLE_OF.get(word)) is not None]
    role = next((role for role in found if role is not Role.TITLE), found[0] if found else None)
    if role in (Role.DATE, Role.PERIOD) or goal.leaf.kind is Kind.DATE:
        return Role.DATE if goal.leaf.kind is not Kind.TEXT or role is None else role
    if goal.kind in NUMERIC or goal.leaf.kind is not Kind.TEXT or goal.leaf.format or goal.leaf.pattern:
        return None
    if goal.means("mail", "phone", "number", "id", "reference", "address"):
        return None
    return role


def is_null_while_it_lasts(goal: Goal) -> bool:
    """Whether a description wants no end of what lasts."""
    return bool(_NULL.search(goal.leaf.description))


def looks_like_organisation(text: str) -> bool:
    """Whether a text names a company, a school or the like."""
    words = text.split()
    legal = any(word[:1].isupper() and LEGAL_FORM.fullmatch(word.strip(",()")) for word in words[1:])
    return len(words) <= _MOST_WORDS and (legal or bool(_ORGANISATION.search(text)))


def looks_like_title(text: str) -> bool:
    """Whether a text names a position or a degree."""
    return bool(_TITLE.search(text))


def looks_like_place(text: str) -> bool:
    """Whether a text is a town with its state or country, or an address."""
    return bool(_TOWN.fullmatch(text)) or is_place(text)
