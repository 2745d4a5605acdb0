"""Cuts an expression into tokens that know their column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from processors.errors import Refusal

Sort: TypeAlias = Literal["number", "name", "word", "sign", "end"]

KEYWORDS = frozenset({"if", "then", "else", "and", "or", "not", "true", "false", "nan"})
MOST_BYTES = 8192
END = "end of expression"
_SAME = {"&&": "and", "||": "or", "!": "not"}
_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^<>!(),])"
    r"|(?P<space>[ \t\r\n]+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign.

    Attributes:
        sort: What it is; ``word`` is a keyword, also where it was written as a sign (``&&``).
        text: As the grammar has it.
        column: Where it begins, from 1.
        shown: As it was written.
    """

    sort: Sort
    text: str
    column: int
    shown: str


def tokens_of(expression: str) -> list[Token]:
    """Cut an expression; the last token is its end.

    Raises:
        Refusal: It is too long (``EXPR.LIMIT``), or a character belongs to no token (``EXPR.SYNTAX``).
    """
    if len(expression.encode()) > MOST_BYTES:
        raise wrong(f"longer than {MOST_BYTES} bytes", "LIMIT", "compute it in steps")
    found, at = [], 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise wrong(f"unexpected character '{expression[at]}' at column {at + 1}")
        if match.lastgroup != "space":
            found.append(_token(match, at + 1))
        at = match.end()
    return [*found, Token("end", "", at + 1, END)]


def _token(match: re.Match[str], column: int) -> Token:
    text, sort = match[0], match.lastgroup
    if sort == "number":
        return Token("number", text, column, text)
    meant = _SAME.get(text, text)
    if meant in KEYWORDS:
        return Token("word", meant, column, text)
    return Token("name" if sort == "name" else "sign", text, column, text)


def wrong(message: str, code: str = "SYNTAX", hint: str = "") -> Refusal:
    """Make the refusal of an expression.

    Args:
        message: What is wrong, with its column.
        code: Which of ``EXPR.SYNTAX``, ``EXPR.UNKNOWN_BAND``, ``EXPR.TYPE`` and ``EXPR.LIMIT``.
        hint: What to do about it.
    """
    return Refusal(message, "expression", hint, f"EXPR.{code}")
