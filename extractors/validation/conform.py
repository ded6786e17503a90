"""Nested typed data against its schema: what is invalid becomes null, so that what can be valid is valid.

A catalog schema is checked by its Pydantic class, a JSON Schema file by ``jsonschema`` (draft 2020-12, no
remote references, formats that a printed document can meet).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from extractors.validation.paths import ABSENT, Step, get, join, put
from extractors.validation.shapes import keep_one_shape
from schemas.errors import SchemaError
from schemas.outcome import ReviewReason
from schemas.patterns import PatternError, matcher_of
from schemas.registry import LoadedSchema

_ROUNDS = 6
# `time` and `date-time` want an offset from UTC, which hardly any document prints; ours are ISO by making.
_FORMATS = FormatChecker(formats=["date", "email", "ipv4", "ipv6", "uuid"])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path (``""``: the document as a whole)."""

    path: str
    reason: ReviewReason
    message: str


@dataclass(slots=True)
class Conformed:
    """``data`` as valid as it can be made; ``valid`` says whether it fully is."""

    data: dict[str, Any]
    valid: bool
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Problem:
    """What a validator complains of; ``arm``: at which place which arm of a union said so, ``choice``: of its kind."""

    steps: tuple[Step, ...]
    message: str
    missing: bool = False
    arm: tuple[tuple[Step, ...], Step] | None = None
    choice: bool = False


_OTHER_SHAPE = "belongs to another shape than the other values"
_Check = Callable[[dict[str, Any]], tuple[list[_Problem], dict[str, Any]]]


def conform(data: dict[str, Any], schema: LoadedSchema) -> Conformed:
    """Validates ``data`` (changed in place), nulling the leaves that the schema refuses.

    A null where the schema has none is left out, so that a default applies; where the key is required it
    stays null, is found as ``MISSING_REQUIRED``, and the data cannot be valid. Of an object that may have several
    shapes one is kept; a value that belongs to another is refused.
    """
    check = _pydantic_check(schema.model) if schema.model is not None else _json_schema_check(schema)
    left_out = dict(keep_one_shape(schema.tree, data))
    findings = [
        Finding(join(steps), ReviewReason.INVALID_VALUE, _OTHER_SHAPE)
        for steps, said in left_out.items()
        if said
    ]
    for _ in range(_ROUNDS):
        problems, result = check(data)
        problems = _of_one_arm(problems, set(left_out))
        if not problems:
            return Conformed(result, True, findings)
        by_place = {problem.steps: problem for problem in reversed(problems)}  # one at a time: the first
        if not sum(_mend(data, problem, findings) for problem in by_place.values()):
            break
    for problem in problems:
        findings += _remaining(data, problem, findings)
    return Conformed(data, False, findings)


def _of_one_arm(problems: list[_Problem], left_out: set[tuple[Step, ...]]) -> list[_Problem]:
    """Of the complaints of several arms of a union those of one: of the shape that was kept, as far as that tells."""
    unions: dict[tuple[Step, ...], dict[Step, list[_Problem]]] = {}
    for problem in problems:
        if problem.arm is not None:
            unions.setdefault(problem.arm[0], {}).setdefault(problem.arm[1], []).append(problem)

    def foreign(arm: list[_Problem]) -> tuple[int, int, int]:
        return sum(p.steps in left_out for p in arm), sum(p.choice for p in arm), len(arm)

    kept = {place: min(arms, key=lambda name: foreign(arms[name])) for place, arms in unions.items()}
    return [p for p in problems if p.arm is None or kept[p.arm[0]] == p.arm[1]]


def _mend(data: dict[str, Any], problem: _Problem, findings: list[Finding]) -> bool:
    """Takes the refused value out; whether there was one to take out."""
    steps = problem.steps
    while steps and get(data, steps) is ABSENT:  # pydantic adds the arm of a union to the place
        steps = steps[:-1]
    value = get(data, steps)
    if not steps or problem.missing or isinstance(value, dict | list):
        return False
    if value is not None:
        put(data, steps, None)
        findings.append(Finding(join(steps), ReviewReason.INVALID_VALUE, problem.message))
        return True
    parent = get(data, steps[:-1])
    if isinstance(parent, dict):
        del parent[str(steps[-1])]
        return True
    return False


def _remaining(data: dict[str, Any], problem: _Problem, known: list[Finding]) -> list[Finding]:
    """What could not be mended, as findings; a required key comes back as null."""
    path = join(problem.steps)
    if not problem.missing:
        reason = ReviewReason.INVALID_VALUE if problem.steps else ReviewReason.RULE_VIOLATED
        return [Finding(path, reason, problem.message)]
    if isinstance(get(data, problem.steps[:-1]), dict):
        put(data, problem.steps, None)
    if any(f.path == path and f.reason is ReviewReason.INVALID_VALUE for f in known):
        return []
    return [Finding(path, ReviewReason.MISSING_REQUIRED, "required by the schema, not found")]


def _pydantic_check(model: type[BaseModel]) -> _Check:
    def check(data: dict[str, Any]) -> tuple[list[_Problem], dict[str, Any]]:
        try:
            # By way of JSON, whose rules let a strict model read dates and decimals from strings.
            valid = model.model_validate_json(json.dumps(data))
        except ValidationError as error:
            return [
                _pydantic_problem(data, tuple(e["loc"]), e["msg"], e["type"])
                for e in error.errors(include_url=False, include_context=False, include_input=False)
            ], data
        return [], valid.model_dump(mode="json", by_alias=True)

    return check


def _pydantic_problem(data: Any, place: tuple[Step, ...], message: str, kind: str) -> _Problem:
    """A complaint of pydantic, which names the arm of a union inside the place."""
    steps: tuple[Step, ...] = ()
    arm: tuple[tuple[Step, ...], Step] | None = None
    missing = kind == "missing"
    for number, step in enumerate(place):
        if get(data, (*steps, step)) is not ABSENT or (missing and number == len(place) - 1):
            steps = (*steps, step)
        elif arm is None:
            arm = (steps, step)
    return _Problem(steps, message, missing, arm, kind in ("literal_error", "enum"))


def _json_schema_check(schema: LoadedSchema) -> _Check:
    validator = _validator(schema.fingerprint, json.dumps(schema.json_schema))

    def check(data: dict[str, Any]) -> tuple[list[_Problem], dict[str, Any]]:
        try:
            return [
                problem for error in validator.iter_errors(data) for problem in _json_problems(error, None)
            ], data
        except Unresolvable as error:
            return [_Problem((), f"the schema refers to what is not in it: {error}")], data

    return check


def _json_problems(
    error: jsonschema.ValidationError, arm: tuple[tuple[Step, ...], Step] | None
) -> Iterator[_Problem]:
    place = tuple(error.absolute_path)
    if error.validator == "required":
        instance: Any = error.instance
        required: Any = error.validator_value
        absent = [name for name in required if name not in instance]
        yield from (_Problem((*place, name), error.message, True, arm) for name in absent)
    elif error.context and isinstance(error.instance, dict | list):
        for inner in error.context:  # what the arms of a union say; of an arm that is no object, nothing
            if inner.validator != "type" or inner.instance is not error.instance:
                yield from _json_problems(inner, arm or (place, inner.schema_path[0]))
    else:
        yield _Problem(place, error.message[:300], False, arm, error.validator in ("const", "enum"))


@lru_cache(maxsize=64)
def _validator(fingerprint: str, text: str) -> Draft202012Validator:
    schema = json.loads(text)
    try:
        Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SchemaError(
            f"No valid JSON Schema at {error.json_path}: {error.message[:300]}",
            remedy="Correct the schema file (draft 2020-12).",
        ) from error
    made: Draft202012Validator = _Validator(schema, format_checker=_FORMATS, registry=Registry())
    return made


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """The keyword ``pattern``, by an engine that no text of a document can keep busy."""
    if not isinstance(instance, str):
        return
    try:
        fits = matcher_of(pattern)(instance)
    except PatternError as error:
        yield jsonschema.ValidationError(f"the pattern {pattern!r} cannot be checked: {error}")
        return
    if not fits:
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _type(validator: Any, types: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """The keyword ``type``, with the ``nullable`` of OpenAPI 3.0 beside it."""
    if instance is not None or schema.get("nullable") is not True:
        yield from Draft202012Validator.VALIDATORS["type"](validator, types, instance, schema)


def _multiple_of(
    validator: Any, step: Any, instance: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """The keyword ``multipleOf``, in exact numbers: 19.99 is a multiple of 0.01."""
    if validator.is_type(instance, "number") and Fraction(str(instance)) % Fraction(str(step)):
        yield jsonschema.ValidationError(f"{instance!r} is not a multiple of {step!r}")


_KEYWORDS = {"pattern": _pattern, "type": _type, "multipleOf": _multiple_of}
_Validator = jsonschema.validators.extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
