"""Names and units of variables are held against the CF standard name table; what is not understood is not judged."""

from __future__ import annotations

import netCDF4
import pytest

from builder.crosswalks.standardnames import checked, table
from builder.crosswalks.units import convertible, same
from builder.dataset import Variable
from builder.enrich.inspect import inspect
from builder.enrich.netcdf import dataset_of

WHERE = "https://example.org/file.nc"


def said(name, unit=None):
    (variable,), findings = checked([Variable("v", standard_name=name, unit=unit)], WHERE)
    return variable.standard_name, [(f.code, str(f.severity), f.message, f.hint) for f in findings]


def test_the_table_is_the_one_published():
    # https://cfconventions.org, CF standard name table 93 of 17 March 2026: 5023 entries; 4 of 595 former names stand
    # twice, are entries too, or became two names
    assert table().version == "93"
    assert len(table().units) == 5023
    assert table().units["sea_ice_area_fraction"] == "1"
    assert table().units["sea_water_practical_salinity"] == "1"
    assert table().units["air_pressure"] == "Pa"
    assert set(table().aliases.values()) <= set(table().units)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("sea_water_temperature", "degC"),
        ("sea_surface_temperature", "degrees C"),
        ("sea_water_practical_salinity", "PSU"),
        ("sea_water_pressure", "decibar"),
        ("time", "days since 1950-01-01"),
        ("latitude", "degrees_north"),
        ("eastward_wind", "m.s-1"),
        ("sea_ice_area_fraction", "%"),
        ("mole_concentration_of_dissolved_molecular_oxygen_in_sea_water", "mmol m-3"),
        ("surface_snow_thickness", "furlong"),  # not understood, so not judged
        ("sea_water_temperature status_flag", "1"),
        (None, "furlong"),
    ],
)
def test_right_names_and_units_are_left_alone(name, unit):
    assert said(name, unit) == (name, [])


def test_a_wrong_name_is_found_and_the_nearest_named():
    name, ((code, severity, message, hint),) = said("sea_water_temprature", "K")
    assert (name, code, severity) == ("sea_water_temprature", "cf.standard-name", "warning")
    assert message == "not in version 93 of the CF standard name table: sea_water_temprature"
    assert hint == "perhaps sea_water_temperature for sea_water_temprature"
    assert "leave standard_name out" in said("xyzzy_plugh_frobnicate")[1][0][3]


def test_a_former_name_is_published_under_its_present_one():
    # the first alias of the table
    name, ((code, severity, message, _),) = said("chlorophyll_concentration_in_sea_water", "mg m-3")
    assert name == "mass_concentration_of_chlorophyll_in_sea_water"
    assert (code, severity) == ("cf.standard-name", "note")
    assert message.endswith("sea_water is now mass_concentration_of_chlorophyll_in_sea_water")


def test_many_wrong_names_make_one_finding():
    names = [f"frobnicated_{letter}" for letter in "abcdefg"]
    _, (finding,) = checked([Variable(name, standard_name=name) for name in names], WHERE)
    assert finding.message.endswith("frobnicated_e, and 2 more")


@pytest.mark.parametrize(("name", "unit"), [("depth", "dbar"), ("air_temperature", "m"), ("wind_speed", "m")])
def test_units_of_another_kind_are_found(name, unit):
    _, ((code, severity, message, _),) = said(name, unit)
    assert (code, severity) == ("cf.units", "warning")
    assert repr(unit) in message


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # by the definitions of UDUNITS-2
        ("mS/cm", "S m-1", True), ("umol/kg", "mol kg-1", True), ("W m-2", "J s-1 m-2", True), ("hPa", "Pa", True),
        ("m s^-1", "km/h", True), ("kg m**-2", "kg m-2", True), ("1e-3", "1", True), ("ml/l", "1", True),
        ("m", "s", False), ("kg m-3", "mol m-3", False), ("dB", "1", None), ("", "1", None),
    ],
)  # fmt: skip
def test_kinds_of_units(first, second, expected):
    assert convertible(first, second) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # aliases of UDUNITS-2, and pairs that it converts with a factor or an offset
        ("degree_Celsius", "degC", True), ("degrees_C", "°C", True), ("celsius", "degreeC", True),
        ("dbar", "decibar", True), ("decibars", "dbar", True), ("m", "meters", True), ("metre", "m", True),
        ("m/s", "m s-1", True), ("m s^-1", "m.s-1", True), ("µmol/kg", "μmol kg**-1", True), ("PSU", "psu", True),
        ("K", "kelvin", True), ("%", "percent", True), ("degrees_north", "degree_N", True), ("", "", True),
        ("degC", "K", False), ("m", "km", False), ("m", "mm", False), ("m s-1", "km/h", False), ("", "1", False),
        ("degrees_north", "degrees_east", False), ("M", "m", False), ("dbar", "bar", False), ("%", "1", False),
        ("umol kg-1", "µmol/kg", True), ("micromole/kg", "umol kg-1", True), ("millimeters", "mm", True),
        ("1/s", "s-1", True), ("kilograms/m3", "kg m-3", True), ("mmol m-3", "umol m-3", False), ("uM", "um", False),
        ("days since 1950-01-01", "days since 1970-01-01", False), ("days since 1950-01-01", "days", False),
        ("1e-3", "1", False), ("m s-1", "m s-2", False), ("?!", "?!", True), ("?!", "!?", False),
    ],
)  # fmt: skip
def test_units_written_in_two_ways(first, second, expected):
    assert same(first, second) is same(second, first) is expected


def test_findings_reach_the_dataset_of_a_file(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 2)
        ice = file.createVariable("ice", "f4", ("x",))
        ice.setncatts({"standard_name": "sea_ice_area_fracton", "units": "1"})
    found = dataset_of(inspect(tmp_path / "a.nc", WHERE, references=False), "a")
    (finding,) = [one for one in found.findings if one.code == "cf.standard-name"]
    assert "sea_ice_area_fraction" in finding.hint
    assert finding.where == WHERE
