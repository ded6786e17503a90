"""What a model is unsure of: the rows and texts of the rules, where these found some; and the title on the page.

A small model goes astray in tables more than anywhere else, and next to that in where a text of several words begins
and ends: a name over two lines, an address without the shop above it. Mostly it knows it: its score falls. Rules that
follow columns and blocks of lines are then right more often. The score stays the model's, so that what is taken from
them is doubted like anything that it was unsure of. That a text goes on below the end of its line it does not know.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from statistics import fmean
from typing import Any

from extractors.backends.base import Answer, LeafAnswer, Span
from extractors.backends.scripted.choices import names_documents
from extractors.backends.scripted.concepts import concepts_of, parts_of
from extractors.backends.scripted.letterhead import ends_legal, tells_kind
from extractors.backends.scripted.sheet import other_print
from extractors.validation.paths import ABSENT, get, put, steps_of
from schemas.document import Word
from schemas.tree import NUMERIC, ArrayNode, Kind, Leaf, ObjectNode

_READ = math.log(0.35)
"""Score from which on a value of the rules is taken for one that is there."""
_HEADED = 0.75
"""How sure the rules are of a name with a company's form at the head of a page."""
_CERTAIN = math.log(0.95)
"""Score of sums that add up."""
_GUESSED = -0.3
"""Score under which a value that only a model has which does not know the schema was right in one case of six."""
_DIFFERED = -0.1
"""Score under which a value of a model that does not know the schema was right less often than another of the rules,
however sure these were: of 540 such values 100 were right, and 313 of the rules'."""
_CALLED = re.compile(r"(?:tel|phone|telephone|fax|mobile|hotline)\W*\d(?:[\d()/+. -]{5,30})", re.IGNORECASE)
_TITLED = math.log(0.65)
"""Score of a choice that the rules found printed by itself, or with a colon behind it, at the head of the page."""


def lists_of(tree: ObjectNode, path: str = "", *, of_values: bool = False) -> Iterator[str]:
    """The paths of the outermost lists of objects, and of those of single values that are copied if asked for."""
    for name, child in tree.fields:
        at = f"{path}.{name}" if path else name
        if isinstance(child, ArrayNode):
            single = isinstance(child.item, Leaf) and child.item.grounding == "span"
            if isinstance(child.item, ObjectNode) or (of_values and single):
                yield at
        elif isinstance(child, ObjectNode):
            yield from lists_of(child, at, of_values=of_values)


def rows_by_rules(
    path: str,
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    by_rules: Answer,
    unsure_below: float,
    *,
    overlooked_below: float = -math.inf,
) -> list[LeafAnswer]:
    """The leaves of an answer, those of one list the rules' where the model's mean score on it is too low.

    Args:
        path: of the list.
        data: the answer, changed in place with the leaves.
        leaves: of the answer.
        by_rules: what the rules say of the document.
        unsure_below: mean score (nats) of the list's leaves.
        overlooked_below: score (nats) under which values are doubted, under a schema that the model was not trained
            under. There the rules' rows are taken where they found any, and doubted: on 82 lists of made-up documents
            they were the better ones however sure the model was, and it overlooked 23 more as a whole.
    """
    mine = [leaf for leaf in leaves if leaf.path.startswith(f"{path}.")]
    theirs = [leaf for leaf in by_rules.leaves if leaf.path.startswith(f"{path}.")]
    score = fmean(leaf.log_probability for leaf in mine) if mine else 0.0
    if overlooked_below > -math.inf:
        score = min(score, math.nextafter(min(unsure_below, overlooked_below), -math.inf))
    steps = steps_of(path)
    rows = get(by_rules.data, steps)
    if score >= unsure_below or not any(leaf.raw for leaf in theirs) or get(data, steps[:-1]) is ABSENT:
        return list(leaves)
    put(data, steps, rows)
    taken = [
        replace(leaf, log_probability=score, signals={"weakest": score, **_of_rules(leaf)}) for leaf in theirs
    ]
    first = next((i for i, leaf in enumerate(leaves) if leaf.path.startswith(f"{path}.")), len(leaves))
    rest = [leaf for leaf in leaves[first:] if not leaf.path.startswith(f"{path}.")]
    return [*leaves[:first], *taken, *rest]


def texts_by_rules(
    tree: ObjectNode,
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    by_rules: Answer,
    unsure_below: float,
) -> list[LeafAnswer]:
    """The leaves of an answer, texts of which the model is unsure the rules'; those of rows stay as they are.

    A text that ends with its line where the rules go on below is theirs too, however sure the model is, and doubted;
    so is one that runs into a stamp or into handwriting where the rules stop, one that begins with a number on the line
    above, and a name without a company's form where the rules found the company at the head: what is larger there is
    often a brand, a slogan or a branch.

    Args:
        tree: of the schema.
        data: the answer, changed in place with the leaves.
        leaves: of the answer.
        by_rules: what the rules say of the document.
        unsure_below: score (nats) of a leaf.
    """
    texts = set(_texts_of(tree))
    names, places = _meaning(texts, "name", "seller", "buyer"), _meaning(texts, "address")
    # Of a single word nobody can miss the beginning or the end: there the model knows better which one is meant.
    theirs = {leaf.path: leaf for leaf in by_rules.leaves if leaf.path in texts and " " in (leaf.raw or "")}
    return _taken(
        data,
        leaves,
        theirs,
        lambda leaf, other: (
            leaf.log_probability < unsure_below
            or _cut_short(leaf, other)
            or (leaf.path in places and _number_above(leaf, other))
            or _runs_on(leaf, other)
            or _is_company(leaf, other, named=leaf.path in names)
        ),
        unsure_below,
    )


def without_calls(
    tree: ObjectNode, data: dict[str, Any], leaves: Sequence[LeafAnswer], unsure_below: float
) -> list[LeafAnswer]:
    """The leaves of an answer, addresses without a telephone number behind its label in a last line of its own.

    Arguments as of `titles_by_rules`.
    """
    texts = set(_texts_of(tree))
    asked = _meaning(texts, "address") - _meaning(texts, "phone", "mail")
    found = []
    for leaf in leaves:
        words = leaf.span.words if leaf.path in asked and leaf.span is not None else ()
        last = len(words) - len(_last_line(words))
        call = " ".join(word.text for _, word in words[last:])
        if unsure_below > -math.inf and last and _CALLED.fullmatch(call) and (leaf.raw or "").endswith(call):
            raw = (leaf.raw or "").removesuffix(call).rstrip(" ,;")
            put(data, steps_of(leaf.path), raw)
            score = min(leaf.log_probability, unsure_below)
            leaf = replace(leaf, raw=raw, span=Span(words[:last]), log_probability=score)
        found.append(leaf)
    return found


def sums_by_rules(
    tree: ObjectNode,
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    by_rules: Answer,
    unsure_below: float,
) -> list[LeafAnswer]:
    """The leaves of an answer, numbers of which the model is unsure the rules' where these add up on the page.

    What was tendered less the change, or a column with its sum, leaves no doubt which of the sums is the total.
    Arguments as of `titles_by_rules`.
    """
    numbers = {path for path, leaf in outer_leaves(tree) if leaf.kind in NUMERIC}
    theirs = {leaf.path: leaf for leaf in by_rules.leaves if leaf.path in numbers and leaf.raw}
    return _taken(
        data,
        leaves,
        theirs,
        lambda leaf, other: leaf.log_probability < unsure_below and other.log_probability >= _CERTAIN,
        unsure_below,
    )


def values_by_rules(
    tree: ObjectNode,
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    by_rules: Answer,
    unsure_below: float,
) -> list[LeafAnswer]:
    """The leaves of an answer under a schema that the model was not trained under, single values mostly the rules'.

    There it takes a field for absent that the rules read off a label; where it is not very sure of a value and the
    rules have another, they are right far more often; and where they found nothing it guesses, which is then a
    candidate and no value. Measured on a kind of document that was left out (`extractors/models/embedded/README.md`).
    All of it is doubted.

    Args:
        tree: of the schema.
        data: the answer, changed in place with the leaves.
        leaves: of the answer.
        by_rules: what the rules say of the document.
        unsure_below: score (nats) of a leaf; without one nothing is taken from the rules.
    """
    copied = {path: leaf for path, leaf in outer_leaves(tree) if leaf.grounding == "span"}
    theirs = {leaf.path: leaf for leaf in by_rules.leaves if leaf.path in copied}
    doubted = math.nextafter(unsure_below, -math.inf)
    found = _taken(
        data,
        leaves,
        {path: leaf for path, leaf in theirs.items() if leaf.raw},
        lambda leaf, other: (
            other.log_probability >= _READ if leaf.raw is None else leaf.log_probability < _DIFFERED
        ),
        doubted,
    )
    if doubted == -math.inf:
        return found
    guessed = {path for path, leaf in theirs.items() if leaf.raw is None and copied[path].nullable}
    return [_given_up(data, leaf) if leaf.path in guessed else leaf for leaf in found]


def _given_up(data: dict[str, Any], leaf: LeafAnswer) -> LeafAnswer:
    """A value that the model is very unsure of, as a candidate for a field that is empty."""
    if leaf.raw is None or leaf.log_probability >= _GUESSED or get(data, steps_of(leaf.path)) is ABSENT:
        return leaf
    put(data, steps_of(leaf.path), None)
    others = ((leaf.raw, leaf.span),) if leaf.span is not None else ()
    return replace(leaf, raw=None, span=None, others=others, signals={**leaf.signals, "given_up": 1.0})


def titles_by_rules(
    tree: ObjectNode,
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    by_rules: Answer,
    unsure_below: float,
) -> list[LeafAnswer]:
    """The leaves of an answer, what kind of document it is by its printed title, where the rules found one.

    A small model takes the kind for the one that it was mostly trained on, and is sure of it; what it puts aside for
    that stands on the page. The rules' kind is doubted all the same.

    Args:
        tree: of the schema.
        data: the answer, changed in place with the leaves.
        leaves: of the answer.
        by_rules: what the rules say of the document.
        unsure_below: score (nats) under which answers are doubted; without one nothing is taken from the rules.
    """
    kinds = {path for path, leaf in outer_leaves(tree) if names_documents(leaf.choices)}
    theirs = {leaf.path: leaf for leaf in by_rules.leaves if leaf.path in kinds and leaf.raw}
    return _taken(
        data,
        leaves,
        theirs,
        lambda leaf, other: other.log_probability >= _TITLED and other.raw != leaf.raw,
        unsure_below,
    )


def _taken(
    data: dict[str, Any],
    leaves: Sequence[LeafAnswer],
    theirs: Mapping[str, LeafAnswer],
    better: Callable[[LeafAnswer, LeafAnswer], bool],
    unsure_below: float,
) -> list[LeafAnswer]:
    """The leaves, from the rules and doubted where theirs are better; a model without a floor keeps its own."""
    found = []
    for leaf in leaves:
        other = theirs.get(leaf.path)
        if (
            other is None
            or unsure_below == -math.inf
            or not better(leaf, other)
            or get(data, steps_of(leaf.path)) is ABSENT
        ):
            found.append(leaf)
            continue
        put(data, steps_of(leaf.path), other.raw)
        score = min(leaf.log_probability, unsure_below)
        signals = {**leaf.signals, **_of_rules(other)}
        found.append(replace(leaf, raw=other.raw, span=other.span, log_probability=score, signals=signals))
    return found


def rules_sure(leaf: LeafAnswer) -> float:
    """How sure the rules are of a value of theirs, 0..1."""
    return math.exp(min(leaf.log_probability, 0.0))


def _of_rules(leaf: LeafAnswer) -> dict[str, float]:
    """The signals of a value that is the rules' and not the model's."""
    return {"taken": 1.0, "rules_sure": rules_sure(leaf)}


def _cut_short(leaf: LeafAnswer, other: LeafAnswer) -> bool:
    """Whether ``other`` begins with the words of ``leaf`` and goes on in the lines below the last of them."""
    if leaf.span is None or other.span is None:
        return False
    said, whole = leaf.span.words, other.span.words
    if (
        len(said) >= len(whole)
        or whole[: len(said) - 1] != said[:-1]
        or not _begins(said[-1], whole[len(said) - 1])
    ):
        return False
    (page, _), (next_page, following) = said[-1], whole[len(said)]
    # In a photograph lines may be aslant: the word that stands over the next one tells its height.
    over = min((word for _, word in _last_line(said)), key=lambda word: abs(word.box.x0 - following.box.x0))
    return page == next_page and following.box.y0 > (over.box.y0 + over.box.y1) / 2


def _last_line(words: Sequence[tuple[int, Word]]) -> Sequence[tuple[int, Word]]:
    """The last of some words that stand to the right of one another."""
    onward = takewhile(lambda pair: pair[0][1].box.x0 > pair[1][1].box.x0, pairwise(reversed(words)))
    return words[len(words) - 1 - sum(1 for _ in onward) :] if words else ()


def _number_above(leaf: LeafAnswer, other: LeafAnswer) -> bool:
    """Whether ``leaf`` is ``other`` behind a number that stands above it: ``Site: 1046`` over ``176 Mill Lane``."""
    if leaf.span is None or other.span is None:
        return False
    said, whole = leaf.span.words, other.span.words
    before = len(said) - len(whole)
    if not whole or before <= 0 or not _ends_with(said, whole):
        return False
    (page, last), (next_page, first) = said[before - 1], whole[0]
    above = page == next_page and first.box.y0 > (last.box.y0 + last.box.y1) / 2
    return (
        above
        and first.text[:1].isdigit()
        and not any(char.isalpha() for _, word in said[:before] for char in word.text)
    )


def _ends_with(said: Sequence[tuple[int, Word]], whole: Sequence[tuple[int, Word]]) -> bool:
    """Whether the last words of a text are those of another, but for marks at the end."""
    places = [(page, word.box.x0, word.box.y0) for page, word in said[len(said) - len(whole) :]]
    return places == [(page, word.box.x0, word.box.y0) for page, word in whole]


def _begins(part: tuple[int, Word], word: tuple[int, Word]) -> bool:
    """Whether a word is another one, or its beginning: without the comma behind it."""
    (page, said), (other_page, whole) = part, word
    at = page == other_page and (said.box.x0, said.box.y0) == (whole.box.x0, whole.box.y0)
    return at and whole.text.startswith(said.text)


def _meaning(paths: Iterable[str], *concepts: str) -> set[str]:
    """The paths whose names mean one of some concepts."""
    wanted = set(concepts)
    return {path for path in paths if any(concepts_of(part) & wanted for part in parts_of(path))}


def _is_company(leaf: LeafAnswer, other: LeafAnswer, *, named: bool) -> bool:
    """Whether the rules named a company by its form (``... Ltd``) where the model wrote another name without one.

    Or only its beginning, of a field that is a name: ``Oak`` of ``Oak Trading``.
    """
    if leaf.raw is None or other.raw is None or leaf.span is None or other.span is None:
        return False
    places = {(page, word.box) for page, word in leaf.span.words}
    elsewhere = not any((page, word.box) in places for page, word in other.span.words)
    said, whole = leaf.span.words, other.span.words
    begins = named and len(said) < len(whole) and whole[: len(said)] == said and tells_kind(whole[-1][1].text)
    better = (elsewhere and ends_legal(other.raw)) or begins
    return better and not ends_legal(leaf.raw) and rules_sure(other) >= _HEADED


def _runs_on(leaf: LeafAnswer, other: LeafAnswer) -> bool:
    """Whether ``leaf`` begins with the words of ``other`` and goes on with what was not printed with them."""
    if leaf.span is None or other.span is None:
        return False
    said, whole = leaf.span.words, other.span.words
    if len(said) <= len(whole) or said[: len(whole)] != whole:
        return False
    return other_print(whole[-1][1], said[len(whole)][1])


def outer_leaves(tree: ObjectNode, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """The leaves that stand in no list, with their paths."""
    for name, child in tree.fields:
        at = f"{path}.{name}" if path else name
        if isinstance(child, ObjectNode):
            yield from outer_leaves(child, at)
        elif isinstance(child, Leaf):
            yield at, child


def _texts_of(tree: ObjectNode) -> Iterator[str]:
    """The paths of the leaves that are copied texts of any length and stand in no list."""
    for path, leaf in outer_leaves(tree):
        if leaf.kind is Kind.TEXT and leaf.grounding == "span" and not (leaf.pattern or leaf.format):
            yield path
