"""All figures of an evaluation, from the results of its documents: a nest of plain values, written as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from extractors.confidence.reliability import reliability
from extractors.evaluation.intervals import Counted, Interval, f1_difference, f1_interval, share_interval
from extractors.evaluation.metrics import Counts
from extractors.evaluation.results import DocumentResult, LeafResult

VERSION = 1
DIGITS = 4
COVERAGES = 40
"""Points of a risk-coverage curve at most."""
MICRO = "all"


def figures_of(results: Sequence[DocumentResult], name: str, split: str) -> dict[str, Any]:
    """Every figure of one model on one split; see ``docs/evaluation.md`` for what each means."""
    leaves = [leaf for result in results for leaf in result.leaves]
    claims = [leaf for result in results for leaf in result.claims]
    return {
        "version": VERSION,
        "set": name,
        "split": split,
        "model": next((result.model for result in results), ""),
        "documents": len(results),
        "fields": _fields(results),
        "micro": _field(results, None),
        "document_accuracy": _interval(share_interval([(float(r.perfect), 1.0) for r in results])),
        "typed": _typed(leaves),
        "rows": _rows(results),
        "grounding": _grounding(leaves),
        "validity": _validity(results),
        "acceptance": _acceptance(results),
        "calibration": _calibration(leaves),
        "risk_coverage": risk_coverage(leaves),
        "slices": _slices(results),
        "seconds": _seconds(results),
        "reasons": dict(Counter(reason for result in results for reason in result.reasons).most_common()),
        "wrong": len([leaf for leaf in claims if leaf.verdict != "right"]),
    }


def counts_of(results: Sequence[DocumentResult], pattern: str | None) -> Counted:
    """Right, wrong and missed leaves of each document, of one field or of all (``None``)."""
    found = []
    for result in results:
        counts = Counts()
        for leaf in result.claims:
            if pattern is None or leaf.pattern == pattern:
                counts.right += leaf.verdict == "right"
                counts.wrong += leaf.verdict in ("wrong", "invented")
                counts.missed += leaf.verdict in ("wrong", "missed")
        found.append((counts.right, counts.wrong, counts.missed))
    return found


def patterns_of(results: Iterable[DocumentResult]) -> list[str]:
    """The fields that count somewhere, in the order of the schema as far as the answers have it."""
    return list(dict.fromkeys(leaf.pattern for result in results for leaf in result.claims))


def compared(results: Sequence[DocumentResult], others: Sequence[DocumentResult]) -> dict[str, Any]:
    """One model against another on the documents that both have: F1 apart, by field, with paired intervals.

    Raises:
        ValueError: they share no document.
    """
    known = {result.name: result for result in others}
    mine = [result for result in results if result.name in known]
    theirs = [known[result.name] for result in mine]
    if not mine:
        raise ValueError("the two evaluations have no document in common")
    fields = {
        pattern or MICRO: _difference(counts_of(mine, pattern), counts_of(theirs, pattern))
        for pattern in [*patterns_of([*mine, *theirs]), None]
    }
    return {"model": theirs[0].model, "documents": len(mine), "fields": fields}


def _difference(one: Counted, other: Counted) -> dict[str, float]:
    found = f1_difference(one, other)
    return {
        "f1": round(f1_interval(one, 1).value, DIGITS),
        "other_f1": round(f1_interval(other, 1).value, DIGITS),
        "difference": round(found.value, DIGITS),
        "low": round(found.low, DIGITS),
        "high": round(found.high, DIGITS),
        "better": round(found.better, DIGITS),
    }


def _fields(results: Sequence[DocumentResult]) -> dict[str, Any]:
    return {pattern: _field(results, pattern) for pattern in patterns_of(results)}


def _field(results: Sequence[DocumentResult], pattern: str | None) -> dict[str, Any]:
    counted = counts_of(results, pattern)
    sums = Counts(*(sum(column) for column in zip(*counted, strict=True))) if counted else Counts()
    interval = f1_interval(counted)
    labelled = [
        leaf
        for result in results
        for leaf in result.claims
        if leaf.truth is not None and (pattern is None or leaf.pattern == pattern)
    ]
    known = [leaf.reachable for leaf in labelled if leaf.reachable is not None]
    return {
        "precision": round(sums.precision, DIGITS),
        "recall": round(sums.recall, DIGITS),
        "f1": round(sums.f1, DIGITS),
        "low": round(interval.low, DIGITS),
        "high": round(interval.high, DIGITS),
        "n": sums.right + sums.missed,
        "ceiling": round(sum(known) / len(known), DIGITS) if known else None,
    }


def _interval(found: Interval) -> dict[str, float]:
    return {
        "value": round(found.value, DIGITS),
        "low": round(found.low, DIGITS),
        "high": round(found.high, DIGITS),
    }


def _typed(leaves: Sequence[LeafResult]) -> dict[str, Any]:
    right = [leaf.typed for leaf in leaves if leaf.typed is not None]
    errors = Counter(leaf.typed_error for leaf in leaves)
    return {
        "judged": len(right),
        "right": sum(right),
        "accuracy": round(sum(right) / len(right), DIGITS) if right else None,
        "errors": {kind: errors[kind] for kind in ("day_and_month", "power_of_ten")},
    }


def _rows(results: Sequence[DocumentResult]) -> dict[str, dict[str, Any]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for prefix, row in result.rows.items():
            counted = {"missed": row.missed, "invented": row.invented, **row.model_dump()}
            found[prefix].update(counted)
    return {prefix: dict(sums) for prefix, sums in found.items()}


def _grounding(leaves: Sequence[LeafResult]) -> dict[str, Any]:
    places = [leaf for leaf in leaves if leaf.placed is not None]
    lost = sum(not leaf.placed for leaf in places)
    looked = [leaf.spelled for leaf in leaves if leaf.spelled is not None]
    return {
        "values": len(places),
        "without_place": lost,
        "looked_at": len(looked),
        "not_spelled": looked.count(False),
    }


def _validity(results: Sequence[DocumentResult]) -> dict[str, Any]:
    outcomes = Counter(result.outcome for result in results)
    refused = sum("invalid_value" in result.reasons for result in results)
    return {
        "outcomes": dict(outcomes.most_common()),
        "truncated": sum(result.truncated for result in results),
        "with_refused_values": refused,
    }


def _acceptance(results: Sequence[DocumentResult]) -> dict[str, Any]:
    landed = [
        (sum(leaf.verdict not in ("right", "rightly_null") for leaf in mine), len(mine))
        for result in results
        if (mine := [leaf for leaf in result.leaves if leaf.landed])
    ]
    values = sum(len(result.leaves) for result in results)
    documents = [result for result in results if result.accepted]
    whole = [leaf for result in documents for leaf in result.leaves]
    return {
        "documents": len(documents),
        "share_of_documents": round(len(documents) / len(results), DIGITS) if results else 0.0,
        "perfect_documents": sum(result.perfect for result in documents),
        "values_of_documents": len(whole),
        "wrong_in_documents": sum(leaf.verdict not in ("right", "rightly_null") for leaf in whole),
        "values": sum(whole for _, whole in landed),
        "share_of_values": round(sum(whole for _, whole in landed) / values, DIGITS) if values else 0.0,
        "wrong_values": sum(wrong for wrong, _ in landed),
        "error": _interval(share_interval(landed)) if landed else None,
    }


def _calibration(leaves: Sequence[LeafResult]) -> dict[str, Any] | None:
    """Reliability of the probabilities; ``None`` where fields have none."""
    scored = [
        (leaf.probability, leaf.verdict in ("right", "rightly_null"))
        for leaf in leaves
        if leaf.probability is not None
    ]
    if not scored:
        return None
    found = reliability(scored)
    return {
        "values": found.count,
        "ece": round(found.ece, DIGITS),
        "ece_by_chance": round(found.ece_by_chance, DIGITS),
        "brier": round(found.brier, DIGITS),
        "mean_probability": round(found.probability, DIGITS),
        "right": round(found.right, DIGITS),
        "bins": [
            {"count": b.count, "probability": round(b.probability, DIGITS), "right": round(b.right, DIGITS)}
            for b in found.bins
        ],
    }


def risk_coverage(leaves: Sequence[LeafResult]) -> dict[str, Any] | None:
    """The share of wrong values among the surest ones, by how many are taken; and the area under that curve.

    Values are ranked by their probability, or by their score where they have none. Those that were missed are
    errors that nobody can rank: they are not among them.
    """
    by = "probability" if any(leaf.probability is not None for leaf in leaves) else "score"
    ranked = [
        (score, leaf.verdict not in ("right", "rightly_null"))
        for leaf in leaves
        if (score := leaf.probability if by == "probability" else leaf.log_probability) is not None
    ]
    if not ranked:
        return None
    ranked.sort(key=lambda pair: -pair[0])
    risks, wrong = [], 0
    for taken, (_, is_wrong) in enumerate(ranked, start=1):
        wrong += is_wrong
        risks.append(wrong / taken)
    total = len(risks)
    places = sorted({max(round(i * total / COVERAGES), 1) for i in range(1, COVERAGES + 1)})
    return {
        "by": by,
        "values": total,
        "aurc": round(sum(risks) / total, DIGITS),
        "curve": [
            {"coverage": round(at / total, DIGITS), "risk": round(risks[at - 1], DIGITS)} for at in places
        ],
    }


def _slices(results: Sequence[DocumentResult]) -> dict[str, dict[str, Any]]:
    """F1 of the documents of each kind, by what they are told apart by."""
    found: dict[str, dict[str, list[DocumentResult]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for name, value in result.slices.items():
            found[name][value].append(result)
    return {
        name: {value: _slice(mine) for value, mine in sorted(values.items())}
        for name, values in sorted(found.items())
    }


def _slice(results: Sequence[DocumentResult]) -> dict[str, Any]:
    interval = f1_interval(counts_of(results, None))
    return {"documents": len(results), **_named(interval, "f1")}


def _named(interval: Interval, name: str) -> dict[str, float]:
    return {name if key == "value" else key: value for key, value in _interval(interval).items()}


def _seconds(results: Sequence[DocumentResult]) -> dict[str, Any]:
    stages: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for stage, seconds in result.timings.items():
            stages[stage].append(seconds)
    return {stage: _spread(values) for stage, values in stages.items()}


def _spread(values: Sequence[float]) -> Mapping[str, float]:
    ranked = sorted(values)
    late = ranked[min(int(0.9 * len(ranked)), len(ranked) - 1)]
    return {"median": round(median(ranked), 3), "ninth_decile": round(late, 3), "sum": round(sum(ranked), 1)}
