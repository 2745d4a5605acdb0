"""Makes the layers of a map: estimate, standard errors, quantiles and exceedance, on the scale of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.geostat.choosing import Choice, choose, neighbourhood_of
from processors.geostat.estimating import Estimated, estimate
from processors.geostat.lattice import Lattice
from processors.geostat.levels import Level
from processors.geostat.observations import Floats, Observations
from processors.geostat.parameters import GeostatParameters
from processors.geostat.preparing import Case, prepare
from processors.geostat.steps import Step, is_series
from processors.geostat.transforms import Transform, moments_back
from processors.geostat.trends import Trend
from processors.geostat.validating import Validation, validate

if TYPE_CHECKING:
    from processors.engine import Engine

Layer: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of the grid that are estimated.

    Attributes:
        lattice: The grid.
        inside: Which cells, shape (rows · columns,).
        longitude: Of those, degrees, shape (m,).
        latitude: Of those.
    """

    lattice: Lattice
    inside: npt.NDArray[np.bool_]
    longitude: Floats
    latitude: Floats

    def spread(self, values: Floats | Layer) -> Layer:
        """Bring values of the cells, shape (..., m), to the grid, shape (..., rows, columns), NaN elsewhere."""
        whole = np.full((*values.shape[:-1], self.inside.size), np.nan, np.float32)
        whole[..., self.inside] = values
        return whole.reshape(*values.shape[:-1], *self.lattice.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """The map of one level.

    Attributes:
        level: The level; None where values have none.
        case: The observations.
        choice: How it was estimated; None for values that are all the same.
        tried: All candidates.
        validation: How good it is; None where it was not validated.
        layers: Name → values at the cells, shape (times, m).
        notes: Findings for the report.
        is_mean: Whether the mean was published, because the map was no better.
    """

    level: Level | None
    case: Case
    choice: Choice | None
    tried: tuple[Choice, ...]
    validation: Validation | None
    layers: Mapping[str, Layer]
    notes: tuple[str, ...]
    is_mean: bool = False

    @property
    def title(self) -> str:
        """The level in words; empty without one."""
        return self.level.title if self.level else ""


def map_level(
    table: Observations, level: Level | None, cells: Cells, steps: list[Step], trend: Trend,
    chosen: GeostatParameters, engine: Engine,
) -> Mapped:  # fmt: skip
    """Estimate one level.

    Raises:
        Refusal: The observations give no truthful map.
    """
    case = prepare(table, level, cells.lattice, chosen)
    if case.is_constant:
        note = f"All values are {case.table.value[0]:g}: the map is that value, its standard error the given one."
        found = _flat(case.mean, chosen.obs_error**2, len(steps), cells.longitude.size, case.table.size)
        return Mapped(level, case, None, (), None, layers_of(found, case.transform, chosen), (*case.notes, note))
    best, tried, notes = choose(case, chosen, trend, steps=is_series(chosen.target_time))
    times = [step.at for step in steps]
    targets = [best.recipe.targets(cells.longitude, cells.latitude, time) for time in times]
    diagonal = float(np.hypot(cells.lattice.shape[0], cells.lattice.shape[1])) * cells.lattice.cell_km
    recipe = replace(
        best.recipe, neighbourhood=neighbourhood_of(best.recipe, chosen, diagonal, targets[0][0])
    )  # fmt: skip
    best = replace(best, recipe=recipe)
    checked = validate(case, recipe, chosen) if chosen.cv != "none" else None
    if checked is not None and checked.is_no_better:
        found = _flat(case.mean, case.variance, len(steps), cells.longitude.size, case.table.size)
        notes = [*notes, "The map is the mean of the data: validation found kriging no better."]
    else:
        found = _stack([estimate(recipe, one, engine) for one in targets])
    factor = 1.0 if checked is None else checked.factor
    if factor != 1.0:
        notes = [*notes, f"Standard errors were multiplied by {factor**0.5:.3f}, the root of MSDR, as asked for."]
    layers = layers_of(_inflated(found, factor), case.transform, chosen)
    is_mean = checked is not None and checked.is_no_better
    return Mapped(level, case, best, tuple(tried), checked, layers, (*case.notes, *notes), is_mean)


def _flat(value: float, variance: float, times: int, cells: int, count: int) -> Estimated:
    full = [np.full((times, cells), one, np.float64) for one in (value, variance, variance, count)]
    return Estimated(*full)


def _stack(parts: list[Estimated]) -> Estimated:
    return Estimated(*(np.stack([getattr(one, name) for one in parts]) for name in Estimated.__slots__))


def _inflated(found: Estimated, factor: float) -> Estimated:
    return replace(found, variance=found.variance * factor, observation=found.observation * factor)


def layers_of(found: Estimated, transform: Transform, chosen: GeostatParameters) -> dict[str, Layer]:
    """Return the layers on the scale of the data; quantiles and exceedance are those of the normal distribution."""
    from scipy.special import ndtr, ndtri

    value, variance = moments_back(transform, found.value, found.variance)
    _, observation = moments_back(transform, found.value, found.observation)
    spread = np.sqrt(found.variance)
    layers = {"estimate": value, "std": np.sqrt(variance), "std_obs": np.sqrt(observation)}
    for share in chosen.quantiles:
        layers[quantile_name(share)] = transform.backward(found.value + float(ndtri(share)) * spread)
    for threshold in chosen.thresholds:
        layers[threshold_name(threshold)] = _above(found.value, spread, transform, threshold, ndtr)
    layers["neighbours"] = found.neighbours
    missing = np.isnan(found.value)
    return {name: np.where(missing, np.nan, values).astype(np.float32) for name, values in layers.items()}


def _above(value: Floats, spread: Floats, transform: Transform, threshold: float, ndtr: np.ufunc) -> Floats:
    if transform.name == "log" and threshold <= 0:
        return np.ones_like(value)
    cut = float(transform.forward(np.array([threshold]))[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = ndtr((value - cut) / spread)
    return np.where(spread > 0, share, (value > cut).astype(np.float64))


def quantile_name(share: float) -> str:
    """Return the name of a quantile's layer: q05, q50, q97.5."""
    number = f"{100 * share:.6g}"
    return f"q{number.zfill(2)}" if "." not in number else f"q{number}"


def threshold_name(threshold: float) -> str:
    """Return the name of an exceedance layer: p_gt_6."""
    return f"p_gt_{threshold:g}"
