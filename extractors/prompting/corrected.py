"""Values that are said to correct others on the same page: a person decides which of them counts.

"Correct total: 999.00" below another total may be the clerk's or the forger's: nothing on the page tells, so that the
document never lands unseen. Until a person decides, what was said first stands: where the page has the label, or the
end of it, with a value of its own, the correction is left out like other text that steers its reader, and told. Others
are read. Only labels count that end like another one of the page, or like the name of a field that is asked for.
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
    r"|poprawn[yae]|poprawion[yae]|skorygowan[yae]|zmienion[yae]|corrigid[oa]|retificad[oa]|alterad[oa])"
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
    """Where a label begins and ends that says to correct another value, and the words of that other's label.

    ``last`` is where the last of these begins. A label that ``leads`` begins with the word that says so; before another
    one may stand what is none of it, as the value of the same line.
    """

    begin: int
    last: int
    end: int
    leads: bool
    label: tuple[str, ...]


def words_in(text: str) -> list[str]:
    """Its words of letters, of folded text."""
    return _LETTERS.findall(text)


def corrections(text: str, asked: Collection[str]) -> list[Correction]:
    """The labels that say to correct another value of the page, or what the schema asks for.

    Args:
        text: folded text of a page (`addressed.folded`), its words one blank apart.
        asked: words in the names of the schema's fields, folded.
    """
    seen: Counter[str] | None = None
    found = []
    for leads, pattern in zip((True, False, False), _SAID, strict=True):
        for match in pattern.finditer(text):
            seen = seen or Counter(words_in(text))
            label = tuple(words_in(match["label"]))
            if label and label[-1] not in _VERBS and (label[-1] in asked or seen[label[-1]] > 1):
                last = match.start("label") + match["label"].rindex(label[-1])
                found.append(Correction(match.start(), last, match.end(), leads, label))
    return sorted(found, key=lambda one: (one.begin, one.end))
