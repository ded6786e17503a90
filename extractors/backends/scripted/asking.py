"""How a schema asks for what marks tell: by which kind of mark, what it should say, and whether no means yes.

Names and descriptions are written by whoever made the schema, in any language. ``unsigned``, ``signature_missing`` and
*true if the box is left empty* ask the other way round; ``signed``/``unsigned`` say yes and no as ``true``/``false``
do. What a description says of the other answers (*false if ...*, *other stamps do not count*) is not what it asks for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.meanings import STAMPED, folded, meanings_of
from schemas.tree import Kind

By = Literal["stamp", "signature", "tick"]

_YES_WORDS = """
true yes y ja j oui o si s tak sim da ano kylla evet ok x on given present signed ticked checked marked stamped
crossed selected found exists filled vorhanden unterschrieben angekreuzt gestempelt gesetzt presente signe coche
marque tamponne firmado marcado sellado firmato barrato timbrato ondertekend aangekruist aanwezig gestempeld obecny
podpisany zaznaczony assinado
"""
_YES = frozenset(_YES_WORDS.split())
_NO_WORDS = """
false no n nein non nee nie nao ne ei hayir off none absent missing unsigned unticked unchecked unmarked unstamped
uncrossed unselected blank empty lacking fehlt fehlend leer keine kein manquant absente vide ausente falta vacio
assente mancante vuoto ontbreekt afwezig leeg brak pusty niepodpisany
"""
_NO = frozenset(_NO_WORDS.split())
_NOT_WORDS = """
not no without missing lacks lacking lack absent absence nobody none never unless empty blank declined refused nicht
kein keine keinen ohne fehlt fehlen fehlend fehlende leer niemand manque manquante absence sans aucune aucun vide
pas personne senza manca mancante assenza nessuno nessuna sin falta ausencia nadie vacio zonder ontbreekt geen
niemand leeg brak bez nikt puste sem ausente nao utan saknas ingen uden mangler inte ikke
"""
_NOT = frozenset(_NOT_WORDS.split())
"""Words that turn a question round, folded."""
_TICK_WORDS = """
box boxes ticked checkbox checkboxes tick checked crossed angekreuzt ankreuzen kreuz kastchen kaestchen hakchen
haken coche cochee case barrato barrata casella spuntata marcada casilla aangekruist aangevinkt vakje vinkje
zaznaczone zaznaczono pole assinalado assinalada ruta kryssad
"""
_TICK = frozenset(_TICK_WORDS.split())
_OTHERWISE = re.compile(
    r"[;.]|\b(?:and|or)?\s*\b(?:false|no|null|otherwise|else|sonst|andernfalls|falsch|sinon|faux|altrimenti|falso|"
    r"de lo contrario|anders|onwaar)\b\s*(?:if|when|where|wenn|falls|si|se|als|:|,|$)"
    r"|\b(?:such as|for (?:example|instance)|including|e\.g|i\.e|zum beispiel|etwa"
    r"|par exemple|ad esempio|per esempio|por ejemplo|bijvoorbeeld|na przykład|rather than|instead of"
    r"|not just|and not|as opposed to|statt|anstelle|plutôt que|en lugar de|invece di)\b",
    re.IGNORECASE,
)
_BEFORE_SELF = ("no", "non", "not", "un")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a field with a closed list of answers asks for.

    Attributes:
        by: the mark that tells.
        name: meanings of its name.
        about: those of what its description asks for.
        negated: it is yes where the mark is not there.
    """

    by: By
    name: frozenset[str]
    about: frozenset[str]
    negated: bool


def asked_of(goal: Goal) -> Asked:
    """What a field asks for."""
    own = goal.path.rpartition(".")[2]
    said = asking_part(goal.leaf.description)
    name, about = meanings_of(" ".join(parts_of(own))), meanings_of(said)
    words = {folded(word) for word in parts_of(f"{own} {said}")}
    negated = _is_negated(own, said)
    return Asked(_by(name, about, bool(words & _TICK)), name, about, negated)


def _by(name: frozenset[str], about: frozenset[str], ticked: bool) -> By:
    """The kind of mark; the name goes before the description, which may name others (*by hand, or a stamp*)."""
    if "stamp" in name:
        return "stamp"
    if "signature" in name:
        return "tick" if ticked else "signature"
    if "stamp" in about:
        return "stamp"
    if "signature" in about:
        return "tick" if ticked else "signature"
    return "stamp" if name & STAMPED and not ticked else "tick"


def asking_part(description: str) -> str:
    """The part of a description that says what is asked for, without examples and what it says of other answers."""
    found = _OTHERWISE.search(description)
    return description[: found.start()] if found and found.start() > 3 else description


def yes_and_no(goal: Goal) -> tuple[str, str] | None:
    """How a field says yes and no; ``None`` if it has other choices."""
    if goal.leaf.kind is Kind.BOOLEAN:
        return "true", "false"
    said = [(choice, _says_yes(choice)) for choice in goal.leaf.choices]
    yes = [choice for choice, says in said if says is True]
    no = [choice for choice, says in said if says is False]
    return (yes[0], no[0]) if len(yes) == len(no) == 1 and len(said) == 2 else None


def _says_yes(choice: str) -> bool | None:
    words = [folded(word) for word in parts_of(choice)]
    if len(words) == 1:
        return True if words[0] in _YES else False if words[0] in _NO else None
    if len(words) in (2, 3) and words[0] in _NOT | _NO and words[-1] in _YES:
        return False
    return True if len(words) == 2 and words[-1] in _YES and words[0] in ("is", "ist", "est", "was") else None


def negates(text: str) -> bool:
    """Whether a text turns what it says round."""
    return any(folded(word) in _NOT for word in parts_of(text))


def _is_negated(own: str, said: str) -> bool:
    words = [folded(word) for word in parts_of(own)]
    if any(word in _NOT for word in words if word not in _BEFORE_SELF) or words[0] in _BEFORE_SELF:
        return True
    about = [folded(word) for word in parts_of(said)]
    if any(_without_un(word, about) for word in words):
        return True
    return any(word in _NOT for word in about)


def _without_un(word: str, about: list[str]) -> bool:
    """Whether a word is another one with ``un`` before it: one that is known, or that the description has."""
    rest = word[2:] if word.startswith("un") else word[3:] if word.startswith("nie") else ""
    return len(rest) > 3 and (
        rest in about or rest in _YES or bool(meanings_of(rest) & (STAMPED | {"signature"}))
    )
