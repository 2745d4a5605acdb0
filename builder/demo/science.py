"""Synthetic observations with the layout of the real ones: ship CTD casts, sea-ice grids, weather stations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from netCDF4 import Dataset
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHIPS = {"58GT": "Sarsen", "58HJ": "Håkon Mosby", "58AA": "Johan Hjort"}
"""Platform code → name; the codes are those of the real IMR files."""

CTD_YEARS = (2018, 2019)
ICE_DAYS = tuple(datetime(2018, 8, 1, tzinfo=UTC) + timedelta(days=day) for day in range(10))
WEST, NORTH, CELL = -3_850_000.0, 5_850_000.0, 50_000.0
COLUMNS, ROWS = 152, 224
"""The NSIDC north polar grid (EPSG:3413) at 50 km: upper left corner, cell size and cell counts."""


@dataclass(frozen=True, slots=True)
class Station:
    """An automatic weather station on the Greenland ice sheet."""

    id: str
    latitude: float
    longitude: float
    elevation_m: float


STATIONS = (
    Station("KPC_U", 79.83, -25.17, 870.0),
    Station("EGP", 75.62, -35.97, 2660.0),
    Station("THU_U", 76.42, -68.15, 760.0),
    Station("NUK_L", 64.48, -49.54, 530.0),
)
"""Places of four PROMICE stations; what we let them measure is invented."""

_FLAGS = (
    "no_qc_performed good_data probably_good_data bad_data_that_are_potentially_correctable bad_data "
    "value_changed not_used nominal_value interpolated_value missing_value"
)


def temperature(latitude: Floats, depth: Floats) -> Floats:
    """Sketch the temperature of the Barents Sea in summer, degrees Celsius.

    A warm surface layer over Atlantic water that cools northwards and towards the bottom; shapes
    broadcast against each other.
    """
    import numpy as np

    surface = 9.0 - 0.45 * (latitude - 68.0)
    deep = 3.2 - 0.28 * (latitude - 68.0)
    return np.asarray(np.maximum(deep + (surface - deep) * np.exp(-depth / 45.0) - depth / 900.0, -1.88))


def write_ctd(file: Path, ship: str, year: int) -> None:
    """Write one ship's casts of one year: TIME × DEPTH as in IMR's yearly files, packed as they were."""
    import numpy as np
    from netCDF4 import Dataset

    random = np.random.default_rng([year, *ship.encode()])
    casts, levels = 18 + int(random.integers(8)), 120
    times = (
        np.sort(random.uniform(190, 270, casts))
        + (datetime(year, 1, 1, tzinfo=UTC) - datetime(1950, 1, 1, tzinfo=UTC)).days
    )
    latitude = np.round(random.uniform(70.5, 80.5, casts), 3)
    longitude = np.round(random.uniform(15.0, 45.0, casts), 3)
    pressure = np.arange(1, levels + 1, dtype=np.float64) * 3.0
    temp = temperature(latitude[:, None], pressure[None, :]) + random.normal(0, 0.05, (casts, levels))
    psal = 34.2 + 0.8 * (1 - np.exp(-pressure / 60.0)) + random.normal(0, 0.01, (casts, levels))
    bottom = random.integers(40, levels, casts)
    temp[np.arange(levels)[None, :] >= bottom[:, None]] = np.nan
    psal[np.isnan(temp)] = np.nan
    with Dataset(file, "w", format="NETCDF4_CLASSIC") as nc:
        for name in ("TIME", "LATITUDE", "LONGITUDE", "POSITION"):
            nc.createDimension(name, casts)
        nc.createDimension("DEPTH", levels)
        _ctd_coordinates(nc, times, latitude, longitude)
        _packed(nc, "TEMP", temp, "sea_water_temperature", "Sea temperature", "degrees_C")
        _packed(nc, "PSAL", psal, "sea_water_practical_salinity", "Practical salinity", "0.001", 20.0)
        pres = nc.createVariable("PRES", "f4", ("TIME", "DEPTH"), zlib=True, fill_value=np.float32(9.96921e36))
        pres.setncatts(
            {
                "standard_name": "sea_water_pressure",
                "long_name": "Sea pressure",
                "units": "dbar",
                "axis": "Z",
                "positive": "down",
            }
        )
        pres[:] = np.ma.masked_where(np.isnan(temp), np.broadcast_to(pressure, temp.shape))
        nc.setncatts(_ctd_attributes(ship, year, times, latitude, longitude, float(pressure[-1])))


def _ctd_coordinates(nc: Dataset, times: Floats, latitude: Floats, longitude: Floats) -> None:
    time = nc.createVariable("TIME", "f8", ("TIME",))
    time.setncatts(
        {
            "standard_name": "time",
            "long_name": "Time",
            "units": "days since 1950-01-01T00:00:00Z",
            "axis": "T",
            "calendar": "standard",
        }
    )
    time[:] = times
    for name, values, unit in (("LATITUDE", latitude, "degree_north"), ("LONGITUDE", longitude, "degree_east")):
        variable = nc.createVariable(name, "f4", (name,))
        variable.setncatts(
            {
                "standard_name": name.lower(),
                "long_name": f"{name.title()} of each location",
                "units": unit,
                "axis": "Y" if name == "LATITUDE" else "X",
            }
        )
        variable[:] = values
    flag = nc.createVariable("POSITION_QC", "i1", ("POSITION",), fill_value=-127)
    flag.setncatts(
        {
            "long_name": "Position quality flag",
            "flag_meanings": _FLAGS,
            "conventions": "Copernicus Marine In Situ reference table 2",
        }
    )
    flag[:] = 1


def _packed(
    nc: Dataset, name: str, values: Floats, standard_name: str, long_name: str, unit: str, offset: float = 0.0
) -> None:
    import numpy as np

    variable = nc.createVariable(name, "i2", ("TIME", "DEPTH"), zlib=True, shuffle=True, fill_value=-32767)
    variable.setncatts(
        {"standard_name": standard_name, "long_name": long_name, "units": unit, "ancillary_variables": f"{name}_QC"}
    )
    variable.scale_factor, variable.add_offset = 0.001, offset
    variable[:] = np.ma.masked_array(np.nan_to_num(np.round(values, 3)), mask=np.isnan(values))
    flag = nc.createVariable(f"{name}_QC", "i1", ("TIME", "DEPTH"), zlib=True, fill_value=-127)
    flag.setncatts({"long_name": f"{long_name} quality flag", "flag_meanings": _FLAGS})
    flag[:] = np.where(np.isnan(values), 9, 1)


def _ctd_attributes(ship: str, year: int, times: Floats, lat: Floats, lon: Floats, deepest: float) -> dict[str, str]:
    start, end = (
        datetime(1950, 1, 1, tzinfo=UTC) + timedelta(seconds=round(day * 86400)) for day in (times[0], times[-1])
    )
    return {
        "Conventions": "CF-1.6",
        "title": f"Synthetic CTD casts, {SHIPS[ship]}, {year}",
        "summary": "Invented CTD casts with the layout of the yearly files of the Institute of Marine Research.",
        "id": f"{ship}_CTD_{year}",
        "institution": "Demo institute (synthetic data)",
        "platform_code": ship,
        "platform_name": SHIPS[ship],
        "instrument": "CTD",
        "cdm_data_type": "profile",
        "data_type": "OceanSITES vertical profile",
        "license": "CC-BY-4.0",
        "time_coverage_start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "time_coverage_end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "geospatial_lat_min": f"{lat.min():.3f}",
        "geospatial_lat_max": f"{lat.max():.3f}",
        "geospatial_lon_min": f"{lon.min():.3f}",
        "geospatial_lon_max": f"{lon.max():.3f}",
        "geospatial_vertical_min": "3.000",
        "geospatial_vertical_max": f"{deepest:.3f}",
        "doi": "",
    }


def write_ice(file: Path, day: datetime) -> None:
    """Write one day of sea-ice concentration on the NSIDC polar stereographic grid, packed to bytes."""
    import numpy as np
    from netCDF4 import Dataset

    x: Floats = np.asarray(WEST + CELL * (np.arange(COLUMNS) + 0.5), dtype=np.float64)
    y: Floats = np.asarray(NORTH - CELL * (np.arange(ROWS) + 0.5), dtype=np.float64)
    distance = np.hypot(x[None, :] + 250_000, y[:, None] - 250_000)
    angle = np.arctan2(y[:, None], x[None, :])
    edge = 1_900_000 + 250_000 * np.cos(3 * angle) - 9_000 * (day - ICE_DAYS[0]).days
    concentration = np.clip((edge - distance) / 400_000, 0, 1)
    with Dataset(file, "w", format="NETCDF4") as nc:
        for name, size in (("time", 1), ("y", ROWS), ("x", COLUMNS)):
            nc.createDimension(name, size)
        _ice_coordinates(nc, day, x, y)
        ice = nc.createVariable(
            "ice_conc", "u1", ("time", "y", "x"), zlib=True, shuffle=True, fill_value=255, chunksizes=(1, 112, 76)
        )
        ice.setncatts(
            {
                "standard_name": "sea_ice_area_fraction",
                "long_name": "Sea-ice concentration",
                "units": "1",
                "grid_mapping": "crs",
            }
        )
        ice.scale_factor = np.float64(0.01)
        ice[0] = np.ma.masked_where(distance > 4_600_000, concentration)
        nc.setncatts(_ice_attributes(day))


def _ice_coordinates(nc: Dataset, day: datetime, x: Floats, y: Floats) -> None:
    from pyproj import CRS

    crs = nc.createVariable("crs", "i4", ())
    crs.setncatts(CRS.from_epsg(3413).to_cf())
    time = nc.createVariable("time", "f8", ("time",), fill_value=False)
    time.setncatts(
        {"standard_name": "time", "units": "days since 2000-01-01 00:00:00", "calendar": "standard", "axis": "T"}
    )
    time[:] = (day - datetime(2000, 1, 1, tzinfo=UTC)).days + 0.5
    for name, values in (("x", x), ("y", y)):
        axis = nc.createVariable(name, "f8", (name,), fill_value=False)
        axis.setncatts({"standard_name": f"projection_{name}_coordinate", "units": "m", "axis": name.upper()})
        axis[:] = values


def _ice_attributes(day: datetime) -> dict[str, str]:
    return {
        "Conventions": "CF-1.8, ACDD-1.3",
        "title": f"Synthetic sea-ice concentration, {day:%Y-%m-%d}",
        "summary": "An invented ice edge that retreats by 9 km a day, on the NSIDC north polar stereographic grid.",
        "institution": "Demo institute (synthetic data)",
        "license": "CC-BY-4.0",
        "keywords": "Sea Ice, Sea Ice Concentration, Arctic Ocean",
        "platform": "synthetic passive microwave radiometer",
        "processing_level": "L3",
        "time_coverage_start": f"{day:%Y-%m-%d}T00:00:00Z",
        "time_coverage_end": f"{day:%Y-%m-%d}T23:59:59Z",
    }


def weather(station: Station) -> tuple[Any, dict[str, tuple[Floats, str, str]]]:
    """Invent 30 days of hourly weather: hours since 2018-07-01, and per variable values, unit and standard name."""
    import numpy as np

    random = np.random.default_rng(list(station.id.encode()))
    hours = np.arange(30 * 24)
    daily = np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    drift = np.cumsum(random.normal(0, 0.15, hours.size))
    air = 2.0 - 0.0065 * station.elevation_m - 0.35 * (station.latitude - 65) + 2.5 * daily + drift - drift.mean()
    pressure = 1013.0 * np.exp(-station.elevation_m / 8200.0) + np.cumsum(random.normal(0, 0.1, hours.size))
    wind = np.abs(5.0 + 2.0 * np.sin(hours / 60.0) + random.normal(0, 1.0, hours.size))
    return hours, {
        "t_u": (np.round(air, 2), "degrees_C", "air_temperature"),
        "p_u": (np.round(pressure, 1), "hPa", "air_pressure"),
        "wspd_u": (np.round(wind, 2), "m s-1", "wind_speed"),
    }


def write_station(folder: Path, station: Station) -> None:
    """Write one station's series as NetCDF (CF timeSeries) and as CSV."""
    from netCDF4 import Dataset

    hours, series = weather(station)
    with Dataset(folder / f"{station.id}_hour.nc", "w", format="NETCDF4") as nc:
        nc.createDimension("time", hours.size)
        time = nc.createVariable("time", "i4", ("time",), zlib=True, fill_value=False)
        time.setncatts(
            {
                "standard_name": "time",
                "units": "hours since 2018-07-01 00:00:00",
                "calendar": "proleptic_gregorian",
                "axis": "T",
            }
        )
        time[:] = hours
        for name, value, unit in (
            ("lat", station.latitude, "degrees_north"),
            ("lon", station.longitude, "degrees_east"),
            ("alt", station.elevation_m, "m"),
        ):
            scalar = nc.createVariable(name, "f8", (), fill_value=False)
            scalar.setncatts(
                {"standard_name": {"lat": "latitude", "lon": "longitude", "alt": "altitude"}[name], "units": unit}
            )
            scalar[...] = value
        for name, (values, unit, standard_name) in series.items():
            variable = nc.createVariable(name, "f8", ("time",), zlib=True, chunksizes=(240,), fill_value=float("nan"))
            variable.setncatts({"standard_name": standard_name, "units": unit, "coordinates": "time lat lon alt"})
            variable[:] = values
        nc.setncatts(
            {
                "Conventions": "CF-1.8, ACDD-1.3",
                "title": f"Synthetic weather at {station.id}",
                "featureType": "timeSeries",
                "institution": "Demo institute (synthetic data)",
                "license": "CC-BY-4.0",
            }
        )
    start = datetime(2018, 7, 1, tzinfo=UTC)
    lines = ["time," + ",".join(series)]
    columns = [values for values, _, _ in series.values()]
    for row, hour in enumerate(hours):
        stamp = (start + timedelta(hours=int(hour))).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"{stamp}," + ",".join(f"{column[row]:g}" for column in columns))
    (folder / f"{station.id}_hour.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
