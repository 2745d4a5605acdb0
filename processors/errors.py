"""What a processor says when it cannot do what it was asked: what is wrong, where, and what to do."""

from __future__ import annotations


class Refusal(Exception):
    """The inputs or parameters cannot give a truthful product.

    Args:
        message: What is wrong, in one line.
        where: The input, parameter or address it concerns.
        hint: What the reader can do about it.
        code: What programs know it by, e.g. ``STATS.MIXED_GRIDS``; empty where nobody needs to tell it from others.
    """

    def __init__(self, message: str, where: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(message, where, hint, code)  # all of them, so that it travels between processes
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code

    @property
    def told(self) -> str:
        """What is wrong, with the code where there is one."""
        return f"{self.message} [{self.code}]" if self.code else self.message

    def __str__(self) -> str:
        """Render as one line: where, what, and what to do."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.told}" + (f" ({self.hint})" if self.hint else "")


class WorkerLostError(Refusal):
    """The process that worked on a batch was lost again and again; the run cannot go on."""
