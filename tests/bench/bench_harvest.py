"""Ten thousand invented records from a partner who answers 100 ms late: sickle and ckanapi beside our harvest.

All read the same records from one server in a process of its own (`tests/servers/distant.py`), where opening a
connection takes the same 100 ms as each answer. Wall and CPU seconds, requests and peak memory of the reading process:

- the peers, which keep nothing: `sickle.ListRecords`, which opens a connection for each page, and the same with one
  connection kept open; ckanapi's `package_search` with 100 rows over one connection, and with as many as we ask for;
- ours, *read*: the adapter behind the HTTP gate, whose records are dropped as the peers drop theirs: like with like;
- ours, a *night*: `iaos harvest` into a state folder, where each new record is read with its crosswalk and kept in a
  file, and so is each answer in case the night is interrupted;
- the night after, when 1 % of the records have changed, as a share of the first.

Goals: 0.1 times sickle, 0.2 times ckanapi with 100 rows, 2 % for a change of 1 %. What stands in the way:

- An OAI-PMH provider decides how many records a page has (100 here), and each page names the next: pages come one after
  another. As it is we save the connections, not the requests, and wait `delay_s` (0.2 s) from one to the next, so that
  we take about as long as sickle. With `delay_s: 0`, for partners who agree to it, it is little more than half, as for
  anybody who keeps one connection.
- For partners who agree to more, `windows` asks for 8 or 16 windows of datestamps at once. 100 pages in 8 windows would
  be 13 rounds of 0.1 s; what comes on top are half-filled pages, Identify, the beginning of the list, and what changed
  at the end, one after the other. How evenly records lie in time decides how many windows must be cut again: rows are
  for records spread over the first ten of the years since the earliest datestamp, and for half of them stamped in one
  week (*moved*).
- For CKAN the gain is the size of the page, as the row of ckanapi with our rows shows; nothing is asked side by side.
  It is 500, and 1000 where the definition says so, the most that CKAN gives.
- The next page is fetched while the records of this one are understood. Most of a first night is not waiting: a new
  record takes half a millisecond of a processor to be understood and, where the file system is slow to make files,
  twice as much to become one.
- The night after costs two requests and a look at each line of the ledger, whatever has changed.

`--records N` sets the size (default 10,000; `--quick`: 1,000), `--memory N` that of the last rows, which ask without
latency and delay how memory grows (default 100,000; 0 for none; with `--quick` none).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests
import sickle.app
from ckanapi import RemoteCKAN

from builder.definitions.load import load
from builder.harvest import open_source
from builder.sources.limits import Limits
from builder.sources.protocol import Record
from tests.harvesting import define, report_of, run
from tests.servers.distant import distant

LATENCY_S = 0.1
KINDS = ("oai", "ckan")
AGREED = {f"{number} windows, delay_s 0": {"delay_s": 0, "windows": number} for number in (8, 16)}
GOALS = {"oai": ("sickle", 0.1), "ckan": ("ckanapi, 100 rows", 0.2)}
CHANGED = 100
"""Every hundredth record changes."""


def by_sickle(url: str) -> int:
    return sum(1 for _ in sickle.app.Sickle(f"{url}/oai").ListRecords(metadataPrefix="oai_dc"))


def by_sickle_connected(url: str) -> int:
    sickle.app.requests = requests.Session()
    return by_sickle(url)


def by_ckanapi(url: str, rows: int) -> int:
    got = 0
    with requests.Session() as session:
        portal = RemoteCKAN(url, get_only=True, session=session)
        while True:
            page = portal.action.package_search(sort="id asc", rows=rows, start=got)
            got += len(page["results"])
            if not page["results"] or got >= page["count"]:
                return got


def read(folder: Path) -> int:
    """Read a source to its end and keep nothing."""
    definition = load(folder / "collections" / "c.yaml")
    with open_source(definition, folder / "collections", Limits()) as source:
        return sum(isinstance(got, Record) for got in source.scan())


def night(folder: Path) -> int:
    done = report_of(run(folder, limits=Limits()), "c")
    assert not done.findings, done.findings
    return done.counts["new"] + done.counts["changed"]


PEERS: dict[str, dict[str, Callable[[str], int]]] = {
    "oai": {"sickle": by_sickle, "sickle, one connection": by_sickle_connected},
    "ckan": {
        "ckanapi, 100 rows": lambda url: by_ckanapi(url, 100),
        "ckanapi, 500 rows": lambda url: by_ckanapi(url, 500),
    },
}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "oai": {
        "as it is": {},
        "delay_s 0": {"delay_s": 0},
        **AGREED,
    },
    "ckan": {"as it is": {}, "delay_s 0": {"delay_s": 0}, "delay_s 0, 1000 rows": {"delay_s": 0, "page_size": 1000}},
}


def child(what: str, place: str) -> None:
    """Do one thing in this process and print what it took."""
    works = {"read": lambda: read(Path(place)), "night": lambda: night(Path(place))}
    works |= {name: lambda peer=peer: peer(place) for peers in PEERS.values() for name, peer in peers.items()}
    before, start = time.process_time(), time.perf_counter()
    records = works[what]()
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"records": records, "s": took, "cpu": time.process_time() - before, "mb": peak}))


def measured(what: str, place: Path | str, url: str) -> dict[str, float]:
    """Do one thing in a process of its own, and count what it asks for."""
    said(url)
    words = [sys.executable, __file__, "--child", what, str(place)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return {**found, "requests": said(url)}


def said(url: str) -> int:
    """Return how many requests were answered since this was last asked."""
    with urlopen(f"{url}/counts") as answer:
        return int(answer.read().split()[0])


@contextmanager
def defined(kind: str, url: str, settings: dict[str, Any]) -> Iterator[Path]:
    """Make a folder with the definition of one collection, whose settings are the defaults but for some."""
    ours = {"type": "ckan", "url": url} if kind == "ckan" else {"type": "oai-pmh", "url": f"{url}/oai"}
    source = ours if kind == "ckan" else {**ours, "metadataPrefix": "oai_dc"}
    with tempfile.TemporaryDirectory() as name:
        define(Path(name) / "collections", "c", {"delay_s": 0.2, **source, **settings})
        yield Path(name)


def show(name: str, found: dict[str, float], peer: float | None = None) -> None:
    ratio = f"{found['s'] / peer:>9.2f}" if peer else ""
    print(
        f"{name:36} {found['records']:>8,} {found['requests']:>8} {found['s']:>8.2f} {found['cpu']:>8.2f}"
        f" {found['mb']:>8.0f} {ratio}",
        flush=True,
    )


def compared(kind: str, records: int) -> None:
    peer, goal = GOALS[kind]
    print(f"\n{kind:36} {'records':>8} {'requests':>8} {'s':>8} {'CPU s':>8} {'peak MB':>8}  of {peer}, goal {goal}")
    with distant(records, latency_s=LATENCY_S) as url:
        peers = {name: measured(name, url, url) for name in PEERS[kind]}
        for name, found in peers.items():
            assert found["records"] == records, (name, found)
            show(name, found, peers[peer]["s"])
        for name, settings in SETTINGS[kind].items():
            with defined(kind, url, settings) as folder:
                show(f"ours, read, {name}", measured("read", folder, url), peers[peer]["s"])
    if kind == "oai":
        with distant(records, latency_s=LATENCY_S, moved=True) as url:
            for name, settings in AGREED.items():
                with defined(kind, url, settings) as folder:
                    show(f"ours, {name}, moved", measured("read", folder, url), peers[peer]["s"])
    for name, settings in SETTINGS[kind].items():
        nights(kind, name, settings, records, peers[peer]["s"])


def nights(kind: str, name: str, settings: dict[str, Any], records: int, peer: float) -> None:
    """Measure a first night and the one after 1 % has changed, at a partner of their own."""
    with distant(records, latency_s=LATENCY_S) as url, defined(kind, url, settings) as folder:
        first = measured("night", folder, url)
        assert first["records"] == records, first
        show(f"ours, night, {name}", first, peer)
        with urlopen(f"{url}/change?every={CHANGED}"):
            second = measured("night", folder, url)
        show("ours, the night after", second)
        shares = (second["s"] / first["s"], second["requests"] / first["requests"])
        print(f"{'':36} 1 % changed: {shares[0]:.1%} of the seconds, {shares[1]:.1%} of the requests, goal 2 %")


def memory(records: int) -> None:
    print(f"\n{'memory, no latency, delay_s 0':36} {'records':>8} {'requests':>8} {'s':>8} {'CPU s':>8} {'peak MB':>8}")
    for kind in KINDS:
        for count in (100, records // 10, records):
            with distant(count, latency_s=0) as url, defined(kind, url, {"delay_s": 0}) as folder:
                show(f"{kind}, night", measured("night", folder, url))
                show(f"{kind}, changes only, unchanged", measured("night", folder, url))
                with urlopen(f"{url}/change?every={CHANGED}"):
                    show(f"{kind}, changes only, 1 % changed", measured("night", folder, url))
                (folder / "state/c/harvest.json").unlink()
                show(f"{kind}, the whole list, unchanged", measured("night", folder, url))


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    sizes = {"--records": 1_000 if quick else 10_000, "--memory": 0 if quick else 100_000}
    for name in sizes.keys() & set(arguments):
        sizes[name] = int(arguments[arguments.index(name) + 1])
    for kind in KINDS:
        compared(kind, sizes["--records"])
    if sizes["--memory"]:
        memory(sizes["--memory"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(sys.argv[1:])
