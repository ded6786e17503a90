"""Other names on a training document, on its page and in its labels alike.

A labelled folder has few vendors, and each prints its name on many documents. A model learns such names by heart,
where it should learn how and where names stand, and then misreads the first vendor it has not seen. So in a share of
draws the words that make a text label this document's own are replaced by others everywhere on the page: names by names
of other documents or by words that do not exist, long numbers by other digits. What many labels share (`Street`, `Ltd`)
stays, and so does whatever else a date, a sum or a choice is made of.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from extractors.evaluation.ceiling import span_index
from extractors.grammar.spans import SpanIndex
from extractors.training.align import target_of
from extractors.validation.text import text_key
from schemas.document import Page, ReadDocument
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode, leaves

SHARED = 3
"""A word in so many different labels is no name: it says what kind of thing the label is."""
_NAME = re.compile(r"[^\W\d_]{4,}|\d{5,}")
"""What may be replaced; shorter words are mostly legal forms and abbreviations, shorter numbers parts of dates."""
_POOL = 0.5
"""Share of names that come from other labels; the rest is made up."""
_ONSETS = (*"bdfghjklmnprstvwz", "br", "ch", "kl", "st", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "ou")
_CODAS = ("", "", "n", "r", "l", "m", "s", "t", "ng", "x", "ck")


class Renamer:
    """Gives documents of one labelled folder other names.

    Args:
        truths: the labels of the folder's training documents, as many as there are.
    """

    def __init__(self, truths: Iterable[Mapping[str, Any]]) -> None:
        distinct = {text_key(text): text for truth in truths for text in _strings(truth)}
        counts = Counter(word for text in distinct.values() for word in set(_words(text)))
        self.shared = {word for word, count in counts.items() if count >= SHARED}
        self.pool = sorted(word for word in counts if word not in self.shared and not word.isdecimal())

    def renamed(
        self, document: ReadDocument, truth: dict[str, Any], tree: ObjectNode, chance: random.Random
    ) -> tuple[ReadDocument, dict[str, Any]]:
        """A document and its labels under other names; both as they were, where no label has one.

        Labels that the recogniser misread become what stands on the page, which is what is learnt from them anyway.
        Pictures of the pages, which show the old names, are left out unless the schema has choices: these may have to
        be told from the picture.

        Args:
            document: as it was read.
            truth: its labels.
            tree: of the schema, as it is asked.
            chance: draws the names.
        """
        index = span_index(document)
        as_printed = _printed(tree, truth, index)
        kept = self.shared | _kept(tree, as_printed, index) | _asked(tree)
        named = {word for text in _plain_texts(tree, as_printed) for word in _words(text)} - kept
        if not named:
            return document, truth
        new = {word: self._other(word, chance) for word in sorted(named)}
        pictured = any(leaf.grounding == "choice" for _, leaf in leaves(tree))
        pages = tuple(_page(page, new, pictured) for page in document.pages)
        return replace(document, pages=pages), _relabelled(tree, as_printed, new)

    def _other(self, word: str, chance: random.Random) -> str:
        if word.isdecimal():
            return "".join(chance.choice("123456789".replace(digit, "")) for digit in word)
        if self.pool and chance.random() < _POOL and (drawn := chance.choice(self.pool)) != word:
            return drawn
        return _made_up(len(word), chance)


def _made_up(length: int, chance: random.Random) -> str:
    """A word that can be spoken, of about the length."""
    made = ""
    while len(made) < max(4, length - 1):
        made += chance.choice(_ONSETS) + chance.choice(_VOWELS) + chance.choice(_CODAS)
    return made


def _words(text: str) -> list[str]:
    return [found.group().casefold() for found in _NAME.finditer(text)]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from _strings(child)


def _printed(node: Node, value: Any, index: SpanIndex, path: str = "") -> Any:
    """Labels with their plain texts as the page has them, where it does."""
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        known = dict(node.fields)
        return {
            name: _printed(known[name], child, index, f"{path}.{name}" if path else name)
            if name in known
            else child
            for name, child in value.items()
        }
    if _is_text(node) and isinstance(node, Leaf) and isinstance(value, str):
        return target_of(value, node, index, path) or value
    return value


def _is_text(node: Node) -> bool:
    return isinstance(node, Leaf) and node.kind is Kind.TEXT and node.grounding == "span" and not node.pattern


def _plain_texts(node: Node, value: Any) -> Iterator[str]:
    """Text labels that are no row's: what rows are of changes from document to document by itself."""
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        for name, child in node.fields:
            yield from _plain_texts(child, value.get(name))
    elif _is_text(node) and isinstance(value, str):
        yield value


def _kept(tree: ObjectNode, truth: dict[str, Any], index: SpanIndex) -> set[str]:
    """Words of the page's dates and currencies and of every label that is no text."""
    texts = [*index.dates, *index.currencies, *(str(value) for value in _others(tree, truth))]
    return {word for text in texts for word in _words(text)}


def _asked(tree: ObjectNode) -> set[str]:
    """Words of the schema: those that a page labels its values with, whoever bears one in a name."""
    return {
        word for path, leaf in leaves(tree) for word in _words(f"{path.replace('_', ' ')} {leaf.description}")
    }


def _others(node: Node, value: Any) -> Iterator[Any]:
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        for name, child in node.fields:
            yield from _others(child, value.get(name))
    elif isinstance(node, ArrayNode) and isinstance(value, list):
        for child in value:
            yield from _others(node.item, child)
    elif value is not None and not _is_text(node):
        yield value


def _relabelled(node: Node, value: Any, new: Mapping[str, str]) -> Any:
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        known = dict(node.fields)
        return {
            name: _relabelled(known[name], child, new) if name in known else child
            for name, child in value.items()
        }
    if isinstance(node, ArrayNode) and isinstance(value, list):
        return [_relabelled(node.item, child, new) for child in value]
    return _replaced(value, new) if _is_text(node) and isinstance(value, str) else value


def _page(page: Page, new: Mapping[str, str], pictured: bool) -> Page:
    words = tuple(replace(word, text=_replaced(word.text, new)) for word in page.words)
    return replace(page, words=words, image=page.image if pictured else None)


def _replaced(text: str, new: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: _in_case(found.group(), new.get(found.group().casefold())), text)


def _in_case(old: str, new: str | None) -> str:
    if new is None:
        return old
    if old.isupper():
        return new.upper()
    return new.title() if old[:1].isupper() else new
