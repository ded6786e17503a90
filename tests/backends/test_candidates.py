"""What the rules found beside a model's answer is offered as another candidate, with its place."""

from __future__ import annotations

from extractors.backends.base import Answer, LeafAnswer, Span
from extractors.backends.candidates import with_candidates
from schemas.document import Box, Word


def span(text: str, y: float) -> Span:
    return Span(((1, Word(text, Box(10.0, y, 40.0, y + 10.0))),))


def test_the_rules_choice_comes_first_and_the_models_own_is_no_candidate() -> None:
    theirs = LeafAnswer(
        "total",
        "9.00",
        -0.1,
        span("9.00", 0),
        others=(("8.00", span("8.00", 20)), ("7.00", span("7.00", 40))),
    )
    [leaf] = with_candidates([LeafAnswer("total", "8.00", -0.2, span("8.00", 20))], Answer({}, (theirs,)))
    assert [raw for raw, _ in leaf.others] == ["9.00", "7.00"]
    assert (leaf.raw, leaf.span) == ("8.00", span("8.00", 20))
    [empty] = with_candidates([LeafAnswer("total", None, -0.2)], Answer({}, (theirs,)))
    assert [raw for raw, _ in empty.others] == ["9.00", "8.00", "7.00"]


def test_rows_get_none() -> None:
    theirs = LeafAnswer("items.0.price", "9.00", -0.1, span("9.00", 0))
    mine = LeafAnswer("items.0.price", "8.00", -0.2)
    assert with_candidates([mine], Answer({}, (theirs,))) == [mine]
