"""Data as they are given: shapes, numbers and contradictions, before anything is computed from them."""

from __future__ import annotations

import numpy as np

from processors.errors import Refusal
from processors.geostat.models import Floats


def finite(points: Floats, values: Floats, error: float | Floats) -> tuple[Floats, Floats, Floats]:
    """Data as arrays: coordinates (n, d), values (n,), error variances (n,).

    Raises:
        Refusal: Shapes that do not belong together, fewer than 2 data, numbers that are not finite, negative errors.
    """
    points, values = np.ascontiguousarray(points, float), np.ascontiguousarray(values, float)
    if points.ndim != 2 or points.shape[1] not in (1, 2, 3) or values.shape != points.shape[:1]:
        raise Refusal(
            f"points of shape {points.shape}, values of {values.shape}", "points", "(n, 2) or (n, 3), and (n,)"
        )
    if len(points) < 2:
        raise Refusal(f"{len(points)} data", "points", "an estimate with an uncertainty needs more")
    errors = np.broadcast_to(np.asarray(error, float), values.shape).copy()
    bad = ~(np.isfinite(points).all(axis=1) & np.isfinite(values) & np.isfinite(errors))
    if bad.any():
        raise Refusal(
            f"{bad.sum()} data are not finite, the first is number {np.argmax(bad)}", "values", "leave them out"
        )
    if (errors < 0).any():
        raise Refusal("an error variance is negative", "error")
    return points, values, errors


def checked(points: Floats, values: Floats, error: float | Floats) -> tuple[Floats, Floats, Floats]:
    """Data as arrays, if they can give a truthful estimate.

    Raises:
        Refusal: As `finite`, or different values at one place without an error that would explain them.
    """
    points, values, errors = finite(points, values, error)
    contradiction(points, values, errors)
    return points, values, errors


def contradiction(points: Floats, values: Floats, errors: Floats) -> None:
    """Refuse different exact values at one place: no estimate can honour both.

    Raises:
        Refusal: Names the place.
    """
    exact = errors == 0
    if not exact.any():
        return
    _, place = np.unique(points[exact], axis=0, return_inverse=True)
    lowest, highest = np.full(place.max() + 1, np.inf), np.full(place.max() + 1, -np.inf)
    np.minimum.at(lowest, place, values[exact])
    np.maximum.at(highest, place, values[exact])
    if (highest > lowest).any():
        worst = int(np.argmax(highest - lowest))
        where = ", ".join(f"{axis:.10g}" for axis in points[exact][np.argmax(place == worst)])
        apart = f"{lowest[worst]:.6g} and {highest[worst]:.6g}"
        message = f"{(highest > lowest).sum()} places have different values, for example {apart} at ({where})"
        raise Refusal(message, "points", "merge them, or give the data an error variance")
