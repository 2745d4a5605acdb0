"""ACDD and CF attributes become a dataset; what servers and libraries did to them is undone."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

import pytest

from builder.crosswalks.acdd import describe
from builder.crosswalks.cf import unescaped
from builder.enrich.inspect import inspect
from builder.enrich.netcdf import dataset_of
from builder.errors import ProtocolError, RecordError
from builder.sources.protocol import Record

NS = "http://www.unidata.ucar.edu/namespaces/netcdf/ncml-2.2"


def read(body: str | bytes):
    data = body.encode() if isinstance(body, str) else body
    return describe(Record("file", "ncml", data, "application/xml", "https://example.org/file.nc"))


def ncml(more: str = "", **attributes: str):
    lines = "".join(f"<attribute name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in attributes.items())
    return read(f"<?xml version='1.0' encoding='UTF-8'?><netcdf xmlns='{NS}'>{lines}{more}</netcdf>")


def test_words_dates_and_identity():
    found = ncml(
        title="Ice of the Fram Strait", summary="What it is.", keywords="EARTH SCIENCE > CRYOSPHERE, ice; drift",
        keywords_vocabulary="GCMD Science Keywords", license="https://creativecommons.org/licenses/by/4.0/",
        id="https://doi.org/10.1234/abc", references="See doi:10.5194/essd-13-3819-2021", date_created="2020-01-02",
        date_modified="2021-01-02T03:04:05Z", date_issued="2022-01-01", time_coverage_start="2019-01-01",
        time_coverage_end="2019-12-31", processing_level="Level 3", product_version="2", project="INTAROS",
        platform="RV Polarstern", instrument="CTD, ADCP", history="made", metadata_link="https://example.org/about",
    )  # fmt: skip
    assert (found.title, found.description, found.lineage) == ("Ice of the Fram Strait", "What it is.", "made")
    assert found.keywords == ("EARTH SCIENCE > CRYOSPHERE", "ice", "drift")
    assert found.themes[0].ids == ("EARTH SCIENCE > CRYOSPHERE",)
    assert (found.license.id, found.doi) == ("CC-BY-4.0", "10.1234/abc")
    assert found.publications[0].doi == "10.5194/essd-13-3819-2021"
    assert found.coverage.start == datetime(2019, 1, 1, tzinfo=UTC)
    assert found.coverage.end == datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert found.created == datetime(2020, 1, 2, tzinfo=UTC)
    assert found.updated == datetime(2021, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.published == datetime(2022, 1, 1, tzinfo=UTC)
    assert (found.platform, found.instruments, found.mission) == ("RV Polarstern", ("CTD", "ADCP"), "INTAROS")
    assert (found.processing_level, found.version) == ("Level 3", "2")
    assert found.links[0].href == "https://example.org/about"
    assert found.trace["title"].place == "/netcdf/@title"


def test_people_keep_their_roles_apart():
    found = ncml(
        creator_name="Ada Ice; Bo Snow", creator_email="ada@example.org; bo@example.org", creator_institution="IOPAN",
        contributor_name="Cy Floe, Di Lead", contributor_role="principal investigator, editor",
        publisher_name="GEUS", publisher_type="institution", publisher_url="https://example.org/",
        institution="NSIDC > National Snow and Ice Data Center",
    )  # fmt: skip
    by_name = {party.name: party for party in found.parties}
    assert by_name["Bo Snow"].email == "bo@example.org"
    assert by_name["Bo Snow"].organization == "IOPAN"
    assert by_name["Ada Ice"].roles == ("author",)
    assert by_name["Cy Floe"].roles == ("principalInvestigator",)
    assert by_name["Di Lead"].roles == ("editor",)
    assert by_name["GEUS"].organization == "GEUS"
    assert by_name["GEUS"].url == "https://example.org/"
    assert by_name["National Snow and Ice Data Center"].roles == ("originator",)


def test_family_name_first_is_one_person():
    assert [party.name for party in ncml(creator_name="Meier, Walter").parties] == ["Meier, Walter"]


def test_nothing_said_is_nothing():
    found = ncml(title=" ", summary="", doi="none", platform="void", creator_name="N/A", license="")
    assert (found.title, found.description, found.doi, found.platform, found.parties) == (None, None, None, None, ())
    assert found.findings == ()


@pytest.mark.parametrize(
    ("sides", "box"),
    [
        (("0", "60", "359.5", "90"), (-180.0, 60.0, 180.0, 90.0)),
        ((".625", "-89.5", "250.625", "10.5"), (0.625, -89.5, -109.375, 10.5)),
        (("190", "70", "200", "80"), (-170.0, 70.0, -160.0, 80.0)),
        (("-9.520", "56.667", "35.016", "78.655"), (-9.52, 56.667, 35.016, 78.655)),
    ],
)
def test_longitudes_from_0_to_360(sides, box):
    west, south, east, north = sides
    found = ncml(geospatial_lon_min=west, geospatial_lat_min=south, geospatial_lon_max=east, geospatial_lat_max=north)
    assert found.coverage.boxes == (box,)


@pytest.mark.parametrize(
    ("said", "vertical"),
    [
        ({"geospatial_vertical_positive": "down"}, (-2962.0, -1.0, "m")),
        ({"geospatial_vertical_positive": "up", "geospatial_vertical_units": "meters"}, (1.0, 2962.0, "m")),
        ({"geospatial_vertical_positive": "down", "geospatial_vertical_units": "dbar"}, None),
        ({}, None),
    ],
)
def test_vertical_needs_its_direction(said, vertical):
    assert (
        ncml(geospatial_vertical_min="1.000", geospatial_vertical_max="2962.000", **said).coverage.vertical == vertical
    )


def test_vertical_takes_its_direction_from_the_only_axis():
    axis = "<variable name='PRES' shape='TIME DEPTH' type='float'><attribute name='positive' value='down'/></variable>"
    found = ncml(axis, geospatial_vertical_min="1.000", geospatial_vertical_max="2962.000")  # 58GT_CTD_2003
    assert found.coverage.vertical == (-2962.0, -1.0, "m")


def test_attributes_of_variables_among_the_globals_are_no_globals():
    variable = "<variable name='TEMP' shape='TIME' type='double'/>"
    found = ncml(variable, **{"TEMP.title": "no", "g.Product.Id": "1"})
    assert found.title is None


def test_octal_escapes_of_a_dap_server():
    assert unescaped("H\\\\303\\\\245kon Mosby") == unescaped("H\\303\\245kon Mosby") == "Håkon Mosby"
    assert ncml(platform_name="H\\\\303\\\\245kon Mosby").platform == "Håkon Mosby"
    assert unescaped("C:\\data and \\377") == "C:\\data and \\377"


def test_variables_and_dimensions():
    found = ncml(
        "<dimension name='tdim' length='1' isUnlimited='true'/><dimension name='y' length='448'/>"
        "<dimension name='letters' length='8'/>"
        "<variable name='time' shape='tdim' type='int'>"
        "<attribute name='units' value='days since 1970-01-01'/></variable>"
        "<variable name='ygrid' shape='y' type='float'>"
        "<attribute name='standard_name' value='projection_y_coordinate'/>"
        "<attribute name='units' value='meters'/></variable>"
        "<variable name='ice' shape='tdim y' type='ubyte'>"
        "<attribute name='standard_name' value='sea_ice_area_fraction'/>"
        "<attribute name='long_name' value='Ice'/><attribute name='units' value='1'/></variable>"
        "<variable name='bad' shape='y' type='float'><attribute name='standard_name' value='Sea Ice!'/></variable>"
        "<variable name='name' shape='letters' type='char'/>"
        "<group name='inner'><variable name='v' shape='y' type='double'/></group>"
        "<group name='CFMetadata'><variable name='no' type='int'/></group>"
    )
    assert [(d.name, d.type, d.size, d.unit) for d in found.dimensions] == [
        ("tdim", "temporal", 1, "days since 1970-01-01"),
        ("y", "y", 448, "meters"),
    ]
    by_name = {variable.name: variable for variable in found.variables}
    assert list(by_name) == ["time", "ygrid", "ice", "bad", "name", "inner/v"]
    ice = by_name["ice"]
    assert (ice.standard_name, ice.description, ice.unit) == ("sea_ice_area_fraction", "Ice", "1")
    assert (ice.dimensions, ice.data_type, ice.auxiliary) == (("tdim", "y"), "ubyte", False)
    assert by_name["bad"].standard_name is None
    assert by_name["time"].auxiliary


def test_server_header_of_a_curvilinear_grid(shared_data):
    # harvest PROVENANCE.md: longitudes 0-360; the server's CFMetadata group has the extents
    found = read((shared_data / "harvest/thredds/pavics.ouranos.ca/sic_SImon_CanESM5.ncml.xml").read_bytes())
    assert found.coverage.boxes == ((-180.0, -78.3935, 180.0, 89.74177),)
    assert found.coverage.start == datetime(2019, 12, 6, 12, tzinfo=UTC)
    assert found.trace["coverage.start"].place == "/netcdf/group[CFMetadata]/@time_coverage_start"
    ice = next(variable for variable in found.variables if variable.name == "siconc")
    assert ice.standard_name == "sea_ice_area_fraction"


def test_single_quoted_declaration(shared_data):
    found = read((shared_data / "harvest/thredds/localhost/nc4_pres_temp_4D.ncml.xml").read_bytes())
    assert [(d.name, d.type) for d in found.dimensions][:3] == [("level", "z"), ("latitude", "y"), ("longitude", "x")]


@pytest.mark.parametrize(("body", "kind"), [("<x/>", RecordError), ("<netcdf", ProtocolError), ("", ProtocolError)])
def test_other_documents_are_refused(body, kind):
    with pytest.raises(kind):
        read(body)


def test_station_with_the_wrong_sign_of_longitude(shared_data):
    # PROVENANCE.md: longitude attribute +24.09, geospatial_lon -24.078
    path = shared_data / "science/netcdf/promice/TEST1_day.nc"
    found = dataset_of(inspect(path, "https://example.org/TEST1_day.nc", references=False), "TEST1")
    assert [f.code for f in found.findings if not f.code.startswith("cf.")] == ["netcdf.hemisphere"]
    assert found.coverage.geometry == {"type": "Point", "coordinates": [-24.07842, 79.90681]}
    assert found.license.id == "CC-BY-4.0"
    assert found.lineage.startswith("Generated on 2022")
    assert found.trace["coverage.geometry"].place == "coordinate values"
    assert found.dimensions[0].extent == ("2016-08-01T00:00:00+00:00", "2020-08-31T00:00:00+00:00")


def test_coordinates_win_over_attributes_and_the_partner_is_told(tmp_path):
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("lat", 2)
        file.createDimension("lon", 2)
        for name, values, units in (("lat", [70, 80], "degrees_north"), ("lon", [10, 20], "degrees_east")):
            file.createVariable(name, "f4", (name,))[:] = values
            file[name].units = units
        file.setncatts(
            {"geospatial_lat_min": 7.0, "geospatial_lat_max": 8.0, "geospatial_lon_min": 10.0,
             "geospatial_lon_max": 20.0, "time_coverage_start": "2020-01-01", "time_coverage_end": "2020-02-01"}
        )  # fmt: skip
    found = dataset_of(inspect(tmp_path / "a.nc", "https://example.org/a.nc", references=False), "a")
    assert found.coverage.boxes == ((10.0, 70.0, 20.0, 80.0),)
    assert found.coverage.start == datetime(2020, 1, 1, tzinfo=UTC)
    (finding,) = found.findings
    assert finding.code == "netcdf.coverage-disagrees"
    assert "latitudes 7 to 8" in finding.message
    assert found.trace["coverage.start"].place == "/netcdf/@time_coverage_start"
