"""Fields with a closed list of answers: enumerations and yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Any

from extractors.backends.base import LeafAnswer
from extractors.backends.scripted.concepts import concepts_of, parts_of
from extractors.backends.scripted.labels import Goal, score
from extractors.backends.scripted.scene import MIN_SCORE, Scene
from extractors.backends.scripted.sheet import Line, Token
from extractors.validation.shapes import says
from extractors.validation.text import text_key
from extractors.validation.values import parse_leaf
from schemas.tree import Kind, Leaf, ObjectNode

GUESSED = 0.55
"""Score of the choice that is given because one must be."""
_TITLE_LINES = 40
_TITLE_TOKENS = 4
_LABEL = 0.7
"""A label that ends in a colon tells of another document, or of this one's number."""
_NUMBERED = 0.8
"""What is printed with a number may be another document that this one refers to: of two such the first counts."""
_YES_OR_NO = frozenset({"yes", "no", "y", "n", "true", "false"})
# Titles of documents that no word-by-word comparison finds.
_TITLES = {
    "creditnote": (
        "gutschrift",
        "avoir",
        "creditmemo",
        "notadecredito",
        "notadicredito",
        "rechnungskorrektur",
    ),
    "order": ("bestellung", "commande", "purchaseorder", "pedido", "ordine"),
    "invoice": (
        "rechnung", "handelsrechnung", "schlussrechnung", "teilrechnung", "facture", "fattura", "factura", "factuur",
        "faktura", "fatura", "commercialinvoice", "taxinvoice",
    ),
}  # fmt: skip

_KIND_NAMES = """
bill receipt statement quote quotation proforma proformainvoice orderconfirmation deliverynote debitnote reminder
contract payslip refund
"""
_KINDS = frozenset(_KIND_NAMES.split())


def names_documents(choices: Sequence[str]) -> bool:
    """Whether a closed list of answers is one of kinds of documents: at least two of them are."""
    return sum(text_key(choice) in _TITLES or text_key(choice) in _KINDS for choice in choices) > 1


def choose(goal: Goal, scene: Scene) -> tuple[str | None, float]:
    """The choice that the document shows, with its score; for a field that may not be null always one."""
    if goal.leaf.kind is Kind.BOOLEAN:
        return _boolean(goal, scene)
    best: tuple[float, str] | None = None
    lines = [line for line in scene.lines[:_TITLE_LINES] if not _are_options(line, goal.leaf.choices)]
    for position, choice in enumerate(goal.leaf.choices):
        if text_key(choice) in _YES_OR_NO:  # printed, they are options of some question
            continue
        found = _seen(choice, lines) - 0.001 * position
        if found > MIN_SCORE and (best is None or found > best[0]):
            best = (found, choice)
    if best is not None:
        return best[1], best[0]
    return (None, 0.9) if goal.leaf.nullable or not goal.leaf.choices else (goal.leaf.choices[0], GUESSED)


def tell_shape(node: ObjectNode, path: str, data: dict[str, Any], out: list[LeafAnswer]) -> None:
    """Of an object that may have several shapes: what was found tells the shape, where its choices were only guessed.

    Args:
        node: the object.
        path: its place, concrete.
        data: its raw answer, changed in place.
        out: the answers so far, changed in place; those of the object are the last.
    """
    guessed = {
        answer.path: at for at, answer in enumerate(out) if answer.log_probability <= log(GUESSED) + 1e-9
    }
    asked = {name: child for name, child in node.fields if not (isinstance(child, Leaf) and child.choices)}
    found = [sum(says(data[name]) for name, _ in shape.fields if name in asked) for shape in node.shapes]
    if not any(found):
        return
    for name, child in node.shapes[found.index(max(found))].fields:
        at = guessed.get(f"{path}.{name}" if path else name)
        if isinstance(child, Leaf) and child.choices and at is not None and data[name] not in child.choices:
            data[name] = child.choices[0]
            out[at] = replace(out[at], raw=child.choices[0])


def _seen(choice: str, lines: list[Line]) -> float:
    """How plainly the choice is printed: as a title, or somewhere near the head."""
    parts = parts_of(choice)
    keys, concepts = {text_key(part) for part in parts}, [concepts_of(part) for part in parts]
    best = 0.0
    for line in lines:
        for start, end in line.cells:
            tokens = line.tokens[start:end]
            words = {text_key(part) for t in tokens for part in parts_of(t.text)}
            whole = text_key("".join(t.text for t in tokens))
            titled = _is_title(_TITLES.get(text_key(choice), ()), whole, tokens)
            shared = all(c and any(c & t.concepts for t in tokens) for c in concepts)
            if keys <= words or titled or shared:
                short = end - start <= _TITLE_TOKENS
                strength = (0.9 if keys <= words or titled else 0.75) if short else 0.5
                if _numbered(concepts, line, start):
                    strength = max(strength, 0.85)
                behind = line.tokens[end] if end < len(line.tokens) else None
                labels = any(t.ends_label for t in tokens) or (behind is not None and behind.text[:1] == ":")
                if labels or any(any(map(str.isdigit, t.text)) for t in tokens):
                    strength = min(strength, _LABEL if labels else _NUMBERED)
                best = max(best, strength - 0.006 * line.index + (0.05 if len(keys) > 1 else 0.0))
    return best


def _is_title(titles: tuple[str, ...], whole: str, tokens: tuple[Token, ...]) -> bool:
    """Whether a cell is headed by one of the titles: by itself, or with a number or date behind it."""
    first = "".join(char for char in text_key(tokens[0].text) if char.isalpha())
    rest = tokens[1] if len(tokens) > 1 else None
    alone = (
        rest is None
        or any(map(str.isdigit, rest.text))
        or not rest.text.isalpha()
        or "number" in rest.concepts
    )
    return any(whole == title or (first == title and alone) for title in titles)


def _are_options(line: Line, choices: tuple[str, ...]) -> bool:
    """Whether a line prints several of the choices, which says that one can choose, and not what was chosen."""
    words = {text_key(part) for token in line.tokens for part in parts_of(token.text)}
    said = [
        keys
        for choice in choices
        if (keys := {text_key(part) for part in parts_of(choice)}) and keys <= words
    ]
    return sum(not any(keys < other for other in said) for keys in said) > 1


def _numbered(concepts: list[frozenset[str]], line: Line, start: int) -> bool:
    """Whether a line begins with the document's name and its number: ``Rechnung (380) Nr. 4711``."""
    begins = start == 0 and all(c & line.tokens[0].concepts for c in concepts)
    return begins and any(char.isdigit() for token in line.tokens[1:6] for char in token.text)


def _boolean(goal: Goal, scene: Scene) -> tuple[str | None, float]:
    """The yes or no behind the field's label."""
    best: tuple[float, str] | None = None
    for runs in scene.runs.values():
        for run in runs:
            named = score(goal, run)
            after = run.line.tokens[run.end : run.end + 2]
            values = {parse_leaf(token.text, goal.leaf).value for token in after}
            said = {value for value in values if isinstance(value, bool)}
            if len(said) == 1 and named >= MIN_SCORE and (best is None or named > best[0]):
                best = (named, "true" if said.pop() else "false")  # of both one can choose
    if best is not None:
        return best[1], best[0]
    return (None, 0.9) if goal.leaf.nullable else ("false", 0.45)
