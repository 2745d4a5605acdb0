"""Crawls of recorded multi-level servers, and of catalogues that mean harm."""

from __future__ import annotations

import json

import pytest

from builder.definitions.model import ThreddsSource
from builder.errors import SourceError
from builder.findings import Finding
from builder.invcatalog import read_catalog
from builder.sources.http import HttpGate, Limits
from builder.sources.thredds import ThreddsCrawler, canonical, catalog_address
from tests.servers.local import Answer, LocalServer

XML = {"Content-Type": "application/xml"}
NAMESPACE = (
    'xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
ALL = """<service name="all" serviceType="Compound" base=""><service name="odap" serviceType="OPENDAP"
  base="/thredds/dodsC/"/><service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/></service>"""


def catalog(*inside):
    return f'<catalog {NAMESPACE} name="c">{ALL}<dataset name="r">{"".join(inside)}</dataset></catalog>'.encode()


def ref(href, title="t"):
    return f'<catalogRef xlink:href="{href}" xlink:title="{title}" name=""/>'


def data(path, name="d.nc"):
    return f'<dataset name="{name}" urlPath="{path}" serviceName="all"/>'


def server_of(pages):
    """Serve answers or bodies by path and query."""

    def handle(request):
        found = pages.get(request.target, Answer(404))
        return found if isinstance(found, Answer) else Answer(200, XML, found)

    return LocalServer(handle)


def crawl(server, path, *, hosts=(), **selection):
    source = ThreddsSource(type="thredds", url=server.url + path, delay_s=0, **selection)
    with HttpGate([server.host, *hosts], delay_s=0, limits=Limits(tries=2, backoff_s=0.001)) as gate:
        crawler = ThreddsCrawler(source, gate)
        got = list(crawler.scan())
    return crawler, [r for r in got if not isinstance(r, Finding)], [f for f in got if isinstance(f, Finding)]


def test_a_recorded_server_of_four_levels(shared_data):
    folder = shared_data / "harvest"
    index = json.loads((folder / "http-index.json").read_bytes())
    pages = {
        entry["url"].split(":8080", 1)[-1].split("localhost", 1)[-1]: (folder / name).read_bytes()
        for name, entry in index.items()
        if "ewatercycle" in name
    }
    assert len(pages) == 6
    with server_of(pages) as server:
        crawler, records, findings = crawl(server, "/thredds/catalog.html")
        assert findings == []
        assert crawler.complete
        # PROVENANCE.md: datasets 0 + 2 + 0 + 0 + 2 + 3, refs 1 + 2 + 1 + 1 + 0 + 0
        assert {k: v for k, v in crawler.counts.items() if v} == {
            "catalogues": 6, "datasets": 7, "opendap": 7, "refs": 5, "containers": 5,
        }  # fmt: skip
        assert sorted(server.targets) == sorted(pages)
        assert records[0].identifier == "ewc/dischargeEnsStdOut.nc"
        assert records[0].datestamp == "2018-05-01T11:58:19Z"
        assert records[0].url == f"{server.url}/thredds/catalog/ewc/catalog.html?dataset=ewc/dischargeEnsStdOut.nc"
        (dataset,) = read_catalog(records[0].body, records[0].url).datasets
        assert f"{server.url}/thredds/fileServer/ewc/dischargeEnsStdOut.nc" in dataset.urls
        again = crawl(server, "/thredds/catalog.xml")
        assert again[1] == records
        assert len({record.identifier for record in records}) == 7
        only, few, _ = crawl(server, "/thredds/catalog.xml", include=("ewc/discharge*",))
        assert ({r.identifier for r in few}, only.counts["excluded"]) == (
            {"ewc/dischargeEns.nc", "ewc/dischargeEnsStdOut.nc"}, 5,
        )  # fmt: skip
        shallow, some, said = crawl(server, "/thredds/catalog.xml", depth=1)
        assert (len(some), [f.code for f in said], shallow.complete) == (2, ["thredds.depth"], True)
        less, _, _ = crawl(server, "/thredds/catalog.xml", exclude=("*/work01/catalog.xml",))
        assert less.counts["catalogues"] == 3


def test_references_back_and_one_dataset_listed_four_times(shared_data):
    folder = shared_data / "harvest" / "thredds" / "terriajs-nested"
    pages = {f"/thredds/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*.xml")}
    with server_of(pages) as server:
        crawler, records, findings = crawl(server, "/thredds/catalog.xml")
        assert (crawler.counts["catalogues"], crawler.counts["datasets"], crawler.counts["duplicates"]) == (4, 4, 3)
        assert [r.identifier for r in records] == ["fx3/gbr4/gbr4_simple_2016-06.nc"]
        # PROVENANCE.md: undefined_service 1 in three of the four, each with one top-level service
        assert [f.code for f in findings] == ["thredds.no-service"] * 3
        assert crawler.complete


@pytest.mark.parametrize(
    ("host", "start", "refs"),
    [
        ("thredds.ucar.edu", "/thredds/catalog.xml", 64),
        ("thredds-test.unidata.ucar.edu", "/thredds/catalog.xml", 69),
    ],
)
def test_two_levels_of_unidata_and_one_line_for_each_missing_catalogue(shared_data, host, start, refs):
    folder = shared_data / "harvest" / "thredds" / host
    pages = {
        f"/thredds/{name}": (folder / name).read_bytes()
        for name in ("catalog.xml", "catalog/catalog.xml", "idd/forecastModels.xml", "catalog/idd/forecastModels.xml")
        if (folder / name).is_file()
    }
    if host.startswith("thredds-test"):
        pages[start] = Answer(302, {"Location": "/thredds/catalog/catalog.xml"})
    with server_of(pages) as server:
        crawler, records, findings = crawl(server, start)
        assert (crawler.counts["catalogues"], crawler.counts["refs"]) == (2, refs)
        assert records == []
        assert not crawler.complete
        assert {f.code for f in findings} <= {"thredds.catalogue", "thredds.blocked-url"}
        lost = [f for f in findings if f.code == "thredds.catalogue"]
        followed = {
            target for target in server.targets if target not in pages and target != "/thredds/catalog/catalog.xml"
        }
        assert {f.where.removeprefix(server.url) for f in lost} == followed
        assert len(lost) == len(followed) > 50


def test_what_goes_wrong_below_the_root_costs_only_itself():
    pages = {
        "/thredds/catalog.xml": catalog(
            data("a.nc"), ref("gone.xml"), ref("ill.xml"), ref("page.xml"), ref("cut.xml"), ref("empty.xml"),
            ref("meta.xml"), ref("b/catalog.xml", "x"), ref("b/catalog.html", "x"), ref("c.xml", "x"),
        ),
        "/thredds/ill.xml": Answer(500, {}, b"no"),
        "/thredds/page.xml": Answer(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><p>Away<br></html>"),
        "/thredds/cut.xml": catalog(data("lost.nc"))[:-30],
        "/thredds/empty.xml": b"",
        "/thredds/meta.xml": b"<metadata/>",
        "/thredds/b/catalog.xml": catalog(data("b.nc"), data("a.nc")),
        "/thredds/c.xml": Answer(301, {"Location": "/thredds/b/catalog.xml"}),
    }  # fmt: skip
    with server_of(pages) as server:
        crawler, records, findings = crawl(server, "/thredds/catalog.xml")
        assert [r.identifier for r in records] == ["a.nc", "b.nc"]
        assert [f.where.removeprefix(f"{server.url}/thredds/") for f in findings] == [
            "gone.xml", "ill.xml", "page.xml", "cut.xml", "empty.xml", "meta.xml",
        ]  # fmt: skip
        assert {f.code for f in findings} == {"thredds.catalogue"}
        assert not crawler.complete
        assert crawler.counts["duplicates"] == 1
        assert server.targets.count("/thredds/cut.xml") == 2
        assert server.targets.count("/thredds/page.xml") == 2  # may be a server that is busy
        assert server.targets.count("/thredds/meta.xml") == 1


@pytest.mark.parametrize(
    "root", [b"", b"<html><body>Maintenance</body></html>", b"<netcdf/>", b"<catalog>", Answer(404)]
)
def test_a_root_that_cannot_be_read_fails_the_source(root):
    with server_of({"/catalog.xml": root}) as server, pytest.raises(SourceError):
        crawl(server, "/catalog.xml")


def test_a_resolver_is_never_asked(shared_data):
    body = (shared_data / "harvest/thredds/unidata-unit/testInvDsScan.addLatest.result.xml").read_bytes()
    with server_of({"/thredds/catalog.xml": body}) as server:
        crawler, records, _ = crawl(server, "/thredds/catalog.xml")
        assert (crawler.counts["latest"], len(records)) == (1, 4)
        assert not [target for target in server.targets if "latest" in target]
        assert records[0].identifier == "testData/eta_211/2004050412_eta_211.nc"


@pytest.mark.parametrize("name", ["InvCatalog-1.0.xml", "nestedServices.xml", "BadService.xml", "InvRef.xml"])
def test_one_catalogue_gives_one_record_for_each_accessible_dataset(shared_data, name):
    body = (shared_data / "harvest/thredds/unidata-unit" / name).read_bytes()
    with server_of({"/thredds/catalog.xml": body}) as server:
        crawler, records, _ = crawl(server, "/thredds/catalog.xml", depth=0)
    assert len({record.identifier for record in records}) == len(records) == crawler.counts["datasets"]


def hostile(shared_data, case):
    """The pages of a hostile case as its README says they are served."""
    folder = shared_data / "hostile"
    known = {entry["id"]: entry for entry in json.loads((folder / "cases.json").read_bytes())["cases"]}[case]
    canary = LocalServer(lambda _: Answer(404))
    canary.__enter__()

    def handle(request):
        for route in known["routes"]:
            if route["match"] in request.target:
                body = (folder / case / route["file"]).read_bytes()
                body = body.replace(b"{{CANARY_URL}}", f"{canary.url}/canary".encode())
                return Answer(200, XML, body.replace(b"{{CANARY_PORT}}", canary.host.split(":")[1].encode()))
        return Answer(404)

    return LocalServer(handle), canary


def test_hostile_references_are_not_followed(shared_data):
    server, canary = hostile(shared_data, "tds-ssrf")
    with server:
        crawler, records, findings = crawl(server, "/thredds/catalog.xml")
        assert [r.identifier for r in records] == ["good.nc"]
        assert [f.code for f in findings] == ["thredds.blocked-url"] * 5
        assert crawler.complete
        assert server.targets == ["/thredds/catalog.xml"]
    assert canary.requests == []
    canary.__exit__()


def test_cycles_end(shared_data):
    server, canary = hostile(shared_data, "tds-cycle")
    with server:
        crawler, records, _ = crawl(server, "/thredds/catalog.xml")
        assert [r.identifier for r in records] == ["good.nc"]
        assert crawler.complete
        assert len(server.requests) < 12
    canary.__exit__()


def test_paths_that_climb_give_no_address(shared_data):
    server, canary = hostile(shared_data, "tds-urlpath-escape")
    with server:
        _, records, findings = crawl(server, "/thredds/catalog.xml")
        urls = {r.identifier: read_catalog(r.body, r.url).datasets[0].urls for r in records}
        assert set(urls) == {"good.nc", "../../../../tmp/iaos-canary.txt", "etc/passwd", f"{canary.url}/canary/x.nc"}
        assert urls["../../../../tmp/iaos-canary.txt"] == ()
        assert all("://" not in url.split("://", 1)[1] for found in urls.values() for url in found)
        assert "thredds.unusable-address" in {f.code for f in findings}
        assert len(server.requests) == 1
    assert canary.requests == []
    canary.__exit__()


@pytest.mark.parametrize(
    ("service", "path", "url"),
    [
        ('type="OPeNDAP" base="/opendap/hyrax"', "/a/b.nc", "http://h/opendap/hyrax/a/b.nc"),
        ('type="WMS" base="/ncWMS/wms"', "?DATASET=a", "http://h/ncWMS/wms?DATASET=a"),
        (
            'type="NetcdfServer" base="/ncss/grid/" suffix="/dataset.html"',
            "a.nc",
            "http://h/ncss/grid/a.nc/dataset.html",
        ),
        ('type="NetCDF" base="netcdf/data/"', "a b#1%.nc", "http://h/x/netcdf/data/a%20b%231%25.nc"),
        ('type="DODS" base=""', "a.nc", "http://h/x/a.nc"),
        ('type="opendap" base="/o"', "http://other/o/e=/entry.das", "http://other/o/e=/entry.das"),
    ],
)
def test_addresses_are_joined_as_strings(service, path, url):
    service = service.replace("type=", "serviceType=", 1)
    dataset = f'<dataset name="d" serviceName="s" urlPath="{path}"/>'
    body = f'<catalog {NAMESPACE}><service name="s" {service}/>{dataset}</catalog>'
    (dataset,) = read_catalog(body.encode(), "http://h/x/catalog.xml").datasets
    assert dataset.urls == (url,)


def test_addresses_of_catalogues():
    assert catalog_address("http://h/a/catalog.html?dataset=x/y.html") == "http://h/a/catalog.xml?dataset=x/y.html"
    assert canonical("http://h/thredds/./b/../catalog.xml?x=1#y") == "http://h/thredds/catalog.xml?x=1"
    assert canonical("http://[bad/") == "http://[bad/"
