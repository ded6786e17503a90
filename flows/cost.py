"""What a run cost: machine seconds by stage, and what that is in money for a thousand documents.

A machine costs as long as it is held, whatever it does, so the sum is the run's clock times its machines. The clock of
discovering and landing is theirs; that of extracting is shared out by the work of its stages, since documents are
worked on side by side. CPU seconds are what the processes used, where that can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, computed_field

from flows.cost_options import CostOptions

WORK = {"reading": "read", "OCR": "ocr", "model": "model_busy", "checks": "check", "ledger": "ledger"}
"""Stages of extracting, and the timing of a document that counts for each."""
CPU = {"reading": "read_cpu", "OCR": "ocr_cpu", "model": "model_cpu", "ledger": "ledger_cpu"}
HIDDEN = frozenset({"model_busy", *CPU.values()})
"""Timings that are for this table alone: a part of another one, or no time of the clock."""
CLOCKS = {"discover": "discovering", "land": "landing"}
REST = "rest"
HEAD = ("stage", "machine s", "CPU s", "machine s per 1,000", "cost per 1,000")
"""Per 1,000 documents."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageCost(_Frozen):
    """One stage. ``cpu_seconds`` is ``None`` where it cannot be told apart."""

    name: str
    machine_seconds: float
    cpu_seconds: float | None = None


class RunCost(_Frozen):
    """The stages' machine seconds sum to ``machine_seconds``: clock times ``machines``."""

    machines: int
    documents: int
    stages: list[StageCost]
    per_machine_hour: float | None = None
    currency: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def machine_seconds(self) -> float:
        """Of all stages."""
        return round(sum(stage.machine_seconds for stage in self.stages), 3)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cpu_seconds(self) -> float:
        """Of all stages of which it is known."""
        return round(sum(stage.cpu_seconds or 0.0 for stage in self.stages), 3)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def seconds_per_document(self) -> float | None:
        """Machine seconds; ``None`` when nothing was processed."""
        return round(self.machine_seconds / self.documents, 4) if self.documents else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def price(self) -> float | None:
        """Of the run; ``None`` without a price per machine hour."""
        return self.price_of(self.machine_seconds)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def price_per_thousand(self) -> float | None:
        """Of a thousand documents like these; ``None`` without a price, or when nothing was processed."""
        per_document = self.seconds_per_document
        return None if per_document is None else self.price_of(1000 * self.machine_seconds / self.documents)

    def price_of(self, machine_seconds: float) -> float | None:
        """What so much time of a machine costs."""
        return None if self.per_machine_hour is None else machine_seconds / 3600 * self.per_machine_hour


def cost_of(
    *,
    clock: Mapping[str, float],
    cpu: Mapping[str, float],
    work: Mapping[str, float],
    seconds: float,
    machines: int,
    documents: int,
    options: CostOptions,
) -> RunCost:
    """The cost of a run.

    Args:
        clock: seconds of discovering, extracting and landing, by the clock.
        cpu: CPU seconds of this process in discovering and landing, and ``run``: in all.
        work: timings summed over the documents, as the ledger has them.
        seconds: of the whole run, by the clock.
        machines: on how many it ran.
        documents: that it processed.
        options: the price.
    """
    shares = {name: max(work.get(key, 0.0), 0.0) for name, key in WORK.items()}
    shares["reading"] = max(shares["reading"] - shares["OCR"], 0.0)
    whole = sum(shares.values())
    extracting = clock.get("extract", 0.0) if whole else 0.0
    spent = {CLOCKS["discover"]: clock.get("discover", 0.0)}
    spent |= {name: extracting * share / whole if whole else 0.0 for name, share in shares.items()}
    spent[CLOCKS["land"]] = clock.get("land", 0.0)
    spent[REST] = max(seconds - sum(spent.values()), 0.0)
    used: dict[str, float | None] = {CLOCKS[name]: cpu.get(name) for name in CLOCKS}
    used |= {name: work.get(key) for name, key in CPU.items()}
    ours = sum(used[name] or 0.0 for name in (*CLOCKS.values(), "model", "ledger"))
    used[REST] = max(cpu["run"] - ours, 0.0) if machines == 1 and "run" in cpu else None
    return RunCost(
        machines=machines,
        documents=documents,
        stages=[
            StageCost(
                name=name,
                machine_seconds=round(machines * taken, 3),
                cpu_seconds=None if (cpus := used.get(name)) is None else round(cpus, 3),
            )
            for name, taken in spent.items()
        ],
        per_machine_hour=options.per_machine_hour,
        currency=options.currency,
    )


def rows(cost: RunCost) -> list[tuple[str, ...]]:
    """The table, with its sum last; without a price it has no column for it (see `head`)."""
    lines = [_row(cost, stage.name, stage.machine_seconds, stage.cpu_seconds) for stage in cost.stages]
    lines.append(_row(cost, "sum", cost.machine_seconds, cost.cpu_seconds))
    return lines


def head(cost: RunCost) -> tuple[str, ...]:
    """The columns of `rows`."""
    return HEAD if cost.per_machine_hour is not None else HEAD[:-1]


def _row(cost: RunCost, name: str, machine: float, cpu: float | None) -> tuple[str, ...]:
    thousand = 1000 * machine / cost.documents if cost.documents else None
    cells = (name, f"{machine:,.1f}", "" if cpu is None else f"{cpu:,.1f}", _number(thousand))
    if cost.per_machine_hour is None:
        return cells
    return (*cells, money(cost.price_of(thousand) if thousand is not None else None, cost.currency))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def money(value: float | None, currency: str) -> str:
    """``1.25 EUR``; four digits where it is less than ten cents."""
    if value is None:
        return ""
    return f"{value:,.2f} {currency}" if value >= 0.1 or value == 0 else f"{value:.4f} {currency}"


def sentence(cost: RunCost) -> str:
    """For a console: what a thousand documents cost."""
    if cost.seconds_per_document is None:
        return ""
    hours = 1000 * cost.machine_seconds / cost.documents / 3600
    said = f"A thousand documents like these: {hours:,.2f} machine hours"
    if cost.price_per_thousand is not None:
        said += f", {money(cost.price_per_thousand, cost.currency)}"
    return f"{said} ({cost.seconds_per_document:,.2f} machine seconds each)."
