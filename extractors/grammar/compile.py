"""Schema and window to a Lark grammar for llguidance: JSON, compact, whose values are text of the page.

Every string enters the grammar JSON-escaped and through `json.dumps`, so that a quote on the page is a quoted
character of the value and never the end of it. Arrays, strings and the nesting are bounded.
"""

from __future__ import annotations

import json
from collections.abc import Hashable

from extractors.grammar.spans import SpanIndex
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

MAX_LISTED = 3000
"""Longest list of candidates written out; a window has a few hundred at most in practice."""
MAX_DATED_CHARS = 60
"""Longest text of a date or time that is in no form that is known."""


def grammar_of(tree: ObjectNode, index: SpanIndex) -> str:
    """The grammar of all answers to ``tree`` whose values stand in the window of ``index``."""
    return _Compiler(index).compile(tree)


def escaped(text: str) -> str:
    """``text`` as it stands inside a JSON string, non-ASCII kept."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class _Compiler:
    def __init__(self, index: SpanIndex) -> None:
        self.index = index
        self.rules: list[str] = []
        self.terminals: dict[str, str] = {}
        self.lists: dict[Hashable, str] = {}

    def compile(self, tree: ObjectNode) -> str:
        root = self._node(tree)
        return "\n".join([f"start: {root}", *self.rules, *self.terminals.values()])

    def _rule(self, body: str) -> str:
        name = f"r{len(self.rules)}"
        self.rules.append(f"{name}: {body}")
        return name

    def _node(self, node: Node) -> str:
        match node:
            case ObjectNode():
                bodies = [self._object(node, shape) for shape in node.shapes or (node,)]
                nulls = [_literal("null")] if node.nullable else []
                return self._rule(" | ".join([*dict.fromkeys(bodies), *nulls]))
            case ArrayNode():
                return self._array(node)
            case Leaf():
                return self._leaf(node)

    def _object(self, node: ObjectNode, shape: ObjectNode) -> str:
        """An object in one of its shapes: it has all keys, and nothing at those of other shapes."""
        own = dict(shape.fields)
        parts = []
        for i, (name, child) in enumerate(node.fields):
            key = ("{" if i == 0 else ",") + json.dumps(name, ensure_ascii=False) + ":"
            if name not in own:
                value = _literal("[]" if isinstance(child, ArrayNode) else "null")
            else:
                value = self._node(_chosen(child, own[name]))
            parts.append(f"{_literal(key)} {value}")
        return "(" + " ".join(parts) + ' "}")'

    def _array(self, node: ArrayNode) -> str:
        """No items, or as many as the page can have.

        Too few are for validation to find: a grammar that asks for rows which the page does not have gets them
        invented. An item that is a single value is one, not null.
        """
        item: str | None
        if isinstance(node.item, Leaf) and node.item.grounding != "choice":
            item = self._value(node.item)
        else:
            item = self._node(node.item)
        most = min(node.max_items, self._room(node.item))
        if item is None or most == 0:
            return self._rule(_literal("[]"))
        # llguidance refuses a repetition of none at all
        more = f' ("," {item}){{0,{most - 1}}}' if most > 1 else ""
        return self._rule(f'{_literal("[]")} | "[" {item}{more} "]"')

    def _room(self, item: Node) -> int:
        """Most items that the page can have: a row has a printed line at least, a text a word. A loop stops there."""
        if isinstance(item, Leaf) and item.grounding == "span":
            return sum(len(page.words) for page in self.index.pages)
        return self.index.line_count

    def _leaf(self, leaf: Leaf) -> str:
        if leaf.kind is Kind.BOOLEAN:
            return self._rule("|".join(map(_literal, ["true", "false", "null"])))
        if leaf.grounding == "choice" and leaf.choices:
            options = [json.dumps(c, ensure_ascii=False) for c in leaf.choices]
            return self._rule("|".join(map(_literal, [*options, *(["null"] if leaf.nullable else [])])))
        # A span may always be null: a schema that requires it gets a reason for review, not an invented value.
        value = self._value(leaf)
        return self._rule(f"{_literal('null')} | {value}" if value else _literal("null"))

    def _value(self, leaf: Leaf) -> str | None:
        """What the leaf may hold apart from null; ``None`` when the page has nothing of the kind."""
        if leaf.grounding == "free":
            return self._free(leaf)
        listed = self.index.texts(leaf)
        if listed is not None:
            return self._listed((leaf.kind, leaf.format, leaf.pattern, leaf.max_chars), listed[:MAX_LISTED])
        if self.index.whole_words(leaf.kind):
            return self._text(min(leaf.max_chars, MAX_DATED_CHARS), "WORDS", self.index.words_apart)
        return self._text(leaf.max_chars, "PAGE", self.index.chunks)

    def _free(self, leaf: Leaf) -> str:
        name = f"FREE{leaf.max_chars}"
        edge, inner = r'[^ "\\\x00-\x1f]', r'[^"\\\x00-\x1f]'
        self.terminals[name] = f'{name}: /"{_bounded(edge, inner, leaf.max_chars)}"/'
        return name

    def _listed(self, what: Hashable, texts: list[str]) -> str | None:
        if not texts:
            return None
        if what not in self.lists:
            self.lists[what] = name = f"LIST{len(self.lists)}"
            body = " | ".join(_literal(json.dumps(t, ensure_ascii=False)) for t in texts)
            self.terminals[name] = f"{name}: {body}"
        return self.lists[what]

    def _text(self, max_chars: int, prefix: str, by_segment: list[list[str]]) -> str | None:
        pages = []
        escapes = False
        for i, chunks in enumerate(by_segment):
            if not chunks:
                continue
            name = f"{prefix}{i}"
            pages.append(name)
            written = [escaped(c) for c in chunks]
            escapes = escapes or written != chunks
            options = json.dumps({"substring_chunks": written}, ensure_ascii=False)
            self.terminals[name] = f"{name}: %regex {options}"
        if not pages:
            return None
        name = f"TEXT_{prefix}{max_chars}"
        # An escape is one character of the text, though it is written as two; to count so takes the lexer longer.
        edge, inner = (r"(\\.|[^ \\])", r"(\\.|[^\\])") if escapes else ("[^ ]", ".")
        bounds = _bounded(edge, inner, max_chars)
        self.terminals[name] = f'{name}: "\\"" (({" | ".join(pages)}) & /{bounds}/) "\\""'
        return name


def _chosen(field: Node, own: Node) -> Node:
    """A field as a shape has it: of choices its own, so that it tells the shape; else what all shapes share."""
    choices = isinstance(field, Leaf) and isinstance(own, Leaf) and field.choices and own.choices
    return own if choices else field


def _bounded(edge: str, inner: str, most: int) -> str:
    """At most so many characters that begin and end with an ``edge``, as a regular expression."""
    return f"{edge}({inner}{{0,{most - 2}}}{edge})?" if most > 1 else edge


def _literal(text: str) -> str:
    """``text`` as a Lark string literal."""
    return json.dumps(text, ensure_ascii=False)
