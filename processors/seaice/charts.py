"""Labels the cells of a scene from an ice chart in SIGRID-3 (shapefile or GeoPackage)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.features import Settings
from processors.seaice.geolocation import Geolocation
from processors.seaice.labels import LABELS, Sheet, described, season_of
from processors.seaice.postprocess import ICE, UNKNOWN, WATER, Bytes
from processors.seaice.radiometry import NoiseRule
from processors.seaice.safe import Scene, open_safe
from processors.seaice.strips import centres, shape_in_cells

FREE = frozenset({0, 1, 2, 55, 98})
"""Codes of total concentration that are open water: free of ice, less than 1/10, bergy water (SIGRID-3, table 4.1)."""
LEAST_ICE, UNDETERMINED = 30, 99
FAST = frozenset({8})
"""Code of the form of ice that is fast ice (SIGRID-3, table 4.3)."""
BEFORE, AFTER = timedelta(days=2), timedelta(days=1)
"""How much older or newer than a scene a chart may be."""
CELL_M = 200.0
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?([0-2]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Rules:
    """How charts are read.

    Attributes:
        erode_m: Width of the rim of each polygon that is left out: charts are generalised.
        fast_ice: Whether fast ice counts as ice; else it is left out.
    """

    erode_m: float = 3000.0
    fast_ice: bool = False


def charted_sheet(path: Path, charts: Sequence[Path], settings: Settings, noise: NoiseRule, rules: Rules) -> Sheet:
    """Describe a scene and label its cells by the chart nearest in time.

    Raises:
        Refusal: The scene cannot be read, no chart is of its days (``MODEL.LABELS``), or the chart cannot be read.
    """
    scene = open_safe(path)
    chart, day = nearest(charts, scene)
    cells = described(scene, settings, noise)
    about = {"ipf": f"{scene.ipf:.2f}", "chart": chart.name, "chart_day": f"{day:%Y-%m-%d}"}
    classes = label(chart, scene, settings, rules)
    return Sheet(scene.name, cells.names, cells.values, classes, cells.known, season_of(scene.start.month), about)


def nearest(charts: Sequence[Path], scene: Scene) -> tuple[Path, datetime]:
    """Return the chart nearest to a scene in time, and the day that its name tells.

    Raises:
        Refusal: None is between two days before and one day after it (``MODEL.LABELS``).
    """
    found = []
    for chart in charts:
        day = _day(chart)
        if scene.start - BEFORE <= day + timedelta(hours=12) <= scene.start + AFTER:
            found.append((abs(day + timedelta(hours=12) - scene.start), chart.name, chart, day))
    if not found:
        message = f"no chart is between two days before and one day after {scene.start:%Y-%m-%d}"
        raise Refusal(message, scene.name, "charts tell their day by YYYYMMDD in their name", LABELS)
    _, _, chart, day = min(found, key=lambda one: one[:2])
    return chart, day


def _day(chart: Path) -> datetime:
    said = _DAY.search(chart.stem)
    try:
        year, month, day = map(int, said.groups() if said else (1, 1, 1))
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def label(chart: Path, scene: Scene, settings: Settings, rules: Rules) -> Bytes:
    """Return the class of the cells of a scene by a chart: 1 water, 2 ice, 0 not known.

    Raises:
        Refusal: The chart cannot be read, or has no SIGRID-3 columns (``MODEL.LABELS``).
    """
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    geolocation = Geolocation.of(scene.annotation, "EPSG:3413")
    target = geolocation.target(CELL_M)
    shapes = list(_polygons(chart, rules))
    transform = Affine(*target.transform)
    grid = rasterize(shapes, target.shape, fill=UNKNOWN, transform=transform, dtype="uint8") if shapes else None
    rows, columns = shape_in_cells(scene, settings)
    if grid is None:
        return np.zeros((rows, columns), np.uint8)
    x, y = geolocation.forward(centres(rows, 0, settings)[:, None], centres(columns, 0, settings)[None, :])
    row = np.clip(((target.north - y) // CELL_M).astype(int), 0, target.shape[0] - 1)
    column = np.clip(((x - target.west) // CELL_M).astype(int), 0, target.shape[1] - 1)
    found: Bytes = grid[row, column]
    return found


def _polygons(chart: Path, rules: Rules) -> Iterator[tuple[Any, int]]:
    """Yield polygons in EPSG:3413 with their class, those of one class only and without their rim."""
    import pyogrio
    import shapely
    from pyproj import Transformer

    try:
        meta, _, shapes, columns = pyogrio.raw.read(chart)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as trouble:
        raise Refusal("cannot be read as a chart", chart.name, str(trouble).splitlines()[0], LABELS) from trouble
    table = {str(name).upper(): values for name, values in zip(meta["fields"], columns, strict=True)}
    if "CT" not in table or meta["crs"] is None:
        message = "has no column CT, or no reference system"
        raise Refusal(message, chart.name, "give a chart in SIGRID-3", LABELS)
    there = Transformer.from_crs(meta["crs"], "EPSG:3413", always_xy=True)
    for place, wkb in enumerate(shapes):
        kind = class_of({name: values[place] for name, values in table.items()}, rules)
        if kind == UNKNOWN or wkb is None:
            continue
        shape = shapely.segmentize(shapely.make_valid(shapely.from_wkb(wkb)), 0.05)
        flat = shapely.transform(shape, lambda at: np.column_stack(there.transform(at[:, 0], at[:, 1])))
        inner = shapely.make_valid(flat).buffer(-rules.erode_m)
        if not inner.is_empty:
            yield inner, kind


def class_of(row: Mapping[str, JSON], rules: Rules) -> int:
    """Return the class of a polygon of a chart: 1 water, 2 ice of at least 3/10, 0 anything else.

    Args:
        row: Its columns, names in capitals: CT and, where there are some, POLY_TYPE, FA, FP.
        rules: How charts are read.
    """
    kind, total = str(row.get("POLY_TYPE") or "").strip().upper(), _code(row.get("CT"))
    if kind in {"L", "N", "S"}:
        return UNKNOWN
    if kind == "W" or total in FREE:
        return WATER
    if total is None or not LEAST_ICE <= total < UNDETERMINED:
        return UNKNOWN
    fast = _code(row.get("FA")) in FAST or _code(row.get("FP")) in FAST
    return UNKNOWN if fast and not rules.fast_ice else ICE


def _code(value: JSON) -> int | None:
    text = str(value if value is not None else "").strip()
    return int(text) if re.fullmatch(r"\d{1,2}", text) else None
