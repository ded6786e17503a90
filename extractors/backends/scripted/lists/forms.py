"""Values that show by their form what they are, wherever they stand: addresses of mail and web, IBANs, telephones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.wanted import Wanted
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece, piece
from extractors.validation.text import text_key
from schemas.patterns import matcher_of
from schemas.tree import Kind

_MAIL = re.compile(r"(?<![\w.+{},@-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?![\w/@-]|\.\w|:/)")
_SITE = re.compile(r"(?:https?://|www\.)[^\s,;()<>|\"]+[^\s,;()<>|\".:]")
_BARE_SITE = re.compile(
    r"(?<![\w.@-])(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|me|eu|de|at|ch|fr|it|es|nl|be|pl|pt|uk|co\.uk|info|dev)"
    r"(?:/[^\s,;()<>|\"]*[^\s,;()<>|\".:])?(?![\w@])",
    re.IGNORECASE,
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_IBAN_HEAD = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]*")
_IBAN_GROUP = re.compile(r"[A-Z0-9]{1,4}")
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
        return lambda line: _matches(line, _MAIL)
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


def _matches(line: Line, form: re.Pattern[str]) -> Iterator[Piece]:
    """Within the words of a line."""
    for i, token in enumerate(line.tokens):
        for found in form.finditer(token.text):
            yield piece(line, i, i + 1, found[0])


def _sites(line: Line) -> Iterator[Piece]:
    for i, token in enumerate(line.tokens):
        if "@" in token.text:
            continue
        found = _SITE.search(token.text) or _BARE_SITE.search(token.text)
        if found is not None:
            yield piece(line, i, i + 1, found[0])


def _ibans(line: Line) -> Iterator[Piece]:
    i = 0
    while i < len(line.tokens):
        end = i + 1
        text = line.tokens[i].text.strip(",;:")
        if not _IBAN_HEAD.fullmatch(text):
            i = end
            continue
        best = i + 1 if _IBAN.fullmatch(text) else 0
        while end < len(line.tokens) and _IBAN_GROUP.fullmatch(line.tokens[end].text.rstrip(",;")):
            text += line.tokens[end].text.rstrip(",;")
            end += 1
            best = end if _IBAN.fullmatch(text) and _checks(text) else best
        if best:
            found = piece(line, i, best)
            yield piece(line, i, best, found.raw.strip(" ,;:"))
        i = max(best, i + 1)


def _checks(iban: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616: the number modulo 97 is 1)."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _phones(line: Line) -> Iterator[Piece]:
    yield from _called(line, fax=False)


def _faxes(line: Line) -> Iterator[Piece]:
    yield from _called(line, fax=True)


def _called(line: Line, fax: bool) -> Iterator[Piece]:
    """Numbers behind a word for a telephone, or such as are written so that they can be nothing else."""
    text, starts = "", list[int]()
    for token in line.tokens:
        starts.append(len(text))
        text += token.text + " "
    for found in _LOCAL_PHONE.finditer(text):
        if sum(map(str.isdigit, found[0])) < _FEWEST_DIGITS:
            continue
        start = max(i for i, at in enumerate(starts) if at <= found.start())
        end = max(i for i, at in enumerate(starts) if at < found.end()) + 1
        before = next((k for t in reversed(line.tokens[:start][-4:]) if (k := _spoken(t.text))), "")
        glued = _spoken(line.tokens[start].text)
        said = glued or before
        is_fax = bool(_FAX.match(said))
        if (is_fax if fax else not is_fax) and (_CALL.match(said) or is_fax or _PHONE.fullmatch(found[0])):
            yield piece(line, start, end, found[0])


def _spoken(word: str) -> str:
    """The letters of a word, folded."""
    return "".join(c for c in text_key(word) if c.isalpha())
