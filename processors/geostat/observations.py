"""What was observed: one record per value, with its place, time, depth, platform and profile, and checks on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal

Floats: TypeAlias = npt.NDArray[np.float64]
Chosen: TypeAlias = npt.NDArray[np.bool_] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """A table of values; every array has the shape (n,).

    Attributes:
        name: Name of the variable.
        unit: Its unit in UDUNITS spelling; empty where no file says one.
        longitude: Degrees east, in [-180, 180).
        latitude: Degrees north.
        time: Days since 1970-01-01T00:00Z; NaN where unknown.
        depth: Metres, down; NaN where unknown.
        value: The variable, finite.
        second: A second variable of the same samples; NaN where missing. None where none was asked for.
        platform: Ship or station.
        profile: Number of the profile, the same for all values of one cast.
        standard_name: CF standard name; empty where no file says one.
        second_name: Name of the second variable.
        left_out: Reason → how many values were left out for it.
        notes: What a reader should know of the data.
    """

    name: str
    unit: str
    longitude: Floats
    latitude: Floats
    time: Floats
    depth: Floats
    value: Floats
    second: Floats | None
    platform: npt.NDArray[np.str_]
    profile: npt.NDArray[np.int64]
    standard_name: str = ""
    second_name: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(self.value.size)

    def take(self, which: Chosen, reason: str = "") -> Observations:
        """Return some of the values; what is left out is counted under ``reason``."""
        columns: dict[str, Any] = {
            name: getattr(self, name)[which]
            for name in ("longitude", "latitude", "time", "depth", "value", "platform", "profile")
        }
        second = None if self.second is None else self.second[which]
        lost = self.size - int(columns["value"].size)
        told = self.left_out | ({reason: self.left_out.get(reason, 0) + lost} if reason and lost else {})
        return replace(self, **columns, second=second, left_out=told)


def join(parts: Sequence[Observations], where: str = "observations") -> Observations:
    """Put tables together; profiles stay apart.

    Raises:
        Refusal: They have different units.
    """
    units = sorted({spell_unit(part.unit) for part in parts} - {""})
    if len(units) > 1:
        named = " and ".join(units)
        raise Refusal(
            f"values come in {named}", where, "convert them to one unit; none is converted silently", "GEOSTAT.UNITS"
        )
    sizes = [int(part.profile.max(initial=-1)) + 1 for part in parts]
    profiles = [part.profile + sum(sizes[:number]) for number, part in enumerate(parts)]
    told = sum((Counter(part.left_out) for part in parts), Counter())
    second = [part.second for part in parts if part.second is not None]
    return replace(
        parts[0],
        **_stacked(parts),
        unit=units[0] if units else "",
        second=np.concatenate(second) if len(second) == len(parts) else None,
        profile=np.concatenate(profiles),
        standard_name=next((part.standard_name for part in parts if part.standard_name), ""),
        left_out=dict(told),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _stacked(parts: Sequence[Observations]) -> dict[str, Any]:
    """Return the columns that are put together as they are."""
    names = ("longitude", "latitude", "time", "depth", "value", "platform")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


def checked(table: Observations, where: str) -> Observations:
    """Leave out what is missing, and bring longitudes into [-180, 180).

    Raises:
        Refusal: A place is impossible, nothing is left, or temperatures are a mix of kelvin and degrees Celsius.
    """
    here = np.isfinite(table.longitude) & np.isfinite(table.latitude)
    table = table.take(here, "position is missing")
    _check_places(table, where)
    table = table.take(np.isfinite(table.value), "value is missing or not finite")
    if not table.size:
        told = "; ".join(f"{reason}: {count}" for reason, count in table.left_out.items())
        raise Refusal(
            f"has no value of `{table.name}` that can be used ({told or 'it is empty'})",
            where,
            code="GEOSTAT.NO_VALUES",
        )
    _check_scale(table, where)
    return replace(table, longitude=(table.longitude + 180) % 360 - 180)


def _check_places(table: Observations, where: str) -> None:
    far = (table.longitude < -180) | (table.longitude > 360)
    steep = np.abs(table.latitude) > 90
    wrong = int((far | steep).sum())
    if not wrong:
        return
    swapped = bool((np.abs(table.longitude) <= 90).all() and (np.abs(table.latitude) <= 360).all())
    hint = "longitude and latitude look swapped" if swapped else "correct or remove them"
    said = f"{wrong} positions lie outside longitude -180 to 360 or latitude -90 to 90"
    raise Refusal(said, where, hint, "GEOSTAT.POSITIONS")


def _check_scale(table: Observations, where: str) -> None:
    """Find kelvin among degrees Celsius: no water or air has both 200 and less than 100 in one of them."""
    if "temperature" not in f"{table.standard_name} {table.name}".lower() and table.name.upper() != "TEMP":
        return
    kelvin = table.value > 200
    if kelvin.any() and (table.value < 100).any():
        said = f"{int(kelvin.sum())} of {table.size} temperatures look like kelvin and the others like degrees Celsius"
        raise Refusal(said, where, "convert them to one unit", "GEOSTAT.UNITS")


_SPELLINGS = {
    "degrees_c": "degC", "degree_c": "degC", "deg_c": "degC", "degc": "degC", "celsius": "degC", "°c": "degC",
    "degree_celsius": "degC", "degrees_celsius": "degC", "c": "degC", "kelvin": "K", "k": "K", "degree_k": "K",
    "degrees_k": "K", "degk": "K", "psu": "1e-3", "pss-78": "1e-3", "0.001": "1e-3", "1e-3": "1e-3", "metre": "m",
    "meter": "m", "metres": "m", "meters": "m",
}  # fmt: skip


def spell_unit(unit: str) -> str:
    """Return one spelling of a unit, so that the same unit under two names is not taken for two units."""
    plain = unit.strip()
    return _SPELLINGS.get(plain.lower().replace(" ", "_"), plain)


def choose(
    table: Observations, period: tuple[float, float] | None, bbox: tuple[float, float, float, float] | None
) -> Observations:
    """Keep what lies in a period and a box.

    Args:
        table: Everything.
        period: First day and the day after the last, since 1970; values without a time are left out.
        bbox: West, south, east, north, degrees; west above east crosses the antimeridian.

    Raises:
        Refusal: Nothing is left.
    """
    if period is not None:
        table = table.take((table.time >= period[0]) & (table.time < period[1]), "outside the time asked for")
    if bbox is not None:
        west, south, east, north = bbox
        span = (east - west) % 360 or 360.0
        inside = ((table.longitude - west) % 360 <= span) & (table.latitude >= south) & (table.latitude <= north)
        table = table.take(inside, "outside the box asked for")
    if not table.size:
        told = "; ".join(f"{reason}: {count}" for reason, count in table.left_out.items())
        raise Refusal(
            f"no value of `{table.name}` is left ({told})",
            "observations",
            "widen `time` or `bbox`",
            "GEOSTAT.NO_VALUES",
        )
    return table
