"""Reads the projected grid of a NetCDF file: reference system, size, transform and extent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.dataset import GeoJSON
from builder.enrich.coordinates import X, Y, find, values
from builder.errors import IaosError
from builder.geometry.grid import grid_footprint
from processors.lengths import metres_of

_WKT_ATTRIBUTES = ("spatial_ref", "crs_wkt", "esri_pe_string", "proj4text", "proj4", "proj4_params", "proj4string")


@dataclass(frozen=True, slots=True)
class Grid:
    """Data on projected coordinates: ``x`` and ``y`` are cell centres in the units of ``crs``."""

    crs: Any
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]

    @property
    def projection(self) -> dict[str, Any]:
        """The fields of `builder.dataset.Projection`."""
        left, width = self.x[0], _step(self.x)
        top, height = self.y[0], _step(self.y)
        stated = self.crs.to_json_dict().get("id", {})
        epsg = stated["code"] if stated.get("authority") == "EPSG" else self.crs.to_epsg(min_confidence=70)
        fields: dict[str, Any] = {
            "code": f"EPSG:{epsg}" if epsg else None,
            "wkt2": None if epsg else self.crs.to_wkt("WKT2_2019"),
            "shape": [len(self.y), len(self.x)],
        }
        if width and height:
            fields["bbox"] = list(self.edges())
            fields["transform"] = [float(v) for v in (width, 0.0, left - width / 2, 0.0, height, top - height / 2)]
        return fields

    def footprint(self) -> GeoJSON | None:
        """Return the outline of the cells on the globe; None where a corner has no place on it."""
        west, south, east, north = self.edges()
        try:
            return grid_footprint((west, east), (south, north), self.crs)
        except IaosError:
            return None

    def edges(self) -> tuple[float, float, float, float]:
        """Return least x, least y, greatest x and greatest y of the cells; of their centres in an uneven grid."""
        half_x, half_y = (abs(_step(axis) or 0.0) / 2 for axis in (self.x, self.y))
        return (
            float(self.x.min() - half_x),
            float(self.y.min() - half_y),
            float(self.x.max() + half_x),
            float(self.y.max() + half_y),
        )


def grid_of(dataset: Any) -> Grid | None:
    """Return the projected grid of a dataset, or None where there is none or it cannot be understood.

    A stated WKT wins over single CF parameters, which are more often wrong.
    """
    crs = next((found for v in dataset.variables.values() if (found := _crs(v.attrs)) is not None), None)
    x, y = find(dataset, X), find(dataset, Y)
    if crs is None or x is None or y is None or x.ndim != 1 or y.ndim != 1 or min(x.size, y.size) < 2:
        return None
    columns, rows = (values(axis) * _scale(axis, crs) for axis in (x, y))
    return Grid(crs, columns if crs.is_projected else np.unwrap(columns, period=360.0), rows)


def _scale(axis: Any, crs: Any) -> float:
    """Return by what coordinates are multiplied to be in the units of their system; by nothing where none are known."""
    metres = metres_of(str(axis.attrs.get("units", "")))
    return 1.0 if metres is None else metres / crs.axis_info[0].unit_conversion_factor


def _crs(attributes: dict[str, Any]) -> Any | None:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    texts = [str(attributes[name]) for name in _WKT_ATTRIBUTES if attributes.get(name)]
    if not texts and "grid_mapping_name" not in attributes:
        return None
    try:
        crs = CRS.from_user_input(texts[0]) if texts else CRS.from_cf(dict(attributes))
    except (CRSError, KeyError, ValueError, TypeError):
        return None
    return crs if crs.is_projected or crs.is_derived else None


def _step(axis: npt.NDArray[np.float64]) -> float | None:
    steps = np.diff(axis)
    mean = float((axis[-1] - axis[0]) / len(steps))
    return mean if np.allclose(steps, mean, rtol=1e-3, atol=0.0) else None
