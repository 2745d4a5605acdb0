"""The kinds of value definitions are made of: slugs, addresses, local paths, patterns, instants and places."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from builder.definitions.periods import UNITS, period_of

_RESERVED = re.compile(
    r"static|processes|search|compare|(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|.*\.(json|ndjson|html|xml|txt)|.*\."
)
_GROUPS = frozenset((*UNITS, "doy", *(f"end_{unit}" for unit in (*UNITS, "doy"))))


class Strict(BaseModel):
    """Refuses unknown keys and never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _portable(slug: str) -> str:
    if _RESERVED.fullmatch(slug):
        raise ValueError("is kept for files of the catalogue or of an operating system; choose another")
    return slug


def _with_host(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:
        raise ValueError("has no host")
    return url


def _spelled(host: str) -> str:
    """Write an IPv6 address in the one way in which hosts are compared (RFC 5952)."""
    literal, bracket, port = host.rpartition("]")
    if not bracket:
        return host
    try:
        return f"[{IPv6Address(literal[1:]).compressed}]{port}"
    except ValueError:
        raise ValueError("is no IPv6 address in brackets") from None


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if path.startswith(("/", "~")) or "\\" in path or ":" in path or ".." in parts:
        raise ValueError("must lie in the folder of the definition")
    return path


def _time_pattern(text: str) -> str:
    try:
        groups = set(re.compile(text).groupindex)
    except (re.error, OverflowError, RecursionError) as trouble:
        raise ValueError(f"is not a regular expression: {trouble}") from trouble
    if "year" not in groups:
        raise ValueError("must have a group `(?P<year>...)`")
    unknown = sorted(groups - _GROUPS)
    if unknown:
        raise ValueError(f"has the unknown group `{unknown[0]}`; known are {', '.join(sorted(_GROUPS))}")
    return text


def _year_as_text(value: Any) -> Any:
    return f"{value:04d}" if isinstance(value, int) and not isinstance(value, bool) else value


def _instant(text: str) -> str:
    period_of(text)
    return text


def _interval(text: str) -> str:
    ends = text.split("/")
    if len(ends) > 2 or set(ends) <= {"..", ""}:
        raise ValueError("is neither an instant nor an interval such as 2019-01-01/2019-12-31 or 2019-01-01/..")
    for end in ends:
        if end not in ("..", ""):
            period_of(end)
    return text


def _box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = box
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("needs longitudes from -180 to 180: [west, south, east, north]")
    if not (-90 <= south <= north <= 90):
        raise ValueError("needs latitudes from -90 to 90, south before north: [west, south, east, north]")
    return box


def _point(point: tuple[float, float]) -> tuple[float, float]:
    if not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
        raise ValueError("needs longitude, then latitude, in degrees")
    return point


def check_geometry(kind: str, coordinates: Any) -> None:
    """Check the nesting and every position of a GeoJSON geometry (RFC 7946 section 3.1).

    Raises:
        ValueError: The coordinates do not fit the type, or a position is not on the globe.
    """
    positions = [coordinates]
    for _ in range(_NESTING[kind]):
        if not all(isinstance(part, list | tuple) and part for part in positions):
            raise ValueError("has `coordinates` that do not fit its type")
        positions = [inner for part in positions for inner in part]
    if not all(_is_position(position) for position in positions):
        raise ValueError("has a position that is not [longitude, latitude] in degrees")


def _is_position(position: Any) -> bool:
    if not isinstance(position, list | tuple) or len(position) not in (2, 3):
        return False
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in position):
        return False
    return bool(-180 <= position[0] <= 180 and -90 <= position[1] <= 90)


_NESTING = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Geometry type → how many lists stand around its positions."""

_SLUG = r"^[a-z0-9][a-z0-9._-]{0,79}$"
_URL = r"^https?://[^\s@]+$"
_HOST = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
_PREFIX = r"^[A-Za-z0-9_.!~*'()-]+$"
_STAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$"
_DOI = r"^10\.[0-9]{4,9}/\S+$"

PATTERNS = {
    _SLUG: "must be 1 to 80 of a-z, 0-9, `.`, `_` and `-`, a letter or digit first",
    _URL: "must be an http(s) address without user name or blanks",
    _HOST: "must be `host` or `host:port`, without `https://` and path; an IPv6 address in brackets",
    _PREFIX: "must be a metadata prefix without blanks or slashes",
    _STAMP: "must be a day such as 2019-05-01 or a time such as 2019-05-01T00:00:00Z",
    _DOI: "must be a DOI such as 10.1594/PANGAEA.902845, without `https://doi.org/`",
}
"""What the patterns of this module ask for, in words."""

Slug = Annotated[str, Field(pattern=_SLUG), AfterValidator(_portable)]
HttpUrl = Annotated[str, Field(pattern=_URL), AfterValidator(_with_host)]
Host = Annotated[str, Field(pattern=_HOST), AfterValidator(_spelled)]
LocalPath = Annotated[str, Field(min_length=1), AfterValidator(_inside)]
TimePattern = Annotated[str, Field(max_length=500), AfterValidator(_time_pattern)]
Interval = Annotated[str, AfterValidator(_interval)]
MetadataPrefix = Annotated[str, Field(pattern=_PREFIX)]
OaiDate = Annotated[str, Field(pattern=_STAMP), AfterValidator(_instant)]
Text = Annotated[str, Field(min_length=1)]
Doi = Annotated[str, Field(pattern=_DOI)]
Bbox = Annotated[tuple[float, float, float, float], AfterValidator(_box)]
Point = Annotated[tuple[float, float], AfterValidator(_point)]
Instant = Annotated[
    str,
    BeforeValidator(_year_as_text),
    AfterValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 9999}]}),
]
"""A year, month, day or time as ISO 8601 writes it; kept as written, UTC where no zone is given."""
