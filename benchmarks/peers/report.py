"""What was measured, as rows with their spread, a table, JSON and a plot."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from benchmarks.peers.engine import Outcome, Spec
from benchmarks.peers.tasks import Task, Verdict


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Of some values; ``None`` of none."""
        if not values:
            return None
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)

    def show(self, digits: int = 2) -> str:
        """As text: ``1.20 (1.10 to 1.40)``."""
        return f"{self.middle:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(slots=True)
class Shared:
    """What one document took, its windows together; of a batch, its part: windows by number."""

    seconds: float = 0.0
    prepare: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    calls: float = 0.0
    tokens: int = 0
    prompt_tokens: float = 0.0


@dataclass(slots=True)
class Measured:
    """One row: what an engine did. ``missing``: why it did nothing."""

    spec: Spec
    missing: str = ""
    outcomes: list[tuple[int, tuple[int, ...], Outcome]] = field(default_factory=list)
    """Round, numbers of the tasks, and what came of them."""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    """By task; of the first round, as later ones say the same."""
    texts: dict[int, str] = field(default_factory=dict)
    loaded_mib: float = 0.0
    peak_mib: float = 0.0

    def per_document(self, tasks: Sequence[Task]) -> dict[tuple[int, str], Shared]:
        """By round and document."""
        shared: dict[tuple[int, str], Shared] = defaultdict(Shared)
        for number, group, outcome in self.outcomes:
            for task, written in zip(group, outcome.written, strict=True):
                one = shared[number, tasks[task].name]
                part = 1 / len(group)
                one.seconds += part * outcome.seconds
                one.prepare += part * outcome.prepare
                one.prefill += part * (outcome.prefill or 0.0)
                one.decode += part * (outcome.decode or 0.0)
                one.calls += part * outcome.calls
                one.prompt_tokens += part * outcome.prompt_tokens
                one.tokens += written.tokens
        return dict(shared)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the report; everything per document unless it says otherwise.

    ``ratio``: how many times longer than the first engine of the same batch and weights, paired by document.
    ``overhead``: time outside the model, prompt and grammar aside, in parts of the time in it. ``same``: share of
    windows with the very text of that first engine.
    """

    key: str
    label: str
    batch: int
    constraint: str
    missing: str = ""
    documents: int = 0
    seconds: Spread | None = None
    prepare: Spread | None = None
    prefill: Spread | None = None
    decode: Spread | None = None
    ratio: Spread | None = None
    documents_per_minute: float = 0.0
    calls: Spread | None = None
    answer_tokens: Spread | None = None
    prompt_tokens: Spread | None = None
    tokens_per_call: float = 0.0
    overhead: float | None = None
    windows: int = 0
    complete: int = 0
    valid: int = 0
    typed: int = 0
    values: int = 0
    invented: int = 0
    same: float | None = None
    loaded_mib: float = 0.0
    growth_mib: float = 0.0


def rows_of(measured: Sequence[Measured], tasks: Sequence[Task]) -> list[Row]:
    """One row per engine; the first that ran with a batch size is what others of that size are held against."""
    firsts: dict[int, Measured] = {}
    rows = []
    for one in measured:
        if not one.missing and not one.spec.with_image:
            firsts.setdefault(one.spec.batch, one)
        rows.append(_row(one, firsts.get(one.spec.batch), tasks))
    return rows


def _row(one: Measured, first: Measured | None, tasks: Sequence[Task]) -> Row:
    head: dict[str, Any] = {
        "key": one.spec.key,
        "label": one.spec.label,
        "batch": one.spec.batch,
        "constraint": one.spec.constraint,
    }
    if one.missing:
        return Row(**head, missing=one.missing)
    shared = one.per_document(tasks)
    every = list(shared.values())
    base = first.per_document(tasks) if first is not None and first is not one else {}
    forward = sum(o.forward or 0.0 for _, _, o in one.outcomes)
    inside = sum(o.seconds - o.prepare for _, _, o in one.outcomes)
    calls = sum(o.calls for _, _, o in one.outcomes)
    tokens = sum(s.tokens for s in every)
    same = None
    if first is not None and first is not one and not one.spec.with_image:
        both = one.texts.keys() & first.texts.keys()
        same = sum(one.texts[n] == first.texts[n] for n in both) / len(both) if both else None
    verdicts = one.verdicts.values()
    total = sum(s.seconds for s in every)
    return Row(
        **head,
        documents=len({name for _, name in shared}),
        seconds=Spread.of([s.seconds for s in every]),
        prepare=Spread.of([s.prepare for s in every]),
        prefill=Spread.of([s.prefill for s in every]),
        decode=Spread.of([s.decode for s in every]),
        ratio=Spread.of([s.seconds / base[key].seconds for key, s in shared.items() if key in base]),
        documents_per_minute=60 * len(every) / total if total else 0.0,
        calls=Spread.of([s.calls for s in every]),
        answer_tokens=Spread.of([float(s.tokens) for s in every]),
        prompt_tokens=Spread.of([s.prompt_tokens for s in every]),
        tokens_per_call=tokens / calls if calls else 0.0,
        overhead=(inside - forward) / forward if forward else None,
        windows=len(one.verdicts),
        complete=sum(v.complete for v in verdicts),
        valid=sum(v.valid for v in verdicts),
        typed=sum(v.typed for v in verdicts),
        values=sum(v.values for v in verdicts),
        invented=sum(v.invented for v in verdicts),
        same=same,
        loaded_mib=one.loaded_mib,
        growth_mib=max(one.peak_mib - one.loaded_mib, 0.0),
    )


def table_of(rows: Sequence[Row]) -> Table:
    """For the console: times in seconds per document, medians with quartiles."""
    table = Table(title="Seconds and passes per document: median (quartiles)", caption=CAPTION)
    for name in ("engine", "batch", "s / document", "times ours", "prepare, prefill, decode, s"):
        table.add_column(name)
    for name in ("passes", "tokens", "tokens / pass", "outside model", "valid", "not on page", "same", "MiB"):
        table.add_column(name, justify="right")
    for row in rows:
        label = f"{row.label}\n[dim]{row.constraint}[/dim]"
        if row.missing:
            table.add_row(label, str(row.batch), f"[yellow]{escape(row.missing)}[/yellow]")
            continue
        parts = [part.middle if part else 0.0 for part in (row.prepare, row.prefill, row.decode)]
        table.add_row(
            label,
            str(row.batch),
            _show(row.seconds),
            _show(row.ratio) or "1",
            " + ".join(f"{part:.2f}" for part in parts),
            _show(row.calls, 1),
            _show(row.answer_tokens, 0),
            f"{row.tokens_per_call:.1f}",
            "" if row.overhead is None else f"{row.overhead:.1%}",
            f"{row.valid}/{row.windows}\n[dim]typed {row.typed}, cut {row.windows - row.complete}[/dim]",
            f"{row.invented}/{row.values}",
            "" if row.same is None else f"{row.same:.0%}",
            f"{row.loaded_mib:.0f}+{row.growth_mib:.0f}",
        )
    return table


CAPTION = (
    "A batch's time, passes and prompt are shared equally by its answers. times ours: paired by document. "
    "outside model: masks and bookkeeping in parts of the time of the passes. valid: ended by itself and valid "
    "JSON of the schema; typed: our validation has no complaint about a value. same: windows with the very text "
    "of ours. MiB: with weights loaded, + growth."
)


def _show(spread: Spread | None, digits: int = 2) -> str:
    return spread.show(digits) if spread else ""


def write_json(
    path: Path,
    about: dict[str, Any],
    rows: Sequence[Row],
    measured: Sequence[Measured],
    tasks: Sequence[Task],
) -> None:
    """All rows, and what every document took with every engine in every round."""
    single = {
        one.spec.key: [
            {"round": number, "document": name, **asdict(shared)}
            for (number, name), shared in one.per_document(tasks).items()
        ]
        for one in measured
    }
    answers = {one.spec.key: [one.texts[n] for n in sorted(one.texts)] for one in measured}
    whole = {"about": about, "rows": [asdict(row) for row in rows], "documents": single, "answers": answers}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")


def plot(rows: Sequence[Row], targets: Sequence[Path]) -> None:
    """Bars of the median seconds per document, in their parts, with the quartiles of the whole."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [row for row in rows if row.seconds is not None]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.55 * max(len(shown), 1)), layout="constrained")
    names = [f"{row.label}, batch {row.batch}" for row in shown]
    left = [0.0] * len(shown)
    for part, colour in (("prepare", "#bdbdbd"), ("prefill", "#5b8db8"), ("decode", "#d98c4a")):
        widths = [spread.middle if (spread := getattr(row, part)) else 0.0 for row in shown]
        axes.barh(names, widths, left=left, color=colour, label=part)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, row in enumerate(shown):
        if (all_of_it := row.seconds) is not None:
            axes.plot([all_of_it.low, all_of_it.high], [place, place], color="black", linewidth=1.2)
            axes.plot([all_of_it.middle], [place], "|", color="black", markersize=12)
    axes.invert_yaxis()
    axes.set_xlabel(
        "seconds per document\n(bars: medians of the parts; lines: median and quartiles of the whole)"
    )
    axes.legend(loc="lower right")
    for target in targets:
        figure.savefig(target, dpi=150)
    plt.close(figure)
