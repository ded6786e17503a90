"""Dashboard, alerts and documentation use metrics, labels and label values that exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from flows.ledger.figures import MetricFigures, Waiting
from flows.metrics import names
from flows.metrics.ledger import families

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana/parquetry.json"
ADDED = {"histogram": ("_bucket", "_sum", "_count")}
FROM_PROMETHEUS = {"instance", "job", "le"}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def queries() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def metric_of(name: str) -> names.Metric:
    for metric in names.ALL:
        if name in {metric.shown + end for end in ADDED.get(metric.kind, ("",))}:
            return metric
    raise AssertionError(f"there is no metric {name}")


def parsed(query: str) -> list[Any]:
    """All parts of a query."""
    whole = query.replace("$__rate_interval", "5m").replace("$schema", "invoice")
    parts: list[Any] = []
    promql.walk(promql.parse(whole), lambda part: parts.append(part))
    return parts


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_a_query_is_promql_over_metrics_and_labels_that_exist(where: str, query: str) -> None:
    parts = parsed(query)
    selected = [part for part in parts if isinstance(part, promql.VectorSelector)]
    assert selected
    labels = set(FROM_PROMETHEUS)
    for selector in selected:
        metric = metric_of(selector.name)
        labels |= set(metric.labels)
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= set(metric.labels), (where, used)
    for part in parts:
        if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
            assert set(part.modifier.labels) <= labels, (where, part.modifier.labels)


def test_the_check_itself_finds_what_does_not_exist() -> None:
    with pytest.raises(AssertionError):
        test_a_query_is_promql_over_metrics_and_labels_that_exist("", "parquetry_invented_total")
    with pytest.raises(AssertionError):
        test_a_query_is_promql_over_metrics_and_labels_that_exist("", 'parquetry_tokens_total{page="1"}')
    with pytest.raises(AssertionError):
        test_a_query_is_promql_over_metrics_and_labels_that_exist("", "parquetry_tokens")
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parsed("sum by (schema (parquetry_tokens_total)")


def test_counters_are_rated_and_gauges_are_not() -> None:
    for where, query in queries():
        for part in parsed(query):
            if isinstance(part, promql.Call) and part.func.name in ("rate", "increase"):
                for inner in parsed(str(part)):
                    if isinstance(inner, promql.VectorSelector):
                        assert metric_of(inner.name).kind != "gauge", (where, query)


def test_label_values_that_are_asked_for_can_be_there() -> None:
    """An alert on an outcome that no document can have would never fire."""
    sums = {("steps", "s", "processing>failed"): 1.0, ("pages", "s", "ocr"): 1.0}
    found = MetricFigures(sums, {"s": Waiting(1, 2.0)}, {}, {}, {}, {}, {("s", "failed"): 1})
    there: dict[tuple[str, str], set[str]] = {}
    for family in families(found):
        for sample in family.samples:
            for label, value in sample.labels.items():
                there.setdefault((sample.name, label), set()).add(value)
    there["parquetry_gpu_memory_bytes", "kind"] = {"used", "total"}
    for where, query in queries():
        for part in parsed(query):
            if isinstance(part, promql.VectorSelector):
                for matcher in part.matchers.matchers:
                    if matcher.name != "schema":
                        wanted = set(matcher.value.split("|"))
                        assert wanted <= there[part.name, matcher.name], (where, matcher.value)


def test_alerts_say_what_happened_and_how_bad_it_is() -> None:
    found = alerts()
    assert len({rule["alert"] for rule in found}) == len(found) >= 8
    for rule in found:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        promql.parse_duration(rule.get("for", "1s"))


def test_the_dashboard_shows_every_metric_and_its_panels_do_not_overlap() -> None:
    shown = {
        metric_of(part.name).name
        for panel in panels()
        for target in panel["targets"]
        for part in parsed(target["expr"])
        if isinstance(part, promql.VectorSelector)
    }
    assert shown == {metric.name for metric in names.ALL}
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_documentation_lists_every_metric_as_the_code_has_it() -> None:
    text = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
    assert names.table() in text, f"put this into docs/observability.md:\n{names.table()}"


def test_no_label_can_grow_with_the_documents() -> None:
    labels = {label for metric in names.ALL for label in metric.labels}
    bounded = {"schema", "outcome", "state", "source", "kind", "stage", "role", "gpu", "version", "python"}
    assert labels == bounded
