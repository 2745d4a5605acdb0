"""Asks whether what the catalogue leads to is still there, politely and within a budget, and keeps the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder import clock
from builder.checks.addresses import Address, Kind, collect
from builder.checks.linkreport import LinkReport
from builder.checks.links import Answer, Link, Verdict, after, of_status, recall, remember
from builder.errors import FetchError
from builder.memory.state import open_state
from builder.sources.http import HttpGate, origin_of
from builder.sources.limits import Limits

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.progress import Advance

LIMITS = Limits(read_s=20.0, response_s=30.0, tries=2, retry_after_s=10.0)
DELAY_S = 0.5
"""Least time between two requests to a host that no definition knows, seconds."""

MOST = 2000
"""Most addresses per run."""

HOSTS_AT_ONCE = 8
PATIENCE = 3
"""A host that gives so many bad answers in a row is left alone for the rest of the run."""

ALONE = 3
"""Where so many hosts were asked and none answered, it is this machine that has no network."""

_START = 2**16
_MARKS = {
    Kind.WMS: (b"WMS_Capabilities", b"WMT_MS_Capabilities"),
    Kind.OPENDAP: (b"Dataset {", b"Dataset{"),
    Kind.OAI: (b"<OAI-PMH", b":OAI-PMH"),
    Kind.CKAN: (b'"success": true', b'"success":true'),
}
"""What a service says within its first 64 KiB if it works."""


@dataclass(frozen=True)
class Rules:
    """How hosts are asked: the private addresses that definitions list, the pauses they want, and limits."""

    listed: tuple[str, ...] = ()
    delays: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = LIMITS


def check_links(
    definitions: Iterable[CollectionDefinition],
    out: Path,
    state: Path,
    advance: Advance,
    *,
    most: int = MOST,
    limits: Limits = LIMITS,
) -> LinkReport:
    """Ask for the addresses that were not asked for the longest time, and remember the answers.

    Args:
        definitions: Those of the catalogue.
        out: Folder of the catalogue.
        state: Folder of what is remembered between runs.
        advance: Called once per address.
        most: How many addresses to ask.
        limits: Bounds on each request.

    Raises:
        UsageError: There is no catalogue, the memory is damaged, or another run holds the state.
    """
    defined = list(definitions)
    addresses = collect(out, defined)
    day = clock.now().date().isoformat()
    with open_state(state) as memory:
        links = _known(addresses, recall(memory))
        chosen = choose(addresses, links, most)
        answers = ask_all([addresses[key] for key in chosen], _rules(defined, limits), advance)
        offline = _offline(answers)
        if not offline:
            links |= {key: after(links[key], answer, day) for key, answer in answers.items()}
        remember(memory, links.values())
        memory.commit()
    return LinkReport(day, tuple(links.values()), len(answers), len(chosen) - len(answers), offline)


def choose(addresses: Mapping[str, Address], links: Mapping[str, Link], most: int) -> list[str]:
    """Return the keys to ask for: sources, then missed addresses (at most half), then the oldest first."""
    order = sorted(addresses, key=lambda key: (links[key].asked, key))
    sources = [key for key in order if addresses[key].source]
    missed = [key for key in order if links[key].strikes][: most // 2]
    return list(dict.fromkeys([*sources, *missed, *order]))[:most]


def ask(gate: HttpGate, address: Address) -> Answer:
    """Ask for one address: a service for what it must say, anything else for no more than a byte."""
    try:
        marks = _MARKS.get(address.kind)
        if marks is None:
            return _there(gate, address.url)
        start = gate.glance(address.url, most=_START).body
    except FetchError as trouble:
        if trouble.status is not None:
            return of_status(trouble.status)
        return Answer(Verdict.MISSED if trouble.unreachable else Verdict.UNKNOWN, trouble.message)
    if any(mark in start for mark in marks):
        return Answer(Verdict.OK, status=200)
    return Answer(Verdict.MISSED, f"answers, but not as {address.kind}", 200)


def _there(gate: HttpGate, url: str) -> Answer:
    """Ask with HEAD; what is refused or not answered is asked again for its first byte."""
    try:
        gate.glance(url, method="HEAD")
    except FetchError as refused:
        if refused.status == 429 or refused.unreachable:
            raise
        gate.glance(url, headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"})
    return Answer(Verdict.OK, status=200)


def _known(addresses: Mapping[str, Address], memory: Mapping[str, Link]) -> dict[str, Link]:
    """Join the catalogue of today with the memory; addresses that nothing leads to any more are forgotten."""
    return {
        key: replace(memory.get(key) or Link(key, {}), places=dict(sorted(address.places.items())))
        for key, address in addresses.items()
    }


def _rules(definitions: Iterable[CollectionDefinition], limits: Limits) -> Rules:
    listed: list[str] = []
    delays: dict[str, float] = {}
    for definition in definitions:
        source = definition.source
        own = origin_of(getattr(source, "url", None) or "")
        for host in filter(None, (own, *source.fetch_hosts)):
            name = host.removeprefix("https://").removeprefix("http://")
            listed.append(name)
            delays[name] = max(source.delay_s, delays.get(name, 0.0))
    return Rules(tuple(listed), delays, limits)


def ask_all(addresses: Iterable[Address], rules: Rules, advance: Advance) -> dict[str, Answer]:
    """Ask several hosts side by side, each one address after the other; gives answers by key."""
    by_host: dict[str, list[Address]] = {}
    for address in addresses:
        by_host.setdefault(_host(address.url), []).append(address)
    answers: dict[str, Answer] = {}
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        for some in pool.map(lambda host: list(_ask_host(host, by_host[host], rules, advance)), by_host):
            answers.update(some)
    return answers


def _ask_host(host: str, addresses: Iterable[Address], rules: Rules, advance: Advance) -> Iterator[tuple[str, Answer]]:
    bad = 0
    with HttpGate(rules.listed, rules.delays.get(host, DELAY_S), rules.limits, anywhere=True) as gate:
        for address in addresses:
            answer = ask(gate, address)
            advance("links")
            yield address.key, answer
            bad = bad + 1 if answer.refusing else 0
            if bad == PATIENCE:
                return


def _offline(answers: Mapping[str, Answer]) -> bool:
    hosts = {_host(key) for key in answers}
    return len(hosts) >= ALONE and all(answer.status is None for answer in answers.values())


def _host(url: str) -> str:
    """Return the host of an address; empty where it has none that can be asked, which the gate then says."""
    try:
        return origin_of(url)
    except ValueError:
        return ""
