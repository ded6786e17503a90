"""Line items: the rows under a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from extractors.backends.scripted.column_kinds import (
    Column,
    asks_for_code,
    by_content,
    is_coded,
    is_day,
    nearest,
)
from extractors.backends.scripted.headers import MONEY, best_header, is_again, stacked_header
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece, join, piece
from extractors.backends.scripted.stacked import MOST
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_MAX_GAP = 5.0
"""A table ends where this many line heights are empty."""
_FLUSH = 0.2
"""So many line heights apart are two left edges the same."""
_FULL = 3
_WRAPPED = 0.6
"""A line that a text wraps into stands at most so many of its heights below."""
_MAX_WRAPPED = 3
_AFTER = 3
"""So many lines after one that names a sum may the next row stand, if the table goes on."""
_INDENTED_AFTER = 20
"""So many, where the lines between are indented: prices, discounts and notes below a row."""
_SIZE_CHARS = 8
_MOSTLY = 0.7
_DAY_ONLY = 0.6
_CODE = re.compile(r"(?=\S*\d)[A-Z0-9]+(?:[-./][A-Z0-9]+)+")
_END = frozenset(
    {"amount", "net", "gross", "tax", "payment", "discount", "rounding", "terms", "bank", "iban"}
)

Row = dict[str, tuple[Piece, float]]
Cells = tuple[Line, int, int]


def find_rows(goals: list[Goal], scene: Scene, max_items: int) -> list[Row]:
    """The rows of the best table for these goals: per row, leaf path to value and score."""
    if not goals:  # a list of single values is no table
        return []
    best = best_header(goals, scene)
    stacked = stacked_header(goals, scene, best[0] if best is not None else 0.0)
    if stacked is not None:
        return codes_apart(goals, _rows(scene, stacked[0], stacked[1], max_items))
    best = best or best_header(goals, scene, with_content=True)
    if best is None:
        return []
    head = scene.lines[best[1]]
    first = next(line.index for line in scene.lines if is_again(line, head))  # it is printed on every page
    columns = by_content(best[2], goals, scene.lines[first], scene)
    return codes_apart(goals, _rows(scene, first, columns, max_items))


def codes_apart(goals: Sequence[Goal], rows: list[Row]) -> list[Row]:
    """The rows, a column of codes and one of names put right where their heads (``Article``, ``Item``) misled."""
    texts = [goal for goal in goals if goal.kind is Kind.TEXT]
    for code, name in product(texts, texts):
        if not asks_for_code(code) or asks_for_code(name):
            continue
        swapped = _coded(name.path, rows, empty=1.0) >= _MOSTLY
        if swapped and _coded(code.path, rows, empty=1.0) <= 1 - _MOSTLY:
            for row in rows:
                codes, names = row.pop(name.path, None), row.pop(code.path, None)
                row |= {
                    path: one for path, one in ((code.path, codes), (name.path, names)) if one is not None
                }
            break
    return rows


def _coded(path: str, rows: Sequence[Row], empty: float) -> float:
    """The share of a column's values that are one word with digits; ``empty`` of a column without values."""
    values = [row[path][0].raw for row in rows if path in row]
    return sum(map(is_coded, values)) / len(values) if values else empty


def _rows(scene: Scene, header: int, columns: list[Column], max_items: int) -> list[Row]:
    rows: list[Row] = []
    last = previous = scene.lines[header]
    top: Line | None = None
    wrapped: dict[str, list[Cells]] = {}
    begun: Row = {}
    numbered: float | None = None
    heads = {text_key(line.text) for line in scene.lines[max(header - MOST, 0) : header + 1]}
    for line in scene.lines[header + 1 :]:
        if text_key(line.text) in heads or is_again(line, scene.lines[header]):
            continue  # the header, or what stands over it, on every page
        if line.page == previous.page and line.top - previous.bottom > _MAX_GAP * line.height:
            if rows and _is_furniture(line, scene) and line.index + 1 < len(scene.lines):
                continue
            break
        if rows and _heads_another(line):
            break
        row = line_row(line, columns, scene)
        if rows and _ends(line) and not _is_full(row, rows[0], line):
            if not _goes_on_after(line, rows[0], top or line, columns, scene):
                break
            previous = line
            continue
        numbers = sum(goal_path_is_number(path, columns) for path in row)
        if (
            not numbers
            and _begins_row(line, len(rows) + 1, numbered)
            and _figures_follow(line, row, columns, scene)
        ):
            begun, previous, numbered = row, line, line.tokens[0].word.box.x0
            continue
        if rows and numbers and _goes_on(row, rows[-1], line, previous):
            rows[-1].update({path: found for path, found in row.items() if path not in rows[-1]})
        elif numbers and _is_row(row, line, rows, top, columns):
            if len(rows) == max_items:
                break
            rows.append(begun | row)
            wrapped, begun = {}, {}
            last = previous = line
            top = top or line
            continue
        elif rows and _wraps(line, last, previous):
            if _go_on(rows[-1], row, line, wrapped, scene):
                last = line
        elif rows and line.page != previous.page:
            continue
        if line.page == previous.page:
            previous = line
    return _without_numbers(rows)


def _begins_row(line: Line, number: int, left: float | None) -> bool:
    """Whether a line begins with the number of the next row, whose figures then stand below.

    ``left`` is where the numbers of earlier rows stood; of the first row it has a cell of its own.
    """
    first = line.tokens[0]
    if first.text.rstrip(".") not in (str(number), str(10 * number)) or len(line.tokens) < 2:
        return False
    if left is None:
        return line.cell_end(0) == 1
    return abs(first.word.box.x0 - left) < line.height


def _figures_follow(line: Line, begun: Row, columns: list[Column], scene: Scene) -> bool:
    """Whether the next line with figures has none of the texts that a row began with, which then are its own."""
    for below in scene.lines[line.index + 1 : line.index + 1 + _MAX_WRAPPED]:
        if below.page != line.page:
            return False
        row = line_row(below, columns, scene)
        if any(goal_path_is_number(path, columns) for path in row):
            return not row.keys() & begun.keys()
    return False


def _without_numbers(rows: list[Row]) -> list[Row]:
    """The rows without their own numbers or codes, where a column of texts begins with these."""
    for path in {path for row in rows for path in row}:
        texts = [row[path][0] for row in rows if path in row]
        leads = [text.raw.split(" ", 1)[0].rstrip(".") for text in texts]
        tails = [re.sub(r"^[A-Za-z]*\W?0*(?=\d)", "", lead) for lead in leads]  # LINE-001
        counted = len(texts) >= 2 and tails == [str(n) for n in range(1, len(texts) + 1)]
        for row in rows if counted else ():
            if path in row:
                row[path] = (_without_first(row[path][0], 1), row[path][1])
        texts = [row[path][0] for row in rows if path in row]
        if texts and all(_begins_with_code(text) for text in texts):
            for row in rows:
                if path in row:
                    row[path] = (_without_first(row[path][0], 2), row[path][1])
    return rows


def _begins_with_code(text: Piece) -> bool:
    """Whether a text is the article's code, a dash and its name."""
    words = text.raw.split()
    return len(words) > 2 and bool(_CODE.fullmatch(words[0])) and words[1] in ("-", "–", "—")


def _without_first(text: Piece, count: int) -> Piece:
    """A text without its first words, with the places of the others; as it is, where its words do not tell them."""
    if len(text.raw.split(" ")) != len(text.words) or len(text.words) <= count:
        return text
    raw = text.raw.split(" ", count)[count]
    return Piece(raw, text.words[count:], text.line, text.start + count, text.end)


def _is_row(row: Row, line: Line, rows: list[Row], top: Line | None, columns: list[Column]) -> bool:
    """Whether a line with numbers is a row, and no note below one: that is indented, and fills fewer columns."""
    if len(row) < 2:
        return sum(column.goal is not None for column in columns) == 1
    indented = top is not None and line.tokens[0].word.box.x0 > top.tokens[0].word.box.x0 + line.height
    full = bool(rows) and _is_full(row, rows[0], line)
    opens = not rows and len(row) >= _FULL
    if _has_label(line) and (indented or not full) and not opens:
        return False  # "Country of origin: ..."
    if rows and not full and not _has_figures(row, line, columns):
        return False  # a sentence with a number in it
    return not (indented and len(row) < len(rows[0]) - 1)


def _has_figures(row: Row, line: Line, columns: list[Column]) -> bool:
    """Whether a number begins a cell behind the first one, or is the whole of that."""
    starts = {start for start, _ in line.cells[1:]} | ({0} if line.cells[0][1] == 1 else set())
    found = [piece for path, (piece, _) in row.items() if goal_path_is_number(path, columns)]
    return any(one.start in starts or one.start - 1 in starts for one in found)


def _has_label(line: Line) -> bool:
    """Whether the first cell of a line has a label, with a colon glued to it or apart."""
    return any(token.ends_label or token.text == ":" for token in line.tokens[: line.cell_end(0)])


def _is_full(row: Row, first: Row, line: Line) -> bool:
    """Whether a line fills as many columns as the first row, or all but one; a line of a sum never fills three."""
    return len(row) >= max(_FULL, len(first) - 1) and len(line.cells) >= _FULL


def _wraps(line: Line, last: Line, previous: Line) -> bool:
    """Whether a line stands so close below a row, or below what goes on from it, that its texts may go on there."""
    near = line.page == previous.page and line.top - previous.bottom < _WRAPPED * line.height
    return near and not _has_label(line) and line.index - last.index <= _MAX_WRAPPED


def _go_on(row: Row, found: Row, line: Line, wrapped: dict[str, list[Cells]], scene: Scene) -> bool:
    """Adds to a row's texts what is printed below them in their column, flush with them, and is no label.

    ``wrapped`` has the lines of each text so far. Returns whether a text went on.
    """
    went = False
    for path, (below, named) in found.items():
        above = row.get(path)
        if ":" in below.raw or (path not in row and not any(map(str.isalpha, below.raw))):
            continue
        if above is None:
            row[path] = (below, named)
            continue
        first = (scene.lines[above[0].line], above[0].start, above[0].end)
        parts = wrapped.setdefault(path, [first])
        whole = len(above[0].words) == sum(end - start for _, start, end in parts)
        near = parts[-1][0].index == line.index - 1
        if (
            near
            and whole
            and _reads_on(above[0], below)
            and abs(above[0].x0 - below.x0) < _FLUSH * line.height
        ):
            parts.append((line, below.start, below.end))
            row[path] = (join(parts), above[1])
            went = True
    return went


def _reads_on(above: Piece, below: Piece) -> bool:
    """Whether a text goes on in another: both say something, or the second is the size that the first begins."""
    if not any(map(str.isalpha, above.raw)):
        return False
    size = above.raw[-1:] in "x×/-&," or "/" in below.raw
    return any(map(str.isalpha, below.raw)) or (size and len(below.raw) <= _SIZE_CHARS)


def _goes_on(row: Row, last: Row, line: Line, previous: Line) -> bool:
    """Whether a line holds only figures that the row above it lacks: one row, printed a little askew."""
    near = line.page == previous.page and line.top - previous.bottom < 0.5 * line.height
    return near and len(row) == 1 and not set(row) & set(last)


def _ends(line: Line) -> bool:
    """A line that begins with a word of sums ends the table."""
    first = line.tokens[0].concepts
    if "price" in first:
        return False  # of one unit, before or behind a discount
    return bool(first & _END) or any(
        line.tokens[start].concepts & {"amount", "net", "gross", "tax"}
        and line.tokens[start].text[0].isalpha()
        and any(char.isdigit() for token in line.tokens[start:] for char in token.text)
        for start, _ in line.cells
    )


def _heads_another(line: Line) -> bool:
    """Whether a line names the columns of another table."""
    if len(line.cells) < _FULL or any(char.isdigit() for char in line.text):
        return False
    if any(token.ends_label or token.text == ":" for token in line.tokens):
        return False
    said = [frozenset[str]().union(*(t.concepts for t in line.tokens[a:b])) for a, b in line.cells]
    named, money = sum(map(bool, said)), any(concepts & MONEY for concepts in said)
    return money and 2 * named >= len(line.cells)


def _goes_on_after(line: Line, first: Row, top: Line, columns: list[Column], scene: Scene) -> bool:
    """Whether one of the next lines is as full a row as the first: what names a sum stood between rows."""

    def is_row(one: Line) -> bool:
        row = line_row(one, columns, scene)
        return _is_full(row, first, one) or (not _ends(one) and len(row) >= len(first))

    if len(first) < 2:
        return False
    after = scene.lines[line.index + 1 : line.index + 1 + _INDENTED_AFTER]
    edge = top.tokens[0].word.box.x0 + 2 * line.height
    near = [one for one in after[:_AFTER] if one.page == line.page and one.tokens[0].word.box.x0 <= edge]
    if any(is_row(one) for one in near):
        return True
    at = columns[0].x0
    if line.tokens[0].word.box.x0 <= at + line.height:
        return False
    flush = [one for one in after if one.tokens[0].word.box.x0 <= at + line.height]
    here = [one for one in flush if one.page == line.page and not _is_furniture(one, scene)]
    if here:
        return is_row(here[0])
    return any(is_row(one) for one in flush if one.page == line.page + 1)  # below what every page begins with


def _is_furniture(line: Line, scene: Scene) -> bool:
    """Whether a line is the last of its page, and no more than a number or two: the foot."""
    last = line.index + 1 == len(scene.lines) or scene.lines[line.index + 1].page != line.page
    return last and len(line.tokens) <= 6 and len(line.cells) == 1


def goal_path_is_number(path: str, columns: list[Column]) -> bool:
    """Whether the column of ``path`` holds numbers."""
    return any(c.goal is not None and c.goal.path == path and c.goal.kind in NUMERIC for c in columns)


def line_row(line: Line, columns: list[Column], scene: Scene) -> Row:
    """The values of a line, each in the column that its place and kind suggest."""
    row: Row = {}
    texts: dict[int, list[tuple[int, int]]] = {}
    taken: set[int] = set()
    for index, column in enumerate(columns):
        goal = column.goal
        if goal is None or goal.kind is Kind.TEXT:
            continue
        for candidate in scene.values(line, goal.kind):
            found = candidate.piece
            if found.start not in taken and nearest(columns, found.x0, found.x1) == index:
                row.setdefault(goal.path, (found, 0.95 * min(1.0, 0.4 + column.named)))
                taken.update(range(found.start, found.end))
                break
    _put_days(row, line, columns, taken)
    at: int | None = None
    last = max(range(len(columns)), key=lambda index: columns[index].x1)
    edge = columns[last].x1
    for i, token in enumerate(line.tokens):
        if i in taken:
            at = None
            continue
        numbered = i == 1 and line.tokens[0].text.rstrip(".").isdecimal()
        if (
            at is None or numbered or line.tokens[i - 1].cell != token.cell
        ):  # the words of a cell stay together
            at = nearest(columns, token.word.box.x0, token.word.box.x1)
        elif (begun := _begun(columns, token.word.box.x0, line.height)) is not None:
            at = begun  # ... unless one begins where a column does: columns printed close together
        if at == last and line.tokens[i].word.box.x0 > edge and texts.get(at) and _opens(line, i):
            break  # a flag or note that no head names
        texts.setdefault(at, []).append((i, i + 1))
    for index, parts in texts.items():
        goal = columns[index].goal
        if goal is None or goal.kind is not Kind.TEXT:
            continue
        start, end = parts[0][0], parts[-1][1]
        found = piece(line, start, end) if end - start == len(parts) else join([(line, *p) for p in parts])
        if text_key(found.raw) and len(found.raw) <= goal.leaf.max_chars:
            row[goal.path] = (found, 0.9 * min(1.0, 0.4 + columns[index].named))
    return row


def _put_days(row: Row, line: Line, columns: list[Column], taken: set[int]) -> None:
    """Adds days without a year in the columns of dates: not a whole date, but what is printed for a person to see."""
    for index, column in enumerate(columns):
        goal = column.goal
        if goal is None or goal.kind is not Kind.DATE or goal.path in row:
            continue
        for i, token in enumerate(line.tokens):
            box = token.word.box
            if i not in taken and is_day(token.text) and nearest(columns, box.x0, box.x1) == index:
                row[goal.path] = (piece(line, i, i + 1), _DAY_ONLY * min(1.0, 0.4 + column.named))
                taken.add(i)
                break


def _opens(line: Line, i: int) -> bool:
    return line.tokens[i - 1].cell != line.tokens[i].cell


def _begun(columns: list[Column], x0: float, height: float) -> int | None:
    """The column whose left edge is that of a word."""
    return next((i for i, column in enumerate(columns) if abs(column.x0 - x0) < _FLUSH * height), None)
