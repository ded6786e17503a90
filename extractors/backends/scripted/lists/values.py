"""Lists of single values: by their form, behind a label, below a heading, or as a column of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from extractors.backends.scripted.concepts import label_concepts
from extractors.backends.scripted.lists.authors import byline
from extractors.backends.scripted.lists.forms import Found, by_form
from extractors.backends.scripted.lists.sections import sections_of
from extractors.backends.scripted.lists.splitting import Stretch, below_heading, marker, split
from extractors.backends.scripted.lists.topics import heads_section
from extractors.backends.scripted.lists.wanted import NAMED, Wanted
from extractors.backends.scripted.scene import ID, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, piece
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_LABELLED, _HEADED, _COLUMN = 0.85, 0.75, 0.7
_MOST_LABEL = 6
_MOST_WRAPPED = 3
_BARE = 0.9
"""A label without a colon names its list at least so well, and so does the head of a column."""
_NEAR_BEST = 0.05
_COLUMN_GAP = 2.5
_NAMES = frozenset(
    {"authors", "participants", "directors", "shareholders", "beneficiaries", "drivers", "children"}
)
_ENDS = frozenset({"amount", "net", "gross", "tax"})
_NO_CODE = re.compile(r"%|[$€£]|^\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}$|^\d{1,2}:\d\d|\d[.,]\d\d$")
"""A date, a time or an amount."""


def find_values(wanted: Wanted, scene: Scene, room: int) -> Found:
    """The values of a list, in the order of the page, with scores; empty where the evidence is thin."""
    by_its_form = by_form(wanted, scene)
    if by_its_form is not None:
        return [one for one in by_its_form if wanted.single and fits(wanted.single, one[0])][:room]
    numeric = wanted.single is not None and wanted.single.kind in NUMERIC
    sources = (_column, _labelled, _headed) if numeric else (_labelled, _headed, _column, _by_place)
    for source in sources:
        found = _fit(wanted, source(wanted, scene))
        if found:
            return found[:room]
    return []


def _fit(wanted: Wanted, found: Found) -> Found:
    """The values that the list can have; of texts each once."""
    seen: dict[str, tuple[Piece, float]] = {}
    for at, (one, score) in enumerate(found):
        if _fitting(wanted, one):
            seen.setdefault(text_key(one.raw) if _is_text(wanted) else str(at), (one, score))
    return list(seen.values())


def _is_text(wanted: Wanted) -> bool:
    return wanted.single is not None and wanted.single.kind is Kind.TEXT


def _fitting(wanted: Wanted, found: Piece) -> bool:
    """Whether a list of this kind can have a value."""
    single = wanted.single
    if single is None or fits(single, found) is None:
        return False
    if single.kind is not Kind.TEXT or wanted.leaf is None or wanted.leaf.pattern or wanted.leaf.format:
        return True
    digits = any(map(str.isdigit, found.raw))
    if single.means(*ID):
        words = found.raw.split()
        parts = all(any(map(str.isdigit, word)) or word.isupper() for word in words)
        return digits and parts and len(words) <= 3 and not any(map(_NO_CODE.search, words))
    named = wanted.topics & _NAMES or single.means("name")
    label = all(label_concepts(word) for word in found.raw.split())  # "Ticket no." over its value
    return not (named and (digits or label))


def _labelled(wanted: Wanted, scene: Scene) -> Found:
    """Behind labels on their lines: ``Languages: English, German``."""
    labels = [found for line in scene.lines for found in labelled_stretches(wanted, line, scene)]
    best = max((named for _, named in labels), default=0.0)
    return [
        (one, _LABELLED * named)
        for stretches, named in labels
        if named >= best - _NEAR_BEST
        for one in _values(wanted, stretches, scene)
    ]


def labelled_stretches(wanted: Wanted, line: Line, scene: Scene) -> Iterator[tuple[list[Stretch], float]]:
    """What stands behind each label of a line that names the list, with how well it does."""
    for number, (start, end) in enumerate(line.cells):
        label = next(
            (i + 1 for i in range(start, min(end, start + _MOST_LABEL)) if line.tokens[i].text.endswith(":")),
            0,
        )
        text = " ".join(token.text for token in line.tokens[start : label or end])
        named = wanted.named(text)
        if named < (NAMED if label else _BARE) or (
            not label and not _may_stand_bare(wanted, line, number, scene)
        ):
            continue
        first = label or end
        if first == end:
            if number + 1 == len(line.cells):
                continue
            end = _last_cell(line, number + 1)
            if wanted.single is not None and wanted.single.means(*ID):
                end = min(end, line.cell_end(first))
        if first < end:
            yield [(line, first, end), *_further(line, first, scene)], named


def _may_stand_bare(wanted: Wanted, line: Line, number: int, scene: Scene) -> bool:
    """Whether a cell without a colon may be a label of the only other cell: no head of a column, no code or figure."""
    if number or len(line.cells) != 2 or not _is_text(wanted) or scene.heads_columns(line):
        return False
    start, end = line.cells[1]
    labels = any(run.start == start and run.end == end for run in scene.labels_from(line, start))
    return not labels and not heads_section(" ".join(t.text for t in line.tokens[start:end]))


def _last_cell(line: Line, number: int) -> int:
    """Where the values end that begin with a cell: before the next cell with a label."""
    for start, end in line.cells[number:]:
        if any(token.text.endswith(":") for token in line.tokens[start:end][:_MOST_LABEL]):
            return start
    return len(line.tokens)


def _further(line: Line, first: int, scene: Scene) -> Iterator[Stretch]:
    """Where the values go on below: flush with them and not with their label, or behind a separator."""
    last, x0 = line, line.tokens[first].word.box.x0
    hanging = first > 0 and x0 - line.tokens[0].word.box.x0 > line.height
    for below in scene.lines[line.index + 1 : line.index + 1 + _MOST_WRAPPED]:
        near = below.page == last.page and below.top - last.bottom < 0.6 * below.height
        flush = abs(below.tokens[0].word.box.x0 - x0) < 0.5 * below.height
        open_end = last.tokens[-1].text[-1:] in ",;|/•·"
        if not near or not (flush if hanging else open_end) or len(below.cells) > 1:
            return
        if any(token.text.endswith(":") for token in below.tokens[:_MOST_LABEL]):
            return
        yield below, 0, len(below.tokens)
        last = below


def _headed(wanted: Wanted, scene: Scene) -> Found:
    """Below a heading."""
    margin = max((line.tokens[-1].word.box.x1 for line in scene.lines), default=0.0)
    found: Found = []
    for section in sections_of(wanted, scene.lines):
        if wanted.single is not None and wanted.single.means(*ID) and not _tells_number(section.heading):
            continue  # *Invoice* heads the whole document
        lines = _alike(section.lines)
        if _is_text(wanted):
            items = below_heading(lines, margin)
        else:
            items = _values(wanted, [(line, 0, len(line.tokens)) for line in lines], scene)
        found += [(one, _HEADED * section.named) for one in items]
    return found


def _tells_number(heading: Line) -> bool:
    return any(token.concepts.intersection(ID) for token in heading.tokens)


def _alike(lines: Sequence[Line]) -> list[Line]:
    """The first lines below a heading, up to one with a label or with cells where the first has none."""
    labelled, apart = _has_label(lines[0]), len(lines[0].cells) > 1
    end = (
        i
        for i, line in enumerate(lines)
        if (_has_label(line) and not labelled) or (len(line.cells) > 1 and not apart)
    )
    return list(lines[: next(end, len(lines))])


def _has_label(line: Line) -> bool:
    return not marker(line) and any(token.ends_label for token in line.tokens[:_MOST_LABEL])


def _values(wanted: Wanted, stretches: Sequence[Stretch], scene: Scene) -> list[Piece]:
    """The values of a stretch: texts between separators, else whatever is of the kind."""
    if wanted.single is None or wanted.single.kind is Kind.TEXT:
        return split(stretches)
    kind = wanted.single.kind
    return [one.piece for line, a, b in stretches for one in scene.values_between(line, kind, a, b)]


def _column(wanted: Wanted, scene: Scene) -> Found:
    """Below the head of a column."""
    for line in scene.lines:
        if len(line.cells) < 2 or any(c.isdigit() for c in line.text):
            continue
        for start, end in line.cells:
            named = wanted.named(" ".join(token.text for token in line.tokens[start:end]))
            if named >= _BARE:
                found = [(one, _COLUMN * named) for one in _under(wanted, line, (start, end), scene)]
                if found:
                    return found
    return []


def _under(wanted: Wanted, head: Line, cell: tuple[int, int], scene: Scene) -> Iterator[Piece]:
    """The cells below one, as far as the table goes."""
    left, right = head.tokens[cell[0]].word.box.x0, head.tokens[cell[1] - 1].word.box.x1
    last = head
    numbered = wanted.single is not None and wanted.single.means(*ID)
    for line in scene.lines[head.index + 1 :]:
        if line.page != last.page or line.top - last.bottom > _COLUMN_GAP * line.height:
            return
        if text_key(line.text) == text_key(head.text) or line.tokens[0].concepts & _ENDS:
            return
        standing = [
            (a, b)
            for a, b in line.cells
            if line.tokens[a].word.box.x0 < right and line.tokens[b - 1].word.box.x1 > left
        ]
        if scene.heads_columns(line):
            return
        if len(line.cells) < 2 or any(token.ends_label for token in line.tokens):
            if standing and len(line.cells) == 1:
                last = line
                continue
            return
        last = line
        for a, b in standing[:1]:
            if numbered and not any(c.isdigit() for token in line.tokens[a:b] for c in token.text):
                return
            if wanted.single is not None and wanted.single.kind is not Kind.TEXT:
                yield from (c.piece for c in scene.values_between(line, wanted.single.kind, a, b)[:1])
            else:
                yield piece(line, a, b)


def _by_place(wanted: Wanted, scene: Scene) -> Found:
    """The authors of a paper, in the line of names below its title."""
    return byline(scene) if "authors" in wanted.topics else []
