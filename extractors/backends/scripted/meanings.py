"""What labels of boxes, signatures and stamps say, whatever the language: the words of forms, folded.

A meaning is found where one of its phrases stands in a text from which everything but letters was taken. That also
finds parts of compounds (*Lastschriftmandat*), and what a recogniser ran together.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import fuzz

from extractors.validation.text import text_key

_LEAST_FUZZY = 7
"""Shorter phrases must stand as they are."""
_FUZZY = 88.0
_LEAST_STAMP, _ENDING = 4, 3
"""Letters of the shortest word on a stamp, and of an ending that the table leaves out."""
_FOLDED = str.maketrans("łøđæœß", "lodaos")
"""Letters that are no letter with a sign to take away; the table has them so, too."""

_TABLE = """
signature: signature|signed|signs|signer|sign here|unterschrift|unterschrieben|unterzeichn|signe|firma|firmado|firmato
  |handtekening|ondertekend|podpis|sottoscri
stamp: stamp|stempel|timbre|tampon|cachet|timbro|sello|pieczec|seal
paid: paid|bezahlt|beglichen|paye|acquitte|pagato|saldato|pagado|betaald|voldaan|zaplacon|oplacono
copy: copy|kopie|copie|copia|kopia|duplicate|duplikat|abschrift
approved: approved|genehmigt|freigegeben|approuve|approvato|aprobado|goedgekeurd|zatwierdzon|bewilligt
received: received|eingegangen|eingang|empfangen|erhalten|recu|reception|ricevut|recibid|ontvangen|wplynelo|otrzyman
cleared: cleared|customs cleared|abgefertigt|dedouane|sdoganat|despachad|ingeklaard|odprawion|clearance
cancelled: cancelled|canceled|void|storniert|annule|annullat|anulad|geannuleerd|anulowan
original: original
confidential: confidential|vertraulich|confidentiel|riservato|confidencial|vertrouwelijk|poufne
male: male|man|maennlich|mannlich|masculin|homme|maschio|hombre|masculino|mezczyzna
female: female|weiblich|feminin|femme|femmina|mujer|femenino|vrouw|kobieta
single: single|unmarried|ledig|celibataire|celibe|nubile|soltero|soltera|ongehuwd|wolny
married: married|verheiratet|marie|coniugat|sposat|casado|casada|gehuwd|malzenstw|zonat|zamez
divorced: divorced|geschieden|divorce|divorziat|divorciad|gescheiden|rozwod|rozwied
widowed: widowed|widow|verwitwet|veuf|veuve|vedov|viud|weduw|owdow|wdow
consent: consent|agree|einwillig|einverstanden|consens|accepte|acconsent|autorizo|akkoord|toestemming|zgod
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
liability: liability|third party|haftpflicht|responsabilit|responsabilidad civil|aansprakelijk|odpowiedzialnosc cywiln
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


def _folded(text: str) -> str:
    return text_key(text).translate(_FOLDED)


def _load(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, str] = {}
    name = ""
    for line in table.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon and not line.startswith(" "):
            name, line = head, rest
        found[name] = found.get(name, "") + line
    return {name: tuple(_folded(phrase) for phrase in line.split("|")) for name, line in found.items()}


_PHRASES = _load(_TABLE)
STAMPED = frozenset(
    {"paid", "copy", "approved", "received", "cleared", "cancelled", "original", "confidential"}
)
"""What stamps say."""


@lru_cache(maxsize=4096)
def meanings_of(text: str, fuzzy: bool = False) -> frozenset[str]:
    """What a text says; with ``fuzzy`` also where a letter or two was misread."""
    words = [key for word in text.split() if (key := _folded(word))]
    whole = "".join(words)
    if not whole:
        return frozenset()
    found = set()
    for name, phrases in _PHRASES.items():
        for phrase in phrases:
            if name in _WHOLE:
                hit = (
                    phrase in words
                    or (len(phrase) > 4 and any(word.startswith(phrase) for word in words))
                    or phrase == whole
                )
            else:
                hit = phrase in whole
            if not hit and fuzzy and len(phrase) >= _LEAST_FUZZY and len(whole) >= _LEAST_FUZZY - 1:
                hit = fuzz.partial_ratio(phrase, whole, score_cutoff=_FUZZY) > 0
            if hit:
                found.add(name)
                break
    return frozenset(found)


def stamp_says(text: str) -> bool:
    """Whether a text is what a stamp says, and nothing else."""
    whole = _folded(text)
    return len(whole) >= _LEAST_STAMP and any(
        phrase in whole and len(whole) <= len(phrase) + _ENDING for name in STAMPED for phrase in _PHRASES[name]
    )
