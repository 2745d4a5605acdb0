"""Every fault on every adapter at the first, a middle and the last page, passing and lasting: one case at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

from builder.sources.limits import Limits
from tests.harvesting import Switch, define, live, report_of, run
from tests.servers.ckan_app import Portal, make_package
from tests.servers.crawled import catalogues
from tests.servers.faults import R1, Fault, Faulty
from tests.servers.local import Handler, LocalServer, wsgi
from tests.servers.oai_app import Document, documents_app

LIMITS = Limits(tries=4, backoff_s=0.001, retry_after_s=0.01, response_s=1.5, read_s=1.0)
TIMES = (1, 2, 0)
"""How often a fault strikes; 0: for ever."""
REPAIRED = {"latin-1", "bad UTF-8"}
"""Faults that OAI-PMH is read in spite of, with a warning."""
FINE = "complete in the same run"


class Adapter(NamedTuple):
    """A kind of source: its server, its source block, and the requests for its first, a middle and the last page."""

    handler: Handler
    source: Callable[[LocalServer], dict]
    pages: tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """A fault on an adapter from a request on, so many times."""

    adapter: str
    fault: str
    page: int
    times: int

    def __str__(self) -> str:
        """Name the case."""
        return f"{self.adapter}, {self.fault}, request {self.page}, {self.times or 'for ever'}"


def _document(number: int) -> Document:
    body = (
        '<d:dc xmlns:d="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:e="http://purl.org/dc/elements/1.1/">'
        f"<e:title>Måling {number} ved Tromsø</e:title></d:dc>"
    )
    return Document(f"r{number}", body.encode())


def _oai(server: LocalServer) -> dict:
    return {"type": "oai-pmh", "url": f"{server.url}/oai", "metadataPrefix": "oai_dc"}


ADAPTERS = {
    "oai-pmh": Adapter(wsgi(documents_app(map(_document, range(18)), "oai_dc", 4)), _oai, (1, 3, 5)),
    "ckan": Adapter(
        wsgi(Portal(map(make_package, range(18)), escaped=False).app),
        lambda server: {"type": "ckan", "url": server.url, "page_size": 4},
        (1, 3, 5),
    ),
    "thredds": Adapter(
        catalogues(6), lambda server: {"type": "thredds", "url": f"{server.url}/catalog.xml"}, (1, 4, 7)
    ),
}
OTHER = wsgi(documents_app(map(_document, range(3)), "oai_dc"))


def cases(faults: Iterable[str] = tuple(R1)) -> Iterator[Case]:
    """Yield the whole matrix."""
    for fault in faults:
        for name, adapter in ADAPTERS.items():
            for page in adapter.pages:
                for times in TIMES:
                    yield Case(name, fault, page, times)


def few() -> Iterator[Case]:
    """Yield each fault once passing and once lasting, in turn on another adapter at another page."""
    names = tuple(ADAPTERS)
    for number, fault in enumerate(R1):
        first, second = names[number % 3], names[(number + 1) % 3]
        yield Case(first, fault, ADAPTERS[first].pages[number // 3 % 3], 1 + number % 2)
        yield Case(second, fault, ADAPTERS[second].pages[(number // 3 + 1) % 3], 0)


def drill(case: Case) -> str:
    """Run one case; returns how it ended, beginning with ``BAD`` where it should not."""
    plan = Switch(lambda _n: None)
    adapter = ADAPTERS[case.adapter]
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as name,
        LocalServer(Faulty(adapter.handler, plan)) as server,
        LocalServer(OTHER) as other,
    ):
        folder = Path(name)
        define(folder / "collections", "hit", adapter.source(server))
        define(folder / "collections", "other", _oai(other))
        return (_passing if case.times else _lasting)(folder, plan, case)


def _striking(fault: Fault, page: int, times: int) -> Callable[[int], Fault | None]:
    """Plan a fault; the server's count goes on from run to run, so this one has its own."""
    asked = count(1)
    end = page + times if times else 10**9
    return lambda _n: fault if page <= next(asked) < end else None


def _passing(folder: Path, plan: Switch, case: Case) -> str:
    reference = folder / "reference"
    reference.mkdir()
    (reference / "collections").symlink_to(folder / "collections")
    run(reference, limits=LIMITS)
    plan.now = _striking(R1[case.fault], case.page, case.times)
    report = run(folder, limits=LIMITS)
    if live(folder, "hit") == live(reference, "hit") and report_of(report, "hit").complete:
        return FINE
    again = run(folder, limits=LIMITS)
    whole = live(folder, "hit") == live(reference, "hit") and report_of(again, "hit").complete
    return "complete after a plain re-run" if whole else "BAD: not complete"


def _lasting(folder: Path, plan: Switch, case: Case) -> str:
    run(folder, limits=LIMITS)
    before, untouched = live(folder, "hit"), live(folder, "other")
    plan.now = _striking(R1[case.fault], case.page, 0)
    report = run(folder, limits=LIMITS, full=True)
    hit, other = report_of(report, "hit"), report_of(report, "other")
    if live(folder, "other") != untouched or other.failed or other.findings:
        return "BAD: another collection was hit"
    after = live(folder, "hit")
    if case.adapter == "oai-pmh" and case.fault in REPAIRED and after.keys() == before.keys():
        named = any(finding.code == "oai.encoding" for finding in hit.findings)
        return "read on, with a warning" if named else "BAD: not named"
    if after != before:
        return "BAD: records lost or changed"
    if hit.failed:
        return "last good state kept, source named as failed"
    if any(finding.severity == "error" for finding in hit.findings):
        return "last good state kept, what was left out is named"
    return "of no effect on this protocol" if hit.complete else "BAD: not named"
