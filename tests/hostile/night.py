"""Two nights with all recorded hostile cases at once: the partners answer well in the first, and lie in the second.

Every case is a collection of one catalogue, so that each also shows that it harms none of the others.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.servers.local import Answer, LocalServer, Request

OAI, THREDDS, CKAN = "oai", "thredds", "ckan"
SERVED = (OAI, THREDDS, CKAN)
CONTROL = "control"
"""A collection without anything hostile; it must be whole whatever the others do."""
SECONDS = 600
"""More than a build on a busy machine needs; a build that hangs fails by it."""

OPTIONS = ("--base-url", "https://catalogue.example")
"""Without an address of its own, a catalogue has no references to the files it copies."""

_RECORD = """<record><header><identifier>oai:good:{n}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp></header>
<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Good record {n}</dc:title><dc:date>2020-01-01</dc:date>
<dc:identifier>https://doi.org/10.1594/PANGAEA.1</dc:identifier>
<dc:coverage>LATITUDE: 78.5 * LONGITUDE: 10.0</dc:coverage></oai_dc:dc></metadata></record>"""
_LIST = """<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-01-01T00:00:00Z</responseDate><request verb="ListRecords">x</request>
<ListRecords>{}</ListRecords></OAI-PMH>"""
_IDENTIFY = """<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-01-01T00:00:00Z</responseDate><request verb="Identify">x</request>
<Identify><repositoryName>Good</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>
<adminEmail>a@b.example</adminEmail><earliestDatestamp>2000-01-01</earliestDatestamp>
<deletedRecord>persistent</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify></OAI-PMH>"""
_CATALOG = """<catalog xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0">
<service name="all" serviceType="HTTPServer" base="/thredds/fileServer/"/>
<dataset name="r"><dataset name="good.nc" ID="good" urlPath="good.nc" serviceName="all"/></dataset></catalog>"""


@dataclass(frozen=True)
class Ran:
    """One run of the command: exit status (negative: a signal), all it said, seconds, and its largest process in MB."""

    status: int
    said: str
    seconds: float
    rss_mb: float


@dataclass
class Work:
    """A folder with definitions, state and catalogue, in which the command is run."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog"

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / ".iaos" / "report.json").read_bytes())

    def define(self, identifier: str, source: dict[str, Any], **more: Any) -> None:
        """Write a definition; JSON is YAML."""
        written = {
            "id": identifier,
            "title": f"Case {identifier}",
            "description": "A partner that lies.",
            "license": "CC-BY-4.0",
            "partner": {"id": "hostile", "name": "Hostile Institute"},
            "source": {**source, "delay_s": 0},
            **more,
        }
        target = self.folder / "collections" / f"{identifier}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(written, indent=1))

    def iaos(self, *words: str) -> Ran:
        """Run the command in this folder and wait for its end."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, "TMPDIR": str(temporary), **self.environ}
        began, said = time.monotonic(), self.folder / "said.txt"
        with said.open("w") as out:
            command = [sys.executable, "-P", "-m", "builder", *words]
            child = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out, env=environ)
            status, usage = _wait(child, began + SECONDS)
        return Ran(status, said.read_text("utf-8", "replace"), time.monotonic() - began, usage / 1024)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def _peak(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _wait(child: subprocess.Popen[bytes], deadline: float) -> tuple[int, int]:
    """Wait for a child; kilobytes are the largest VmHWM of it or a child of its own (ru_maxrss would hold our own)."""
    peak = 0
    while time.monotonic() < deadline:
        if child.poll() is not None:
            return child.returncode, peak
        below = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        peak = max(peak, _peak(child.pid), *(_peak(int(pid)) for pid in _text(below).split()))
        time.sleep(0.05)
    child.kill()
    child.wait()
    raise AssertionError(f"still running after {SECONDS} s")


@dataclass
class Nights:
    """What came of both nights."""

    cases: dict[str, dict[str, Any]]
    data: Path
    work: Work
    good: Ran
    bad: Ran
    before: dict[str, set[str]]
    logs: dict[str, dict[str, list[str]]]

    @cached_property
    def reports(self) -> dict[str, dict[str, Any]]:
        """Collection → its part of the second night's report."""
        return {one["id"]: one for one in self.work.report["collections"]}

    @cached_property
    def stac(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Collection → path → STAC object made of a record."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for case in [*self.cases, CONTROL]:
            found[case] = {path.as_posix(): json.loads(path.read_bytes()) for path in self.objects(case)}
        return found

    def objects(self, case: str) -> Iterator[Path]:
        folder = self.work.catalog / "hostile" / case
        own = {"collection.json", "datapackage.json", "references.json"}
        yield from sorted(path for path in folder.glob("*.json") if path.name not in own and path.is_file())
        yield from sorted(folder.glob("*/collection.json"))

    def written(self) -> Iterator[Path]:
        """Yield every file of output, state and cache; what a partner's file is kept as, byte for byte, is input."""
        for folder in ("catalog", ".iaos", "tmp"):
            yield from (path for path in (self.work.folder / folder).rglob("*") if path.is_file())

    def titles(self, case: str) -> dict[str, str]:
        """Original identifier → title of what was made of it."""
        return {identifier_of(stac): title_of(stac) for stac in self.stac[case].values()}


def identifier_of(stac: dict[str, Any]) -> str:
    return (stac.get("properties") or stac)["iaos:source"]["identifier"]


def title_of(stac: dict[str, Any]) -> str:
    return (stac.get("properties") or stac)["title"]


@contextmanager
def serving(case_dir: Path) -> Iterator[str]:
    """Serve a case with the recorded server, on a pair of free ports; yield its address."""
    port = _pair()
    script = case_dir.parent / "serve.py"
    server = subprocess.Popen([sys.executable, str(script), str(case_dir), str(port)])
    try:
        url = f"http://127.0.0.1:{port}"
        _until_it_listens(port)
        yield url
    finally:
        server.kill()
        server.wait()


def log_of(url: str) -> dict[str, list[str]]:
    with urllib.request.urlopen(f"{url}/__log") as answer:
        return json.load(answer)


def _pair() -> int:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(21000 + worker % 10 * 1000, 32000, 2):  # workers side by side must not take each other's
        if port not in _GIVEN and all(_is_free(number) for number in (port, port + 1)):
            _GIVEN.add(port)
            return port
    raise AssertionError("no two neighbouring ports are free")


_GIVEN: set[int] = set()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _until_it_listens(port: int) -> None:
    for _ in range(400):
        if not _is_free(port) and not _is_free(port + 1):
            return
        time.sleep(0.025)
    raise AssertionError("the recorded server does not start")


def good_partner(request: Request) -> Answer:
    """Answer as a well-behaved OAI-PMH provider, THREDDS server and CKAN site with two good records."""
    if request.path == "/oai":
        records = "".join(_RECORD.format(n=n) for n in (1, 2))
        text = _IDENTIFY if request.args["verb"] == "Identify" else _LIST.format(records)
        return Answer(200, {"Content-Type": "text/xml"}, text.encode())
    if request.path == "/thredds/catalog.xml":
        return Answer(200, {"Content-Type": "application/xml"}, _CATALOG.encode())
    if request.path.endswith("/package_search"):
        found = [_package(n) for n in (1, 2)]
        body = {"help": "", "success": True, "result": {"count": 2, "results": found}}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    return Answer(404)


def _package(number: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-00000000000{number}",
        "name": f"good-{number}",
        "title": f"Good {number}",
        "private": False,
        "state": "active",
        "type": "dataset",
        "metadata_modified": "2020-01-01T00:00:00.000000",
        "extras": [{"key": "spatial", "value": '{"type":"Point","coordinates":[10,78]}'}],
        "resources": [],
    }


def source_at(adapter: str, url: str) -> dict[str, Any]:
    """Return the source block of a definition."""
    return {
        OAI: {"type": "oai-pmh", "url": f"{url}/oai", "metadataPrefix": "oai_dc"},
        THREDDS: {"type": "thredds", "url": f"{url}/thredds/catalog.xml"},
        CKAN: {"type": "ckan", "url": url, "page_size": 100},
    }[adapter]


def good_files(folder: Path) -> None:
    """Write a small NetCDF-4 file and a small GeoTIFF that are in order."""
    import netCDF4
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    folder.mkdir(parents=True, exist_ok=True)
    with netCDF4.Dataset(folder / "good.nc", "w") as file:
        file.title, file.Conventions = "Good grid", "CF-1.8"
        for name, units, values in (
            ("time", "days since 2020-01-01", [0.0]),
            ("lat", "degrees_north", [78.0, 79.0]),
            ("lon", "degrees_east", [10.0, 11.0, 12.0]),
        ):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable.units, variable.standard_name = units, {"lat": "latitude", "lon": "longitude"}.get(name, name)
            variable[:] = values
        file.createVariable("sst", "f4", ("time", "lat", "lon"))[:] = np.zeros((1, 2, 3))
    shape = {"height": 8, "width": 8, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(folder / "good.tif", "w", "GTiff", transform=from_origin(10, 79, 0.1, 0.1), **shape) as file:
        file.write(np.ones((1, 8, 8), "u1"))


def two_nights(data: Path, folder: Path) -> Nights:
    """Build twice: every partner good, then every partner as its case says."""
    cases = {case["id"]: case for case in json.loads((data / "cases.json").read_bytes())["cases"]}
    cases = {name: case for name, case in cases.items() if case["adapter"] != "definition"}
    work, served = Work(folder), [case for case in cases.values() if case["adapter"] in SERVED]
    subprocess.run([sys.executable, str(data / "make_canary.py")], check=True)
    with LocalServer(good_partner) as partner:
        for case in served:
            work.define(case["id"], source_at(case["adapter"], partner.url))
        work.define(CONTROL, source_at(CKAN, partner.url))
        good_files(folder / "good")
        for case in cases.values():
            if case not in served:
                (folder / "collections" / case["id"]).mkdir()
                kind = "tif" if case["adapter"] == "raster" else "nc"
                shutil.copy(folder / "good" / f"good.{kind}", folder / "collections" / case["id"])
                work.define(case["id"], {"type": "files", "path": case["id"]})
        good = work.iaos("build", *OPTIONS, "--file-timeout", "20")
        before = {case: {p.as_posix() for p in (folder / "catalog/hostile" / case).rglob("*.json")} for case in cases}
        with ExitStack() as stack:
            urls = {case["id"]: stack.enter_context(serving(data / case["id"])) for case in served}
            for case in cases.values():
                if case["adapter"] in SERVED:
                    work.define(case["id"], source_at(case["adapter"], urls[case["id"]]))
                else:
                    for name in case["files"]:
                        shutil.copy(data / case["id"] / name, folder / "collections" / case["id"] / name)
            bad = work.iaos("build", *OPTIONS, "--file-timeout", "4")
            logs = {case: log_of(url) for case, url in urls.items()}
    return Nights(cases, data, work, good, bad, before, logs)
