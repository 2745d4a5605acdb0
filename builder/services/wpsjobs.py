"""WPS executions that a client does not wait for: each runs in a thread and is followed by its status document."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pywps import Process

MOST_KEPT = 100
"""Of more executions than these the status of the oldest is forgotten."""


class Executions:
    """Runs executions in threads and keeps their status documents, which are read whole or not at all.

    Args:
        root: Address below which the documents are served.
        most: How many run or wait at once.
    """

    def __init__(self, root: str, most: int) -> None:
        self.root = root
        self.documents: dict[str, str] = {}
        self._threads = ThreadPoolExecutor(most)

    def start(self, process: FollowedProcess, request: Any, response: Any) -> None:
        """Run a process of pywps, which tells the status document what becomes of it."""
        self._threads.submit(process._run_process, request, response)  # noqa: SLF001  (what pywps's own ways call)

    def close(self) -> None:
        """Wait for what runs; its jobs have ended by then."""
        self._threads.shutdown()

    def __deepcopy__(self, memo: dict[int, Any]) -> Executions:
        """Stay one: pywps copies a process for each execution, and all write here."""
        del memo
        return self

    def write(self, data: str, destination: str, data_format: Any = None) -> None:
        """Put a document in the place of the one before."""
        del data_format
        self.documents[destination] = data
        for name in list(self.documents)[:-MOST_KEPT]:
            self.documents.pop(name, None)

    def location(self, destination: str) -> str:
        """Return the name of a document."""
        return destination

    def url(self, destination: str) -> str:
        """Return the address of a document."""
        return f"{self.root}/{destination}"


class FollowedProcess(Process):  # type: ignore[misc]
    """A process of pywps that may be asked to run on its own.

    Args:
        executions: Where it runs.
        given: What `pywps.Process` takes.
    """

    def __init__(self, executions: Executions, *given: Any, **named: Any) -> None:
        super().__init__(*given, store_supported=True, status_supported=True, **named)
        self.executions = executions
        self.secret = ""

    @property
    def status_filename(self) -> str:
        """Name of the status document, which cannot be guessed: it leads to the products."""
        return f"{self.secret}.xml"

    def _setup_status_storage(self) -> None:
        self._status_store = self.executions
        self.secret = secrets.token_urlsafe(16)

    def _run_async(self, wps_request: Any, wps_response: Any) -> None:
        """Wait for the job in a thread; pywps would fork a server that has threads."""
        self.executions.start(self, wps_request, wps_response)
