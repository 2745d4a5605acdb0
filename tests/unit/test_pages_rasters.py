"""Which rasters an item's page offers to show, and what it says of them; what partners wrote wrongly shows nothing."""

from __future__ import annotations

import html
import json

import pytest

from builder.pages.rasters import MOST, rasters
from builder.pages.render import Renderer
from tests.unit.pages_samples import ICE, ICE_COLLECTION, NERSC

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GOOD = {
    "href": "./data/a.tif",
    "type": COG,
    "roles": ["data"],
    "title": "A </script><b>",
    "proj:code": "EPSG:3413",
    "bands": [{"unit": "K", "statistics": {"minimum": 250, "maximum": 280}, "raster:scale": 0.1}],
}


def told(*, item=None, **fields):
    return rasters({"properties": {}, "assets": {"a": GOOD | fields}} | (item or {}))


def test_range_unit_and_scale_are_those_of_the_first_band():
    (one,) = told()
    assert (one["href"], one["code"], one["unit"]) == ("./data/a.tif", "EPSG:3413", "K")
    assert (one["low"], one["high"], one["scale"]) == (250, 280, 0.1)
    assert "classes" not in one


def test_scale_and_offset_may_stand_beside_the_bands():
    (one,) = told(bands=[{"unit": "dB"}], **{"raster:bands": [{"scale": 0.01, "offset": -3}]})
    assert (one["unit"], one["scale"], one["offset"]) == ("dB", 0.01, -3)


def test_the_render_extension_names_the_range():
    render = {"rescale": [[255, 275]], "assets": ["a"]}
    (one,) = told(item={"properties": {"renders": {"thumbnail": render}}})
    assert (one["low"], one["high"]) == (255, 275)
    (other,) = told(item={"properties": {"renders": {"thumbnail": render | {"assets": ["b"]}}}})
    assert other["low"] == 250


def test_classes_have_a_name_and_a_colour_and_no_data_none():
    listed = [
        {"value": 0, "title": "No data", "nodata": True},
        {"value": 1, "title": "Ice", "color_hint": "FFAA00"},
        {"value": 2, "color_hint": "red;x"},
        {"name": "no"},
    ]
    (one,) = told(**{"classification:classes": listed})
    assert one["classes"][0] == (1, "Ice", "FFAA00")
    assert one["classes"][1] == (2, "2", "")  # the file's own colour stands for it
    assert len(one["classes"]) == 2


def test_many_that_cannot_be_placed_leave_room_for_one_that_can():
    assets = {f"a{n:02d}": GOOD | {"proj:code": "EPSG:2180"} for n in range(MOST)} | {"z": GOOD}
    found = rasters({"properties": {}, "assets": assets})
    assert (len(found), found[0]["code"]) == (MOST, GOOD["proj:code"])


def test_what_the_map_cannot_place_comes_last_and_is_not_promised():
    assets = {"a": GOOD | {"proj:code": "EPSG:25833"}, "b": GOOD | {"proj:code": "EPSG:32633"}, "c": GOOD}
    found = rasters({"properties": {}, "assets": assets})
    assert [one["code"] for one in found] == ["EPSG:32633", "EPSG:3413", "EPSG:25833"]
    item = ICE | {"id": "far", "assets": {"a": assets["a"]}}
    assert b">Live map</button>" in Renderer().item(item, ICE_COLLECTION, NERSC)
    assert b">Show on map</button>" in Renderer().item(item | {"assets": assets}, ICE_COLLECTION, NERSC)


@pytest.mark.parametrize(
    "unfit",
    [
        {"href": "javascript:alert(1)"},
        {"href": "http://example.org/a.tif"},
        {"type": "image/tiff; application=geotiff"},
        {"type": None},
        {"roles": ["thumbnail"]},
        {"proj:code": "EPSG:3413; x"},
        {"proj:code": ["EPSG:3413"]},
        {"auth:refs": ["login"]},
    ],
)
def test_what_a_page_cannot_show_is_not_offered(unfit):
    assert told(**unfit) == ()


@pytest.mark.parametrize("bands", [None, "x", [], [None], [{"statistics": "x", "unit": {}}], {"a": 1}])
def test_junk_about_bands_leaves_the_range_open(bands):
    (one,) = told(bands=bands)
    assert "low" not in one


def test_the_page_hands_them_over_escaped():
    page = Renderer().item(ICE | {"assets": {"a": GOOD}}, ICE_COLLECTION, NERSC).decode()
    assert "Show on map" in page
    assert "<b>" not in page
    start = page.index('data-rasters="') + len('data-rasters="')
    assert json.loads(html.unescape(page[start : page.index('"', start)]))[0]["title"] == "A </script><b>"
    assert "Live map" in Renderer().item(ICE | {"assets": {}}, ICE_COLLECTION, NERSC).decode()
