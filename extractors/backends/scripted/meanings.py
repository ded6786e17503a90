"""What labels of boxes, signatures and stamps say, whatever the language: the words of forms, folded.

A meaning is found where one of its phrases stands in a text from which everything but letters was taken. That also
finds parts of compounds (*Lastschriftmandat*), and what a recogniser ran together. A phrase with ``$`` is a word of its
own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import fuzz

from extractors.validation.text import text_key

_LEAST_FUZZY = 7
"""Shorter phrases must stand as they are."""
_FUZZY = 88.0
_LEAST_INSIDE = 5
"""Shorter phrases begin a word, longer ones may also stand within one (*Eingangsstempel*)."""
_MISLEADING = re.compile(r"(?:de|as|re)sign|consigned|copyright|avoid|timestamp")
"""Words that hold one of the phrases and mean something else."""
_LEAST_STAMP, _ENDING = 4, 3
"""Letters of the shortest word on a stamp, and of an ending that the table leaves out."""
_LEAST_MISREAD, _MISREAD = 5, 80.0
"""A word of so many letters on a stamp may have one in five misread."""
_FOLDED = str.maketrans("łøđæœß", "lodaos")
"""Letters that are no letter with a sign to take away; the table has them so, too."""

_TABLE = """
signature: signature|signed|signs|signer|signatory|sign here|autograph|countersign|undersigned|initialled
  |initialed|executed|unterschrift|unterschrieb|unterzeichn|gezeichnet|paraphe|signe$|signee$|signes$|signees$
  |signer$|signataire|firma$|firme$|firmas$|firmado|firmada|firmato|firmata|firmatario
  |handtekening|ondertekend|getekend|podpis|sottoscri|assinad|assinatura|undertecknad|underskr|signatur|podepsan
  |alairas|imza|semnatur|allekirjoit
stamp: stamp|stempel|timbre|timbro|tampon|cachet|sello$|sellos$|sellado|sellada|pieczec|pieczat|seal$|sealed
  |seals$|carimbo|stampel|leima|razitko|stampila|bollo
paid: paid|settled|payment received|payment stamp|confirming payment|bezahlt|beglichen|zahlung erhalten|paye$
  |payee$ par|payes|acquitt|regle$|reglee$|pagato|pagata|saldato|quietanzat|pagado|pagada|pago$|abonado|betaald
  |voldaan|zaplacon|oplacono|oplacony|betald|betalt|zaplaceno|maksettu|odendi
copy: copy|copies|kopie|copie|copia|kopia|duplicat|duplikat|abschrift|zweitschrift|ausfertigung|doppel$|odpis
  |wtornik|afschrift|segunda via|kopio
approved: approved|approval|authorised|authorized|accepted|sanctioned|genehmigt|freigegeben|freigabe|bewilligt
  |approuv|valide$|validee$|bon a payer|approvato|approvata|autorizzat|aprobad|autorizado|aprovado|goedgekeurd
  |akkoord bevonden|zatwierdzon|akceptow|godkand|godkendt|schvaleno|hyvaksyt
received: received|receipt stamp|on arrival|incoming|inbound|date of receipt|acknowledg|receipt of|eingegangen
  |eingang|empfangen|erhalten|recu$|recue$|recus$|reception|arrivee|ricevut|arrivo|recibid|entrada|recebid
  |ontvangen|ontvangst|ingekomen|binnengekomen|wplynelo|wplynal|otrzyman|inkommet|modtaget|mottatt|prijato
  |doruceno|saapunut
cleared: cleared|customs|clearance|zoll|abgefertigt|verzollt|dedouan|douane|sdoganat|dogana|despachad|aduana
  |desalfandeg|alfandega|ingeklaard|odprawion|celny|celna|clo$|tulli
cancelled: cancelled|canceled|cancellation|void|voided|invalid|annulled|revoked|storniert|storno|ungultig
  |ungueltig|entwertet|annule|annulla|anulad|invalidado|geannuleerd|vervallen|anulowan|niewazn|makulerad
  |annulleret|zruseno|mitatoity
original: original|originale|origineel|oryginal|urschrift
confidential: confidential|secret$|classified|restricted$|vertraulich|geheim|confidentiel|secret defense|riservat
  |confidenzial|confidencial|reservado|vertrouwelijk|poufne|poufny|tajne|konfidentiell|fortrolig|duverne
  |luottamuksellinen
male: male|man|maennlich|mannlich|herr|masculin|homme|monsieur|maschio|maschile|uomo|hombre|masculino|varon
  |mezczyzna|mezczyzn|meski
female: female|weiblich|frau$|feminin|femme|femmina|femminile|donna$|mujer|femenino|feminino|vrouw|kobiet|zensk
single: single|unmarried|never married|ledig|celibataire|celibe|nubile|soltero|soltera|solteiro|ongehuwd|wolny
  |panna|kawaler
married: married|verheiratet|verehelicht|marie|mariee|coniugat|sposat|casado|casada|gehuwd|malzenstw|zonat|zamez
  |gift
divorced: divorced|geschieden|divorce|divorziat|divorciad|gescheiden|rozwod|rozwied
widowed: widowed|widow|verwitwet|veuf|veuve|vedov|viud|viuv|weduw|owdow|wdow
consent: consent|agree|i accept|permission|einwillig|willige|einverstanden|zustimm|consens|consinti|accepte
  |acconsent|autorizo|doy mi|akkoord|toestemming|zgod|wyrazam
data: my data|processing of my data|data processing|meiner daten|datenverarbeitung|mes donnees|miei dati|mis datos
  |gegevens|przetwarzanie danych
newsletter: newsletter|rundbrief|lettre d information|boletin|nieuwsbrief|bulletin
direct_debit: direct debit|lastschrift|prelevement|addebito diretto|domiciliacion|incasso|polecenie zaplaty
  |debit agreed|debit order
smoker: smoker|smoke|rauche|fume|fuma|rookt|roker|pali
diabetes: diabet|zuckerkrank|cukrzyc
asthma: asthma|asthme|asma|astma
hypertension: blood pressure|hypertension|hypertonie|bluthochdruck|ipertension|bloeddruk|nadcisnien|presion arterial
heart_disease: heart|herzerkrank|herzkrank|cardiaque|cardiopat|cardiac|hartziekt|choroba serca
liability: liability|third party|haftpflicht|responsabilit|responsabilidad civil|aansprakelijk
  |odpowiedzialnosc cywiln
fire: fire|feuer|brand|incend|pozar|teilkasko
comprehensive: comprehensive|all risks|allrisk|vollkasko|allgefahren|tous risques|kasko|todo riesgo|volledig casco
  |autocasco|wszystkie ryzyka|full cover
legal: legal|rechtsschutz|protection juridique|tutela legale|defensa juridica|rechtsbijstand|ochrona prawna
corrected: corrected|berichtigt|rectificativ|rettificativ|complementaria|gecorrigeerd|korekt
joint: joint|zusammenveranlag|commune|congiunt|conjunta|gezamenlijk|wspolni
separate: separate|einzelveranlag|separee|individual|individuale|individueel|indywidualn
prepaid: prepaid|frei|port paye|franco|pagados|oplacone
collect: collect|unfrei|port du|assegnato|debidos|ongefrankeerd|nieoplacone
dangerous: dangerous|hazardous|gefahrgut|gefaehrlich|gefahrlich|dangereu|pericolos|peligros|gevaarlijk|niebezpieczn
fasting: fasting|nuechtern|nuchtern|a jeun|digiuno|ayunas|nuchter|naczczo
basic: basic|basis|base|basico|podstawow
standard: standard|estandar|standaard
premium: premium
initial: initial|erstanmeld|first filing|premiere declaration|prima iscrizione|primera inscripcion|eerste opgaaf
  |pierwszy wpis|new registration
amendment: amendment|aenderung|anderung|modification|variazione|modificacion|wijziging|zmiana|amended
termination: termination|loeschung|loschung|radiation|cancellazione|baja|uitschrijving|wykreslenie
yes: yes|ja|oui|si|tak
no: no|nein|non|nee|nie
marital_status: marital|civil status|familienstand|situation familiale|etat civil|stato civile|estado civil
  |burgerlijke staat|stan cywilny
sex: sex|gender|geschlecht|sexe|sesso|sexo|geslacht|plec
plan: plan|tarif|formule|tipologia|modalidad|abonnement|wariant|categor|kategori
filing_status: filing status|veranlagungsart|situation de declaration|tipo di dichiarazione|modalidad de tributacion
  |wijze van aangifte|sposob opodatkowania
freight: freight|fracht|fret|vracht|przewozne|portes|porto
filing_type: type of filing|art der anmeldung|type de declaration|tipo di domanda|tipo de tramite|soort opgaaf
  |rodzaj zgloszenia
sender: sender|consignor|shipper|absender|versender|expediteur|mittente|remitente|afzender|nadawc
receiver: receiver|consignee|recipient|empfaenger|empfanger|destinataire|destinatario|ontvanger|odbiorc
"""
_WHOLE = frozenset(
    {"yes", "no", "prepaid", "collect", "male", "single", "fire", "plan", "sex", "basic", "married", "legal"}
)
"""Meanings whose phrases are so short that they must be words of their own, or begin one."""


def folded(text: str) -> str:
    """Letters and digits only, as the table has them."""
    return text_key(text).translate(_FOLDED)


def _load(table: str) -> dict[str, tuple[tuple[str, bool], ...]]:
    found: dict[str, str] = {}
    name = ""
    for line in table.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon and not line.startswith(" "):
            name, line = head, rest
        found[name] = found.get(name, "") + line
    return {
        name: tuple((folded(phrase), phrase.strip().endswith("$")) for phrase in line.split("|"))
        for name, line in found.items()
    }


_PHRASES = _load(_TABLE)
STAMPED = frozenset(
    {"paid", "copy", "approved", "received", "cleared", "cancelled", "original", "confidential"}
)
"""What stamps say."""


@lru_cache(maxsize=4096)
def meanings_of(text: str, fuzzy: bool = False) -> frozenset[str]:
    """What a text says; with ``fuzzy`` also where a letter or two was misread."""
    words = [key for word in text.split() if (key := folded(word)) and not _MISLEADING.match(key)]
    whole = "".join(words)
    if not whole:
        return frozenset()
    return frozenset(
        name
        for name, phrases in _PHRASES.items()
        if any(_is_said(phrase, name in _WHOLE, alone, words, whole, fuzzy) for phrase, alone in phrases)
    )


def _is_said(phrase: str, short: bool, alone: bool, words: list[str], whole: str, fuzzy: bool) -> bool:
    if alone or short:
        begins = short and not alone and len(phrase) > 4 and any(word.startswith(phrase) for word in words)
        hit = phrase in words or phrase == whole or begins
    elif len(phrase) < _LEAST_INSIDE:
        hit = any(word.startswith(phrase) for word in words)
    else:
        hit = phrase in whole
    if hit or not fuzzy or len(phrase) < _LEAST_FUZZY or len(whole) < len(phrase) - 1:
        return hit  # within a longer phrase a word may say the opposite: married, unmarried
    if alone or short:
        return any(fuzz.ratio(phrase, word, score_cutoff=_FUZZY) > 0 for word in (*words, whole))
    return fuzz.partial_ratio(phrase, whole, score_cutoff=_FUZZY) > 0


def stamp_meanings(text: str) -> frozenset[str]:
    """What the text of a stamp says, of which letters are misread more often than of print."""
    words = [key for word in text.split() if len(key := folded(word)) >= _LEAST_MISREAD]
    near = {
        name
        for name in STAMPED
        for phrase, _ in _PHRASES[name]
        if len(phrase) >= _LEAST_MISREAD and any(fuzz.ratio(word, phrase) >= _MISREAD for word in words)
    }
    return (meanings_of(text, fuzzy=True) & STAMPED) | near


def stamp_says(text: str) -> bool:
    """Whether a text is what a stamp says, and nothing else."""
    whole = folded(text)
    return len(whole) >= _LEAST_STAMP and any(
        phrase in whole and len(whole) <= len(phrase) + (0 if alone else _ENDING)
        for name in STAMPED
        for phrase, alone in _PHRASES[name]
    )
