"""True areas of cells, and extents and areas of published concentration maps to their last digit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pyproj import Geod, Proj, Transformer

from processors.errors import Refusal
from processors.icestats.areas import cell_areas
from processors.icestats.concentration import Rules
from processors.icestats.grids import NSIDC, read_areas, read_concentration, read_mask
from processors.icestats.published import Beside, campaign_of_maps
from processors.protocol import Input

SIDE = 10_000.0
PLACES = [(0.0, 0.0), (-600_000.0, 1_000_000.0), (1_300_000.0, -900_000.0), (2_500_000.0, 2_000_000.0)]


def by_geodesics(crs, west, north, side):
    """Area of a cell whose edges are followed in steps of 1/200, after Karney (2013), km²."""
    along = np.linspace(0, side, 201)[:-1]
    x = np.concatenate([west + along, np.full(200, west + side), west + side - along, np.full(200, west)])
    y = np.concatenate([np.full(200, north), north - along, np.full(200, north - side), north - side + along])
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)
    return abs(area) / 1e6


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3995", "EPSG:6931", "EPSG:3575", "EPSG:3976", "EPSG:5041"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_areas_are_those_of_geodesic_polygons(crs, place):
    shift = 2_000_000.0 if crs == "EPSG:5041" else 0.0
    west, north = place[0] + shift, place[1] + shift
    expected = by_geodesics(crs, west, north, SIDE)
    wide = cell_areas(crs, (SIDE, 0, west, 0, -SIDE, north), (1, 1)).sum()
    fine = cell_areas(crs, (200.0, 0, west, 0, -200.0, north), (50, 50)).sum()
    assert wide == pytest.approx(expected, rel=2.2e-7)
    assert fine == pytest.approx(expected, rel=2.2e-7)


def test_other_systems_take_the_scale_of_proj():
    place = (500_000.0, 8_000_000.0)
    found = cell_areas("EPSG:32633", (SIDE, 0, place[0], 0, -SIDE, place[1]), (1, 1)).item()
    assert found == pytest.approx(by_geodesics("EPSG:32633", *place, SIDE), rel=2.2e-7)
    globe = cell_areas("EPSG:4326", (1.0, 0, -180, 0, -1.0, 90), (180, 360))
    assert globe.sum() == pytest.approx(510_065_621.724, rel=1e-11)  # WGS 84, Moritz (1980) R2 = 6371007.1810 m
    cell = Geod(ellps="WGS84").polygon_area_perimeter([10, 11, 11, 10], [90, 90, 0, 0])[0]
    assert globe[:90, 190].sum() == pytest.approx(abs(cell) / 1e6, rel=1e-9)


def test_scale_is_that_of_proj_to_4e_11():
    step = 50_000.0
    axis = np.arange(-40, 40) * step + 1.0
    x, y = np.meshgrid(axis, axis[::-1])
    for code in (3413, 3995):
        proj = Proj(code)
        factors = proj.get_factors(*proj(x, y, inverse=True))
        corner = (200.0, 0, 0, 0, -200.0, 0)
        single = [
            cell_areas(f"EPSG:{code}", (*corner[:2], at_x - 100, 0, -200.0, at_y + 100), (1, 1)).item()
            for at_x, at_y in zip(x.ravel()[::97], y.ravel()[::97], strict=True)
        ]
        expected = 0.04 / (factors.meridional_scale * factors.parallel_scale).ravel()[::97]
        assert single == pytest.approx(expected, rel=1e-10)


def test_naive_areas_are_wrong_by_what_the_literature_says():
    """Pixel counts in EPSG:3413 against truth at 80° N, at the pole and at 60° N."""
    for latitude, percent in ((80, -4.5), (90, -5.9), (60, 8.0)):
        x, y = Transformer.from_crs(4326, 3413, always_xy=True).transform(-45, latitude)
        true = cell_areas("EPSG:3413", (1.0, 0, x - 0.5, 0, -1.0, y + 0.5), (1, 1)).item()
        assert 100 * (1e-6 / true - 1) == pytest.approx(percent, abs=0.06)


def test_maps_that_have_no_area_are_refused():
    with pytest.raises(Refusal, match="rotated") as refused:
        cell_areas("EPSG:3413", (1.0, 0.1, 0, 0.1, -1.0, 0), (2, 2))
    assert refused.value.code == "STATS.GRID"
    with pytest.raises(Refusal, match="no reference system"):
        cell_areas("EPSG:0", (1.0, 0, 0, 0, -1.0, 0), (2, 2))
    with pytest.raises(Refusal, match="neither projected nor geographic"):
        cell_areas("EPSG:5773", (1.0, 0, 0, 0, -1.0, 0), (2, 2))


@pytest.fixture(scope="module")
def nsidc(shared_data):
    """NSIDC's files and what NSIDC published of them."""
    folder = shared_data / "science" / "netcdf"
    return folder / "seaice" / "nsidc", json.loads((folder / "expected.json").read_text())["seaice/nsidc"]


@pytest.mark.parametrize(("grid", "name"), [((448, 304), "psn25area_v3.dat"), ((332, 316), "pss25area_v3.dat")])
def test_areas_are_those_nsidc_publishes(nsidc, grid, name):
    crs, transform = NSIDC[grid]
    published = read_areas(nsidc[0] / name, grid)
    apart = np.abs(cell_areas(crs, transform, grid) - published)
    assert apart.max() < 0.0005 + 1.4e-6 * 665  # they are rounded to 0.001 km² and take the scale at the centre
    with pytest.raises(Refusal, match="does not hold 448 × 448 cells"):
        read_areas(nsidc[0] / name, (448, 448))


def sums(path, **beside):
    """Extent, area and missing area of one map, km²."""
    given = {key: Input.of(one) if hasattr(one, "open") else one for key, one in beside.items()}
    campaign = campaign_of_maps([Input.of(path)], [], Beside(**given), Rules(), lambda _: None)
    found = campaign.figures(0, Rules())
    return found.extent, found.ice_area_in_extent, campaign.scenes[0]["missing_km2"]


def test_southern_extent_and_area_to_the_last_digit(nsidc):
    folder, published = nsidc
    name = "nt_20150806_f17_nrt_s.bin"
    expected = [published[name][key] for key in ("extent_km2", "area_km2", "missing_km2")]
    assert [round(one, 3) for one in sums(folder / name, areas=folder / "pss25area_v3.dat")] == expected
    assert sums(folder / name) == pytest.approx(expected, rel=1.4e-6)


@pytest.mark.parametrize("name", ["nt_20150204_f17_v1.1_n.bin", "nt_20150206_f17_v1.1_n.bin"])
def test_northern_areas_and_hudson_bay_to_the_last_digit(nsidc, name):
    folder, published = nsidc
    masks = {
        "areas": folder / "psn25area_v3.dat",
        "valid": folder / "NIC_valid_ice_mask.N25km.01.1972-2007.nc",
        "regions": folder / "meier2007_region_mask_psn25.msk",
    }
    hudson = sums(folder / name, **masks, region_codes=(4,))
    expected = published[name]["hudson"]
    assert [round(one, 3) for one in hudson] == [expected["extent_km2"], expected["area_km2"], 0.0]
    del masks["regions"]  # published sums took the mask of February; January's is what there is
    expected = {"20150204": [14261580.640, 12722210.144], "20150206": [14255651.770, 12657647.426]}[name[3:11]]
    whole = sums(folder / name, **masks)
    assert [round(one, 3) for one in whole] == [*expected, published[name]["missing_km2"]]


def test_climate_data_record_counts_as_in_its_file(shared_data):
    folder = shared_data / "science" / "netcdf" / "seaice"
    expected = json.loads((folder.parent / "expected.json").read_text())
    one = read_concentration(folder / "seaice_conc_daily_nh_20211231_f17_v04r00.nc")
    told = expected["seaice/seaice_conc_daily_nh_20211231_f17_v04r00.nc"]
    assert one.when == "2021-12-31"
    assert 625 * np.nansum(one.share >= 0.15) == told["times 625 km2"]
    assert one.land.sum() == sum(told["flag cells"].values())
    assert one.pole.sum() == 0
    assert one.transform[:3] == (25000.0, 0.0, -3850000.0)
    other = read_concentration(folder / "seaice_conc_daily_nh_20211231_f17_v04r00.nc", variable="nsidc_nt_seaice_conc")
    assert 625 * np.nansum(other.share >= 0.15) != told["times 625 km2"]


def test_cersat_without_coordinates(shared_data):
    path = shared_data / "science" / "netcdf" / "seaice" / "cersat_psi_20171002_12.5km.nc"
    one = read_concentration(path)
    assert (one.when, one.crs, one.transform[0]) == ("2017-10-02", "EPSG:3412", 12500.0)
    south = read_concentration(shared_data / "science/netcdf/seaice/nsidc/nt_201301_f17_v1.1_s.bin")
    land = np.kron(south.land, np.ones((2, 2), bool))  # NSIDC's own land on a grid of half the step
    assert (one.land & land).sum() > 0.95 * land.sum()
    assert sums(path)[0] == pytest.approx(17.9e6, rel=0.02)  # Sea Ice Index, early October 2017


def test_what_is_no_concentration_is_refused(tmp_path, shared_data):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(Refusal, match="no map of concentration") as refused:
        read_concentration(path)
    assert refused.value.code == "STATS.UNREADABLE"
    path.write_bytes(b"x" * (300 + 448 * 304))
    with pytest.raises(Refusal, match="header of NSIDC-0051"):
        read_concentration(path)
    with pytest.raises(Refusal, match="does not hold 10 × 10 cells"):
        read_mask(shared_data / "science/netcdf/seaice/nsidc/meier2007_region_mask_psn25.msk", (10, 10))
