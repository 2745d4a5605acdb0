"""Tells measured values from flags, fill values and what was never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from builder.enrich.coordinates import UNWRITTEN

if TYPE_CHECKING:
    import xarray as xr


def measured(variable: xr.Variable) -> xr.Variable:
    """Return a variable whose numbers outside of its valid range are missing (CF 1.11, 2.5.1).

    Whole numbers of which all are valid stay whole numbers.
    """
    if variable.dtype.kind not in "iuf":
        return variable
    low, high = _bounds(variable)
    values = variable.values
    is_valid = (values >= low) & (values <= high)
    if (is_valid | np.isnan(values)).all():
        return variable
    return variable.to_base_variable().copy(data=np.where(is_valid, values, np.nan))


def _bounds(variable: xr.Variable) -> tuple[float, float]:
    """Return the least and greatest valid value.

    Bounds of packed variables are packed too, unless they are written as numbers of the unpacked kind. Never-written
    numbers of netCDF-C lie outside of any bounds.
    """
    ends = np.atleast_1d(
        variable.attrs.get("valid_range", (variable.attrs.get("valid_min"), variable.attrs.get("valid_max")))
    )
    if len(ends) != 2:
        return -UNWRITTEN, UNWRITTEN
    scale, offset = (float(variable.encoding.get(n, v)) for n, v in (("scale_factor", 1.0), ("add_offset", 0.0)))
    bounds, margin = [_number(end, variable) for end in ends], 0.0
    if (scale, offset) != (1.0, 0.0) and not any(np.asarray(end).dtype.kind == "f" for end in ends):
        bounds, margin = [number * scale + offset for number in bounds], abs(scale) / 2.0
        if scale < 0.0:
            bounds.reverse()
    low, high = reversed(bounds) if bounds[0] > bounds[1] else bounds
    return (-UNWRITTEN if np.isnan(low) else low - margin), (UNWRITTEN if np.isnan(high) else high + margin)


def _number(end: Any, variable: xr.Variable) -> float:
    """Return a bound as a number, NaN where it is none."""
    try:
        number = float(_signed(end, variable))
    except (TypeError, ValueError):
        return np.nan
    return number if np.isfinite(number) else np.nan


def _signed(end: Any, variable: xr.Variable) -> Any:
    """Return a bound as `_Unsigned` says its bytes are meant (NetCDF Users Guide, attribute conventions)."""
    said, number = str(variable.encoding.get("_Unsigned", "")).lower(), np.asarray(end)
    meant = {"true": "u", "false": "i"}.get(said)
    if meant is None or number.dtype.kind not in "iu":
        return end
    return number.view(f"{meant}{number.dtype.itemsize}")
