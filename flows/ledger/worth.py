"""What a look at a waiting document is worth, and what else the queue is filtered by: its folder and its amount.

A look is worth the errors it is expected to find, each as heavy as the schema says (``weight`` in
`schemas.hints.FieldHints`), for each second it takes. How likely a field in doubt is to be wrong is its fitted
probability where there is one. Seconds are constants, times how much longer looks at documents of this schema have
really taken (`ReviewPace`).
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from flows.ledger import runs
from flows.ledger.models import Document, ReviewPace, storable
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema
from schemas.tree import Kind, leaves

OPEN_SECONDS = 10.0
FIELD_SECONDS = 6.0
"""How long it takes to open a document, and to judge each field in doubt, while nobody has measured it."""
UNKNOWN_RISK = 0.3
"""How likely a field in doubt is taken to be wrong while nothing was fitted."""
LEAST_MEASURED = 20
"""So many looks at documents of a schema must have been timed before they count."""
MAX_SOURCE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Gravity:
    """What a schema says of its fields: what an error costs by path (with ``[]``), and where its amount stands."""

    weights: Mapping[str, float] = field(default_factory=dict)
    amount: str | None = None

    def weight(self, path: str) -> float:
        """What an error at a concrete path costs."""
        return self.weights.get(pattern_of(path), 1.0)


def appraise(session: Session, document: Document, extraction: Extraction) -> None:
    """Sets what the queue sorts and filters by, from what was just extracted."""
    gravity = _gravity(session, document.fingerprint)
    document.source = source_of(document.uri)
    document.amount = amount_of(extraction.data, gravity)
    if not document.waiting:
        document.review_rank = 0.0
        return
    value = errors_expected(extraction, gravity) / expected_seconds(document.doubtful)
    document.review_rank = -value / pace(session, document.schema_name)


def errors_expected(extraction: Extraction, gravity: Gravity) -> float:
    """Weighted errors among the fields in doubt; a doubt about the whole document counts as its heaviest field."""
    doubtful = [one for one in extraction.fields if one.reasons]
    found = sum(gravity.weight(one.path) * _risk(one.probability) for one in doubtful)
    at_fields = {reason for one in doubtful for reason in one.reasons}
    if any(reason not in at_fields for reason in extraction.reasons):
        found += UNKNOWN_RISK * max((gravity.weight(one.path) for one in extraction.fields), default=1.0)
    return found


def _risk(probability: float | None) -> float:
    return UNKNOWN_RISK if probability is None else min(max(1 - probability, 0.0), 1.0)


def expected_seconds(doubtful: int) -> float:
    """How long a look takes by the constants alone."""
    return OPEN_SECONDS + FIELD_SECONDS * max(doubtful, 1)


def pace(session: Session, schema_name: str) -> float:
    """How many times as long looks at documents of a schema really take; 1 while too few were timed."""
    found = session.get(ReviewPace, schema_name)
    if found is None or found.decisions < LEAST_MEASURED or found.expected <= 0 or found.seconds <= 0:
        return 1.0
    return found.seconds / found.expected


def note_pace(session: Session, document: Document, seconds: float) -> None:
    """Adds a look that was timed. Decisions wait for each other (the trail), so no two add at once."""
    found = session.get(ReviewPace, document.schema_name)
    if found is None:
        found = ReviewPace(schema_name=document.schema_name, decisions=0, seconds=0.0, expected=0.0)
        session.add(found)
    found.decisions += 1
    found.seconds += seconds
    found.expected += expected_seconds(document.doubtful)


def source_of(uri: str) -> str:
    """The folder of a URI, without a slash at its end; of an archive's member the archive."""
    outer, mark, _ = storable(uri).partition("!")
    folder = outer if mark else posixpath.dirname(outer)
    return folder.rstrip("/")[:MAX_SOURCE_CHARS]


def pattern_of(path: str) -> str:
    """A concrete path as the schema has it: ``line_items.0.total`` is ``line_items[].total``."""
    out = ""
    for part in path.split("."):
        out += "[]" if part.isdigit() else f".{part}" if out else part
    return out


def amount_of(data: dict[str, Any] | None, gravity: Gravity) -> float | None:
    """The amount of a document, if its schema has one and it is a number."""
    if data is None or gravity.amount is None:
        return None
    value: Any = data
    for part in gravity.amount.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


_known: dict[str, Gravity] = {}


def _gravity(session: Session, fingerprint: str) -> Gravity:
    """By the schema as the ledger keeps it. A fingerprint never changes what it stands for, so it is read once."""
    if fingerprint not in _known:
        schema = runs.stored_schema(session, fingerprint)
        if schema is None:
            return Gravity()
        _known[fingerprint] = gravity_of(schema)
    return _known[fingerprint]


def gravity_of(schema: LoadedSchema) -> Gravity:
    """What a schema says of its fields."""
    found = dict(leaves(schema.tree))
    said = schema.hints.amount
    return Gravity(
        {path: leaf.weight for path, leaf in found.items() if leaf.weight != 1},
        said if said in found else _told_by_name(schema),
    )


def _told_by_name(schema: LoadedSchema) -> str | None:
    """The sum to be paid, by the words that the scripted rules know; outside of lists only."""
    # Imported late: most commands open a ledger and never record an extraction.
    from extractors.backends.scripted.labels import goal_of
    from extractors.backends.scripted.totals import is_total

    found = []
    for order, (path, leaf) in enumerate(leaves(schema.tree)):
        goal = goal_of(path, leaf, order)
        if "[]" not in path and goal.kind is Kind.DECIMAL and is_total(goal):
            found.append((goal.means("gross"), not goal.means("due"), -order, path))
    return max(found)[-1] if found else None
