"""What the headings of lists mean: words of eight languages folded into a few topics, as `concepts` folds labels.

A topic is no concept: concepts tell the labels of single fields apart, and a word more there would change these.
"""

from __future__ import annotations

from functools import lru_cache

from extractors.backends.scripted.concepts import STOP, parts_of
from extractors.validation.text import text_key

_TABLE = """
experience: experience experiences work beruf arbeit travail lavoro trabajo werk praca trabalho history employment
  employments career job jobs occupation occupations appointments positions stations employers berufserfahrung
  berufspraxis werdegang berufstatigkeit tatigkeiten anstellungen berufserfahrungen stationen emploi emplois
  parcours esperienza esperienze lavoro lavorative lavorativa experiencia experiencias laboral empleos trayectoria
  werkervaring loopbaan arbeidsverleden werkgevers doswiadczenie zatrudnienie kariera experiencias emprego empregos
education: education educational degrees schooling schools studies diplomas ausbildung ausbildungen bildungsweg
  bildung studium schulbildung abschlusse formation formations etudes diplomes scolarite istruzione formazione studi
  titoli formacion educacion estudios opleiding opleidingen onderwijs studies wyksztalcenie edukacja studia formacao
  educacao escolaridade academica academicas
skills: skills skill competencies competences competence expertise abilities proficiencies technologies kenntnisse
  fahigkeiten kompetenzen fertigkeiten competences aptitudes savoirfaire competenze capacita abilita competencias
  habilidades aptitudes conocimientos vaardigheden competenties umiejetnosci kompetencje habilidades
languages: languages language sprachen sprachkenntnisse fremdsprachen langues lingue idiomas lenguas talen
  talenkennis jezyki linguas
publications: publications publication papers articles monographs books veroffentlichungen publikationen aufsatze
  pubblicazioni publicaciones articulos publicaties publikacje publicacoes artigos
references: references reference bibliography citations cited literature literatur literaturverzeichnis quellen
  quellenverzeichnis bibliographie bibliografia riferimenti literatuur literatuurlijst bronnen bibliografie
  referencias
certifications: certifications certification certificates licenses licences zertifikate zertifizierungen
  bescheinigungen certificats certificazioni certificati certificaciones certificados certificaten certificeringen
  certyfikaty certificacoes
awards: awards award honors honours prizes achievements recognition auszeichnungen preise ehrungen prix distinctions
  recompenses premi riconoscimenti premios reconocimientos prijzen onderscheidingen nagrody wyroznienia premios
interests: interests hobbies hobby interessen hobbys interets loisirs interessi passioni aficiones intereses
  interesses zainteresowania
projects: projects project projekte projets progetti proyectos projecten projekty projetos
memberships: memberships membership affiliations societies associations mitgliedschaften adhesions appartenances
  affiliazioni associazioni afiliaciones lidmaatschappen czlonkostwo filiacoes
media: media appearances press medien presse medienauftritte prensa stampa
training: training trainings courses course workshops weiterbildung weiterbildungen fortbildung fortbildungen kurse
  schulungen formations stages corsi cursos cursussen szkolenia kursy
keywords: keywords keyword tags tag topics schlagworter schlagworte stichworter stichworte schlusselworter motscles
  cles parolechiave chiave palabrasclave clave trefwoorden kluczowe chave
authors: authors author autoren verfasser auteurs autori autores autorzy
parties: parties party signatories contractors parteien vertragsparteien beteiligte parti partes partijen strony
coverages: coverages coverage covers cover benefits perils deckung deckungen deckungsumfang versicherungsschutz
  deckungsbausteine garanties couvertures coperture garanzie coberturas garantias dekkingen dekking ochrona zakres
participants: participants participant attendees attendance present teilnehmer teilnehmende anwesend anwesende
  presents partecipanti presenti asistentes participantes deelnemers aanwezigen aanwezig uczestnicy obecni presentes
attachments: attachments attachment enclosures enclosure annexes annex appendices exhibits schedules anlagen anhange
  beilagen anhang annexes pieces jointes allegati anexos adjuntos bijlagen zalaczniki
medications: medications medication medicines medicine drugs prescriptions medikamente medikation arzneimittel
  medicaments medicament farmaci terapia medicamentos medicacion medicijnen medicatie leki medicacao
diagnoses: diagnoses diagnosis diagnosen diagnose diagnostics diagnostic diagnosi diagnosticos rozpoznania
  rozpoznanie
allergies: allergies allergy allergien allergie alergias allergieen alergie
ingredients: ingredients ingredient zutaten inhaltsstoffe ingredienti ingredientes ingredienten skladniki
directors: directors director geschaftsfuhrer vorstand vorstande administrateurs dirigeants amministratori
  administradores consejeros bestuurders zarzad diretores
shareholders: shareholders shareholder gesellschafter aktionare actionnaires associes azionisti soci accionistas
  socios aandeelhouders wspolnicy akcjonariusze acionistas
beneficiaries: beneficiaries beneficiary begunstigte bezugsberechtigte beneficiaires beneficiari beneficiarios
  begunstigden uposazeni beneficjenci
vehicles: vehicles vehicle fahrzeuge fahrzeug vehicules veicoli vehiculos voertuigen pojazdy veiculos
drivers: drivers driver fahrer lenker conducteurs conducenti conductores bestuurders kierowcy condutores
properties: properties property premises immobilien objekte biens immobili inmuebles panden nieruchomosci imoveis
children: children child dependants dependents kinder kind angehorige enfants figli hijos kinderen dzieci filhos
contacts: contacts contact kontakte ansprechpartner interlocuteurs contatti referenti contactos contactpersonen
  kontakty contatos
tasks: responsibilities duties tasks aufgaben tatigkeiten zustandigkeiten missions taches responsabilites mansioni
  compiti responsabilita funciones tareas taken verantwoordelijkheden obowiazki zadania tarefas responsabilidades
products: products product items articles article artikel produkte produkt waren produits produit prodotti prodotto
  articoli articolo productos producto articulos articulo producten artikelen produkty towary goods merchandise
names: names namen noms nomi nombres nomes nazwiska
profile: profile summary objective about profil zusammenfassung kurzprofil resume profilo sommario perfil resumen
  profiel samenvatting podsumowanie resumo
"""
_FILLERS = """
journal conference work professional working academic key core technical additional other further selected recent
main major current previous list lists all every full scholarly personal relevant spoken foreign my our their his
her history background beruflicher berufliche beruflich wissenschaftliche weitere sonstige besondere ausgewahlte
liste akademische professionnelle professionnelles professionnel autres principales liste professionale
professionali altre altri elenco lista principali profesional profesionales otros otras profesional principales
overige andere belangrijkste lijst zawodowe zawodowa inne pozostale profissional profissionais outros outras
relevante relevantes details of the and von und der die das des et de du des la le les e di del della dei delle y en
van het i o w z travail trabajo trabalho werk praca no nr nos num name names number numbers item items entry entries
value values information involved
"""
_LETTERS = str.maketrans({"ł": "l", "ß": "ss", "ø": "o", "æ": "ae"})
_MANY = ("en", "es", "er", "s", "n", "e", "i", "a")
"""How many words end when they speak of several."""
_LEAST = 4


def folded(word: str) -> str:
    """A word as the table has it: without case, accents and the letters that no accent makes."""
    return text_key(word).translate(_LETTERS)


def _load() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    topic = ""
    for line in _TABLE.strip().splitlines():
        head, colon, rest = line.partition(":")
        topic = head.strip() if colon else topic
        for word in (rest if colon else line).split():
            found.setdefault(folded(word), set()).add(topic)
    return {word: frozenset(topics) for word, topics in found.items()}


_FILL = frozenset(folded(word) for word in _FILLERS.split()) | STOP
_WORDS = _load()


@lru_cache(maxsize=8192)
def topics_of(word: str) -> frozenset[str]:
    """The topics of one word; empty for one that heads nothing known."""
    return _WORDS.get(folded(word), frozenset())


def fills(word: str) -> bool:
    """Whether a word of a heading says nothing of what stands below it: *Professional* experience."""
    return folded(word) in _FILL


def same_word(one: str, other: str) -> bool:
    """Whether two folded words are the same but for how many they speak of: ``policy`` and ``policies``."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _LEAST:
        return False
    if short.endswith("y") and long == f"{short[:-1]}ies":
        return True
    return any(long == short + end for end in _MANY)


@lru_cache(maxsize=8192)
def heads_section(text: str) -> bool:
    """Whether a text is, but for words that say nothing, the heading of a section of any topic."""
    words = parts_of(text)
    telling = [word for word in words if not fills(word)]
    known = sum(bool(topics_of(word)) for word in telling)
    return 0 < len(words) <= 6 and known > 0 and known == len(telling)
