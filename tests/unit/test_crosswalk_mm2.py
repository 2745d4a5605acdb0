"""MM2 records of DAMOCLES, predecessors of INTAROS: counts and odd boxes as PROVENANCE.md of the recording states."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from lxml import etree
from shapely.geometry import Point, shape

from builder.crosswalks.mm2 import describe
from builder.dataset import Coverage
from builder.errors import RecordError
from builder.geometry.footprint import footprint
from builder.sources.protocol import Record

SUSPICIOUS = {"ARKXXIII2": 2, "ark23": 2, "pops": 6}
"""Families whose boxes were written west first, and how many (column "suspicious" of the table)."""


@pytest.fixture(scope="module")
def records(shared_data):
    folder = shared_data / "harvest" / "iso" / "damocles-mm2"
    found = {}
    for file in sorted(folder.rglob("*.xml")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        sidecar = file.with_suffix(".xmd").read_bytes()
        record = Record(
            name, "mm2", file.read_bytes(), "application/xml", f"https://example.org/{name}.xml", companion=sidecar
        )
        found[name] = describe(record)
    return found


def test_the_totals_of_the_table(records):
    assert len(records) == 222
    live = {name: dataset for name, dataset in records.items() if dataset.status == "published"}
    assert len(live) == 219
    assert sum(bool(dataset.coverage.boxes) for dataset in records.values()) == 196
    assert sum(bool(dataset.coverage.start or dataset.coverage.end) for dataset in records.values()) == 210


def test_deleted_records_are_withdrawn(records):
    gone = {name for name, dataset in records.items() if dataset.status == "withdrawn"}
    assert "FSmoorings" in gone
    assert len(gone) == 3


def test_boxes_read_east_first_are_where_the_instruments_were(records):
    mooring = footprint(records["FSmoorings-2005-2006"].coverage, "eswn")
    assert mooring.bbox[1] == pytest.approx(78.8166667)
    west, _, east, _ = footprint(records["FSmoorings-2005-2006"].coverage, "eswn").bbox
    assert -8 < west < east < 9


def test_boxes_written_west_first_are_noticed_and_no_others(records):
    noticed = Counter()
    for name, dataset in records.items():
        result = footprint(replace(dataset.coverage, geometry=None), "eswn", name)
        noticed[name.split("/")[0]] += "geometry.box-west-east" in {finding.code for finding in result.findings}
    assert +noticed == SUSPICIOUS


def test_footprints_are_valid_for_all(records):
    for name, dataset in records.items():
        made = footprint(dataset.coverage, "eswn", name)
        assert (made.geometry is None) == (not dataset.coverage.boxes and not dataset.coverage.geometry)
        assert made.geometry is None or shape(made.geometry).is_valid


def test_drift_near_the_pole_is_drawn_by_its_points(records):
    made = footprint(records["itp12"].coverage, "eswn")
    # sidecar: 178.19 89.56, -117.29 89.57, 140.72 89.01, -61.52 88.57, -99.14 89.44; the widest gap is the outside
    assert made.geometry["type"] == "MultiPoint"
    assert made.bbox == [140.72, 88.57, -61.52, 89.57]


@pytest.mark.parametrize("family", ["itp12", "itp14", "itp28"])
def test_every_profile_of_a_drift_is_a_point(records, family):
    profiles = [dataset for name, dataset in records.items() if name.startswith(f"{family}/")]
    assert len(profiles) == 5
    for dataset in profiles:
        made = footprint(dataset.coverage, "eswn")
        assert made.geometry["type"] == "Point"
        assert made.bbox == pytest.approx([dataset.coverage.boxes[0][n] for n in (2, 1, 0, 3)], abs=0.006)


@pytest.mark.parametrize("name", ["iceconc", "optimal", "icesst"])
def test_recorded_outline_of_a_polar_grid_holds_the_pole(shared_data, name):
    sidecar = etree.parse(shared_data / "harvest" / "iso" / "damocles-mm2" / f"{name}.xmd")
    words = sidecar.findtext(".//{*}lonLatPolygon").split(",")
    ring = [[float(value) for value in place.split()] for place in words]
    made = footprint(Coverage(geometry={"type": "Polygon", "coordinates": [ring]}))
    assert made.bbox == [-180, min(lat for _, lat in ring), 180, 90]
    assert shape(made.geometry).covers(Point(-42, 90))
    assert shape(made.geometry).covers(Point(100, 80))


def test_cruise_across_180_degrees_does_not_span_the_globe(records):
    made = footprint(records["UGOT-data"].coverage, "eswn")
    assert made.bbox == [64.64, 69.76, -173.61, 77.18]  # least and greatest of the positions, Kara to Chukchi Sea
    assert len(made.geometry["coordinates"]) == 99  # positions in the sidecar


def test_polar_products_are_circles_though_their_sidecar_lists_an_empty_position(records):
    for name in ("iceconc/iceconc_2006-09", "optimal/optimal_20060531", "icesst"):
        assert footprint(records[name].coverage, "eswn").bbox[0::2] == [-180, 180]


def test_cruise_to_the_pole_with_very_many_positions_is_thinned(records):
    assert len(footprint(records["aoe/aoe_cloud_top"].coverage, "eswn").geometry["coordinates"]) <= 500


def test_folder_is_a_collection_and_its_files_name_it(records):
    folder, file = records["UGOT-data"], records["UGOT-data/UGOT-data_ISSS08"]
    assert (folder.identifier, folder.level, folder.parent) == ("DAMOC/UGOT-data", "collection", None)
    assert (file.level, file.parent) == ("item", "DAMOC/UGOT-data")


def test_planned_activity_has_neither_place_nor_time(records):
    planned = records["IPF_1"]
    assert planned.coverage.geometry is None
    assert planned.coverage.boxes == ()
    assert planned.coverage.start is None
    assert planned.resources == ()


def test_planned_activities_are_unlocated(records):
    planned = [dataset for dataset in records.values() if "planned activity" in (dataset.title or "")]
    assert planned
    for dataset in planned:
        assert footprint(dataset.coverage, "eswn").geometry is None
        assert (dataset.resources, dataset.links) == ((), ())


def test_restricted_is_restricted(records):
    statements = {dataset.access.statement: dataset.access.restricted for dataset in records.values()}
    assert statements == {
        None: False,
        "Free": False,
        "open": False,
        "Restricted to Damocles": True,
        "Data restrictions: for DAMOCLES partners only": True,
        "Data restrictions: Restricted to DAMOCLES": True,
    }


def test_without_sidecar_the_box_is_all_there_is():
    body = b'<MM2><metadata name="bounding_box">14,80.6,13,80.8</metadata><metadata name="title">Ice</metadata></MM2>'
    alone = describe(Record("x", "mm2", body, "application/xml", "u"))
    assert (alone.identifier, alone.coverage.boxes, alone.status) == ("x", ((14, 80.6, 13, 80.8),), "published")
    broken = describe(Record("x", "mm2", body, "application/xml", "u", companion=b"<dataset"))
    assert [finding.code for finding in broken.findings] == ["mm2.sidecar"]
    odd = describe(Record("x", "mm2", body.replace(b"14,80.6", b"here"), "application/xml", "u"))
    assert [finding.code for finding in odd.findings] == ["mm2.bounding-box"]


def test_something_else_is_refused():
    with pytest.raises(RecordError):
        describe(Record("x", "mm2", b"<html/>", "text/html", "u"))
