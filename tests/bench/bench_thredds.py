"""Reading THREDDS catalogues: times against Siphon on the same bytes in one run, and what each of them finds.

The recorded catalogues are looked for in IAOS_TEST_DATA; a large one is made on the spot.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from siphon import catalog as siphon_catalog

from builder.invcatalog import read_catalog, single

REPOSITORY = Path(__file__).resolve().parents[2]
URL = "http://thredds.example.org/thredds/catalog.xml"
ROUNDS = 15


class Answer:
    def __init__(self, content):
        self.content, self.text, self.url, self.status_code = content, content.decode(), URL, 200
        self.headers = {"content-type": "application/xml"}

    def raise_for_status(self):
        """It always went well."""


class Session:
    """Stands where Siphon opens its HTTP session, so that only parsing is measured."""

    def __init__(self, content):
        self._content = content

    def get(self, _):
        return Answer(self._content)

    def close(self):
        """Nothing is open."""


def by_siphon(content):
    siphon_catalog.session_manager.create_session = lambda: Session(content)
    found = siphon_catalog.TDSCatalog(URL)
    return len(found.datasets), len(found.catalog_refs)


def shown(found):
    return f"{found[0]}+{found[1]}"


def by_iaos(content):
    found = read_catalog(content, URL)
    return len(found.datasets), len(found.refs)


def records(content):
    found = read_catalog(content, URL)
    return [single(dataset, found) for dataset in found.datasets]


def timed(work, content):
    spans = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work(content)
        spans.append(time.perf_counter() - start)
    return 1000 * median(spans)


def large(number=5000):
    """Make a folder of a TDS with many files."""
    services = '<service name="all" serviceType="Compound" base=""><service name="odap" serviceType="OPENDAP" '
    services += 'base="/thredds/dodsC/"/><service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/>'
    services += "</service>"
    files = "".join(
        f'<dataset name="f{i}.nc" ID="a/f{i}.nc" urlPath="a/f{i}.nc"><dataSize units="Mbytes">1.5</dataSize>'
        f'<date type="modified">2020-01-01T00:00:00Z</date></dataset>'
        for i in range(number)
    )
    inside = f'<metadata inherited="true"><serviceName>all</serviceName></metadata>{files}'
    namespace = "http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0"
    return (
        f'<catalog xmlns="{namespace}" version="1.2">{services}<dataset name="a">{inside}</dataset></catalog>'.encode()
    )


def cases():
    folder = Path(os.environ.get("IAOS_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "harvest" / "thredds"
    for path in sorted(folder.rglob("*.xml")):
        content = path.read_bytes()
        if b"catalog" in content[:600] and len(content) > 4000:
            yield str(path.relative_to(folder)), content
    yield "5,000 files, made", large()


def main() -> None:
    warnings.simplefilter("ignore")
    print(f"{'catalogue':62} {'found by':>9} {'Siphon':>9} {'Siphon':>8} {'iaos':>8} {'Siphon/':>8} {'records':>8}")
    print(f"{'':62} {'iaos':>9} {'':>9} {'ms':>8} {'ms':>8} {'iaos':>8} {'ms':>8}")
    ratios = []
    for name, content in cases():
        own = by_iaos(content)
        ours, made = timed(by_iaos, content), timed(records, content)
        try:
            theirs, others = by_siphon(content), timed(by_siphon, content)
        except Exception as trouble:
            what = f"{shown(own):>9} {type(trouble).__name__:>9}"
            print(f"{name[-62:]:62} {what} {'':8} {ours:8.2f} {'':8} {made:8.2f}")
            continue
        ratios.append(others / ours)
        both = f"{shown(own):>9} {shown(theirs):>9}"
        print(f"{name[-62:]:62} {both} {others:8.2f} {ours:8.2f} {ratios[-1]:8.1f} {made:8.2f}")
    print(
        f"Siphon takes {median(ratios):.1f} times as long (median of {len(ratios)}; datasets + references are counted)"
    )


if __name__ == "__main__":
    main()
