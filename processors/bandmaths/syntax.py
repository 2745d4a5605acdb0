"""Parses an expression by operator precedence (Pratt, 1973) into a tree whose nodes know their column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from processors.bandmaths.lexer import Token, tokens_of, wrong
from processors.errors import Refusal

MOST_NODES = 2000
DEEPEST = 64
FUNCTIONS: Mapping[str, tuple[int, int]] = {
    "abs": (1, 1), "sqrt": (1, 1), "log": (1, 1), "log10": (1, 1), "exp": (1, 1), "sin": (1, 1), "cos": (1, 1),
    "tan": (1, 1), "floor": (1, 1), "ceil": (1, 1), "isnan": (1, 1), "min": (2, 16), "max": (2, 16),
}  # fmt: skip
"""Fewest and most values each function takes."""
_BINDS: Mapping[str, int] = {
    "or": 10, "and": 20, "<": 40, "<=": 40, ">": 40, ">=": 40, "==": 40, "!=": 40, "+": 50, "-": 50, "*": 60, "/": 60,
    "^": 80,
}  # fmt: skip
_NOT, _MINUS = 30, 70


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, ``true``, ``false`` or ``nan``."""

    value: float | bool
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A band or a named number."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with one or two sides, or a function with its values."""

    symbol: str
    parts: tuple[Node, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``if`` test ``then`` yes ``else`` no."""

    test: Node
    yes: Node
    no: Node
    column: int


Node: TypeAlias = Constant | Name | Operation | Choice


def parse(expression: str) -> Node:
    """Return the tree of an expression.

    Raises:
        Refusal: ``EXPR.SYNTAX`` with the column, or ``EXPR.LIMIT`` for more than 2000 nodes or a depth above 64.
    """
    parser = _Parser(tokens_of(expression))
    tree = parser.expression(0, 1)
    parser.expect_end()
    depth, column = max(_depths(tree), key=lambda one: one[0])
    if depth > DEEPEST:
        raise _too_deep(column)
    return tree


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes below a node, from left to right."""
    if isinstance(node, Choice):
        return node.test, node.yes, node.no
    return node.parts if isinstance(node, Operation) else ()


def walk(tree: Node) -> Iterator[Node]:
    """Yield every node, from left to right."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def _depths(tree: Node) -> Iterator[tuple[int, int]]:
    """Yield depth and column of every node, without recursion: a long sum is a deep tree."""
    pending = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        yield depth, node.column
        pending.extend((child, depth + 1) for child in children(node))


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nodes = 0

    def expression(self, least: int, depth: int) -> Node:
        """Parse as far as operators bind more tightly than ``least``."""
        if depth > DEEPEST:
            raise _too_deep(self._now.column)
        left = self._start(depth)
        while _BINDS.get(self._now.text, 0) > least and self._now.sort != "name":
            token = self._take()
            binds = _BINDS[token.text]
            right = self.expression(binds - 1 if token.text == "^" else binds, depth + 1)
            left = self._made(Operation(token.text, (left, right), token.column))
        return left

    def expect_end(self) -> None:
        if self._now.sort != "end":
            raise wrong(f"unexpected '{self._now.shown}' at column {self._now.column}")

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        if self._now.text != text or self._now.sort == "name":
            raise wrong(f"expected '{text}' but found '{self._now.shown}' at column {self._now.column}")
        self._at += 1

    def _start(self, depth: int) -> Node:
        token = self._take()
        if token.sort == "number":
            return self._made(Constant(float(token.text), token.column))
        if token.sort == "name":
            return self._call(token, depth) if self._now.text == "(" else self._made(Name(token.text, token.column))
        if token.text in {"true", "false", "nan"}:
            return self._made(Constant(_WORDS[token.text], token.column))
        if token.text in {"-", "+", "not"}:
            inner = self.expression(_NOT if token.text == "not" else _MINUS, depth + 1)
            return self._made(Operation(token.text, (inner,), token.column))
        if token.text == "(":
            inner = self.expression(0, depth + 1)
            self._expect(")")
            return inner
        if token.text == "if":
            return self._choice(token, depth)
        raise wrong(f"expected a value but found '{token.shown}' at column {token.column}")

    def _choice(self, token: Token, depth: int) -> Node:
        test = self.expression(0, depth + 1)
        self._expect("then")
        yes = self.expression(0, depth + 1)
        self._expect("else")
        return self._made(Choice(test, yes, self.expression(0, depth + 1), token.column))

    def _call(self, token: Token, depth: int) -> Node:
        if token.text not in FUNCTIONS:
            hint = f"there are: {', '.join(FUNCTIONS)}"
            raise wrong(f"unknown function '{token.text}' at column {token.column}", hint=hint)
        self._expect("(")
        parts = [self.expression(0, depth + 1)]
        while self._now.text == ",":
            self._take()
            parts.append(self.expression(0, depth + 1))
        self._expect(")")
        least, most = FUNCTIONS[token.text]
        if not least <= len(parts) <= most:
            takes = f"{least}" if least == most else f"{least} to {most}"
            raise wrong(f"'{token.text}' at column {token.column} takes {takes}, not {len(parts)} values")
        return self._made(Operation(token.text, tuple(parts), token.column))

    def _made(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise wrong(f"more than {MOST_NODES} parts, at column {node.column}", "LIMIT", "compute it in steps")
        return node


_WORDS: Mapping[str, float | bool] = {"true": True, "false": False, "nan": float("nan")}


def _too_deep(column: int) -> Refusal:
    return wrong(f"nested deeper than {DEEPEST} at column {column}", "LIMIT", "compute it in steps")
