"""What must hold for cuts of random files: rows, values and places are those that netCDF4 and numpy find by hand."""

from __future__ import annotations

import calendar
import contextlib
import csv
import random
import re
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

import iaos
from builder.enrich.combine import combine_in_order
from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.errors import UnreferenceableError
from builder.reading.outputs import csv_parts, write
from builder.reading.selection import NothingThereError
from tests.hostile import randomshapes
from tests.hostile.byhand import CLOSE, NAMES, VERTICALS, by_hand, chosen, floats, whole
from tests.hostile.randomshapes import granules, lay

QUESTIONS = 3
COLUMNS = {"lat": (*NAMES["lat"], "latitude"), "lon": (*NAMES["lon"], "longitude"), "time": NAMES["time"],
           "depth": VERTICALS, "w": ("w",), "label": ("label",)}  # fmt: skip
TIMES = re.compile(r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?Z?")


def question(laid, rows, chance):
    """Return a question to a file: bounds are numbers as a table shows them, or lie well between."""
    asked = {}
    kind = chance.choice(["point", "point", "profile", "box", "box", None])
    if kind == "box":
        asked["box"] = _box(laid, rows, chance)
    elif kind and (kind == "point" or "depth" in rows):
        place = rows.iloc[chance.randrange(len(rows))]
        near = (place.lon % 360 + chance.uniform(-9, 0), max(-90, min(90, place.lat + chance.uniform(-5, 5))))
        asked[kind] = chance.choice(
            [near, near, (place.lon % 360, place.lat), (chance.uniform(-180, 360), chance.uniform(-90, 90))]
        )
        asked[kind] = tuple(float(f"{degrees:.4f}") for degrees in asked[kind])
    if "depth" in rows and rows.depth.notna().any() and chance.random() < 0.4:
        asked["depth"] = _between(
            rows.depth.dropna().to_numpy(), chance, *([lambda depth: depth + 0.5] if laid.pressure else [])
        )
    if chance.random() < 0.4 and "time" in rows and rows.time.notna().any():
        asked["time"] = _period(rows.time.dropna().tolist(), chance)
    return asked


def _between(values, chance, shown=lambda value: float(f"{value:.6g}")):
    """Return two ends, each halfway between two values, or one of them as a table shows it."""
    known = np.unique(np.round(values, 6))
    middles = [known[0] - 1.0, *((known[1:] + known[:-1]) / 2), known[-1] + 1.0]
    low, high = sorted(chance.choice([float(chance.choice(middles)), shown(chance.choice(known))]) for _ in "ab")
    return low, high


def _box(laid, rows, chance):
    """Return a box whose sides are positions or lie between them, if need be across ±180°."""
    beside = [lambda degrees: degrees + 0.003] if laid.mapped else []
    longitudes = rows.lon.to_numpy() if chance.random() < 0.5 else (rows.lon.to_numpy() + 180) % 360 - 180
    south, north = (max(-90.0, min(90.0, side)) for side in _between(rows.lat.to_numpy(), chance, *beside))
    west, east = _between(longitudes, chance, *beside)
    if chance.random() < 0.15:
        west, east = -180.0, 180.0
    west, east = ((side + 180.0) % 360.0 - 180.0 if abs(side) > 180 else side for side in (west, east))
    return west, south, east, north


def _period(moments, chance):
    """Return two ends: years, months, days or seconds of times in the file, or nothing."""
    ends = []
    for moment in sorted(chance.choice(moments) for _ in "ab"):
        year, month, day, hour, minute, second = moment
        last = calendar.monthrange(year, month)[1]
        whole = [f"{year:04}", f"{year:04}-{month:02}", f"{year:04}-{month:02}-{min(day, last):02}"]
        exact = f"{whole[2]}T{hour:02}:{minute:02}:{int(second):02}Z"
        ends.append(chance.choice([*whole, exact, exact, ".."]))
    return tuple(ends) if ends[0] == ".." or ends[1] == ".." or ends[0][: len(ends[1])] <= ends[1] else (ends[0], "..")


def found_in(text) -> pd.DataFrame:
    """Return the rows of a table as text, with the names that `by_hand` gives them."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    heading, *cells = csv.reader(lines)
    return pd.DataFrame(cells, columns=[name.partition(" [")[0] for name in heading], dtype=object)


def same(found, wanted, laid, asked) -> str:
    """Compare a table with what was found by hand; say the first difference."""
    found, wanted = found[found.v != ""], wanted[wanted.v.notna()]
    values = found.v.astype(float).to_numpy()
    if len(values) != len(wanted) or not np.allclose(np.sort(values), np.sort(wanted.v), rtol=1e-6):
        return f"values {np.sort(values)[:9]} ({len(values)}), by hand {np.sort(wanted.v)[:9]} ({len(wanted)})"
    one, other = found.iloc[np.argsort(values)], wanted.sort_values("v")
    for role in [role for role in COLUMNS if role in other and not (role == "w" and "profile" in asked)]:
        name = next((name for name in COLUMNS[role] if name in one), None)
        if name is None:
            return f"{role} is missing"
        alike = [*map(_comparison(role, laid), one[name], other[role])]
        if not all(alike):
            return f"{role} of {one.v.iloc[alike.index(False)]}: {one[name].iloc[alike.index(False)]}"
    return ""


def _comparison(role, laid):
    """Return what tells whether a cell of a table says a value."""
    if role == "label":
        return lambda text, label: text == label
    if role == "time":
        return _same_moment
    sign = laid.sign if role == "depth" else 1.0
    around = 360.0 if role == "lon" else np.inf

    def is_same(text, number):
        if text == "" or np.isnan(number):
            return text == "" and np.isnan(number)
        if role == "depth" and laid.pressure:
            return True
        apart = abs(sign * float(text) - number)
        return min(apart, abs(apart - around)) <= CLOSE + 1e-6 * abs(number)

    return is_same


def _same_moment(text, moment):
    if moment is None or not text:
        return moment is None and text == ""
    parts = TIMES.fullmatch(text)
    if parts is None:
        return False
    given = tuple(map(int, parts.groups()[:6]))
    near = np.abs(float(parts[6] or 0) + given[5] - moment[5]) <= 0.006 and given[:5] == moment[:5]
    return near or given == whole((*moment[:5], moment[5] + 0.005))


def compared(sources, laid, rows, asked, folder) -> str:
    """Hold one answer, in every format, against what was found by hand; return a difference, or an outcome."""
    possible = chosen(rows, asked)
    try:
        part = iaos.extract(*sources, **asked)
    except NothingThereError:
        return "nothing" if all(one.empty for one in possible) else f"WRONG nothing, by hand {len(possible[0])} rows"
    text = "".join(csv_parts(part))
    found = found_in(text)
    said = [same(found, one, laid, asked) for one in possible]
    if all(said):
        return f"WRONG {said[0]}"
    for name in ("cut.parquet", "cut.nc"):
        write(part, folder / name)
    return agreeing(found, folder, part) or "same"


def agreeing(found, folder, part) -> str:
    """Hold Parquet and NetCDF against the table as text."""
    table = pd.read_parquet(folder / "cut.parquet")
    if [*table.columns] != [*found.columns] or len(table) != len(found):
        return f"WRONG parquet has {[*table.columns]} and {len(table)} rows, csv {[*found.columns]} and {len(found)}"
    for name in found.columns:
        if table[name].dtype.kind in "iuf":
            numbers = pd.to_numeric(found[name].replace("", np.nan)).to_numpy(dtype=float)
            if not np.array_equal(
                table[name].to_numpy(dtype=float), numbers.astype(table[name].dtype).astype(float), equal_nan=True
            ):
                return f"WRONG parquet and csv differ in {name}"
    with netCDF4.Dataset(folder / "cut.nc") as file, xr.open_dataset(folder / "cut.nc") as again:
        for name in ("v", "w"):
            if name not in found:
                continue
            if file[name].units != part[name].attrs["units"] or again[name].attrs["units"] != file[name].units:
                return f"WRONG netcdf lost the units of {name}"
            numbers = np.unique(floats(file[name][...])[np.isfinite(floats(file[name][...]))])
            shown = np.unique(found[name][found[name] != ""].astype(float))
            if not np.allclose(numbers, shown, rtol=1e-6) if len(numbers) == len(shown) else True:
                return f"WRONG netcdf has {numbers[:9]} in {name}, csv {shown[:9]}"
    return ""


def cut(kind: str, folder: Path, seed: int, questions: int = QUESTIONS) -> str:
    """Ask a random file some questions, in one or two pieces, itself and through references; return the outcome.

    Raises:
        AssertionError: An answer is not the one found by hand.
    """
    laid = lay(folder / f"{kind}-{seed:06d}.nc", seed)
    chance = random.Random(f"{kind} {seed}")
    try:
        randomshapes.write(laid, seed)
    except (ValueError, OverflowError):
        return "not written"
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = by_hand(laid)
        parts = granules(laid, seed)
        references = [path for path in map(_referred, [laid.path, *parts]) if path]
        several = [(laid.path,), tuple(parts), *((path,) for path in references[:1]), *_combined(references[1:])]
        for _ in range(questions):
            asked = question(laid, rows, chance)
            for sources in filter(None, several):
                outcome = compared(sources, laid, rows, asked, folder)
                said = f"{kind} {seed} {laid.shape} {[path.name for path in sources]} {asked}: {outcome}"
                assert not outcome.startswith("WRONG"), said
                outcomes.add(outcome)
    return "same" if "same" in outcomes else "nothing"


def _referred(path):
    with contextlib.suppress(UnreferenceableError):
        target = path.with_suffix(".json")
        target.write_bytes(make_references(path, file_kind(path), str(path))[0])
        return target
    return None


def _combined(references):
    joined, _ = combine_in_order([(path.name, path.read_bytes()) for path in references])
    if joined is not None:
        target = references[0].with_name("combined.json")
        target.write_bytes(joined.body)
        yield (target,)
