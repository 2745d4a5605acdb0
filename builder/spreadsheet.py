"""Makes cells of CSV for people with spreadsheets: no text from a partner becomes a formula, and none is lost.

A cell that a spreadsheet could take for a formula gets an apostrophe in front, and so does one that begins
with an apostrophe. Whoever reads the file by machine takes one leading apostrophe away.
"""

from __future__ import annotations

_RISKY = frozenset("=+-@\t\r\n＝＋－＠'")
"""First characters after which spreadsheets calculate (OWASP, CSV Injection), their full-width forms, and the mark."""


def harmless(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs.

    >>> harmless("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.lstrip(" ")[:1] in _RISKY and text.strip(" ") else text


def original(cell: str) -> str:
    """Return the text that a cell was made of.

    >>> original("'=1+1")
    '=1+1'
    """
    return cell.removeprefix("'")
