"""Schema and window to a Lark grammar for llguidance: JSON, compact, whose values are text of the page.

Every string enters the grammar JSON-escaped and through `json.dumps`, so that a quote on the page is a quoted
character of the value and never the end of it. Arrays, strings and the nesting are bounded.
"""

from __future__ import annotations

import json

from extractors.grammar.spans import SpanIndex
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

MAX_LISTED = 3000
"""Longest list of candidates written out; a window has a few hundred at most in practice."""


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
                parts = []
                for i, (name, child) in enumerate(node.fields):
                    key = ("{" if i == 0 else ",") + json.dumps(name, ensure_ascii=False) + ":"
                    parts.append(f"{_literal(key)} {self._node(child)}")
                body = " ".join(parts) + ' "}"'
                return self._rule(f"({body}) | {_literal('null')}" if node.nullable else body)
            case ArrayNode():
                item = self._node(node.item)
                most = max(self._most_items(node), node.min_items, 1)
                # llguidance refuses a repetition of none at all
                more = f' ("," {item}){{{max(node.min_items - 1, 0)},{most - 1}}}' if most > 1 else ""
                body = f'"[" {item}{more} "]"'
                return self._rule(body if node.min_items else f"{_literal('[]')} | {body}")
            case Leaf():
                return self._leaf(node)

    def _most_items(self, node: ArrayNode) -> int:
        """Rows of a table have a printed line each at least: a model that loops stops there."""
        if isinstance(node.item, ObjectNode):
            return min(node.max_items, self.index.line_count)
        return node.max_items

    def _leaf(self, leaf: Leaf) -> str:
        if leaf.kind is Kind.BOOLEAN:
            return self._rule("|".join(map(_literal, ["true", "false", "null"])))
        if leaf.grounding == "choice" and leaf.choices:
            options = [json.dumps(c, ensure_ascii=False) for c in leaf.choices]
            return self._rule("|".join(map(_literal, [*options, *(["null"] if leaf.nullable else [])])))
        # A span may always be null: a schema that requires it gets a reason for review, not an invented value.
        value = self._free(leaf) if leaf.grounding == "free" else self._span(leaf)
        return self._rule(f"{_literal('null')} | {value}" if value else _literal("null"))

    def _free(self, leaf: Leaf) -> str:
        name = f"FREE{leaf.max_chars}"
        self.terminals[name] = f'{name}: /"[^"\\\\\\x00-\\x1f]{{1,{leaf.max_chars}}}"/'
        return name

    def _span(self, leaf: Leaf) -> str | None:
        listed = self.index.candidates(leaf.kind)
        if listed is not None:
            return self._listed(leaf.kind, sorted(listed)[:MAX_LISTED])
        return self._text(leaf.max_chars)

    def _listed(self, kind: Kind, texts: list[str]) -> str | None:
        if not texts:
            return None
        name = "INTEGER" if kind is Kind.INTEGER else kind.name
        if name not in self.terminals:
            body = " | ".join(_literal(json.dumps(t, ensure_ascii=False)) for t in texts)
            self.terminals[name] = f"{name}: {body}"
        return name

    def _text(self, max_chars: int) -> str | None:
        pages = []
        for i, chunks in enumerate(self.index.chunks):
            if not chunks:
                continue
            name = f"PAGE{i}"
            pages.append(name)
            options = json.dumps({"substring_chunks": [escaped(c) for c in chunks]}, ensure_ascii=False)
            self.terminals[name] = f"{name}: %regex {options}"
        if not pages:
            return None
        name = f"TEXT{max_chars}"
        edge = r"[^ ]"
        self.terminals[name] = (
            f'{name}: "\\"" (({" | ".join(pages)}) & /{edge}(.{{0,{max(max_chars - 2, 0)}}}{edge})?/) "\\""'
        )
        return name


def _literal(text: str) -> str:
    """``text`` as a Lark string literal."""
    return json.dumps(text, ensure_ascii=False)
