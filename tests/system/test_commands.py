"""The commands as a maintainer types them, each option changing what happens."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from builder.cli import group
from builder.errors import PublishError

DEFINITION = """\
id: village
title: Observations of a village
description: Written by hand.
partner: {id: nordeco, name: Nordic Foundation for Development and Ecology}
license: CC-BY-4.0
source:
  type: files
  records:
    - {id: walrus, title: Walrus seen, description: Told., start: 2018-07-01, end: 2018-07-31, point: [-51.0, 70.5]}
    - {id: sea-ice, title: Sea ice seen, description: Told., start: 2018-01-01, end: 2018-03-31, point: [-52.0, 70.6]}
"""


@pytest.fixture
def iaos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections/village.yaml").write_text(DEFINITION)

    def run(*words):
        done = CliRunner().invoke(group, list(words), standalone_mode=False, catch_exceptions=False)
        return done.return_value, done.output

    return run


def test_a_day_of_a_maintainer(iaos, tmp_path):
    assert iaos("check") == (0, "1 definitions read, 1 enabled, 0 with mistakes\n")
    status, said = iaos("plan")
    assert status == 0
    assert "+ walrus  (first seen)" in said
    assert not (tmp_path / "catalog").exists()
    assert not (tmp_path / ".iaos").exists()
    assert "nordeco/village/walrus.json" in iaos("plan", "--files")[1]
    assert json.loads(iaos("plan", "--json")[1])["steps"]["add"] > 10

    status, said = iaos("build", "--report", "told")
    assert status == 0
    assert "2 items in 1 collections" in said
    assert json.loads((tmp_path / "told/report.json").read_bytes())["collections"][0]["items"] == 2
    assert "no file changes" in iaos("build")[1]
    assert iaos("-q", "build")[1] == ""

    assert "properties.title" in iaos("explain", "walrus")[1]
    assert json.loads(iaos("explain", "walrus", "--json")[1])["item"] == "walrus"
    assert iaos("validate", "catalog")[0] == 0
    assert json.loads(iaos("validate", "catalog", "--json")[1]) == []

    target = f"file://{tmp_path}/site"
    assert "would be written" in iaos("publish", "catalog", target, "--dry-run")[1]
    assert not (tmp_path / "site/catalog.json").exists()
    assert ", 0 deleted, 0 unchanged" in iaos("publish", "catalog", target)[1]
    assert (tmp_path / "site/catalog.json").read_bytes() == (tmp_path / "catalog/catalog.json").read_bytes()


def test_a_sample_withdraws_nothing_and_a_withdrawal_leaves_a_page(iaos, tmp_path):
    iaos("build")
    assert "2 items" in iaos("build", "--sample", "1")[1]
    lines = (tmp_path / "collections/village.yaml").read_text().splitlines()
    (tmp_path / "collections/village.yaml").write_text("\n".join(lines[:-1]) + "\n")
    assert "2 items" in iaos("build", "--no-harvest")[1]
    assert "- sea-ice  (no longer listed by the partner)" in iaos("plan")[1]
    assert "1 items" in iaos("build")[1]
    assert not (tmp_path / "catalog/nordeco/village/sea-ice.json").exists()
    assert "Sea ice seen" in (tmp_path / "catalog/nordeco/village/sea-ice.html").read_text()


def test_a_collection_that_is_off_stays_as_it_was_and_nobody_is_asked(iaos, tmp_path, httpserver):
    import netCDF4

    with netCDF4.Dataset(tmp_path / "ice.nc", "w") as file:
        file.createDimension("time", 3)
        file.createVariable("ice", "f4", ("time",))[:] = [1, 2, 3]
    httpserver.expect_request("/ice.nc").respond_with_data((tmp_path / "ice.nc").read_bytes())
    address = httpserver.url_for("/ice.nc")
    data = f"    - {{id: data, title: T, description: D., start: 2018-07-01, files: [{{href: '{address}'}}]}}\n"
    text = DEFINITION.replace("type: files", f"type: files\n  fetch_hosts: [{address.split('/')[2]}]") + data
    definition = tmp_path / "collections/village.yaml"
    definition.write_text(text + "enabled: false\n")
    assert "0 items in 0 collections" in iaos("build")[1]
    assert not (tmp_path / "catalog/nordeco").exists()
    assert "3 items in 1 collections" in iaos("build", "village")[1]
    before = {path: path.read_bytes() for path in (tmp_path / "catalog").rglob("*") if path.is_file()}
    requests = len(httpserver.log)
    assert requests > 0

    definition.write_text(text.replace("Walrus seen", "Seals seen") + "enabled: false\n")
    assert iaos("plan")[1] == "0 items in 0 collections; no file changes\n"
    assert "no file changes" in iaos("build")[1]
    assert {path: path.read_bytes() for path in (tmp_path / "catalog").rglob("*") if path.is_file()} == before
    assert len(httpserver.log) == requests
    assert json.loads((tmp_path / ".iaos/report.json").read_bytes())["collections"] == []
    iaos("build", "village")
    assert "Seals seen" in (tmp_path / "catalog/nordeco/village/walrus.json").read_text()
    definition.unlink()
    (tmp_path / "collections/other.yaml").write_text(DEFINITION.replace("id: village", "id: other"))
    iaos("build")
    assert not (tmp_path / "catalog/nordeco/village/walrus.json").exists(), "what is defined no longer goes"


def test_a_plan_of_what_is_remembered(iaos):
    iaos("build")
    assert iaos("plan", "--no-harvest") == (0, "2 items in 1 collections; no file changes\n")


def test_base_url_and_other_folders(iaos, tmp_path):
    iaos("build", "village", "--out", "elsewhere", "--state", "memory", "--base-url", "https://example.org/arctic")
    assert "https://example.org/arctic/" in (tmp_path / "elsewhere/sitemap.xml").read_text()
    assert (tmp_path / "memory/village/ledger.ndjson").exists()
    assert not (tmp_path / "elsewhere/oai.xml").exists()  # nobody to ask


def test_what_other_catalogues_get(iaos, tmp_path):
    base = ("build", "village", "--base-url", "https://example.org/arctic")
    iaos(*base, "--contact", "us@example.org", "--oai-gateway", "https://gate.example/oai")
    catalog = tmp_path / "catalog"
    assert "https://example.org/arctic/nordeco/village/index.html" in (catalog / "dcat.jsonld").read_text()
    repository = (catalog / "oai.xml").read_text()
    assert "<oai:baseURL>https://gate.example/oai/example.org/arctic/oai.xml</oai:baseURL>" in repository
    assert "us@example.org" in (catalog / "nordeco/village/iso19115-3.xml").read_text()
    page = catalog / "nordeco/village/sea-ice.html"
    assert "#/external/" not in page.read_text()
    iaos(*base, "--no-harvest", "--stac-browser", "https://browser.example")
    assert "https://browser.example/#/external/example.org/arctic/nordeco/village/sea-ice.json" in page.read_text()


def test_schema_is_printed_written_and_checked(iaos, tmp_path):
    assert json.loads(iaos("schema")[1])["title"]
    assert iaos("schema", "--check")[0] == 1
    assert iaos("schema", "--write")[0] == 0
    assert iaos("schema", "--check")[0] == 0


def test_publishing_and_the_way_back(iaos, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772331420")
    records = [
        f"    - {{id: r{n}, title: T, description: D., start: 2018-07-01, point: [-51.0, 70.5]}}" for n in range(15)
    ]
    definition = tmp_path / "collections/village.yaml"
    head = "\n".join(DEFINITION.splitlines()[:-2])
    definition.write_text("\n".join([head, *records]) + "\n")
    iaos("build")
    status, said = iaos("verify", "catalog")
    assert (status, re.findall(r"verify\.\w+", said)) == (1, ["verify.age", "verify.manifest"])
    told = "catalog: {} objects read, with no manifest to compare them with, 2 findings"
    assert said.splitlines()[-1] == told.format(3 + 15)
    assert iaos("verify", "catalog", "--sample", "9")[1].splitlines()[-1] == told.format(3)
    iaos("publish", "catalog", "site", "--keep", "3", "--fresh-for", "24")
    assert iaos("verify", "site") == (
        0,
        f"site: {len(manifest(tmp_path))} of {len(manifest(tmp_path))} objects read, 0 findings\n",
    )
    assert iaos("verify", "site", "--json")[1] == "[]\n"
    first = (tmp_path / "site/index.html").read_bytes()

    definition.write_text("\n".join([head, *records[:3]]) + "\n")
    iaos("build")
    with pytest.raises(PublishError, match="would vanish"):
        iaos("publish", "catalog", "site")
    assert ".  (deleted" not in iaos("publish", "catalog", "site", "--guard", "99", "--dry-run")[1]
    grace = ("--grace-data", "0", "--grace-pages", "0")
    assert " deleted after" not in iaos("publish", "catalog", "site", "--allow-deletions", "--dry-run", *grace)[1]
    assert "more deleted after their grace time" in iaos("publish", "catalog", "site", "--allow-deletions")[1]
    assert (tmp_path / "site/nordeco/village/r9.json").exists()

    assert [line.split()[0] for line in iaos("rollback", "site")[1].splitlines()] == ["2", "1"]
    assert "~ index.html" in iaos("rollback", "site", "1", "--dry-run")[1]
    assert "(build 3)" in iaos("rollback", "site", "1")[1]
    assert (tmp_path / "site/index.html").read_bytes() == first

    (tmp_path / "site/catalog.json").write_bytes((tmp_path / "catalog/catalog.json").read_bytes() + b" ")
    status, said = iaos("verify", "site", "--sample", "0")
    assert (status, "verify.differs" in said) == (1, True)
    assert "0 findings" not in said
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1772331420 + 37 * 3600))
    assert "verify.stale" in iaos("verify", "site", "--sample", "0")[1]


def manifest(folder):
    return json.loads((folder / "catalog/manifest.json").read_bytes())["files"]
