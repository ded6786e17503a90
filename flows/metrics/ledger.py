"""Metrics of the ledger: the same whoever asks, and whichever processes did the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from flows.ledger.figures import BUCKETS, MetricFigures
from flows.ledger.records import DocumentState
from flows.metrics import names
from flows.metrics.names import Metric
from schemas.errors import LedgerError, told

_ENDS = {state.value for state in DocumentState} - {"pending", "processing", "reviewed", "rejected"}
_DECIDED = ("reviewed", "rejected")
_RUN_STATES = ("running", "completed", "failed", "cancelled", "crashed")


def family(metric: Metric) -> Any:
    """An empty family of prometheus_client for a metric."""
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    return kinds[metric.kind](metric.name, metric.about, labels=metric.labels)


class LedgerCollector(Collector):
    """Asks the ledger at each scrape. One that cannot be read is told by ``parquetry_ledger_up``."""

    def __init__(
        self, figures: Callable[[], MetricFigures], warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self._figures, self._warn = figures, warn

    def describe(self) -> list[Family]:
        """What there can be; asked when it is registered, without a ledger."""
        return []

    def collect(self) -> Iterator[Family]:
        """The families."""
        began = time.perf_counter()
        up = family(names.UP)
        try:
            found: MetricFigures | None = self._figures()
        except LedgerError as error:
            self._warn(told(error))
            found = None
        up.add_metric([], float(found is not None))
        yield up
        if found is None:
            return
        reading = family(names.READING)
        reading.add_metric([], time.perf_counter() - began)
        yield reading
        yield from families(found)


def families(found: MetricFigures) -> Iterator[Family]:
    """The figures of a ledger as families."""
    yield from _steps(found)
    yield from _spent(found)
    yield _histogram(found)
    for metric, by_schema in (
        (names.QUEUE, {name: one.documents for name, one in found.waiting.items()}),
        (names.QUEUE_AGE, {name: one.oldest_seconds for name, one in found.waiting.items()}),
        (names.LANDED, found.landed),
        (names.TO_LAND, found.to_land),
        (names.COMPLETED, found.completed),
    ):
        made = family(metric)
        # A queue that is empty is told as 0, for every schema that was ever run: an alert must see it end.
        empty = {} if metric is names.COMPLETED else dict.fromkeys(_schemas(found), 0.0)
        for schema, value in sorted((empty | by_schema).items()):
            made.add_metric([schema], float(value))
        yield made
    # States that no run is in are told as 0: what appears out of nothing is no increase to Prometheus.
    runs = {(schema, state): 0 for schema in _schemas(found) for state in _RUN_STATES} | found.runs
    for metric, by_two in ((names.RUNS, runs), (names.WITHOUT, found.without_document)):
        made = family(metric)
        for labels, value in sorted(by_two.items()):
            made.add_metric(list(labels), value)
        yield made


def _schemas(found: MetricFigures) -> list[str]:
    return sorted({schema for _, schema, _ in found.sums} | {schema for schema, _ in found.runs})


def _steps(found: MetricFigures) -> Iterator[Family]:
    """Where documents went, from the steps that they took."""
    made = {one: family(one) for one in (names.DOCUMENTS, names.REVIEWS, names.STATES, names.LEASES)}
    for schema in _schemas(found):
        steps = {
            tuple(label.split(">")): value
            for (name, of, label), value in found.sums.items()
            if name == "steps" and of == schema
        }
        for outcome in sorted(_ENDS):
            made[names.DOCUMENTS].add_metric([schema, outcome], steps.get(("processing", outcome), 0.0))
        for outcome in _DECIDED:
            decided = sum(value for (_, to), value in steps.items() if to == outcome)
            made[names.REVIEWS].add_metric([schema, outcome], decided)
        for state in DocumentState:
            came = sum(value for (was, to), value in steps.items() if to == state and was != state)
            went = sum(value for (was, to), value in steps.items() if was == state and to != state)
            made[names.STATES].add_metric([schema, state.value], came - went)
        made[names.LEASES].add_metric([schema], steps.get(("processing", "processing"), 0.0))
    yield from made.values()


def _spent(found: MetricFigures) -> Iterator[Family]:
    """What documents cost."""
    sums = found.sums
    pages, calls, tokens = family(names.PAGES), family(names.CALLS), family(names.TOKENS)
    retries, cpu = family(names.RETRIES), family(names.CPU)
    for name, schema, label in sorted(sums):
        if name == "pages":
            pages.add_metric([schema, label], sums[name, schema, label])
        elif name == "cpu":
            cpu.add_metric([schema, label], sums[name, schema, label])
    for schema in _schemas(found):
        calls.add_metric([schema], sums.get(("model", schema, "model_calls"), 0.0))
        for kind in ("prompt", "answer"):
            tokens.add_metric([schema, kind], sums.get(("model", schema, f"{kind}_tokens"), 0.0))
        retries.add_metric([schema, "model"], sums.get(("model", schema, "retries"), 0.0))
        again = sum(sums.get(("steps", schema, f"failed>{to}"), 0.0) for to in ("processing", "pending"))
        retries.add_metric([schema, "document"], again)
    yield from (pages, calls, tokens, retries, cpu)


def _histogram(found: MetricFigures) -> Family:
    made: HistogramMetricFamily = family(names.SECONDS)
    for (name, schema, stage), total in sorted(found.sums.items()):
        if name != "seconds":
            continue
        buckets, below = [], 0.0
        for number, bound in enumerate((*BUCKETS, float("inf"))):
            below += found.sums.get(("bucket", schema, f"{stage}|{number}"), 0.0)
            buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
        made.add_metric([schema, stage], buckets=buckets, sum_value=total)
    return made
