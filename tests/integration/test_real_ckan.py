"""A real CKAN 2.12: paging, selection, withdrawal and a whole build against it."""

from __future__ import annotations

import json

import pytest

from builder.build import Request, build
from builder.definitions.model import CkanSource
from builder.findings import Finding
from builder.sources.ckan import CkanAdapter
from builder.sources.http import HttpGate, origin_of
from tests.servers.real_ckan import postgres_folder, real_ckan

pytestmark = pytest.mark.integration

DATASETS = 23

DEFINITION = """\
id: real-ckan
title: Datasets of a real CKAN
description: Made by a test.
partner: {{id: imr, name: Institute of Marine Research}}
license: CC-BY-4.0
source: {{type: ckan, url: "{url}", organization: imr, page_size: 10, delay_s: 0}}
"""


@pytest.fixture(scope="module")
def ckan(tmp_path_factory):
    if postgres_folder() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with real_ckan(tmp_path_factory.mktemp("ckan")) as site:
        for name in ("imr", "other"):
            site.act("organization_create", name=name, title=name.upper())
        for number in range(DATASETS):
            site.act("package_create", **package(number))
        site.act("package_create", **package(900) | {"owner_org": "other"})
        site.act("package_create", **package(901) | {"private": True})
        yield site


def package(number):
    point = {"type": "Point", "coordinates": [10.0 + number / 10, 78.0]}
    return {
        "name": f"cast-{number}", "title": f"Cast {number}", "owner_org": "imr", "license_id": "cc-by",
        "notes": "Sørfjord, *79° N*",
        "extras": [{"key": "spatial", "value": json.dumps(point)},
                   {"key": "temporal-extent-begin", "value": f"2018-07-{number % 28 + 1:02d}"},
                   {"key": "temporal-extent-end", "value": f"2018-07-{number % 28 + 1:02d}"}],
        "resources": [{"name": "data", "url": f"http://example.org/cast-{number}.csv", "format": "CSV"}],
        "tags": [{"name": "ctd"}],
    }  # fmt: skip


def scan(site, **selection):
    source = CkanSource(type="ckan", url=site.url, page_size=10, delay_s=0, **selection)
    with HttpGate([origin_of(site.url)], delay_s=0) as gate:
        adapter = CkanAdapter(source, gate)
        found = list(adapter.scan())
    return adapter, [f for f in found if not isinstance(f, Finding)]


def test_every_public_dataset_once(ckan):
    adapter, records = scan(ckan)
    assert adapter.complete
    assert len({record.identifier for record in records}) == len(records) == DATASETS + 1
    assert {json.loads(record.body)["private"] for record in records} == {False}


def test_selection_by_organisation_and_query(ckan):
    _, ours = scan(ckan, organization="imr")
    assert len(ours) == DATASETS
    _, one = scan(ckan, filter="name:cast-7")
    assert [json.loads(record.body)["title"] for record in one] == ["Cast 7"]


def test_packages_by_id_those_that_are_there(ckan):
    adapter, records = scan(ckan, organization="imr")
    wanted = [records[3].identifier, "00000000-0000-4000-8000-000000000000", records[7].identifier]
    assert {record.identifier for record in adapter.named(wanted)} == {wanted[0], wanted[2]}


def test_build_then_withdraw_then_nothing(ckan, tmp_path):
    definitions = tmp_path / "collections"
    definitions.mkdir()
    (definitions / "real-ckan.yaml").write_text(DEFINITION.format(url=ckan.url))
    request = Request(definitions, tmp_path / "out", tmp_path / "state")

    def ignore(task):
        pass

    first = build(request, ignore)
    assert first.exit_status == 0, first.to_markdown()
    assert first.collections[0].items == DATASETS
    assert not list(build(request, ignore).plan)

    ckan.act("package_delete", id="cast-3")
    ckan.act("package_patch", id="cast-4", title="Cast 4, corrected")
    changed = build(request, ignore).collections[0].counts  # asks for what was modified, and for the number of packages
    assert {kind: changed[kind] for kind in ("new", "changed", "gone", "packages")} == {
        "new": 0,
        "changed": 1,
        "gone": 0,
        "packages": DATASETS - 1,  # all were made within the overlap of an hour
    }
    after = build(request, ignore)  # the number was another one, so that everything is asked for
    assert after.collections[0].counts["gone"] == 1
    assert after.collections[0].items == DATASETS - 1
    tombstone = (tmp_path / "out" / "changes.ndjson").read_text()
    assert '"kind":"gone"' in tombstone
