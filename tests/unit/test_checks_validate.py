"""Validation against the vendored schemas, and that pystac agrees."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pystac
import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator

import builder.checks
from builder.checks.validate import CORE, is_vendored, validate, vendored
from builder.errors import IaosError
from builder.stac import extensions
from tests.stac_sample import objects

SCHEMAS = Path(builder.checks.__file__).parent / "schemas"
PINNED = sorted({*extensions.BY_PREFIX.values(), *extensions.BY_FIELD.values()})
FULL = objects()["imr/ctd/ctd_2020.json"]
CLOSED = objects()["imr/ctd/closed.json"]


def uri_of(file):
    return "https://" + file.relative_to(SCHEMAS).as_posix()


VENDORED = {uri_of(file): json.loads(file.read_text("utf-8")) for file in sorted(SCHEMAS.rglob("*.json"))}


@pytest.mark.parametrize("by_year", [False, True])
def test_everything_the_builder_makes_is_valid(by_year):
    for path, stac in objects(by_year).items():
        assert validate(stac, path) == []


def test_the_sample_uses_every_extension_that_items_can_have():
    used = {uri for stac in objects().values() for uri in stac["stac_extensions"]}
    of_products = {extensions.RASTER, extensions.CLASSIFICATION}
    of_radar = {extensions.SAR, extensions.SATELLITE, extensions.VIEW, extensions.RENDER}
    assert set(PINNED) - used == of_products | of_radar  # the demo uses these


def test_every_pinned_extension_is_vendored_and_declares_itself():
    for uri in PINNED:
        assert f'"const": "{uri}"' in (SCHEMAS / uri.removeprefix("https://")).read_text("utf-8")


def test_no_schema_refers_to_one_that_is_missing():
    for uri, schema in VENDORED.items():
        for target in re.findall(r'"\$ref": "(https?://[^"]+)"', json.dumps(schema)):
            assert is_vendored(target) or target.startswith("http://json-schema.org/draft-07/schema"), (uri, target)


def _put(*steps_and_value):
    *steps, last, value = steps_and_value

    def change(stac):
        for step in steps:
            stac = stac[step]
        stac[last] = value

    return change


X_EXTENT = ("cube:dimensions", "x", "extent")
MUTATIONS = [
    ("/type", _put("type", "Thing"), "stac.type"),
    ("/stac_version", _put("stac_version", "1.0.0"), "stac.schema"),
    ("/id", _put("id", ""), "stac.schema"),
    ("/geometry/coordinates/0/0/0", _put("geometry", "coordinates", 0, 0, ["a", 1]), "stac.schema"),
    ("/bbox", _put("bbox", [1, 2, 3]), "stac.schema"),
    ("/properties/datetime", _put("properties", "datetime", "2020-07-01"), "stac.schema"),
    ("/properties/license", _put("properties", "license", "see website"), "stac.schema"),
    ("/properties/published", _put("properties", "published", "2020"), "stac.schema"),
    ("/properties/sci:doi", _put("properties", "sci:doi", "https://doi.org/10.1594/x"), "stac.schema"),
    ("/properties/contacts/0", _put("properties", "contacts", 0, {}), "stac.schema"),
    ("/properties/themes/0", _put("properties", "themes", [{"scheme": "x"}]), "stac.schema"),
    ("/properties/version", _put("properties", "version", 1), "stac.schema"),
    ("/properties/proj:shape", _put("properties", "proj:shape", [1]), "stac.schema"),
    ("/properties/processing:level", _put("properties", "processing:level", 2), "stac.schema"),
    ("/properties/table:columns/0", _put("properties", "table:columns", [{}]), "stac.schema"),
    ("/properties/cf:parameter/0", _put("properties", "cf:parameter", [{}]), "stac.schema"),
    (
        "/properties/cube:dimensions/x/extent/0",
        _put("properties", "cube:dimensions", "x", "extent", 0, "a"),
        "stac.schema",
    ),
    ("/assets/data/file:checksum", _put("assets", "data", "file:checksum", "md5:0"), "stac.schema"),
    ("/assets/data/alternate/opendap", _put("assets", "data", "alternate", "opendap", {}), "stac.schema"),
    ("/assets/data", _put("assets", "data", {}), "stac.schema"),
    ("/links/0", _put("links", 0, {"rel": "root"}), "stac.schema"),
    ("/stac_extensions", _put("stac_extensions", ["https://example.org/v1/schema.json"]), "stac.unknown-extension"),
    ("/stac_extensions", _put("stac_extensions", [7]), "stac.unknown-extension"),
    ("/stac_extensions", _put("stac_extensions", ["https://stac-extensions.github.io/../x"]), "stac.unknown-extension"),
]


@pytest.mark.parametrize(("pointer", "change", "code"), MUTATIONS, ids=[entry[0] for entry in MUTATIONS])
def test_a_fault_is_found_where_it_is(pointer, change, code):
    broken = copy.deepcopy(FULL)
    change(broken)
    findings = [finding for finding in validate(broken, "a.json") if finding.message.startswith(f"{pointer}: ")]
    assert [finding.code for finding in findings][:1] == [code]
    assert all(finding.where == "a.json" and "\n" not in finding.message for finding in findings)


def test_authentication_and_wms_links_are_checked():
    broken = copy.deepcopy(CLOSED)
    broken["assets"]["data"]["auth:refs"] = "login"
    next(link for link in broken["links"] if link["rel"] == "wms")["wms:layers"] = []
    messages = " ".join(finding.message for finding in validate(broken))
    assert "/assets/data/auth:refs" in messages
    assert "wms:layers" in messages


@pytest.mark.parametrize(
    "stac", [{}, {"type": "Feature"}, {"type": ["Feature"]}, {"type": "Catalog", "stac_extensions": 7}]
)
def test_anything_can_be_validated(stac):
    assert validate(stac)


def test_nothing_is_ever_fetched():
    for uri in (
        "https://example.org/x.json",
        "http://json-schema.org/draft-07/schema",
        "file:///etc/passwd",
        "https://",
    ):
        assert not is_vendored(uri)
        with pytest.raises(IaosError, match="not vendored"):
            vendored(uri)


@pytest.fixture(scope="module")
def local_pystac():
    """Pystac's own validator with our schemas in its cache; the network is blocked, so it can use nothing else."""
    validator = JsonSchemaSTACValidator()
    validator.schema_cache.update(VENDORED)
    return validator


@pytest.mark.parametrize("path", sorted(objects()))
def test_pystac_finds_our_objects_valid_too(path, local_pystac):
    stac = objects()[path]
    kind = pystac.STACObjectType(stac["type"])
    local_pystac.validate_core(stac, kind, "1.1.0", path)
    for uri in stac["stac_extensions"]:
        local_pystac.validate_extension(stac, kind, "1.1.0", uri, path)
    assert CORE[stac["type"]] in local_pystac.schema_cache


@pytest.mark.parametrize(("pointer", "change", "code"), MUTATIONS, ids=[entry[0] for entry in MUTATIONS])
def test_whatever_pystac_rejects_we_reject(pointer, change, code, local_pystac):
    broken = copy.deepcopy(FULL)
    change(broken)
    try:
        local_pystac.validate_core(broken, pystac.STACObjectType.ITEM, "1.1.0")
        for uri in broken["stac_extensions"]:
            if uri in VENDORED:
                local_pystac.validate_extension(broken, pystac.STACObjectType.ITEM, "1.1.0", uri)
    except pystac.STACValidationError:
        assert validate(broken)
