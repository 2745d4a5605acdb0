"""Drills of the harvest: a list that changes while it is paged (R4), brake (R5), thirty nights (R11), resuming (R3).

python tests/drills/drill_harvest.py
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.sources.limits import Limits
from tests.drills.faultmatrix import ADAPTERS
from tests.drills.scene import ROOT, contents, report
from tests.harvesting import Switch, define, live, run
from tests.servers.ckan_app import Portal, make_package
from tests.servers.faults import Faulty, lasting, status
from tests.servers.local import Answer, LocalServer, Request, wsgi
from tests.servers.oai_app import Document, documents_app

PATIENT = Limits(backoff_s=0.001)
STABLE, MOVING, PER_PAGE, CHANGES = 1000, 2000, 50, 1000
NAMESPACES = 'xmlns:d="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:e="http://purl.org/dc/elements/1.1/"'


def actions(seed: int) -> Iterator[tuple[str, int]]:
    """Yield what happens to which of the moving records: a third each is changed, added, deleted."""
    chance = random.Random(seed)
    there = chance.sample(range(MOVING // 2), 2 * (CHANGES // 3) + 1)
    for number in range(CHANGES):
        kind = ("changed", "deleted", "added")[number % 3]
        yield kind, there.pop() if kind != "added" else MOVING // 2 + number


class Moving:
    """Records of which some change before each page is given out, until all changes are made."""

    def __init__(self, seed: int, put: Callable[[int, bool], None], remove: Callable[[int], None]) -> None:
        self._left = actions(seed)
        self._put, self._remove = put, remove
        self.made = 0
        self.on = False

    def move(self) -> None:
        """Make the next few changes."""
        for _ in range(30 if self.on else 0):
            kind, number = next(self._left, ("", 0))
            if kind == "deleted":
                self._remove(number)
            elif kind:
                self._put(number, kind == "changed")
            self.made += bool(kind)


def ckan_scene(seed: int):
    """Return handler, source block, the changes, and what is there now and was there all the time."""
    portal = Portal([make_package(n) for n in range(0, 2 * STABLE, 2)])

    def put(number: int, changed: bool = False) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        made = make_package(2 * number + 1, title="Changed" if changed else "New", metadata_modified=stamp)
        portal.packages[made["id"]] = made

    stable = set(portal.packages)
    for number in range(MOVING // 2):
        put(number)
    moving = Moving(seed, put, lambda n: portal.packages.pop(make_package(2 * n + 1)["id"]) and None)
    app = wsgi(portal.app)

    def answer(request: Request) -> Answer:
        moving.move()
        return app(request)

    source = lambda server: {"type": "ckan", "url": server.url, "page_size": PER_PAGE}  # noqa: E731
    return answer, source, moving, lambda: set(portal.packages), stable


def oai_scene(seed: int, windows: int = 1):
    """As `ckan_scene`; listed by datestamp, so that what changes moves to the end under a cursor, as DSpace does."""
    documents: dict[str, Document] = {}
    one_by_one = Lock()

    def put(name: str, text: str) -> None:
        body = f"<d:dc {NAMESPACES}><e:title>{name} {text}</e:title></d:dc>".encode()
        old = datetime(2020, 1, 1) + timedelta(days=len(documents))  # noqa: DTZ001
        stamp = datetime.now(UTC).replace(tzinfo=None, microsecond=0) if text else old
        documents.pop(name, None)
        documents[name] = Document(name, body, stamp)

    def remove(number: int) -> None:
        documents.pop(f"m{number}")
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        documents[f"m{number}"] = Document(f"m{number}", None, now)

    for number in range(MOVING // 2):
        put(f"m{number}", "")
        put(f"s{number}", "")
    stable = {name for name in documents if name.startswith("s")}
    moving = Moving(seed, lambda n, changed: put(f"m{n}", "changed" if changed else "new"), remove)

    def answer(request: Request) -> Answer:
        with one_by_one:
            moving.move()
            return wsgi(documents_app(list(documents.values()), "oai_dc", PER_PAGE))(request)

    words = {"type": "oai-pmh", "metadataPrefix": "oai_dc", "windows": windows}
    source = lambda server: {**words, "url": f"{server.url}/oai"}  # noqa: E731
    return answer, source, moving, lambda: {d.identifier for d in documents.values() if d.body is not None}, stable


def r4(folder: Path, scene: Callable, *, known: bool) -> tuple[bool, str]:
    """Page through a moving list, from nothing or with all known, then run twice in quiet."""
    handler, source, moving, there, stable = scene(4)
    with LocalServer(handler) as server:
        define(folder / "collections", "c", source(server))
        if known:
            run(folder, limits=PATIENT)
        moving.on = True
        run(folder, limits=PATIENT, full=known)
        first = live(folder, "c").keys()
        moving.on = False
        run(folder, limits=PATIENT)
        run(folder, limits=PATIENT)
        second = live(folder, "c").keys()
    lost, left, absent = len(stable - second), len(second - there()), len(there() - second)
    at_once = len(stable - first)
    figures = (
        f"{moving.made} changes among {len(stable) + MOVING // 2} records, {'all known' if known else 'from nothing'}: "
        f"{at_once} that were there all the time missing after the run, {lost} two runs later; "
        f"{left} deleted ones left, {absent} others missing"
    )
    return moving.made == CHANGES and not (lost or left or absent or (known and at_once)), figures


def r5(folder: Path) -> tuple[bool, str]:
    """Let 201 of 1000 records go: held back until confirmed."""
    portal = Portal(make_package(n) for n in range(1000))
    with LocalServer(wsgi(portal.app)) as server:
        define(folder / "collections", "c", {"type": "ckan", "url": server.url})
        run(folder)
        for number in range(201):
            del portal.packages[make_package(number)["id"]]
        held, kept = run(folder, full=True).exit_status, len(live(folder, "c"))
        confirmed, left = run(folder, full=True, confirm=("c",)).exit_status, len(live(folder, "c"))
    ok = (held, kept, confirmed, left) == (3, 1000, 0, 799)
    return ok, f"201 of 1000 gone: status {held}, {kept} kept; confirmed: status {confirmed}, {left} left"


def r3(folder: Path) -> tuple[bool, str]:
    """Let the partner break a pass off at each request; the next asks for nothing twice and has the same bytes."""
    breaks = repeated = answered = wrong = 0
    for name, adapter in ADAPTERS.items():
        plan = Switch(lambda _n: None)
        with LocalServer(Faulty(adapter.handler, plan)) as server:
            # a crawl goes on past a catalogue that fails; what ends it is its deadline or a kill (drill_kill)
            if name == "thredds":
                continue
            define(folder / name / "collections", "c", adapter.source(server))
            run(folder / name)
            calm, needed = _state(folder / name), len(server.requests)
            for number in range(2, adapter.pages[2] + 1):
                base = folder / f"{name}-{number}"
                define(base / "collections", "c", adapter.source(server))
                offset = len(server.requests)
                plan.now = lasting(offset + number, status(503))
                run(base)
                before = set(server.targets[offset : offset + number - 1])
                plan.now, done = (lambda _n: None), len(server.requests)
                run(base)
                breaks, answered = breaks + 1, answered + len(before)
                repeated += sum(target in before for target in server.targets[done:])
                wrong += _state(base) != calm or len(server.requests) - done != needed - len(before)
    ok = not wrong and repeated <= 0.1 * answered
    return (
        ok,
        f"{breaks} passes broken off, {repeated} of {answered} answers asked again, {wrong} not mended",
    )


def _state(folder: Path) -> dict[str, bytes]:
    skipped = ("harvest.json", "nights.ndjson", "answers/")
    return {name: data for name, data in contents(folder / "state/c").items() if not name.startswith(skipped)}


def r11(_folder: Path) -> tuple[bool, str]:
    """Thirty nights with one partner down, through the command line (tests/unit/test_nights.py)."""
    name = "tests/unit/test_nights.py::test_one_partner_down_for_thirty_nights_has_one_issue"
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", name], cwd=ROOT, capture_output=True, check=False)
    return (
        done.returncode == 0,
        "34 nights, 30 with a partner down: a site each night, last seen shown, 1 issue",
    )


DRILLS = {
    "R4 CKAN, known": lambda folder: r4(folder, ckan_scene, known=True),
    "R4 CKAN, from nothing": lambda folder: r4(folder, ckan_scene, known=False),
    "R4 OAI-PMH, known": lambda folder: r4(folder, oai_scene, known=True),
    "R4 OAI-PMH, from nothing": lambda folder: r4(folder, oai_scene, known=False),
    "R4 OAI-PMH in windows, known": lambda folder: r4(folder, partial(oai_scene, windows=8), known=True),
    "R4 OAI-PMH in windows, from nothing": lambda folder: r4(folder, partial(oai_scene, windows=8), known=False),
    "R5 brake": r5,
    "R3 broken off by partner": r3,
    "R11 partner down": r11,
}


def main() -> int:
    """Run all drills, or those named by a part of their name; returns the number of failures."""
    failed = 0
    for name, drill in DRILLS.items():
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="drill-") as folder:
            failed += report(name, *drill(Path(folder)))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
