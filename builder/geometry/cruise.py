"""A ship's track in time, and which scenes lie near it when the ship was there."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import orjson

from builder.errors import DefinitionError

KM_PER_DEGREE = 111.195
"""Length of a degree of latitude on the mean sphere of 6371 km."""


@dataclass(frozen=True, slots=True, order=True)
class Fix:
    """Where the ship was: time in UTC, longitude and latitude in degrees."""

    time: datetime
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Window:
    """What to ask a search for: a box in degrees (west, south, east, north) and a span of time."""

    bbox: tuple[float, float, float, float]
    start: datetime
    end: datetime


def read_track(data: bytes, where: str) -> tuple[Fix, ...]:
    """Read a track from CSV (columns time, longitude, latitude) or GeoJSON (points with a ``time`` property).

    Raises:
        DefinitionError: The file is neither, or a row cannot be read; the row is named.
    """
    try:
        rows = list(_geojson(orjson.loads(data)) if data.lstrip()[:1] == b"{" else _csv(data.decode("utf-8-sig")))
        fixes = tuple(sorted(_fix(number, row) for number, row in enumerate(rows, 1)))
    except (ValueError, KeyError, TypeError, AttributeError) as trouble:
        raise DefinitionError(
            f"the track cannot be read: {trouble}", where=where, hint="give CSV with columns time, longitude, latitude"
        ) from trouble
    if not fixes:
        raise DefinitionError("the track has no positions", where=where)
    return fixes


def _csv(text: str) -> Iterator[Mapping[str, Any]]:
    for row in csv.DictReader(io.StringIO(text)):
        yield {str(key).strip().lower(): value for key, value in row.items()}


def _geojson(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for feature in document["features"]:
        longitude, latitude = feature["geometry"]["coordinates"][:2]
        yield {"time": feature["properties"]["time"], "longitude": longitude, "latitude": latitude}


def _fix(number: int, row: Mapping[str, Any]) -> Fix:
    longitude = float(row.get("longitude") or row["lon"])
    latitude = float(row.get("latitude") or row["lat"])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 360):
        raise ValueError(f"row {number} lies outside the Earth")
    time = datetime.fromisoformat(row["time"])
    return Fix(time if time.tzinfo else time.replace(tzinfo=UTC), (longitude + 180) % 360 - 180, latitude)


def windows(track: tuple[Fix, ...], distance_km: float, hours: float) -> Iterator[Window]:
    """Yield one search window per day of the track, wide enough to hold every scene that is near.

    Boxes near the pole, and those that would cross the antimeridian, span all longitudes.
    """
    margin = distance_km / KM_PER_DEGREE
    for _, fixes in groupby(track, key=lambda fix: fix.time.date()):
        day = list(fixes)
        south = max(-90.0, min(fix.latitude for fix in day) - margin)
        north = min(90.0, max(fix.latitude for fix in day) + margin)
        side = margin / max(math.cos(math.radians(max(abs(south), abs(north)))), 1e-6)
        west, east = min(fix.longitude for fix in day) - side, max(fix.longitude for fix in day) + side
        if west < -180 or east > 180 or east - west > 180:
            west, east = -180.0, 180.0
        span = timedelta(hours=hours)
        yield Window((west, south, east, north), day[0].time - span, day[-1].time + span)


def near(
    track: tuple[Fix, ...],
    geometry: Mapping[str, Any],
    start: datetime,
    end: datetime,
    *,
    distance_km: float,
    hours: float,
) -> bool:
    """Tell whether a footprint lies within a distance of the ship's position at about the same time.

    Distances are measured on an azimuthal equidistant plane around each position (true from its
    centre, Snyder 1987, chapter 25), so the pole and the antimeridian are ordinary places.
    """
    import shapely
    import shapely.ops
    from pyproj import Transformer

    span = timedelta(hours=hours)
    shape = shapely.segmentize(shapely.geometry.shape(dict(geometry)), 1.0)
    for fix in track:
        if start - span <= fix.time <= end + span:
            plane = f"+proj=aeqd +lat_0={fix.latitude} +lon_0={fix.longitude} +units=km +datum=WGS84"
            to_plane = Transformer.from_crs("EPSG:4326", plane, always_xy=True)
            around = shapely.ops.transform(to_plane.transform, shape)
            if shapely.make_valid(around).distance(shapely.Point(0, 0)) <= distance_km:
                return True
    return False
