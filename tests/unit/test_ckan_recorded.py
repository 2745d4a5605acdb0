"""Every recorded CKAN answer gives the numbers that PROVENANCE.md states; run with -s to see the table."""

from __future__ import annotations

import json
import re

import pytest

from builder.definitions.model import CkanSource
from builder.errors import ProtocolError, SourceError
from builder.findings import Finding, Severity
from builder.sources.ckan import CkanAdapter, CkanError, packages_in, records_of
from builder.sources.http import HttpGate, Limits
from builder.sources.protocol import Record
from tests.servers.local import Answer, LocalServer
from tests.servers.replay import ReplayServer


@pytest.fixture(scope="module")
def harvest_data(shared_data):
    return shared_data / "harvest"


def rows(folder):
    """Yield (file, expectation); the CIOOS table names files only, one package and its resources each."""
    for line in (folder / "PROVENANCE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        name = cells[0].strip("`| ")
        if name.startswith("ckan/"):
            yield name, cells[-1].removesuffix("|").strip()
        elif name.endswith(".json") and (folder / "ckan/cioos" / name).is_file():
            yield f"ckan/cioos/{name}", f"1 package; {cells[1]} resources"


def describe(folder, name, expected):
    """Say what `packages_in` finds, in the words of PROVENANCE.md."""
    body = (folder / name).read_bytes()
    if not name.endswith(".json"):
        return "no answer of an action (RDF)"
    try:
        packages = packages_in(body, name)
    except CkanError as trouble:
        kind = re.search(r"NotFound", trouble.message)
        return "HTTP 404; 0 (CKAN error Not Found Error)" if kind else trouble.message
    resources = sum(len(package.get("resources", [])) for package in packages)
    content = json.loads(body)
    result = content.get("result") if isinstance(content, dict) else None
    of = f" of count={result['count']}" if isinstance(result, dict) else ""
    noun = "package" if expected.startswith("1 package;") else "packages"
    return f"{len(packages)} {noun}{of}; {resources} resources"


def test_every_recorded_answer(harvest_data):
    table = [(name, expected, describe(harvest_data, name, expected)) for name, expected in rows(harvest_data)]
    print(f"\n{'file':<72} | {'expected':<40} | found")
    for name, expected, found in table:
        print(f"{name:<72} | {expected:<40} | {found}")
    files = {str(p.relative_to(harvest_data)) for p in (harvest_data / "ckan").rglob("*") if p.is_file()}
    assert {name for name, _, _ in table} == files
    assert [row for row in table if row[1] != row[2] and row[0].endswith(".json")] == []
    assert sum("RDF" in found for _, _, found in table) == 2


def test_total_of_the_summary(harvest_data):
    (line,) = [t for t in (harvest_data / "PROVENANCE.md").read_text().splitlines() if t.startswith("| ckan |")]
    total = 0
    for file in sorted((harvest_data / "ckan").rglob("*.json")):
        try:
            total += len(packages_in(file.read_bytes(), file.name))
        except ProtocolError:
            assert file.name == "package_show_404.json"
    assert total == int(re.search(r"(\d+) packages", line)[1])


def test_two_overlapping_pages_hold_13_packages(harvest_data):
    """PROVENANCE.md: start=3 overlaps 7 of the 10 of the first answer."""
    folder = harvest_data / "ckan/dados.gov.br"
    ids = {
        package["id"]
        for start in (0, 3)
        for package in packages_in((folder / f"package_search_title_start{start}.json").read_bytes())
    }
    assert len(ids) == 13


def test_changes_between_two_snapshots(harvest_data):
    """PROVENANCE.md: 47 added, 53 with another stamp, 2 renamed, 254 changed without another stamp, none deleted."""

    def snapshot(day):
        body = (harvest_data / f"ckan/envidat/{day}_current_package_list_with_resources.json").read_bytes()
        made = [r for p in packages_in(body) for r in records_of(p, "https://envidat.ch") if isinstance(r, Record)]
        return {r.identifier: r for r in made}

    old, new = snapshot("2020-06-05"), snapshot("2021-01-05")
    both = old.keys() & new.keys()
    changed = {key for key in both if old[key].sha256 != new[key].sha256}
    stamped = {key for key in both if old[key].datestamp != new[key].datestamp}
    assert (len(new.keys() - old.keys()), len(old.keys() - new.keys())) == (47, 0)
    assert len(stamped) == 53
    assert len(changed - stamped) == 254
    assert sum(old[key].url != new[key].url for key in both) == 2


def gate_for(server):
    return HttpGate(hosts=[server.host], delay_s=0, limits=Limits(tries=2), sleep=lambda _: None)


@pytest.mark.parametrize(("match", "expected"), [("2020", 307), ("2021", 354)])
def test_replayed_portal(harvest_data, match, expected):
    with ReplayServer(harvest_data) as server:
        url = server.ckan("ckan/envidat", match)
        adapter = CkanAdapter(CkanSource(type="ckan", url=url, page_size=100), gate_for(server))
        records = [got for got in adapter.scan() if isinstance(got, Record)]
    assert len(records) == expected
    assert adapter.complete


def test_recorded_refusal_replayed(harvest_data):
    """package_show of an unknown id: HTTP 404 with success false."""
    from builder.sources.ckanremote import Session

    with ReplayServer(harvest_data) as server:
        reply = Session(gate_for(server)).get(server.file("ckan/dados.gov.br/package_show_404.json"), params={})
    assert reply.status_code == 404
    assert json.loads(reply.text)["error"]["__type"] == "Not Found Error"


def hostile(shared_data, name):
    folder = shared_data / "hostile" / name
    content = (folder / "search.json").read_bytes()

    def answer(request):
        if request.args.get("start") == "0":
            return Answer(200, {"Content-Type": "application/json"}, content)
        count = json.loads(content)["result"]["count"]
        return Answer(200, {}, json.dumps({"success": True, "result": {"count": count, "results": []}}).encode())

    with LocalServer(answer) as server:
        adapter = CkanAdapter(CkanSource(type="ckan", url=server.url), gate_for(server))
        got = list(adapter.scan())
    return adapter, [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)]


def test_hostile_depth_is_one_line(shared_data):
    with pytest.raises(SourceError, match="deep") as caught:
        hostile(shared_data, "ckan-deep-json")
    assert "\n" not in str(caught.value)


def test_hostile_secrets_stay_out(shared_data):
    _, records, findings = hostile(shared_data, "ckan-secret-url")
    assert records
    assert not any(b"IAOS-SECRET" in r.body for r in records)
    assert not any("IAOS-SECRET" in str(f) for f in findings)
    assert "ckan.secret" in {f.code for f in findings}


@pytest.mark.parametrize(("name", "expected"), [("ckan-spatial", 9), ("ckan-markdown", 3)])
def test_hostile_contents_are_passed_on_whole(shared_data, name, expected):
    adapter, records, findings = hostile(shared_data, name)
    assert len(records) == expected
    assert not [f for f in findings if f.severity is Severity.ERROR]
    assert adapter.complete
