"""Every metric: name, kind, labels, meaning. Dashboards, alerts and `docs/observability.md` are held against it.

No label ever names a document, a run, a person or a file: what a label can be is bounded by the schemas that are used
and by closed lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is exposed. ``name`` of a counter is without ``_total``, which the format adds."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    about: str

    @property
    def shown(self) -> str:
        """The name that queries use; of a histogram, without ``_bucket``, ``_sum`` and ``_count``."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def _of(kind: Kind, name: str, labels: str, about: str) -> Metric:
    return Metric(f"parquetry_{name}", kind, tuple(labels.split()), about)


DOCUMENTS = _of("counter", "documents", "schema outcome", "Documents whose extraction ended, by outcome.")
REVIEWS = _of("counter", "reviews", "schema outcome", "Documents that people decided on: reviewed, rejected.")
STATES = _of("gauge", "documents_now", "schema state", "Documents by the state that they are in.")
PAGES = _of(
    "counter", "pages", "schema source", "Pages of the documents extracted, by where their words came from."
)
CALLS = _of("counter", "model_calls", "schema", "Forward passes of the model.")
TOKENS = _of("counter", "tokens", "schema kind", "Tokens: prompt, and answer.")
SECONDS = _of("histogram", "stage_seconds", "schema stage", "Seconds of a document by stage, by the clock.")
CPU = _of(
    "counter", "cpu_seconds", "schema stage", "Processor seconds by stage, where they can be told apart."
)
QUEUE = _of("gauge", "queue_documents", "schema", "Documents that wait for a person.")
QUEUE_AGE = _of("gauge", "queue_oldest_age_seconds", "schema", "How long the oldest of them has waited.")
LANDED = _of("counter", "landed_rows", "schema", "Rows written to the lake.")
TO_LAND = _of(
    "gauge", "rows_to_land", "schema", "Rows that are accepted or reviewed, and not in the lake yet."
)
LEASES = _of(
    "counter", "leases_lost", "schema", "Documents that another worker took over, since a lease ran out."
)
RETRIES = _of(
    "counter",
    "retries",
    "schema kind",
    "Tries after a failure: of the model, or later of the document.",
)
RUNS = _of("gauge", "runs", "schema state", "Runs by state; crashed: its process was lost.")
COMPLETED = _of(
    "gauge", "last_completed_run_timestamp_seconds", "schema", "When the last run that completed ended."
)
WITHOUT = _of(
    "gauge", "inputs_without_document", "schema outcome", "Inputs that could not be fetched or opened."
)
UP = _of(
    "gauge",
    "ledger_up",
    "",
    "Whether the ledger could be read; if not (0), what it knows is absent.",
)
READING = _of("gauge", "ledger_read_seconds", "", "How long reading the ledger for these metrics took.")
PROCESSES = _of("gauge", "processes", "role", "Processes of parquetry on this machine, by what they do.")
MEMORY = _of(
    "gauge", "processes_resident_bytes", "role", "Their resident memory; shared pages count in each."
)
GPU = _of("gauge", "gpu_memory_bytes", "gpu kind", "Memory of each GPU of this machine: used, and total.")
BUILD = _of("gauge", "build_info", "version python", "Always 1; what runs here.")

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))


def table() -> str:
    """All of them as a Markdown table: what the documentation shows."""
    lines = ["| metric | kind | labels | what |", "|---|---|---|---|"]
    lines += [f"| `{one.shown}` | {one.kind} | {', '.join(one.labels) or '-'} | {one.about} |" for one in ALL]
    return "\n".join(lines)
