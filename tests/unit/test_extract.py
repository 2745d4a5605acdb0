"""Cuts of real files hold what netCDF4 and numpy find by brute force, whatever shape the files have."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import cftime
import netCDF4
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from click.testing import CliRunner
from pyproj import CRS, Geod, Transformer

import iaos
from builder.cli import group
from builder.errors import ReadingError
from builder.reading.axes import depth_of_pressure
from builder.reading.extract import extract, plan
from builder.reading.outputs import write
from builder.reading.query import query
from builder.reading.select import inside

pytestmark = pytest.mark.filterwarnings("ignore::xarray.SerializationWarning")
GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def netcdf(shared_data):
    return shared_data / "science" / "netcdf"


def run(*words):
    done = CliRunner().invoke(group, ["-q", "extract", *map(str, words)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def rows(text):
    return list(csv.DictReader(line for line in io.StringIO(text) if not line.startswith("#")))


def raw(path, *names):
    with netCDF4.Dataset(path) as file:
        return [np.ma.filled(file[name][...].astype(float), np.nan) for name in names]


def metres(lon, lat, place):
    lon, lat = np.broadcast_arrays(lon, lat)
    return GEOD.inv(np.full(lon.shape, place[0]), np.full(lon.shape, place[1]), lon, lat)[2]


@pytest.fixture
def seaice(netcdf):
    path = netcdf / "seaice" / "seaice_conc_daily_nh_20211231_f17_v04r00.nc"
    with netCDF4.Dataset(path) as file:
        crs = CRS.from_wkt(file["projection"].spatial_ref)
        x, y = np.meshgrid(file["xgrid"][:].astype(float), file["ygrid"][:].astype(float))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return path, lon, lat, raw(path, "cdr_seaice_conc")[0][0]


@pytest.mark.parametrize(
    "place", [(0.0, 90.0), (179.99, 85.0), (-180.0, 80.2), (15.6, 78.2), (200.0, 71.0), (60, 0), (15, 31)]
)
def test_the_nearest_cell_of_a_projected_grid_is_nearest_in_metres(seaice, place):
    path, lon, lat, values = seaice
    row, column = np.unravel_index(np.argmin(metres(lon, lat, place)), lon.shape)
    part = iaos.extract(path, point=place, variables=["cdr_seaice_conc"])
    np.testing.assert_allclose(part.cdr_seaice_conc[0], np.float32(values[row, column]), equal_nan=True)
    assert part.attrs["iaos_distance_m"] == pytest.approx(metres(lon, lat, place).min(), abs=1e-3)


@pytest.mark.parametrize("box", [(170, 70, -170, 72), (-180, 85, 180, 90), (350, 60, 10, 89.5), (-20, 75, 40, 80)])
def test_a_box_of_a_projected_grid_goes_across_the_antimeridian_and_round_the_pole(seaice, box):
    path, lon, lat, values = seaice
    west, south, east, north = box
    width = (east - west) % 360 or 360
    within = (lat >= south) & (lat <= north) & ((lon - west) % 360 <= width)
    found = rows(run(path, "--box", ",".join(map(str, box)), "--variable", "cdr_seaice_conc"))
    wanted = values[within & np.isfinite(values)]
    assert len(found) == len(wanted) > 0
    assert np.sort([float(r["cdr_seaice_conc [1]"]) for r in found]) == pytest.approx(np.sort(wanted), abs=1e-6)
    part = iaos.extract(path, box=box, variables=["cdr_seaice_conc", "spatial_interpolation_flag"])
    assert part.cdr_seaice_conc.count() == len(wanted)
    assert float(part.cdr_seaice_conc.mean()) == pytest.approx(wanted.mean(), abs=1e-6)
    assert part.iaos_within.sum() == within.sum()


@pytest.mark.parametrize("place", [(10.3, 60.2), (-9.9, 66.0), (44.0, 35.1)])
def test_a_rotated_grid(netcdf, place):
    path = netcdf / "generic" / "tas_rotated_grid_EUR11.nc"
    with netCDF4.Dataset(path) as file:
        pole = file["rotated_pole"]
        north = np.radians([pole.grid_north_pole_latitude, pole.grid_north_pole_longitude])
        rlon, rlat = np.meshgrid(np.radians(file["rlon"][:]), np.radians(file["rlat"][:]))
        tas = file["tas"][0, 0]
    # Doms and Baldauf, COSMO documentation, part I: equations 3.74 and 3.75
    lat = np.arcsin(np.sin(rlat) * np.sin(north[0]) + np.cos(rlat) * np.cos(rlon) * np.cos(north[0]))
    lon = north[1] - np.arctan2(
        np.cos(rlat) * np.sin(rlon),
        np.cos(north[0]) * np.sin(rlat) - np.sin(north[0]) * np.cos(rlat) * np.cos(rlon),
    )
    distance = metres(np.degrees(lon), np.degrees(lat), place)
    row, column = np.unravel_index(np.argmin(distance), distance.shape)
    part = iaos.extract(path, point=place)
    assert float(part.tas.squeeze()) == float(tas[row, column])
    assert part.attrs["iaos_distance_m"] == pytest.approx(distance.min(), abs=1.0)


def test_the_nearest_column_of_a_grid_of_degrees_is_not_the_nearest_by_degrees(tmp_path):
    lon, lat = np.arange(0.0, 360.0, 30.0), np.array([80.0, 89.0])
    data = np.arange(lat.size * lon.size).reshape(lat.size, lon.size)
    xr.Dataset(
        {"v": (("lat", "lon"), data)},
        {"lon": ("lon", lon, {"units": "degrees_east"}), "lat": ("lat", lat, {"units": "degrees_north"})},
    ).to_netcdf(tmp_path / "g.nc")
    place = (-46.0, 86.0)
    distance = metres(*np.meshgrid(lon, lat), place)
    degrees = np.hypot((np.meshgrid(lon, lat)[0] - place[0]) % 360, np.meshgrid(lon, lat)[1] - place[1])
    assert np.argmin(distance) != np.argmin(degrees)
    assert int(iaos.extract(tmp_path / "g.nc", point=place).v) == data.ravel()[np.argmin(distance)]


def test_a_box_across_the_antimeridian_of_a_grid_of_degrees_has_rising_longitudes(netcdf, tmp_path):
    path = netcdf / "generic" / "S20080012008031.L3m_MO_CHL_chlor_a_9km.nc"
    with netCDF4.Dataset(path) as file:
        lon, lat = file["lon"][:].filled(), file["lat"][:].filled()
        rows_, columns = (lat >= 30) & (lat <= 31), (lon >= 179) | (lon <= -179)
        wanted = file["chlor_a"][rows_][:, columns].filled(np.nan)
    run(path, "--box", "179,30,-179,31", "-o", tmp_path / "out.nc")
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        cut = file["chlor_a"][...].filled(np.nan)
        assert (np.diff(file["lon"][:]) > 0).all()
        assert file["lon"][0] >= 179
        assert file["lon"][-1] <= 181
    assert cut.shape == wanted.shape
    np.testing.assert_array_equal(np.sort(cut.ravel()), np.sort(wanted.ravel()))
    half = np.count_nonzero(lon >= 179)
    np.testing.assert_array_equal(cut[:, :half], wanted[:, -half:])


def test_casts_of_a_time(netcdf):
    path = netcdf / "imr_ctd" / "imr_AA-GS-GT_20030901-20031130_0-50m_TEMP.nc"
    time, temperature = raw(path, "TIME", "TEMP")
    first, last = (cftime.date2num(datetime(2003, 10, day, tzinfo=UTC), "days since 1950-01-01") for day in (1, 11))
    wanted = temperature[(time >= first) & (time < last)]
    part = iaos.extract(path, time="2003-10-01/2003-10-10")
    np.testing.assert_array_equal(part.TEMP, wanted)
    found = rows(run(path, "--time", "2003-10-01/2003-10-10"))
    assert len(found) == np.isfinite(wanted).sum() > 0
    assert sorted(float(r["TEMP [degrees_C]"]) for r in found) == sorted(wanted[np.isfinite(wanted)])
    with pytest.raises(ReadingError, match="no depths"):
        iaos.extract(path, depth="0:10")
    with pytest.raises(ReadingError, match="no positions"):
        iaos.extract(path, point="0,70")
    with pytest.raises(ReadingError, match="no profiles"):
        iaos.extract(path, profile="0,70")


@pytest.fixture
def yearly(tmp_path):
    """A file as IMR writes them (header of 58GT_CTD_2003): a dimension for each of times, latitudes, longitudes."""
    rng, casts, levels = np.random.default_rng(3), 40, 300
    path = tmp_path / "58GT_CTD_2003.nc"
    pressure = np.sort(rng.uniform(0, 3000, (casts, levels)).astype("f4"), axis=1)
    pressure[rng.random((casts, levels)) < 0.3] = np.nan
    temperature = np.where(np.isnan(pressure), np.nan, rng.normal(size=(casts, levels)))
    with netCDF4.Dataset(path, "w") as file:
        for name in ("TIME", "LATITUDE", "LONGITUDE", "POSITION"):
            file.createDimension(name, casts)
        file.createDimension("DEPTH", levels)
        file.data_type = "OceanSITES vertical profile"
        time = file.createVariable("TIME", "f8", "TIME")
        time.setncatts({"standard_name": "time", "units": "days since 1950-01-01T00:00:00Z", "axis": "T"})
        time[:] = 19400 + np.sort(rng.uniform(0, 300, casts))
        for name, axis, low, high in (("LATITUDE", "Y", 56, 79), ("LONGITUDE", "X", -180, 180)):
            variable = file.createVariable(name, "f4", name)
            unit = f"degree_{'north' if axis == 'Y' else 'east'}"
            variable.setncatts({"standard_name": name.lower(), "axis": axis, "units": unit})
            variable[:] = rng.uniform(low, high, casts)
        file.createVariable("POSITION_QC", "i1", "POSITION")[:] = 1
        for name, values in (("PRES", pressure), ("TEMP", temperature)):
            variable = file.createVariable(name, values.dtype, ("TIME", "DEPTH"), fill_value=np.nan)
            variable[:] = values
        file["PRES"].setncatts({"standard_name": "sea_water_pressure", "units": "dbar", "axis": "Z"})
        file["TEMP"].setncatts({"standard_name": "sea_water_temperature", "units": "degrees_C"})
    return path


def test_the_nearest_cast_of_a_yearly_file_is_the_nearest_of_those_asked_for(yearly):
    lon, lat, time, pressure, temperature = raw(yearly, "LONGITUDE", "LATITUDE", "TIME", "PRES", "TEMP")
    place = (-179.0, 70.0)
    distance = metres(lon, lat, place)
    depth = depth_of_pressure(pressure, lat[:, None])
    late = time >= cftime.date2num(datetime(2003, 7, 1, tzinfo=UTC), "days since 1950-01-01")
    for words, among in (((), np.ones(len(lon), bool)), (("--time", "2003-07/.."), late)):
        cast = np.flatnonzero(among)[np.argmin(distance[among])]
        deep = (depth[cast] >= 500) & (depth[cast] <= 1500)
        found = rows(run(yearly, "--profile", "-179,70", "--depth", "500:1500", "--variable", "TEMP", *words))
        assert [float(r["TEMP [degrees_C]"]) for r in found] == pytest.approx(temperature[cast][deep].tolist())
        assert {float(r["LATITUDE [degree_north]"]) for r in found} == {np.float32(lat[cast]).astype(str).astype(float)}
    part = iaos.extract(yearly, box=(170, 50, -170, 80))
    within = ((lon >= 170) | (lon <= -170)) & (lat >= 50) & (lat <= 80)
    np.testing.assert_array_equal(part.TEMP, temperature[within])
    assert part.LATITUDE.dims == part.TEMP.dims[:1]


def test_depth_of_pressure_has_its_published_values():
    # UNESCO Technical Papers in Marine Science 44 (1983), p. 28: check value and table of depths
    assert depth_of_pressure(10000.0, 30.0) == pytest.approx(9712.653, abs=0.0005)
    assert depth_of_pressure(np.array([500.0, 10000.0]), 90.0) == pytest.approx([494.03, 9674.23], abs=0.005)


def test_levels_without_pressure_count_metres_from_the_uppermost(tmp_path):
    with netCDF4.Dataset(tmp_path / "p.nc", "w") as file:
        file.setncatts({"data_type": "OceanSITES vertical profile", "geospatial_vertical_min": "1.000"})
        file.createDimension("TIME", 2)
        file.createDimension("DEPTH", 5)
        time = file.createVariable("TIME", "f8", "TIME")
        time.units = "days since 1950-01-01"
        time[:] = [1, 2]
        file.createVariable("TEMP", "f4", ("TIME", "DEPTH"))[:] = np.arange(10).reshape(2, 5)
    part = iaos.extract(tmp_path / "p.nc", depth=(2, 3))
    assert part.DEPTH.to_numpy().tolist() == [2, 3]  # index + 1 metre
    assert part.TEMP.to_numpy().tolist() == [[1, 2], [6, 7]]


def test_stations_of_a_ragged_array(netcdf):
    path = netcdf / "profiles" / "ferret_DSG_ERDDAP_Tao5daySst.nc"
    lon, lat, counts, sst, time = raw(path, "longitude", "latitude", "rowSize", "T_25", "time")
    ends = np.cumsum(counts).astype(int)
    for place in [(-170.0, 1.2), (165.0, -3.0), (-24.0, 0.0)]:
        station = int(np.argmin(metres(lon, lat, place)))
        own = slice(ends[station] - int(counts[station]), ends[station])
        part = iaos.extract(path, point=place)
        np.testing.assert_array_equal(part.T_25, sst[own].astype("f4"))
        np.testing.assert_array_equal(part.time.to_numpy().astype("datetime64[s]").astype(float), time[own])
    within = np.repeat((lat > -3) & (lat < 3) & ((lon >= 170) & (lon <= 200)), counts.astype(int))
    assert iaos.extract(path, box=(170, -3, -160, 3)).sizes["obs"] == within.sum() > 0


def test_row_sizes_that_do_not_add_up_are_refused(tmp_path):
    xr.Dataset({"rows": ("station", [2, 2], {"sample_dimension": "obs"}), "v": ("obs", np.arange(5.0))}).to_netcdf(
        tmp_path / "r.nc"
    )
    with pytest.raises(ReadingError, match="add up to 4, not 5"):
        iaos.extract(tmp_path / "r.nc")


def test_observations_that_name_their_station(tmp_path):
    xr.Dataset(
        {"station_index": ("obs", [1, 0, 1], {"instance_dimension": "station"}), "v": ("obs", [10.0, 20.0, 30.0])},
        {
            "lon": ("station", [0.0, 50.0], {"units": "degrees_east"}),
            "lat": ("station", [70.0, 80.0], {"units": "degrees_north"}),
        },
    ).to_netcdf(tmp_path / "r.nc")
    assert iaos.extract(tmp_path / "r.nc", point=(49, 79)).v.to_numpy().tolist() == [10.0, 30.0]


def test_a_trajectory(netcdf):
    path = netcdf / "profiles" / "ferret_492C19881104.nc"
    lon, lat, sst = raw(path, "longitude", "latitude", "temp")
    nearest = int(np.argmin(metres(lon, lat, (150.0, 0.0))))
    found = rows(run(path, "--point", "150,0", "--variable", "temp"))
    assert [float(r["temp [degrees C]"]) for r in found] == pytest.approx([sst[nearest]])
    within = (lon >= 150) & (lon <= 160) & (lat >= -20) & (lat <= 0)
    assert len(rows(run(path, "--box", "150,-20,160,0", "--variable", "temp"))) == within.sum() > 0


def test_pressures_of_a_float(netcdf):
    path = netcdf / "profiles" / "argo_MD5903593_001.nc"
    pressure, temperature, lat = raw(path, "PRES", "TEMP", "LATITUDE")
    depth = depth_of_pressure(pressure, lat[:, None])
    within = (depth >= 100) & (depth <= 200) & np.isfinite(temperature)
    found = rows(run(path, "--depth", "100:200", "--variable", "TEMP"))
    assert [r["TEMP [degree_Celsius]"] for r in found] == [f"{v:g}" for v in temperature[within]]


def test_a_station_without_place_in_its_name_keeps_gaps_in_its_series(netcdf):
    path = netcdf / "promice" / "TEST1_day.nc"
    time, air = raw(path, "time", "t_u")
    with netCDF4.Dataset(path) as file:
        units = file["time"].units
    first, last = (cftime.date2num(datetime(2018, month, 1, tzinfo=UTC), units) for month in (6, 9))
    within = (time >= first) & (time < last)
    found = rows(run(path, "--time", "2018-06/2018-08", "--variable", "air_temperature"))
    assert len(found) == within.sum() > 0
    assert [r["t_u [degrees_C]"] for r in found] == ["" if np.isnan(v) else str(v) for v in air[within]]


def test_outputs_agree_and_say_where_they_come_from(netcdf, tmp_path):
    path = netcdf / "profiles" / "ferret_DSG_ERDDAP_Tao5daySst.nc"
    for name in ("a.csv", "a.nc", "a.parquet"):
        run(path, "--point", "-170,0", "--variable", "T_25", "-o", tmp_path / name)
    table = pd.read_csv(tmp_path / "a.csv", comment="#", parse_dates=["time [UTC]"])
    parquet = pd.read_parquet(tmp_path / "a.parquet")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        values = file["T_25"][:].filled(np.nan)
        assert file.Conventions == "CF-1.11"
        assert file.iaos_source == str(path)
        assert "--point -170,0" in file.history
        assert set(file["T_25"].coordinates.split()) == {"time", "longitude", "latitude", "depth"}
        assert file["T_25"].units == "degree_C"
    np.testing.assert_array_equal(table["T_25 [degree_C]"].astype("f4"), values)
    np.testing.assert_array_equal(parquet["T_25"], values)
    np.testing.assert_array_equal(parquet["time"].dt.tz_localize("UTC"), table["time [UTC]"])
    said = pq.read_schema(tmp_path / "a.parquet")
    assert said.field("T_25").metadata[b"units"] == b"degree_C"
    assert said.metadata[b"source"] == str(path).encode()
    assert (tmp_path / "a.csv").read_text().startswith("# title: TAO/TRITON")
    again = {name: (tmp_path / name).read_bytes() for name in ("a.csv", "a.nc", "a.parquet")}
    for name, data in again.items():
        run(path, "--point", "-170,0", "--variable", "T_25", "-o", tmp_path / name)
        assert (tmp_path / name).read_bytes() == data
    with pytest.raises(ReadingError, match=r"cannot write a\.xls"):
        run(path, "-o", tmp_path / "a.xls")


def test_of_several_sources_those_that_lack_what_is_asked_are_left_out_and_named(tmp_path):
    for name, variable in (("a", "salinity"), ("b", "oxygen"), ("c", "oxygen")):
        with netCDF4.Dataset(tmp_path / f"{name}.nc", "w") as file:
            file.createDimension("time", 2)
            time = file.createVariable("time", "f8", ("time",))
            time.units, time.standard_name = "days since 1950-01-01", "time"
            time[:] = [1, 2]
            file.createVariable(variable, "f4", ("time",))[:] = [3, 4]
    sources = [tmp_path / f"{name}.nc" for name in "abc"]
    planned = plan(sources, query(variables=["salinity"]))
    assert planned.notes[0] == f"left out {sources[1]} and 1 more: there is no variable 'salinity'"
    assert extract(*sources, variables=["salinity"])["salinity"].to_numpy().tolist() == [3, 4]
    with pytest.raises(ReadingError, match=r"a\.nc: there is no variable 'silicate'"):
        extract(*sources, variables=["silicate"])


def test_times_of_a_cut_are_read_by_others_than_xarray(netcdf, tmp_path):
    days = np.array([20000.5, 20001 + 1 / 3, 20002.123456789])
    for name, title in (("a", "One ship"), ("b", "Another ship")):
        with netCDF4.Dataset(tmp_path / f"{name}.nc", "w") as file:
            file.title, file.license = title, "CC-BY-4.0"
            file.createDimension("time", 3)
            time = file.createVariable("time", "f8", ("time",))
            time.units, time.standard_name = "days since 1950-01-01", "time"
            time[:] = days
            file.createVariable("v", "f4", ("time",))[:] = [1, 2, 3]
    run(tmp_path / "a.nc", "-o", tmp_path / "cut.nc")
    run(tmp_path / "a.nc", tmp_path / "b.nc", "-o", tmp_path / "both.nc")
    expected = netCDF4.num2date(days, "days since 1950-01-01")
    for name, many in (("cut", 1), ("both", 2)):
        with netCDF4.Dataset(tmp_path / f"{name}.nc") as file:
            found = netCDF4.num2date(file["time"][:], file["time"].units, file["time"].calendar)
            assert max(abs((a - b).total_seconds()) for a, b in zip(found, [*expected] * many, strict=True)) < 1e-5
            assert "_FillValue" not in file["time"].ncattrs()
            told = {"title", "license"} & set(file.ncattrs())
    assert told == {"license"}, "what only one of several says is not said of all"


def test_no_cell_of_a_table_is_a_formula(tmp_path):
    words = np.array(["=1+1", "+2", "-3", "@x", "\tx", "plain"], dtype=object)
    part = xr.Dataset({"=w": ("row", words, {"units": "m"}), "n": ("row", -np.arange(6.0))})
    write(part, tmp_path / "f.csv")
    table = list(csv.reader((tmp_path / "f.csv").open(newline="")))
    assert table[0] == ["'=w [m]", "n"]
    assert [row[0] for row in table[1:]] == ["'=1+1", "'+2", "'-3", "'@x", "'\tx", "plain"]
    assert table[2][1] == "-1.0"


def test_model_calendars_are_compared_by_date(tmp_path):
    days = xr.date_range("2001-02-01", periods=60, calendar="360_day", use_cftime=True)
    xr.Dataset({"v": ("time", np.arange(60.0))}, {"time": days}).to_netcdf(tmp_path / "m.nc")
    assert iaos.extract(tmp_path / "m.nc", time="2001-03-01/2001-03-05").v.to_numpy().tolist() == [30, 31, 32, 33, 34]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"point": "1"}, "not LONGITUDE,LATITUDE"),
        ({"point": (70, 100)}, "longitude comes first"),
        ({"box": (0, 80, 10, 70)}, "south north of its north"),
        ({"box": (0, 80, 10, 95)}, "outside -90..90"),
        ({"depth": "100:10"}, "ends above"),
        ({"depth": "a:b"}, "FROM:TO"),
        ({"time": "2018/2017"}, "ends before"),
        ({"time": "soon"}, "not a time"),
        ({"point": (0, 70), "box": (0, 60, 10, 70)}, "exclude"),
        ({"within_km": 3.0}, "needs a point"),
    ],
)
def test_questions_that_make_no_sense_are_refused_in_a_line(asked, words):
    with pytest.raises(ReadingError, match=words):
        query(**asked)


def test_times_open_and_whole():
    assert query(time="2018").time == (datetime(2018, 1, 1, tzinfo=UTC), datetime(2018, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert query(time=("2018-07-01T12:00Z", None)).time == (datetime(2018, 7, 1, 12, tzinfo=UTC), None)
    assert query(depth=5.0 and (5, None)).depth == (5.0, np.inf)


def test_longitudes_of_any_convention_are_in_a_box():
    lon = np.array([179.0, -179.0, 181.0, 0.0, -180.0, 180.0, np.nan])
    assert inside(lon, np.full(7, 70.0), (175, 60, -175, 80)).tolist() == [True, True, True, False, True, True, False]


def test_distance_limit_price_and_refusals(seaice, netcdf):
    path = seaice[0]
    with pytest.raises(ReadingError, match="km away") as trouble:
        run(path, "--point", "0,20", "--within", "100")
    assert trouble.value.exit_status == 1
    assert "cdr_seaice_conc" in run(path, "--point", "0,82", "--within", "100")
    assert "1 request, " in run(path, "--point", "0,82", "--variable", "cdr_seaice_conc", "--dry-run")
    with pytest.raises(ReadingError, match=r"more than 0\.01 MB"):
        run(path, "--max-mb", "0.01")
    with pytest.raises(ReadingError, match="no variable 'nothing'"):
        run(path, "--variable", "nothing")
    with pytest.raises(ReadingError, match=r"no group 'x' \(it has none\)"):
        run(path, "--group", "x")
    flights = netcdf / "generic" / "mozaic_test_hgroups.nc"
    with netCDF4.Dataset(flights) as file:
        names = ", ".join(file.groups)
        name, flight = next(iter(file.groups.items()))
        variable, length = next((n, v.size) for n, v in flight.variables.items() if v.ndim == 1 and v.dtype.kind == "f")
    assert len(rows(run(flights, "--group", name, "--variable", variable))) == length
    with pytest.raises(ReadingError, match=rf"\(there are UTC_time; others in the groups {names}\)"):
        run(flights)
