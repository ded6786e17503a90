"""What a printed line of a letterhead is by its words: a company's form, a street or town, a registration.

The words are those of forms of companies and kinds of streets in many countries, never names of places or firms.
"""

from __future__ import annotations

import re

from extractors.validation.text import text_key

LETTER = re.compile(r"[^\W\d_]")
LEGAL_FORM = re.compile(
    r"\b(?:sdn|bhd|gmbh|mbh|kg|ag|ug|ltd|limited|inc|llc|llp|corp|plc|s\.?a\.?s?|sarl|s\.?r\.?l|spa|b\.?v|n\.?v|oy|ab|aps"
    r"|enterprise|trading|restaurant|company|co|pty|e\.?k|gbr|se|sp\.? z)\b"
    r"|\bs/b\b",
    re.IGNORECASE,
)
_LEGAL_WORD = re.compile(
    r"(?:sdn|bhd|berhad|s/?b|pte|pty|ltd|limited|inc|llc|llp|corp|plc|gmbh|mbh|kg|ohg|ag|ug|gbr|e\.?k|se|s\.?a|s\.?a\.?s"
    r"|sarl|s\.?p\.?a|s\.?r\.?l|b\.?v|n\.?v|oyj?|ab|aps|a/s|sp|z\.?o\.?o|s\.?r\.?o|k\.?k|ltda|eirl|tbk|pvt|co|company)\.?",
    re.IGNORECASE,
)
_KIND_WORDS = """
enterprise enterprises trading trader traders restaurant restaurants cafe café bistro bakery bakeries food foods
catering services service holdings holding corporation industries industry industrial international group
supermarket hypermarket minimarket market mart store stores shop bookstore bookstores bookshop stationery
stationers hardware pharmacy clinic hotel electrical electronics engineering construction contractor contractors
management marketing solutions systems technologies technology supply supplies supplier suppliers distribution
distributor distributors motor motors auto logistics transport partners associates brothers bros sons agency
agencies resources ventures global machinery furniture textiles fashion printing printers advertising
manufacturing products handel handelsgesellschaft vertrieb bau technik verlag dienstleistungen
"""
_KINDS = frozenset(_KIND_WORDS.split())
_TITLE_WORDS = """
statement account charges bill invoice receipt order ticket certificate policy report note form contract agreement
application registration payslip resume curriculum vitae declaration admission boarding pass confirmation cover
purchase delivery packing slip insurance laboratory credit memo quotation quote proforma estimate advice remittance
return tax income customs waybill response change rechnung gutschrift lieferschein kontoauszug angebot bestellung
auftrag auftragsbestätigung formular antrag vertrag bescheinigung versicherungsschein lohnabrechnung gehaltsabrechnung
energieabrechnung stromrechnung jahresabrechnung lebenslauf eintrittskarte fahrkarte befund facture devis avoir bon
commande livraison relevé compte bulletin paie contrat attestation formulaire fattura bolletta preventivo ordine
estratto conto busta paga contratto modulo factura presupuesto pedido extracto cuenta nómina contrato formulario
certificado factuur offerte bestelbon pakbon rekeningafschrift loonstrook energienota jaarafrekening overeenkomst
formulier faktura rachunek zamówienie wyciąg umowa formularz zaświadczenie of for from the de du des la le di del
della der die das van pro et und and
"""
_TITLES = frozenset(text_key(word) for word in _TITLE_WORDS.split())
_FORM_NUMBER = re.compile(r"[A-Z]{0,3}-?\d{1,4}(?:-?[A-Z])?")
_STREET = re.compile(
    r"\b(?:jalan|jln|jl|lorong|lrg|lebuh|lebuhraya|persiaran|lot|street|st|road|rd|avenue|ave|lane|ln|drive|dr"
    r"|boulevard|blvd|bd|bvd|highway|hwy|square|sq|court|parkway|pkwy|crescent|building|bldg|blok|block|blk|floor|flr"
    r"|level|suite|ste|tingkat|p\.?o\.? ?box|rue|route|autoroute|chemin|quai|impasse|all[ée]e|via|viale"
    r"|piazza|corso|calle|avenida|paseo|carrera|rua|travessa|ul|ulica|postfach|\w*(?:stra(?:ss|ß)e|straat|laan|gasse|platz|allee|gatan|gade|vej)"
    r"|\w+(?:str|weg)\.?(?= \d)|am \w+ \d+)\b",
    re.IGNORECASE,
)
_HOUSE = re.compile(r"^\W*(?:no|unit|door|n[°º]|nr)\b\s*[.:,]*\s*[A-Z]{0,2}-?\d{1,4}\b", re.IGNORECASE)
_POST_CODE = re.compile(r"(?<![\w/-])(?<!N[Oo]\.)(?:[A-Z]{1,2}-)?\d{5}(?=[\s,.]+[^\W\d_]{2}|[^\W\d_]{3}|$)")
_BEHIND_TOWN = re.compile(
    r"[^\W\d_]{4,}[.,]?\s+(?:[A-Z]{2}\s+)?\d{5,6}(?:-\d{4})?\W*$|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"
)
_DAY = re.compile(r"(?<![\d/.-])[0-3]?\d([/.-])[01]?\d\1\d{4}(?!\d)")
_TIMED = re.compile(
    r"(?<![\d/.-])[0-3]?\d([/.-])[01]?\d\1\d{2}(?!\d)\D{0,12}(?<!\d)(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?!\d)"
)
_REGISTER_WORDS = """
co comp company no nr num number reg regn registration registered roc rob ssm brn uen abn acn tin crn siret
siren rcs hrb hra gst vat sst id business biz pendaftaran syarikat tax ust idnr ref gln gtin duns kunden
"""
_REGISTERS = frozenset(_REGISTER_WORDS.split())
_CALL = re.compile(
    r"^\W*(?:tele?(?:\W{0,3}fax)?|telephone|phone|ph|fax|h/?p|mobile|hotline|careline|email|website)\W*[\d(+:]",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d[\d-]{4,}")
_NUMBER_ONLY = re.compile(r"[\W\d_]*")


def ends_legal(text: str) -> bool:
    """Whether a name ends with the form of a company: ``... SDN. BHD.``, ``... GmbH & Co. KG``."""
    words = text.split()
    return bool(words) and bool(_LEGAL_WORD.fullmatch(words[-1].strip(",;:()")))


def goes_on(text: str) -> bool:
    """Whether a line is only the rest of a name: kinds of business, the form, something in brackets."""
    depth, said = 0, False
    for word in text.replace("(", " (").split():
        depth += word.count("(")
        inside = depth > 0
        depth -= word.count(")")
        if inside or word == "&":
            continue
        known = text_key(word) in _KINDS or bool(_LEGAL_WORD.fullmatch(word.strip(",;:")))
        if not known:
            return False
        said = True
    return said


def is_title(text: str) -> bool:
    """Whether a line is nothing but the title of a document: ``Statement of Account``, ``Form 1040``."""
    words = text.split()
    said = [word for word in words if not _FORM_NUMBER.fullmatch(word)]
    return bool(said) and all(text_key(word) in _TITLES for word in said)


def is_place(text: str) -> bool:
    """Whether a line tells a place: a street, the number of a house or floor, a town with its code."""
    text = _DAY.sub(" ", text) if tells_time(text) else text
    letters = len(LETTER.findall(text))
    if letters < 3 and not _HOUSE.match(text):
        return False
    digit = any(c.isdigit() for c in text)
    street = bool(_STREET.search(text)) and (digit or text.rstrip().endswith(","))
    return street or bool(_HOUSE.match(text)) or is_town(text)


def tells_time(text: str) -> bool:
    """Whether a line has a date that no house number is: with its year, or with the time of day behind it."""
    return bool(_DAY.search(text) or _TIMED.search(text))


def names_street(text: str) -> bool:
    """Whether a line names a street, with a number or without."""
    return bool(_STREET.search(text) or _HOUSE.match(text))


def is_town(text: str) -> bool:
    """Whether a line tells a town with its code."""
    return bool(_POST_CODE.search(text) or _BEHIND_TOWN.search(text))


def is_registration(text: str) -> bool:
    """A company's registration, with or without its label, as receipts print it under the name."""
    if not _LONG_NUMBER.search(text):
        return False
    if text.startswith("(") and text.endswith(")"):
        return True
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", text)]
    return all(word in _REGISTERS or len(word) <= 2 for word in words)


def is_called(text: str) -> bool:
    """A telephone number behind its label, glued to it or not."""
    return bool(_CALL.match(text))


def is_call(text: str) -> bool:
    """A line with a telephone number: behind its label, or digits alone."""
    return is_called(text) or (bool(_NUMBER_ONLY.fullmatch(text)) and sum(c.isdigit() for c in text) >= 7)


def tells_kind(word: str) -> bool:
    """Whether a word of a name tells a kind of business or a company's form, and labels nothing there."""
    return text_key(word) in _KINDS or bool(_LEGAL_WORD.fullmatch(word.strip(",;:()")))
