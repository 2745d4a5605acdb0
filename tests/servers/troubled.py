"""A catalogue's server of which a test says, path by path, what goes wrong and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from builder.serve import file_app
from tests.servers.local import Answer, Handler, LocalServer, Request, wsgi

Fault = Answer | Callable[[Request], Answer | None] | None


class Faults:
    """For each path what is answered in place of its file (None: the file), each answer once, the last one always."""

    def __init__(self) -> None:
        self.of: dict[str, list[Fault]] = {}

    def answer(self, request: Request) -> Answer | None:
        """Return what goes wrong with a request."""
        answers = self.of.get(request.path.lstrip("/"), [None])
        one = answers.pop(0) if len(answers) > 1 else answers[0]
        return one(request) if callable(one) else one

    def switch(self, of: Mapping[str, list[Fault]]) -> list[Fault]:
        """Return what a path answers by whose request other things go wrong from then on."""

        def switched(_: Request) -> Answer:
            self.of.update(of)
            return Answer(204)

        return [switched]


def served(folder: Path, faults: Faults) -> LocalServer:
    """Return a server of the files below a folder."""
    files = files_of(folder)
    return LocalServer(lambda request: faults.answer(request) or files(request))


def files_of(folder: Path) -> Handler:
    """Return what answers with the files below a folder, in parts where they are asked for."""
    return wsgi(file_app(folder))


def late(folder: Path, seconds: float) -> Callable[[Request], Answer]:
    """Return what answers with the same files, some seconds later."""
    files = files_of(folder)

    def answer(request: Request) -> Answer:
        found = files(request)
        return Answer(found.status, found.headers, found.body, silence_s=seconds)

    return answer


def broken(folder: Path) -> Callable[[Request], Answer]:
    """Return what breaks the connection in the middle of an answer."""
    files = files_of(folder)

    def answer(request: Request) -> Answer:
        found = files(request)
        return Answer(found.status, found.headers, found.body, reset=True)

    return answer
