"""Tables: columns as wide as their words need, cells that wrap, rows that move to the next page with their heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from extractors.training.synthesis.facts import Table
from extractors.training.synthesis.paint import Painter

Rules = Literal["grid", "rows", "head", "shaded", "zebra", "frame", "plain"]
RULES: tuple[Rules, ...] = ("grid", "rows", "head", "shaded", "zebra", "frame", "plain")
_PAD = 3.5


def column_widths(painter: Painter, table: Table, size: float, width: float) -> tuple[list[float], float]:
    """Widths near those that the table asks for, none narrower than its longest word (at the right: cell).

    Args:
        painter: measures.
        table: whose ``widths`` are relative.
        size: of the letters, in points.
        width: of all columns together, in points.

    Returns:
        The widths, and the size: smaller than asked for when the longest words do not fit side by side.
    """
    need = [2 * _PAD + 1] * len(table.heads)
    for column, head in enumerate(table.heads):
        cells = [row[column] for row in table.rows if len(row) > 1]
        figures = table.aligns[column] == "right"  # a sum and its sign stay on one line
        words = set(cells) if figures else {word for cell in cells for word in cell.split()}
        for word in words:
            need[column] = max(need[column], painter.measure(word, size) + 2 * _PAD + 1)
        for word in head.split():
            need[column] = max(need[column], painter.measure(word, size, bold=True) + 2 * _PAD + 1)
    if sum(need) > width:
        scale = width / sum(need)
        return [one * scale for one in need], max(5.5, size * scale)
    share = width / sum(table.widths)
    widths = [max(least, wish * share) for least, wish in zip(need, table.widths, strict=True)]
    slack = [wide - least for wide, least in zip(widths, need, strict=True)]
    over = sum(widths) - width
    if over > 0:
        widths = [wide - over * free / sum(slack) for wide, free in zip(widths, slack, strict=True)]
    return widths, size


class _Rows:
    """Places rows of one table."""

    def __init__(
        self, painter: Painter, table: Table, rules: Rules, size: float, span: tuple[float, float]
    ) -> None:
        self.painter, self.table, self.rules = painter, table, rules
        self.widths, self.size = column_widths(painter, table, size, span[1] - span[0])
        self.x0, self.x1 = span
        self.tight = 1.0 if rules in ("plain", "head") else 2.5

    def height(self, cells: Sequence[str], bold: bool) -> float:
        """Of a row, in points."""
        widths = self.widths if len(cells) > 1 else [self.x1 - self.x0]
        high = max(
            len(self.painter.wrap(cell, width - 2 * _PAD, self.size, bold))
            for cell, width in zip(cells, widths, strict=True)
        )
        return high * self.size * 1.35 + 2 * self.tight

    def place(self, cells: Sequence[str], index: int, bold: bool = False) -> None:
        """One row at the cursor; a row of one cell goes over all columns."""
        painter, height, y = self.painter, self.height(cells, bold), self.painter.y
        if (bold and self.rules in ("shaded", "zebra")) or (self.rules == "zebra" and index % 2):
            painter.box(self.x0, y, self.x1 - self.x0, height, "#e3e3e3" if bold else "#f3f3f3", stroke=False)
        x = self.x0
        if len(cells) == 1:
            painter.block(x + 5 * _PAD, y + self.tight, self.x1 - x - 6 * _PAD, cells, self.size)
        else:
            for cell, width, align in zip(cells, self.widths, self.table.aligns, strict=True):
                if cell:
                    painter.block(
                        x + _PAD, y + self.tight, width - 2 * _PAD, [cell], self.size, bold=bold, align=align
                    )
                if self.rules == "grid":
                    painter.box(x, y, width, height)
                x += width
        if self.rules == "grid" and len(cells) == 1:
            painter.box(self.x0, y, self.x1 - self.x0, height)
        painter.y += height
        if self.rules == "rows" or (bold and self.rules in ("head", "frame", "shaded")):
            painter.rule(painter.y, self.x0, self.x1, 0.8 if bold else 0.4)

    def heads(self) -> None:
        """Column heads, if the table has any."""
        if any(self.table.heads):
            if self.rules in ("head", "rows", "frame"):
                self.painter.rule(self.painter.y, self.x0, self.x1, 0.8)
            self.place(self.table.heads, 0, bold=True)


def draw_table(
    painter: Painter, table: Table, rules: Rules, size: float = 0, span: tuple[float, float] | None = None
) -> None:
    """A table from the cursor on.

    Rows never break over pages; a row of a single cell belongs to the one above it and stays with it. Column heads
    are repeated on every page.

    Args:
        painter: draws; its cursor ends below the table.
        table: what to draw.
        rules: lines and shades.
        size: of the letters, in points; that of the style if 0.
        span: left and right edge, in points; those of the page if None.
    """
    rows = _Rows(painter, table, rules, size or painter.style.size, span or (painter.x0, painter.x1))
    if table.title:
        painter.room(painter.leading * 4)
        painter.put(
            rows.x0, painter.y, table.title, painter.style.size + 0.5, bold=True, width=rows.x1 - rows.x0
        )
        painter.y += painter.leading * 1.3
    first = rows.height(table.rows[0], False) if table.rows else 0
    painter.room(rows.height(table.heads, True) + first)
    rows.heads()
    for index, cells in enumerate(table.rows):
        following = table.rows[index + 1 : index + 2]
        below = sum(rows.height(row, False) for row in following if len(row) == 1)
        if not painter.fits(rows.height(cells, False) + below) and len(cells) > 1:
            if rules == "frame":
                painter.rule(painter.y, rows.x0, rows.x1, 0.8)
            painter.room(painter.style.height)
            rows.heads()
        elif not painter.fits(rows.height(cells, False)):
            painter.room(painter.style.height)
            rows.heads()
        rows.place(cells, index)
    if rules == "frame":
        painter.rule(painter.y, rows.x0, rows.x1, 0.8)
    painter.y += painter.leading * 0.6
