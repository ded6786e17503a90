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


_NAMES = """
period: period periods dates duration years timeframe zeitraum dauer periode duree periodo durata duracion
  periode looptijd okres
date: year date graduated graduation completed jahr annee anno ano jaar rok datum fecha data
organisation: employer company organisation organization institution school university college firm institute
  arbeitgeber unternehmen firma hochschule universitat schule einrichtung employeur entreprise etablissement
  ecole universite azienda datore istituto universita empresa empleador institucion universidad centro werkgever
  bedrijf instelling universiteit pracodawca uczelnia szkola empregador instituicao issuer provider
title: title position role job jobtitle degree qualification diploma stelle funktion abschluss titel rolle poste
  fonction intitule diplome titolo posizione ruolo mansione laurea puesto cargo titulo functie stanowisko tytul
  dyplom certification certificate award name program programme bezeichnung nom nome nombre naam nazwa
place: location place city town country ort standort stadt land lieu ville pays luogo citta lugar ciudad plaats
  stad miejsce miasto cidade
description: description responsibilities duties summary details tasks achievements notes highlights bullets
  beschreibung aufgaben tatigkeiten taches missions descrizione mansioni descripcion funciones omschrijving
  taken opis obowiazki descricao
"""


def _roles() -> dict[str, Role]:
    found: dict[str, Role] = {}
    role = Role.PERIOD
    for line in _NAMES.strip().splitlines():
        head, colon, rest = line.partition(":")
        role = Role(head.strip()) if colon else role
        found.update({text_key(word): role for word in (rest if colon else line).split()})
    return found


_ROLE_OF = _roles()
_LASTS = frozenset(
    ["current", "present", "ongoing", "active", "aktuell", "laufend", "actuel", "attuale", "actual"]
)
_NULL = re.compile(
    r"\bnull\b.*\b(?:current|present|ongoing|still|lasts)|\b(?:current|present|ongoing)\b.*\bnull\b",
    re.IGNORECASE,
)
_ORGANISATION = re.compile(
    r"\b(?:univer\w+|uniwersytet|hochschule|fachhochschule|\w*institut\w*|istituto|college|school|\w*schule|gymnasium"
    r"|academy|akademie|acad[ée]mie|accademia|hospital|klinik\w*|h[ôo]pital|bank|banque|banca|ministry|museum|lyc[ée]e"
    r"|[ée]cole|iut|liceo|polite\w+|hogeschool|technikum|szko[łl]a|association|society|foundation|stiftung|verein|group"
    r"|groep|gruppe|groupe|gruppo|grupo|stichting|solutions|laborator\w+|e\.v|gesbr|s\.l|sp\.|company|corporation|press"
    r"|council|agency|department|services|industries|systems|partners|consulting|technologies)\b"
    r"|\b\w+universität\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:\w*engineer|\w*manager(?:in)?|director|analyst|assistant\w*|officer|developer|consultant|teacher"
    r"|nurse|professor|lecturer|intern|internship|coordinator|specialist|head|lead|leader|chief"
    r"|president|administrator|technician|clerk|designer|architect|accountant|secretary|supervisor"
    r"|research(?:er|\w* fellow)|scientist|editor|member|fellow|advisor|adviser|trainee|executive"
    r"|operator|representative|worker|driver|therapist|\w+ist|\w*leiter(?:in)?|\w*ingenieur\w*"
    r"|referent(?:in)?|sachbearbeiter(?:in)?|\w*kauf(?:mann|frau)|\w*berater(?:in)?"
    r"|\w*entwickler(?:in)?|\w*mitarbeiter(?:in)?|praktikant(?:in)?|werkstudent(?:in)?"
    r"|\w*meister(?:in)?|\w+\*in|ing[ée]nieure?|technicien(?:ne)?|direct(?:eur|rice)|responsable"
    r"|charg[ée]e?|chef|conseill(?:er|[èe]re)|d[ée]velopp\w+|stagiaire|ingegnere|direttore|direttrice"
    r"|responsabile|impiegat[oa]|consulente|tecnico|operaio|addett[oa]|ingenier[oa]|gerente|jef[ea]"
    r"|t[ée]cnic[oa]|asesor\w?|medewerker|adviseur|hoofd|leraar|beheerder|kierownik|specjalista"
    r"|in[żz]ynier|dyrektor|asystent\w*|doradca|b\.?sc|m\.?sc|b\.?a|m\.?a|mba|ph\.?d|bachelor\w*"
    r"|master\w*|diplom\w*|doctor\w*|doktor\w*|dottorato|laurea|licen[cs]\w*|grado|m[áa]ster"
    r"|bachillerato|abitur|lehre|ausbildung|matura|magister|bts|baccalaur\w+|degree|certificat\w+"
    r"|certified|zertifikat|hbo|technik|graduate)\b",
    re.IGNORECASE,
)
_MOST_WORDS, _MOST_CHARS = 12, 200
"""A name has no more."""
_HALF = 0.5
_PARTNERS = re.compile(
    r"\w (?:&|and|und|et|y|e|i|en) [^\W\d_a-z]|\w[’']s\b|[^\W\d_]{3,}-[^\W\d_a-z][^\W\d_]{2,}$"
)
"""Names of partners: *Griffin-Bender*, *Hoekstra & Dubois*."""
_ACTING = re.compile(
    r"\b\w{3,}(?:er|or|ist|ian|eur|euse|i[èe]re|ienne?|trice|tore|dora?|nik|arz|owca|[äa]r)\b",
    re.IGNORECASE,
)
"""Words for who does something, by their ends; names end so, too."""
_TOWN = re.compile(r"[^\W\d_][\w .'-]{1,30}, (?:[A-Z]{2}|[^\W\d_]{4,20})")


def role_of_words(name: str) -> Role | None:
    """What the words of a name ask for, the last one first; a title only if no word says anything else."""
    found = [role for part in reversed(parts_of(name)) if (role := _ROLE_OF.get(text_key(part))) is not None]
    return next((role for role in found if role is not Role.TITLE), found[0] if found else None)


def role_of(goal: Goal) -> Role | None:
    """What a field of an entry asks for; ``None`` for anything that only a label tells."""
    words = [text_key(part) for part in parts_of(goal.path)]
    if goal.leaf.kind is Kind.BOOLEAN:
        return Role.LASTS if any(word in _LASTS for word in words) else None
    if goal.means("from") or words[-1:] == ["since"]:
        return Role.START
    if goal.means("until"):
        return Role.END
    role = role_of_words(goal.path)
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


def organisation_evidence(text: str) -> float:
    """How much a text looks like the name of a company, a school or the like, 0 to 1."""
    words = text[:_MOST_CHARS].split()
    if not 0 < len(words) <= _MOST_WORDS:
        return 0.0
    if any(word[:1].isupper() and LEGAL_FORM.fullmatch(word.strip(",()")) for word in words[1:]):
        return 1.0
    if _ORGANISATION.search(text[:_MOST_CHARS]):
        return 1.0
    return _HALF if _PARTNERS.search(text[:_MOST_CHARS]) else 0.0


def title_evidence(text: str) -> float:
    """How much a text looks like a position or a degree, 0 to 1."""
    if _TITLE.search(text[:_MOST_CHARS]):
        return 1.0
    words = text[:_MOST_CHARS].split()
    written_small = len(words) > 1 and words[-1].islower() and words[-1].isalpha()
    return _HALF if written_small or _ACTING.search(text[:_MOST_CHARS]) else 0.0


def looks_like_organisation(text: str) -> bool:
    """Whether a text surely names a company, a school or the like."""
    return organisation_evidence(text) >= 1.0


def looks_like_title(text: str) -> bool:
    """Whether a text surely names a position or a degree."""
    return title_evidence(text) >= 1.0


def looks_like_place(text: str) -> bool:
    """Whether a text is a town with its state or country, or an address."""
    return len(text) <= _MOST_CHARS and (bool(_TOWN.fullmatch(text)) or is_place(text))
