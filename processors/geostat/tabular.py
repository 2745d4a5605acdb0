"""Reads observations from CSV: one row per value, as the INTAROS notebooks and data portals export them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.names import names_of
from processors.geostat.observations import Floats, Observations, checked, spell_unit
from processors.geostat.profiles import depth_of

COLUMNS = {
    "longitude": ("longitude", "lon", "long", "decimallongitude", "x"),
    "latitude": ("latitude", "lat", "decimallatitude", "y"),
    "time": ("time", "datetime", "date", "date/time", "timestamp", "eventdate"),
    "depth": ("depth", "depth water", "depth_m", "depth m", "z"),
    "pressure": ("pressure", "pres", "pres_adjusted"),
    "platform": ("vessel_name", "vaissel_name", "vessel", "platform", "platform_code", "ship", "cruise", "item"),
    "profile": ("profil_id", "profile_id", "profile", "cast", "station", "event"),
}
"""Column → names it goes by, in small letters and without a unit; "Vaissel_name" and "Profil_id" are INTAROS's."""

DAYS_1950 = -7305.0
"""1950-01-01, from which INTAROS counts days, as days since 1970."""


def read_csv(path: Path, variable: str, second: str | None = None, where: str = "") -> Observations:
    """Read a table; a unit is taken from its heading, such as ``Temperature [degC]`` or ``Temperature (degC)``.

    Lines of ``#`` before the headings, such as `iaos extract` writes, are passed over. Where there are pressures, dbar,
    and no depths, depths are made of them.

    A time is ISO 8601, or a number of days since 1950-01-01 as in the exports of INTAROS.

    Args:
        path: The file, UTF-8, with one line of headings.
        variable: Heading of the values, or another name of the same thing.
        second: Heading of a second variable.
        where: What the file is called in messages; its name by default.

    Raises:
        Refusal: A column is missing, or a value is none.
    """
    where = where or path.name
    frame = _frame(path, where)
    headings = {_plain(str(name)): str(name) for name in frame.columns}
    name, unit = _heading(headings, names_of(variable), variable, where)
    columns = {key: next((headings[one] for one in known if one in headings), None) for key, known in COLUMNS.items()}
    missing = [key for key in ("longitude", "latitude") if columns[key] is None]
    if missing:
        raise Refusal(f"has no column of {' and '.join(missing)}", where, f"it has: {', '.join(headings.values())}")
    rows = len(frame)

    def numbers(column: str | None) -> Floats:
        return np.full(rows, np.nan) if column is None else _numbers(frame[column], column, where)

    other = _heading(headings, names_of(second), second, where)[0] if second else None
    time = _times(frame, columns["time"], where)
    platform = _texts(frame, columns["platform"], path.stem)
    place = (numbers(columns["longitude"]), numbers(columns["latitude"]))
    depth = numbers(columns["depth"])
    if columns["depth"] is None and columns["pressure"] is not None:
        depth = depth_of(numbers(columns["pressure"]), place[1])
    told = frame[columns["profile"]] if columns["profile"] else None
    profile = _profiles(*place, time, platform, told)
    values = numbers(name)
    table = Observations(
        variable, unit, *place, time, depth, values,
        numbers(other) if other else None, platform, profile, second_name=second or "",
    )  # fmt: skip
    return checked(table, where)


def _frame(path: Path, where: str) -> Any:
    """Read a table without the lines of ``#`` that it begins with."""
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            remarks = sum(1 for _ in takewhile(lambda line: line.startswith("#"), file))
        return pd.read_csv(path, encoding="utf-8-sig", low_memory=False, skiprows=remarks)
    except (OSError, ValueError, UnicodeDecodeError) as trouble:
        raise Refusal(f"cannot be read as CSV: {str(trouble).splitlines()[0]}", where) from None


def _plain(heading: str) -> str:
    """Return a heading in small letters, without its unit."""
    return re.sub(r"\s*[\[(].*[\])]\s*$", "", heading).strip().lower()


def _heading(headings: dict[str, str], known: Iterable[str], wanted: str, where: str) -> tuple[str, str]:
    found = next((headings[one] for one in known if one in headings), None)
    if found is None:
        raise Refusal(
            f"has no column `{wanted}`", where, f"it has: {', '.join(headings.values())}", "GEOSTAT.NO_VARIABLE"
        )
    unit = re.search(r"[\[(]([^\[\]()]*)[\])]\s*$", found)
    return found, spell_unit(unit[1]) if unit else ""


def _numbers(column: Any, name: str, where: str) -> Floats:
    try:
        return np.asarray(column, np.float64)
    except ValueError:
        strange = next(str(one) for one in column if not _is_number(one))
        raise Refusal(
            f"`{name}` holds {strange[:40]!r}, which is no number", where, "leave missing cells empty"
        ) from None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _times(frame: Any, name: str | None, where: str) -> Floats:
    import pandas as pd

    if name is None:
        return np.full(len(frame), np.nan)
    if pd.api.types.is_numeric_dtype(frame[name]):
        days: Floats = np.asarray(frame[name], np.float64) + DAYS_1950
        return days
    try:
        parsed = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    except ValueError as trouble:
        raise Refusal(f"`{name}` holds no ISO 8601 times: {str(trouble).splitlines()[0]}", where) from None
    instants = parsed.to_numpy("datetime64[us]")
    days = instants.astype(np.int64) / 86_400e6
    return np.where(np.isnat(instants), np.nan, days)


def _texts(frame: Any, name: str | None, otherwise: str) -> npt.NDArray[np.str_]:
    if name is None:
        return np.full(len(frame), otherwise)
    return np.array(frame[name].fillna("").astype(str).tolist())


def _profiles(
    longitude: Floats, latitude: Floats, time: Floats, platform: npt.NDArray[np.str_], told: Any
) -> npt.NDArray[np.int64]:
    """Number the casts: the same place, time and platform, and the same number in the table where it has one."""
    import pandas as pd

    keys = {"lon": longitude, "lat": latitude, "time": time, "platform": platform}
    if told is not None:
        keys["told"] = np.asarray(told.astype(str))
    return np.asarray(pd.DataFrame(keys).groupby(list(keys), dropna=False, sort=False).ngroup(), np.int64)
