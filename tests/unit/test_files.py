"""Files behind listings and in folders: the recorded metadata folder both ways, dumps, data files, broken documents."""

from __future__ import annotations

import json
import os
from collections import Counter
from hashlib import sha256

import pytest

from builder.crosswalks import describe
from builder.definitions.model import FilesSource
from builder.errors import RecordError, SourceError
from builder.findings import Finding
from builder.serve import serve
from builder.sources.files import FilesAdapter
from builder.sources.http import HttpGate, Limits, origin_of
from builder.sources.protocol import Record
from tests.servers.local import Answer, LocalServer


def scan(base, **block):
    source = FilesSource(type="files", delay_s=0, **block)
    hosts = [origin_of(source.url)] if source.url else []
    with HttpGate(hosts, delay_s=0, limits=Limits(tries=1)) as gate:
        adapter = FilesAdapter(source, gate, base)
        got = list(adapter.scan())
    return adapter, [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)]


def test_recorded_metadata_as_a_folder(shared_data):
    base = shared_data / "harvest"
    adapter, records, findings = scan(base, path="iso")
    # PROVENANCE.md: 460 files, 236 metadata records, 222 MM2 with 222 sidecars, 3 deleted, 2 not well-formed here
    assert adapter.counts == {"folders": 0, "files": 460, "records": 236, "deleted": 3, "skipped": 0}
    assert Counter(r.format for r in records)["mm2"] == 222
    assert {f.where for f in findings} == {"py-mmd-tools/not_a_valid_xml.xml", "ckanext-spatial/error_bad_xml.xml"}
    assert [r.identifier for r in records] == sorted(r.identifier for r in records)
    for record in records:
        if record.deleted:
            assert (record.body, record.companion) == (b"", b"")
        else:
            assert record.body == (base / "iso" / record.identifier).read_bytes()
        assert bool(record.companion) == (record.format == "mm2" and not record.deleted)
    assert {r.identifier for r in records if r.deleted} >= {"damocles-mm2/FSmoorings.xml"}
    assert scan(base, path="iso")[1] == records


def test_recorded_metadata_behind_a_listing(shared_data):
    base = shared_data / "harvest"
    folder = base / "iso"

    def handle(request):
        path = folder / request.path.strip("/")
        if path.is_dir():
            rows = "".join(
                f'<a href="{p.name}{"/" * p.is_dir()}">{p.name}</a> 2020-01-01 12:00 7\n' for p in path.iterdir()
            )
            return Answer(200, {}, f'<title>Index of x</title><pre><a href="../">..</a>{rows}</pre>'.encode())
        return Answer(200, {}, path.read_bytes()) if path.is_file() else Answer(404)

    with LocalServer(handle) as server:
        adapter, records, findings = scan(base, url=f"{server.url}/")
    assert (adapter.counts["records"], adapter.counts["deleted"], len(findings)) == (236, 3, 2)
    near = {r.identifier: r for r in scan(base, path="iso")[1]}
    assert {r.identifier: r.sha256 for r in records} == {name: r.sha256 for name, r in near.items()}


def test_a_dump_is_split_into_packages(shared_data):
    base = shared_data / "harvest" / "ckan"
    _, records, _ = scan(base, path="envidat", include=("2020*.json",))
    assert len(records) == 307  # PROVENANCE.md
    assert {r.format for r in records} == {"ckan"}
    assert {r.url for r in records} == {"data/2020-06-05_current_package_list_with_resources.json"}
    _, single, _ = scan(base, path="cioos")
    assert len(single) == 76  # PROVENANCE.md: 76 package dicts


def test_other_json_is_known_by_its_content(tmp_path):
    documents = {
        "a.json": {"data": {"attributes": {"titles": [], "creators": []}}},
        "b.json": {"titles": [], "creators": []},
        "c.jsonld": {"@context": "https://schema.org/", "@type": "Dataset"},
        "d.json": {"stac_version": "1.1.0", "type": "Feature"},
        "e.json": {"anything": "else"},
        "f.geojson": {"type": "FeatureCollection"},
    }
    for name, content in documents.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "g.json").write_text("{")
    (tmp_path / "h.xml").write_text("<kml/>")
    (tmp_path / "i.xml").write_text("<catalog/>")
    adapter, records, findings = scan(tmp_path.parent, path=tmp_path.name)
    assert [r.format for r in records] == ["datacite", "datacite", "schemaorg", "stac", "file", "file", "file"]
    assert [(f.where, f.code) for f in findings] == [("g.json", "files.broken"), ("i.xml", "files.catalogue")]
    assert adapter.complete  # the broken one is there and known by its name
    _, only, wrong = scan(tmp_path.parent, path=tmp_path.name, format="stac", include=("*.json",), exclude=("g*", "e*"))
    assert [r.identifier for r in only] == ["d.json"]
    assert {f.code for f in wrong} == {"files.other-format"}


def test_data_files_of_a_folder(tmp_path):
    (tmp_path / "ctd" / "2003").mkdir(parents=True)
    (tmp_path / "ctd" / "2003" / "58 GS#1.nc").write_bytes(b"CDF")
    (tmp_path / "ctd" / "readme.txt").write_bytes(b"hello")
    (tmp_path / "ctd" / ".hidden.nc").write_bytes(b"")
    (tmp_path / "secret.nc").write_bytes(b"secret")
    (tmp_path / "ctd" / "out.nc").symlink_to(tmp_path / "secret.nc")
    (tmp_path / "ctd" / "loop").symlink_to(tmp_path / "ctd")
    (tmp_path / "ctd" / "a\\b.nc").write_bytes(b"CDF")
    (tmp_path / "ctd" / os.fsdecode(b"n\xff.nc")).write_bytes(b"CDF")
    adapter, records, findings = scan(tmp_path, path="ctd", format="netcdf")
    assert [r.identifier for r in records] == ["2003/58 GS#1.nc"]
    assert {f.where for f in findings} == {"out.nc", "loop", r"'a\\b.nc'", r"'n\udcff.nc'"}
    assert adapter.counts["skipped"] == 1
    assert adapter.complete
    assert json.loads(records[0].body) == {
        "href": "data/2003/58%20GS%231.nc", "name": "58 GS#1.nc", "size": 3, "media_type": "application/netcdf",
        "path": "ctd/2003/58 GS#1.nc", "checksum": f"sha256:{sha256(b'CDF').hexdigest()}",
    }  # fmt: skip
    _, published, _ = scan(tmp_path, path="ctd", format="netcdf", published_at="https://data.example.org/ctd")
    dataset = describe(published[0])
    assert dataset.resources[0].href == "https://data.example.org/ctd/2003/58%20GS%231.nc"
    assert (dataset.resources[0].local, dataset.title) == ("ctd/2003/58 GS#1.nc", "58 GS#1")
    assert scan(tmp_path, path="ctd", format="netcdf", depth=0)[1] == []
    assert [r.identifier for r in scan(tmp_path, path="ctd/readme.txt")[1]] == ["readme.txt"]
    with pytest.raises(SourceError, match="no such"):
        scan(tmp_path, path="nothing")


def test_a_missing_or_wrong_page_fails_the_source(tmp_path):
    pages = {"/apology/": b"<html><h1>Maintenance</h1><a href='http://elsewhere.example.org/'>x</a></html>"}
    with LocalServer(lambda r: Answer(200, {}, pages[r.path]) if r.path in pages else Answer(404)) as server:
        for path in ("/apology/", "/gone/", "/gone.nc"):
            with pytest.raises(SourceError):
                scan(tmp_path, url=server.url + path)


def test_a_folder_that_fails_costs_only_itself(tmp_path):
    top = b"<title>Index of /d</title><a href='a/'>a/</a><a href='b/'>b/</a><a href='x.nc'>x.nc</a>"
    pages = {"/d/": top, "/d/b/": b"<title>Index of /d/b</title><a href='y.nc'>y.nc</a><a href='../'>up</a>"}
    with LocalServer(lambda r: Answer(200, {}, pages[r.path]) if r.path in pages else Answer(404)) as server:
        adapter, records, findings = scan(tmp_path, url=f"{server.url}/d/")
        assert [r.identifier for r in records] == ["b/y.nc", "x.nc"]
        assert [f.code for f in findings] == ["files.folder"]
        assert not adapter.complete


def test_a_name_that_cannot_be_shown_is_told_of(tmp_path):
    page = b"<title>Index of /d</title><a href='a%0Ab.nc'>a</a><a href='c%C2%A0d.nc'>c</a><a href='x.nc'>x.nc</a>"
    with LocalServer(lambda _: Answer(200, {}, page)) as server:
        adapter, records, findings = scan(tmp_path, url=f"{server.url}/d/")
    assert [r.identifier for r in records] == ["x.nc"]
    assert [(f.code, f.where) for f in findings] == [("files.name", r"'a\nb.nc'"), ("files.name", r"'c\xa0d.nc'")]
    assert adapter.complete


def test_one_file_by_its_address(shared_data, tmp_path):
    with serve(shared_data / "harvest") as server:
        _, records, _ = scan(tmp_path, url=f"{server.url}iso/mmd/foo.xml")
        assert [(r.identifier, r.format) for r in records] == [("foo.xml", "mmd")]
        name = "export_BBOX_20051201-20061231_d25m_TEMP.csv"
        _, data, _ = scan(tmp_path, url=f"{server.url}thredds/imr-nmdc/{name}")
        entry = json.loads(data[0].body)
        size = (shared_data / "harvest" / "thredds" / "imr-nmdc" / name).stat().st_size
        assert (entry["name"], entry["size"], entry["media_type"]) == (name, size, "text/csv")


def test_records_written_by_hand(tmp_path):
    hand = {"id": "walrus-2019", "title": "Walrus sightings", "description": "Seen from the boat."}
    adapter, records, _ = scan(tmp_path, records=[hand])
    assert [(r.identifier, r.format) for r in records] == [("walrus-2019", "definition")]
    assert json.loads(records[0].body) == hand
    assert describe(records[0]).title == "Walrus sightings"
    assert adapter.complete


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"href": 3}', b'{"href": ""}'])
def test_an_entry_without_address_is_refused(body):
    with pytest.raises(RecordError):
        describe(Record("x", "file", body, "application/json", ""))
