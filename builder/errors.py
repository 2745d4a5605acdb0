"""The errors a person can meet: each has a stable code, says what and where, and what to do next."""

from __future__ import annotations

from typing import ClassVar


class IaosError(Exception):
    """The program cannot go on with what it was asked to do.

    Args:
        message: What is wrong, in one line.
        where: The file, line, URL or identifier it concerns.
        hint: What the reader can do about it.
    """

    code: ClassVar[str] = "iaos"
    exit_status: ClassVar[int] = 2

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Render as one line: where, what, and what to do."""
        parts = [f"{self.where}: " if self.where else "", self.message]
        return "".join(parts) + (f" ({self.hint})" if self.hint else "")

    def problems(self) -> list[str]:
        """Return one text per problem; errors that carry several override this."""
        return [str(self)]


class UsageError(IaosError):
    """A command was given something it cannot use."""

    code = "usage"


class DefinitionError(IaosError):
    """A collection definition cannot be read or contradicts the schema."""

    code = "definition"


class SourceError(IaosError):
    """A partner's server did not give what its protocol promises; its last good state is kept.

    ``passing`` says that the very same request may be answered later, so that what was answered
    before it is worth keeping.
    """

    code = "source"
    exit_status = 3
    passing = False


class FetchError(SourceError):
    """A URL could not be fetched: no answer, a refusing status, or too large a body.

    ``status`` and ``body`` hold what a refusing server said, for protocols whose errors have a body of their own;
    ``unreachable`` says that nobody answers at the host.
    """

    code = "fetch"
    unreachable = False

    def __init__(
        self, message: str, *, where: str = "", hint: str = "", status: int | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.body = body


class DeadlineError(FetchError):
    """The time for a whole source is over; the next run goes on from here."""

    passing = True


class ProtocolError(SourceError):
    """An answer arrived that is not what the protocol allows (broken XML, wrong root, error code)."""

    code = "protocol"


class RecordError(IaosError):
    """One record cannot be understood; it is refused and the harvest goes on."""

    code = "record"
    exit_status = 1


class UnreferenceableError(IaosError):
    """A data file cannot be expressed truthfully as kerchunk references."""

    code = "reference"
    exit_status = 1


class PublishError(IaosError):
    """The target of a publication cannot be written."""

    code = "publish"


class ReadingError(IaosError):
    """Data cannot be opened or cut out as asked."""

    code = "reading"


class UnsuitedError(ReadingError):
    """Data lack what a question asks for, such as a variable or positions; others of the same list may have it."""


class StaleError(ReadingError):
    """A data file is no longer the one that its references were made from."""

    HINT: ClassVar[str] = "rebuild the catalogue, or open the file itself"

    code = "stale"
