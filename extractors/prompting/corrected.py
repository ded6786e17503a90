"""Values that are said to correct others on the same page: a person decides which of them counts.

"Correct total: 999.00" below another total may be the clerk's or the forger's: nothing on the page tells, so that the
document never lands unseen. Until a person decides, what was said first stands: where the page has the label by itself
too, the correction is left out like other text that steers its reader, and told. Only labels count that end like
another one of the page, or like the name of a field that is asked for; the latter alone correct nothing, and are read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

_CORRECT = (
    r"(?:correct(?:ed)?|amended|revised|rectified"
    r"|richtige[rsn]?|korrigierte?[rsn]?|berichtigte?[rsn]?|geanderte?[rsn]?"
    r"|correcte|corrigee?|rectifiee?|modifiee?"
    r"|corret{1,2}[oa]|correct[oa]|corregid[oa]|rectificad[oa]|modificad[oa]|rettificat[oa]|modificat[oa]"
    r"|juiste|gecorrigeerde?|gewijzigde?"
    r"|poprawn[yae]|skorygowan[yae]|zmienion[yae]|corrigid[oa]|retificad[oa]|alterad[oa])"
)
"""Words for what was wrong before, in the eight languages of the rules; of folded text."""
_WORD = r"[^\W\d_][\w.'/&-]{0,30}"
_LABEL = rf"(?P<label>{_WORD}(?: {_WORD}){{0,3}})"
_MARK = r" ?[:=] ?(?=\S)"
_SAID = (
    re.compile(rf"(?<![\w-]){_CORRECT} {_LABEL}{_MARK}"),
    re.compile(rf"(?<![\w-]){_LABEL} ?[(\[,-]{{1,2}} ?{_CORRECT} ?[)\],-]{{0,2}}(?:{_MARK}| (?=[^\s\w]?\d))"),
    re.compile(rf"(?<![\w-]){_LABEL} {_CORRECT}{_MARK}"),
)
_VERBS = frozenset(
    (
        "is",
        "are",
        "be",
        "was",
        "were",
        "not",
        "ist",
        "sind",
        "war",
        "est",
        "sont",
        "es",
        "son",
        "sono",
        "jest",
        "sao",
        "zijn",
    )
)
"""Words before *correct* in a sentence: "please check that the total is correct: ..."."""
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Correction:
    """Where a label begins and ends that says to correct another value, and whether the page has it by itself too."""

    begin: int
    end: int
    beside: bool


def words_in(text: str) -> list[str]:
    """Its words of letters, of folded text."""
    return _LETTERS.findall(text)


def corrections(text: str, asked: Collection[str]) -> list[Correction]:
    """The labels that say to correct another value of the page, or what the schema asks for.

    Args:
        text: folded text of a page (`addressed.folded`), its words one blank apart.
        asked: words in the names of the schema's fields, folded.
    """
    matches = sorted(
        (match for pattern in _SAID for match in pattern.finditer(text)), key=lambda match: match.span()
    )
    if not matches:
        return []
    outside = Counter(words_in(_without([match.span() for match in matches], text)))
    found = []
    for match in matches:
        last = words_in(match["label"])[-1:]
        if last and last[0] not in _VERBS and (last[0] in asked or outside[last[0]]):
            found.append(Correction(*match.span(), beside=outside[last[0]] > 0))
    return found


def _without(spans: list[tuple[int, int]], text: str) -> str:
    """The text between spans that are in order."""
    at, parts = 0, []
    for begin, end in spans:
        parts.append(text[at:begin])
        at = max(at, end)
    return " ".join([*parts, text[at:]])
