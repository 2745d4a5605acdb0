"""MMD records of MET Norway, and the pair of one Sentinel-1 scene in MMD and ISO 19139."""

from __future__ import annotations

import pytest

from builder.crosswalks import describe
from builder.errors import IaosError
from builder.geometry.footprint import footprint
from builder.sources.protocol import Record


def read(folder, path, kind):
    return describe(Record(path, kind, (folder / path).read_bytes(), "application/xml", f"https://example.org/{path}"))


@pytest.fixture(scope="module")
def iso(shared_data):
    return shared_data / "harvest" / "iso"


def test_a_sentinel_scene_of_the_kara_sea(iso):
    scene = read(iso, "py-mmd-tools/reference_mmd.xml", "mmd")
    assert scene.identifier == "S1A_EW_GRDM_1SDH_20200420T023244_20200420T023348_032205_03B97F_72EB"
    assert footprint(scene.coverage).bbox == [63.098541, 76.955391, 90.652794, 82.044609]
    assert scene.coverage.start.isoformat() == "2020-04-20T02:32:44.006000+00:00"
    assert scene.platform == "Sentinel-1A"
    assert {r.key for r in scene.resources} >= {"data", "opendap", "wms"}
    assert scene.created.isoformat() == "2020-04-20T05:42:18.746000+00:00"
    assert scene.doi is None
    assert len(scene.themes[0].ids) == 3


def test_both_renderings_of_the_scene_agree(iso):
    mmd = read(iso, "py-mmd-tools/reference_mmd.xml", "mmd")
    other = read(iso, "py-mmd-tools/reference_iso.xml", "iso19139")
    for field in ("title", "description", "status"):
        assert getattr(mmd, field) == getattr(other, field), field
    assert footprint(mmd.coverage).bbox == footprint(other.coverage).bbox
    assert (mmd.coverage.start, mmd.coverage.end) == (other.coverage.start, other.coverage.end)
    assert set(mmd.keywords) <= set(other.keywords)


def test_an_open_end_and_a_licence(iso):
    station = read(iso, "mmd/precipitation_amount_st_92350.xml", "mmd")
    assert station.coverage.start is not None
    assert station.coverage.end is None
    charts = read(iso, "mmd/foo.xml", "mmd")
    assert charts.title == "Foo Ice Charts for Sognsvann"
    assert charts.license.id == "CC-BY-4.0"
    assert not charts.access.restricted


def test_inactive_is_withdrawn(iso):
    body = (iso / "mmd/foo.xml").read_bytes().replace(b">Active<", b">Inactive<")
    assert describe(Record("x", "mmd", body, "application/xml", "u")).status == "withdrawn"


def test_a_missing_title_is_missing_and_broken_xml_is_refused_in_one_line(iso):
    assert read(iso, "py-mmd-tools/not_a_valid_mmd.xml", "mmd").title is None
    with pytest.raises(IaosError) as said:
        read(iso, "py-mmd-tools/not_a_valid_xml.xml", "mmd")
    assert "\n" not in str(said.value)
