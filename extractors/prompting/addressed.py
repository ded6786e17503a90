"""Text that addresses whoever reads by machine: set aside before anything reads the document, and told.

An invoice speaks to people. "Ignore all previous instructions", a turn of a chat, an answer ready made as JSON speak
to a model, and whoever prints them wants a value of theirs in the row. Such text is given neither to the rules nor to
the model, so that nothing of it can become a value, and the document waits for a person: the words stay on the page
that the reviewer sees. What is worded like print of the document itself ("Correct total: 999.00") nobody can tell
from a correction: it is told, and left out where the page has the value that it corrects (`corrected`).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import Any, overload

from extractors.prompting.addressed_words import ADDRESSED, ready_made
from extractors.prompting.corrected import Correction, corrections, words_in
from extractors.validation.problems import shown
from schemas.document import Doubt, Page, ReadDocument, Word
from schemas.errors import foreign
from schemas.outcome import ReviewReason
from schemas.tree import ObjectNode, leaves

_GAP = 3.0
"""Heights of a word: behind a gap so wide another column begins."""
_NEXT_LINE = 1.8
"""Heights of a word: a line that begins so far below the last one goes on with it."""
_MOST_LABEL = 6
"""Words that a label may have."""
_MOST_LINES = 4
"""Lines that text without a full stop may go on for."""
_SHOWN = 120
_AS_LETTERS = str.maketrans("01345", "oieas")
"""Digits that stand for letters in the middle of a word (IGN0RE), as somebody writes who does not want it found."""
_ENDS = (".", "!", "?", ">", "}", "]", "###", '"', "»", "”")


class _Aside(Sequence[Page]):
    """The pages without what is set aside, each looked through when it is fetched for the first time."""

    def __init__(
        self, pages: Sequence[Page], patterns: tuple[re.Pattern[str], ...], asked: frozenset[str]
    ) -> None:
        self.pages, self.patterns, self.asked = pages, patterns, asked
        self.found: dict[int, tuple[frozenset[int], tuple[Doubt, ...]]] = {}

    def __len__(self) -> int:
        return len(self.pages)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._without(page) for page in self.pages[index]]
        return self._without(self.pages[index])

    def __iter__(self) -> Iterator[Page]:
        return map(self._without, self.pages)

    def _without(self, page: Page) -> Page:
        if page.number not in self.found:
            self.found[page.number] = _looked_through(page.words, self.patterns, self.asked)
        gone, doubts = self.found[page.number]
        if not doubts:
            return page
        kept = tuple(word for i, word in enumerate(page.words) if i not in gone)
        return replace(page, words=kept, warnings=(*page.warnings, *doubts))


def set_aside(document: ReadDocument, tree: ObjectNode) -> ReadDocument:
    """The document without text that addresses a machine; pages that had some, or correct a value, carry a doubt.

    Args:
        document: as it was read; its pages are fetched as they are asked for.
        tree: of the schema: JSON on the page that has its keys is an answer ready made.
    """
    keys = {folded(path.replace("[]", "").rpartition(".")[2]) for path, _ in leaves(tree)}
    asked = frozenset(word for key in keys for word in words_in(key.replace("_", " ")))
    return replace(document, pages=_Aside(document.pages, (ADDRESSED, ready_made(keys)), asked))


def folded(text: str) -> str:
    """Text as `addressed_words` wants it: lower case without accents and without signs that are not seen."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    seen = "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Cf"))
    letters = sum(c.isalpha() for c in seen)
    return seen.translate(_AS_LETTERS) if letters > 2 * sum(c.isdigit() for c in seen) > 0 else seen


def _looked_through(
    words: Sequence[Word], patterns: Sequence[re.Pattern[str]], asked: frozenset[str]
) -> tuple[frozenset[int], tuple[Doubt, ...]]:
    """Which words of a page address a machine, and what is told of them and of corrections among the others."""
    starts, text = [], ""
    for word in words:
        starts.append(len(text))
        text += f"{folded(word.text)} "
    gone: set[int] = set()
    said = []
    for begin, end in sorted(match.span() for pattern in patterns for match in pattern.finditer(text)):
        first, last = bisect_right(starts, begin) - 1, bisect_right(starts, end - 1) - 1
        if first not in gone:
            run = range(first, _end(words, first, last))
            gone.update(run)
            said.append(" ".join(words[i].text for i in run))
    doubts = []
    if said:
        doubts.append(
            _told("Text for whoever reads by machine was set aside", said, ReviewReason.ORDERS_TO_READER)
        )
    corrected, places = [], []
    for one in corrections(text, asked):
        first, last = bisect_right(starts, one.begin) - 1, bisect_right(starts, one.end - 1) - 1
        first = max(first, _cell_start(words, last))
        if first not in gone:
            places.append((range(first, _value_end(words, last)), last, one))
            corrected.append(" ".join(words[i].text for i in places[-1][0]))
    if corrected:
        doubts.append(_told("The page says to correct a value", corrected, ReviewReason.CORRECTED_ON_PAGE))
        own = _labels_with_values(words, gone.union(*(_said(run, one, starts) for run, _, one in places)))
        for run, last, one in places:
            other = next((label for label in own.get(one.label[-1], ()) if label <= set(one.label)), None)
            if other is not None and run.stop > last + 1:
                wording = _said(run, one, starts)
                while wording.start > run.start and not one.leads and _is_of(words[wording.start - 1], other):
                    wording = range(wording.start - 1, wording.stop)
                gone.update(wording)
    return frozenset(gone), tuple(doubts)


def _cell_start(words: Sequence[Word], at: int) -> int:
    """The first word of the cell on its line that a word is in."""
    while at and not _parts(words[at - 1], words[at]):
        at -= 1
    return at


def _parts(here: Word, following: Word) -> bool:
    """Whether another line or column begins with the second of two words."""
    height = max(here.box.y1 - here.box.y0, 1.0)
    return _is_below(here, following) or not -height < following.box.x0 - here.box.x1 < _GAP * height


def _is_below(here: Word, following: Word) -> bool:
    return (following.box.y0 + following.box.y1) / 2 > here.box.y1


def _said(run: range, one: Correction, starts: Sequence[int]) -> range:
    """The words of a correction without what may stand before its label in the line."""
    return run if one.leads else range(max(run.start, bisect_right(starts, one.last) - 1), run.stop)


def _is_of(word: Word, label: frozenset[str]) -> bool:
    said = words_in(folded(word.text))
    return bool(said) and label.issuperset(said)


def _labels_with_values(words: Sequence[Word], but: Set[int]) -> dict[str, set[frozenset[str]]]:
    """The words of each label of a page that has a value behind it on its line, by the last of them.

    Args:
        words: of the page.
        but: positions of words that do not count.
    """
    found: dict[str, set[frozenset[str]]] = {}
    for i, word in enumerate(words):
        said = words_in(folded(word.text)) if i not in but and _has_value(words, i) else []
        if said:
            cell = range(max(_cell_start(words, i), i - _MOST_LABEL), i + 1)
            label = frozenset(part for j in cell for part in words_in(folded(words[j].text)))
            found.setdefault(said[-1], set()).add(label)
    return found


def _has_value(words: Sequence[Word], at: int) -> bool:
    """Whether a word ends a label: with a colon, or with figures or a colon behind it on its line."""
    if words[at].text.endswith((":", "=")):
        return True
    following = words[at + 1] if at + 1 < len(words) else None
    if following is None or _is_below(words[at], following):
        return False
    return following.text[:1] in (":", "=") or any(map(str.isdigit, following.text))


def _value_end(words: Sequence[Word], last: int) -> int:
    """Behind the value of a label that ends with a word: the rest of its cell, else the next cell of the line.

    Where that has no figures and the one behind it has, as of a currency and its amount, behind that one.
    """
    end = _cell_end(words, last)
    for _ in range(2):
        said = "".join(word.text for word in words[last + 1 : end])
        if end == len(words) or _is_below(words[last], words[end]) or any(map(str.isdigit, said)):
            break
        after = _cell_end(words, end)
        if said and not any(c.isdigit() for word in words[end:after] for c in word.text):
            break
        end = after
    return end


def _cell_end(words: Sequence[Word], at: int) -> int:
    """Behind the last word of the cell on its line that a word is in."""
    while at + 1 < len(words) and not _parts(words[at], words[at + 1]):
        at += 1
    return at + 1


def _told(what: str, said: Sequence[str], reason: ReviewReason) -> Doubt:
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    return Doubt(f"{what}: {foreign(shown(said[0], _SHOWN))}{more}", reason)


def _end(words: Sequence[Word], first: int, last: int) -> int:
    """Behind the last word of what begins at ``first`` and reaches ``last`` at least.

    It ends with its line; without a full stop there it goes on below, as paragraphs do. Another column is not its own.
    """
    left, lines, at = words[first].box.x0, 1, first
    while at + 1 < len(words):
        here, following = words[at], words[at + 1]
        height = max(here.box.y1 - here.box.y0, 1.0)
        below = _is_below(here, following)
        if not below and _parts(here, following) and at >= last:
            break
        if below and at >= last:
            near = following.box.y0 - here.box.y0 < _NEXT_LINE * height and following.box.x0 < left + height
            if here.text.endswith(_ENDS) or not near or lines >= _MOST_LINES:
                break
            lines += 1
        at += 1
    return at + 1
