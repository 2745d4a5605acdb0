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
    assert [len(theme.ids) for theme in scene.themes] == [3, 3]  # topic categories, GCMD


def test_both_renderings_of_the_scene_agree(iso):
    mmd = read(iso, "py-mmd-tools/reference_mmd.xml", "mmd")
    other = read(iso, "py-mmd-tools/reference_iso.xml", "iso19139")
    for field in ("title", "description", "status"):
        assert getattr(mmd, field) == getattr(other, field), field
    assert footprint(mmd.coverage).bbox == footprint(other.coverage).bbox
    assert (mmd.coverage.start, mmd.coverage.end) == (other.coverage.start, other.coverage.end)
    assert set(other.themes) <= set(mmd.themes)
    assert mmd.created == other.created
    assert mmd.language == other.language
    assert set(other.parties) <= set(mmd.parties)
    plain = [
        [(r.key, r.href.partition("?")[0], r.media_type, r.description) for r in d.resources] for d in (mmd, other)
    ]
    assert plain[0] == plain[1]


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


def mmd(extent: str, more: str = ""):
    body = (
        f"<mmd><metadata_identifier>a</metadata_identifier><geographic_extent>{extent}</geographic_extent>{more}</mmd>"
    )
    return describe(Record("x", "mmd", body.encode(), "application/xml", "u"))


RECTANGLE = "<rectangle><north>82</north><south>78</south><west>10</west><east>30</east></rectangle>"
OUTLINE = "<polygon><Polygon><exterior><LinearRing>{}</LinearRing></exterior></Polygon></polygon>"


@pytest.mark.parametrize(
    "ring",
    [
        "<posList>10 78 30 79 25 82 10 78</posList>",
        "<posList>78 10 79 30 82 25 78 10</posList>",
        "<posList>10,78 30,79 25,82 10,78</posList>",
        "<pos>10 78</pos><pos>30 79</pos><pos>25 82</pos><pos>10 78</pos>",
    ],
)
def test_outline_in_either_order_of_coordinates(ring):
    geometry = mmd(RECTANGLE + OUTLINE.format(ring)).coverage.geometry
    assert geometry == {"type": "Polygon", "coordinates": [[[10, 78], [30, 79], [25, 82], [10, 78]]]}


def test_outline_that_is_no_outline_leaves_the_rectangle():
    made = mmd(RECTANGLE + OUTLINE.format("<posList>10 78 here</posList>"))
    assert (made.coverage.geometry, made.coverage.boxes) == (None, ((10, 78, 30, 82),))


def test_recorded_outline_of_the_globe(iso):
    charts = read(iso, "mmd/foo.xml", "mmd")
    assert footprint(charts.coverage).bbox == [-180, -90, 180, 90]
    assert charts.citation.startswith("Cristian Lussana")


def test_rectangle_in_metres_is_left_out_and_said():
    made = mmd(RECTANGLE.replace("<rectangle>", '<rectangle srsName="EPSG:32633">'))
    assert made.coverage.boxes == ()
    assert [finding.code for finding in made.findings] == ["mmd.reference-system"]


def test_parent_storage_and_access():
    more = """
      <related_dataset relation_type="parent">no.met:b</related_dataset>
      <access_constraint>Registered users only</access_constraint>
      <storage_information><file_size unit="B">42</file_size><checksum type="md5sum">00</checksum></storage_information>
      <data_access><type>HTTP</type><resource>https://x.example/fileServer/a.nc</resource></data_access>"""
    made = mmd(RECTANGLE, more)
    assert made.parent == "no.met:b"
    assert made.access.restricted
    assert [(r.size, r.checksum) for r in made.resources] == [(42, "md5:00")]
