"""The rules that a schema declares between its fields, in exact decimals; absent values are passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from extractors.validation.numbers import plain
from extractors.validation.paths import pattern_of
from schemas.hints import OrderRule, ProductRule, RequireOneRule, Rule, SumRule

Values = Mapping[str, Any]
"""Typed values by concrete path, in schema order, nulls included."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: the figures in words, and the paths of the fields that it speaks of."""

    message: str
    paths: tuple[str, ...]


def violations(rules: list[Rule], values: Values) -> list[Violation]:
    """Every rule that the values break."""
    found: list[Violation] = []
    for rule in rules:
        match rule:
            case SumRule():
                found += _sum(rule, values)
            case OrderRule():
                found += _order(rule, values)
            case ProductRule():
                found += _product(rule, values)
            case RequireOneRule():
                if not any(value is not None for f in rule.fields for _, value in _at(f, values)):
                    found.append(_violation(rule.message, f"none of {', '.join(rule.fields)} was found", ()))
    return found


def confirmed(rules: list[Rule], values: Values) -> set[str]:
    """Paths of the numbers that a sum or a product bears out: figures that agree are hardly wrong by chance."""
    found: set[str] = set()
    for rule in rules:
        match rule:
            case SumRule():
                named = [rule.items] if isinstance(rule.items, str) else rule.items
                parts = [_numbers(field, values) for field in named]
                totals = _numbers(rule.equals, values)[:1]
                if totals and all(parts) and not _sum(rule, values):
                    found.update(path for part in (*parts, totals) for path, _ in part)
            case ProductRule():
                broken = {path for violation in _product(rule, values) for path in violation.paths}
                for numbers, names in _products(rule, values):
                    if numbers[names[-1]][0] not in broken:
                        found.update(numbers[name][0] for name in names)
    return found


def fields_of(rule: Rule) -> list[str]:
    """The fields that a rule speaks of, each as a path in the schema."""
    match rule:
        case SumRule():
            return [*([rule.items] if isinstance(rule.items, str) else rule.items), rule.equals]
        case ProductRule():
            names = [name.rpartition(".")[2] for name in (*rule.factors, rule.equals)]
            return [f"{rule.items}.{name}" for name in names]
        case OrderRule() | RequireOneRule():
            return rule.fields


def _at(field: str, values: Values) -> list[tuple[str, Any]]:
    if field in values:  # a key that is a number (revenue.2020) is no place in a list
        return [(field, values[field])]
    wanted = pattern_of(field)
    return [(path, value) for path, value in values.items() if pattern_of(path) == wanted]


def _numbers(field: str, values: Values) -> list[tuple[str, Decimal]]:
    return [(path, number) for path, value in _at(field, values) if (number := _decimal(value)) is not None]


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _violation(message: str, figures: str, paths: tuple[str, ...]) -> Violation:
    return Violation(f"{message.rstrip('.')}: {figures}." if message else f"{figures}.", paths)


def _sum(rule: SumRule, values: Values) -> list[Violation]:
    named = [rule.items] if isinstance(rule.items, str) else rule.items
    parts = [_numbers(field, values) for field in named]
    totals = _numbers(rule.equals, values)
    # One of several named parts that is absent leaves nothing to compare; in a list the others still sum up.
    if not totals or not all(parts):
        return []
    numbers = [number for part in parts for _, number in part]
    path, total = totals[0]
    found = sum(numbers, Decimal(0))
    if abs(found - total) <= rule.tolerance:
        return []
    shown = " + ".join(plain(n) for n in numbers[:6]) + (" + …" if len(numbers) > 6 else "")
    sum_shown = f"{shown} = {plain(found)}" if len(numbers) > 1 else f"{named[0]} is {shown}"
    figures = f"{sum_shown}, but {rule.equals} is {plain(total)}"
    return [_violation(rule.message, figures, (path,))]


def _order(rule: OrderRule, values: Values) -> list[Violation]:
    present = [(p, v) for field in rule.fields for p, v in _at(field, values) if v is not None]
    for (path, value), (next_path, next_value) in pairwise(present):
        if _precedes(next_value, value):
            figures = f"{next_path} ({next_value}) comes before {path} ({value})"
            return [_violation(rule.message, figures, (path, next_path))]
    return []


def _precedes(first: Any, second: Any) -> bool:
    """Whether ``first`` is the smaller number, or else the earlier text, as ISO dates sort."""
    left, right = _decimal(first), _decimal(second)
    return str(first) < str(second) if left is None or right is None else left < right


def _products(
    rule: ProductRule, values: Values
) -> Iterator[tuple[dict[str, tuple[str, Decimal]], list[str]]]:
    """The numbers of each item that has all of them, by name, and the names: factors first, the product last."""
    base = pattern_of(rule.items)
    items: dict[str, dict[str, tuple[str, Decimal]]] = {}
    for path, value in values.items():
        item, _, leaf = path.rpartition(".")
        number = _decimal(value)
        if number is not None and pattern_of(item) == base and item[-1:].isdigit():
            items.setdefault(item, {})[leaf] = (path, number)
    names = [name.rpartition(".")[2] for name in (*rule.factors, rule.equals)]
    yield from ((numbers, names) for numbers in items.values() if all(name in numbers for name in names))


def _product(rule: ProductRule, values: Values) -> list[Violation]:
    found = []
    for numbers, names in _products(rule, values):
        product = Decimal(1)
        for name in names[:-1]:
            product *= numbers[name][1]
        path, expected = numbers[names[-1]]
        if abs(product - expected) > rule.tolerance:
            shown = " × ".join(plain(numbers[name][1]) for name in names[:-1])
            figures = f"{shown} = {plain(product)}, but {path} is {plain(expected)}"
            found.append(_violation(rule.message, figures, (path,)))
    return found
