"""Collections, year and partner catalogues and the root."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.stac.collection import build_collection, build_partner_catalog, build_root_catalog, has_years
from builder.stac.extents import Extents
from builder.stac.item import build_item
from builder.stac.summaries import MOST_VALUES, Summary
from tests.stac_sample import DEFINITION, FULL, INSTANT, ONGOING, context, objects, point


def extent(*boxes):
    extents = Extents()
    extents.add_boxes(boxes)
    return extents.bbox


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([[-20, 76, 10, 80], [5, 70, 30, 77]], [-20, 70, 30, 80]),
        ([[170, 60, -170, 70]], [170, 60, -170, 70]),
        ([[170, 60, 175, 70], [-175, 60, -170, 70]], [170, 60, -170, 70]),
        ([[178, 60, -178, 70], [-160, 60, -150, 70]], [178, 60, -150, 70]),
        ([[-180, 60, 180, 90], [10, 0, 20, 10]], [-180, 0, 180, 90]),
        ([[0, 60, 10, 70], [170, 60, -170, 70]], [-180, 60, 180, 70]),  # the widest gap is 170 degrees, below half
        ([[10, 80, 10, 80]], [10, 80, 10, 80]),
        ([[-20, 76, -100, 10, 80, 0]], [-20, 76, 10, 80]),
    ],
)
def test_the_smallest_box_around_all(boxes, expected):
    assert extent(*boxes) == expected


def test_no_box_is_no_extent():
    assert extent() is None


def test_an_ongoing_observation_opens_the_interval():
    extents = Extents()
    extents.add_intervals([("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z")])
    assert extents.interval == ["2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"]
    extents.add_intervals([("2019-01-01T00:00:00Z", None)])
    assert extents.interval == ["2019-01-01T00:00:00Z", None]
    extents.add_intervals([(None, None)])
    assert extents.interval == ["2019-01-01T00:00:00Z", None]


def test_a_whole_second_comes_before_its_fractions():
    extents = Extents()
    for stamp in ("2020-01-01T00:00:00.500Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.25Z"):
        extents.add_intervals([(stamp, stamp)])
    assert extents.interval == ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.500Z"]


def test_the_collection_sums_up_its_items():
    collection = objects()["imr/ctd/collection.json"]
    assert collection["extent"]["spatial"]["bbox"] == [[-20, 76, 10, 80]]
    assert collection["extent"]["temporal"]["interval"] == [["2019-05-01T00:00:00Z", None]]
    assert collection["summaries"] == {
        "cf:parameter": [{"name": "sea_water_temperature", "unit": "degC"}],
        "iaos:variables": ["Depth water [m]", "TEMP", "TEMP_QC"],
        "instruments": ["CTD"],
        "platform": ["RV Polarstern"],
        "processing:level": ["L2"],
        "sci:doi": ["10.1594/PANGAEA.902845"],
    }
    assert "data" not in collection["item_assets"]  # NetCDF here, CSV there: only the role is shared
    assert collection["item_assets"]["references"]["roles"] == ["references", "index"]
    assert collection["license"] == "CC-BY-4.0"
    assert collection["sci:citation"] == "Institute of Marine Research (2020): CTD profiles."
    assert set(collection["assets"]) == {"datapackage", "iso", "references"}
    assert collection["keywords"] == ["salinity", "temperature"]
    assert [provider["name"] for provider in collection["providers"]] == [
        "Nansen Center",
        "Institute of Marine Research",
    ]
    assert collection["updated"] == "2021-01-01T00:00:00Z"


def test_links_to_items_or_to_years():
    flat = [(link["rel"], link["href"]) for link in objects()["imr/ctd/collection.json"]["links"]]
    assert ("item", "./ctd_2020.json") in flat
    assert ("child", "./planned/collection.json") in flat
    built = objects(by_year=True)
    deep = [(link["rel"], link["href"]) for link in built["imr/ctd/collection.json"]["links"]]
    assert [href for rel, href in deep if rel == "child"] == [
        "./2019/catalog.json",
        "./2020/catalog.json",
        "./2021/catalog.json",
        "./planned/collection.json",
    ]
    assert not [href for rel, href in deep if rel == "item"]
    year = [(link["rel"], link["href"]) for link in built["imr/ctd/2020/catalog.json"]["links"]]
    assert ("item", "../ctd_2020.json") in year
    assert ("parent", "../collection.json") in year
    assert set(objects()) == {path for path in built if "/20" not in path}  # no item moves


def test_above_a_thousand_items_there_are_years():
    assert not has_years(1000)
    assert has_years(1001)


def test_a_long_summary_is_left_out_and_the_order_of_items_does_not_matter():
    there, back = Summary(), Summary()
    items = []
    for number in range(MOST_VALUES + 1):
        dataset = replace(INSTANT, identifier=f"b{number}", doi=f"10.1594/PANGAEA.{number}", platform=f"P{number % 3}")
        items.append(build_item(dataset, point(number % 90, 70), context(dataset))[0])
    for item in items:
        there.add(item)
    for item in reversed(items):
        back.add(item)
    assert "sci:doi" not in there.summaries
    assert there.summaries["platform"] == ["P0", "P1", "P2"]
    assert build_collection(DEFINITION, there) == build_collection(DEFINITION, back)


def test_an_open_licence_is_taken_from_the_items_where_they_agree():
    definition = DEFINITION.model_copy(update={"license": "other", "license_url": None})
    summary = Summary()
    summary.add(build_item(FULL, point(0, 80), context(FULL))[0])
    assert build_collection(definition, summary)["license"] == "CC-BY-4.0"
    other = replace(ONGOING, license=replace(FULL.license, id="CC0-1.0"))
    summary.add(build_item(other, point(0, 80), context(other))[0])
    assert build_collection(definition, summary)["license"] == "other"


def test_an_empty_collection_is_still_valid_stac():
    collection = build_collection(DEFINITION, Summary())
    assert collection["extent"]["spatial"]["bbox"] == [[-180.0, -90.0, 180.0, 90.0]]
    assert collection["extent"]["temporal"]["interval"] == [[None, None]]
    assert collection["iaos:unlocated"] is True


def test_the_branches_above():
    partner = build_partner_catalog(DEFINITION.partner, [DEFINITION])
    assert ("child", "./ctd/collection.json") in [(link["rel"], link["href"]) for link in partner["links"]]
    assert ("about", "https://www.example.org") in [(link["rel"], link["href"]) for link in partner["links"]]
    root = build_root_catalog([DEFINITION.partner])
    assert ("child", "./imr/catalog.json") in [(link["rel"], link["href"]) for link in root["links"]]
    assert not [link for link in root["links"] if link["rel"] == "parent"]
