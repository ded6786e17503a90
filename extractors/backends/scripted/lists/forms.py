"""Values that show by their form what they are, wherever they stand: addresses of mail and web, IBANs, telephones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.wanted import Wanted
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece, cut, piece
from extractors.grammar.candidates import FORMAT_READERS, is_iban
from extractors.validation.text import text_key
from schemas.patterns import matcher_of
from schemas.tree import Kind

_KNOWN_SITE = re.compile(
    r"(?:https?|ftp)://|www\."
    r"|[^/?#]*\.(?:com|org|net|edu|gov|io|me|eu|de|at|ch|fr|it|es|nl|be|pl|pt|uk|info|dev)(?:[/?#]|$)",
    re.IGNORECASE,
)
"""What two words with a full stop between them and no blank are not."""
_PHONE = re.compile(r"(?<![\w+./-])(?:\+\d{1,3}|\(\d{2,5}\)|00\d{2}[ /-])[\d ()/.-]{6,20}\d(?![\w/-])")
_LOCAL_PHONE = re.compile(r"(?<![\w+./-])(?:\+|\()?\d[\d ()/.-]{5,20}\d(?![\w/-])")
_CALL = re.compile(
    r"(?:tel|phone|telephone|telefon|telefono|telefoon|telefone|mobile?|mobil|movil|handy|cell|gsm|ph)"
)
_FAX = re.compile(r"(?:tele)?fax")
_MAIL_WORDS = frozenset(["email", "emails", "mail", "mails", "courriel", "courriels"])
_SITE_WORDS = frozenset(
    one + end for one in ("url", "uri", "link", "website", "homepage", "site") for end in ("", "s")
) | {"web"}
_FEWEST_DIGITS = 7
_SHORTEST_IBAN = 15
_LIST_SCORE = 0.8

Found = list[tuple[Piece, float]]
Finder = Callable[[Line], Iterator[Piece]]


def by_form(wanted: Wanted, scene: Scene) -> Found | None:
    """All values of the form that a list asks for, each once; ``None`` where it asks for no form of its own."""
    finder = _finder(wanted)
    if finder is None or wanted.owned:
        return None
    found: dict[str, Piece] = {}
    for line in scene.lines:
        for one in finder(line):
            found.setdefault(text_key(one.raw), one)
    return [(one, _LIST_SCORE) for one in found.values()]


def goal_finder(goal: Goal) -> Finder | None:
    """Finds the values of a field whose form tells them; ``None`` for any other field."""
    return _finder_of(goal, goal.path.rpartition(".")[2])


def _finder(wanted: Wanted) -> Finder | None:
    if wanted.single is None:
        return None
    return _finder_of(wanted.single, wanted.path.rpartition(".")[2])


def _finder_of(single: Goal, name: str) -> Finder | None:
    leaf = single.leaf
    if leaf.kind is not Kind.TEXT:
        return None
    words = {text_key(part) for part in parts_of(name)}
    if leaf.pattern:
        return _patterned(leaf.pattern)
    if leaf.format == "email" or words & _MAIL_WORDS:
        return _mails
    if leaf.format == "uri" or words & _SITE_WORDS:
        return _sites
    if leaf.format == "iban" or single.means("iban"):
        return _ibans
    if single.means("phone"):
        return _faxes if any(_FAX.match(word) for word in words) else _phones
    return None


def _patterned(pattern: str) -> Finder:
    matches = matcher_of(pattern)
    whole = matches("") or matches("a")  # a pattern of any text tells nothing

    def find(line: Line) -> Iterator[Piece]:
        for i, token in enumerate(line.tokens):
            text = token.text.strip("()[],;:")
            if not whole and any(map(str.isdigit, text)) and matches(text):
                yield piece(line, i, i + 1, text)

    return find


def _mails(line: Line) -> Iterator[Piece]:
    for start, end in FORMAT_READERS["email"](line.text):
        if not line.text.startswith(("/", ":/"), end):  # an address of the web that print ran into
            yield cut(line, start, end)


def _sites(line: Line) -> Iterator[Piece]:
    for start, end in FORMAT_READERS["uri"](line.text):
        if "@" not in line.tokens[line.token_at(start)].text and _KNOWN_SITE.match(line.text[start:end]):
            yield cut(line, start, end)


def _ibans(line: Line) -> Iterator[Piece]:
    for start, end in FORMAT_READERS["iban"](line.text):
        if end - start >= _SHORTEST_IBAN and is_iban(line.text[start:end]):  # else a number of something else
            yield cut(line, start, end)


def _phones(line: Line) -> Iterator[Piece]:
    yield from _called(line, fax=False)


def _faxes(line: Line) -> Iterator[Piece]:
    yield from _called(line, fax=True)


def _called(line: Line, fax: bool) -> Iterator[Piece]:
    """Numbers behind a word for a telephone, or such as are written so that they can be nothing else."""
    for found in _LOCAL_PHONE.finditer(line.text):
        if sum(map(str.isdigit, found[0])) < _FEWEST_DIGITS:
            continue
        start = line.token_at(found.start())
        before = next((k for t in reversed(line.tokens[:start][-4:]) if (k := _spoken(t.text))), "")
        glued = _spoken(line.tokens[start].text)
        said = glued or before
        is_fax = bool(_FAX.match(said))
        if (is_fax if fax else not is_fax) and (_CALL.match(said) or is_fax or _PHONE.fullmatch(found[0])):
            yield cut(line, *found.span())


def _spoken(word: str) -> str:
    """The letters of a word, folded."""
    return "".join(c for c in text_key(word) if c.isalpha())
