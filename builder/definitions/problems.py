"""Mistakes in a definition, each with its place, the offending line under a caret, and a way out."""

from __future__ import annotations

from dataclasses import dataclass

from builder.errors import DefinitionError

WIDTH = 100
"""Characters of an offending line that are quoted."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake.

    Attributes:
        line: Line in the file, from 1.
        column: Character in the line, from 1.
        message: What is wrong.
        hint: What to write instead; may be empty.
        width: How many characters are wrong.
    """

    line: int
    column: int
    message: str
    hint: str = ""
    width: int = 1


class DefinitionProblems(DefinitionError):
    """A definition with one or more mistakes.

    Args:
        file: Path of the definition, as the reader knows it.
        found: The mistakes, at least one.
        text: The file, to quote from; empty where it could not be read as text.
    """

    def __init__(self, file: str, found: list[Problem], text: str = "") -> None:
        self.file = file
        self.found = tuple(sorted(found))
        self._lines = text.splitlines()
        first = self.found[0]
        more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
        super().__init__(first.message + more, where=f"{file}:{first.line}:{first.column}", hint=first.hint)

    def problems(self) -> list[str]:
        """Return one block of text per mistake: place and message, then the line with a caret."""
        return [self._block(problem) for problem in self.found]

    def _block(self, problem: Problem) -> str:
        head = f"{self.file}:{problem.line}:{problem.column}: {problem.message}"
        quote = self._quote(problem)
        if quote is None:
            return f"{head} ({problem.hint})" if problem.hint else head
        line, column, width = quote
        number = f"{problem.line:5}"
        caret = " " * column + "^" * width
        tail = f" {problem.hint}" if problem.hint else ""
        return f"{head}\n{number} | {line}\n{' ' * len(number)} | {caret}{tail}"

    def _quote(self, problem: Problem) -> tuple[str, int, int] | None:
        """Return the part of the line to show, and where and how wide the caret stands in it."""
        if problem.line > len(self._lines) or not self._lines[problem.line - 1].strip():
            return None
        line = "".join(char if char.isprintable() else " " for char in self._lines[problem.line - 1])
        column = min(problem.column - 1, len(line))
        cut = max(0, column - WIDTH // 2) if len(line) > WIDTH else 0
        shown = line[cut : cut + WIDTH].rstrip()
        column -= cut
        return shown, column, max(1, min(problem.width, len(shown) - column))
