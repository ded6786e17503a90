"""The outcome table, the same for a run and for the ledger as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table


def outcome_table(columns: Mapping[str, Mapping[str, int]]) -> Table:
    """Outcomes line by line, a column for each heading; the last line is the sum of each column."""
    table = Table("outcome", *columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    names = list(dict.fromkeys(name for counts in columns.values() for name in counts))
    for name in sorted(names, key=_rank):
        table.add_row(name, *(str(counts.get(name, 0)) for counts in columns.values()))
    table.add_section()
    table.add_row("sum", *(str(sum(counts.values())) for counts in columns.values()))
    return table


def counted(counts: Mapping[str, int]) -> str:
    """``accepted 3, review 1``."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _rank(name: str) -> int:
    """The order of the closed list; what is not through comes last."""
    from schemas.outcome import Outcome

    known = [outcome.value for outcome in Outcome]
    return known.index(name) if name in known else len(known)
