"""Covariance models: what two values have in common at a distance, nested, anisotropic, with a nugget.

One convention of range holds everywhere: `range` is the scale `a` of the closed forms below, which is that of R's gstat
(`vgm`): spherical and cubic reach their sill at `a`; the exponential is exp(-h/a); the Gaussian exp(-(h/a)^2); Matern
is written in h/a without the factor sqrt(2 nu). The distance at which 95 % of the sill is reached is `effective_range`.
GSTools' `len_scale` is `a` for exponential and spherical, `a sqrt(pi)/2` for the Gaussian, `a sqrt(nu)` for Matern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal

Floats: TypeAlias = npt.NDArray[np.float64]
Kind: TypeAlias = Literal["exponential", "spherical", "gaussian", "matern", "cubic", "linear", "hole"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NUS = (0.5, 1.0, 1.5, 2.5)
"""Smoothness of the Matern models that are offered (all but 1 have elementary forms)."""


def correlation(kind: Kind, x: Floats, nu: float = 0.5) -> Floats:
    """Correlation at reduced distances h/a.

    Closed forms: Chiles and Delfiner (2012), Geostatistics, section 2.5; Matern: Stein (1999), section 2.7. `linear` is
    1 - x without end, which is a covariance only as far as the model is used (see `Model.spanning`).

    Args:
        kind: Name of the form.
        x: Reduced distances, any shape.
        nu: Smoothness, used by `matern` only.
    """
    if kind == "matern":
        return _matern(x, nu)
    return FORMS[kind](x)


def _spherical(x: Floats) -> Floats:
    x = np.minimum(x, 1.0)
    return 1.0 - x * (1.5 - 0.5 * x * x)


def _cubic(x: Floats) -> Floats:
    x = np.minimum(x, 1.0)
    square = x * x
    return 1.0 - square * (7.0 - x * (8.75 - square * (3.5 - 0.75 * square)))


FORMS: Mapping[Kind, Callable[[Floats], Floats]] = {
    "exponential": lambda x: np.exp(-x),
    "spherical": _spherical,
    "gaussian": lambda x: np.exp(-x * x),
    "cubic": _cubic,
    "linear": lambda x: 1.0 - x,
    "hole": lambda x: np.sinc(x / np.pi),
}


def _matern(x: Floats, nu: float) -> Floats:
    if nu == 1.0:
        from scipy.special import k1

        safe = np.maximum(x, 1e-12)
        return np.where(x > 1e-12, safe * k1(safe), 1.0)
    decay: Floats = np.exp(-x)
    if nu == 0.5:
        return decay
    if nu == 1.5:
        return (1.0 + x) * decay
    return (1.0 + x + x * x / 3.0) * decay


@dataclass(frozen=True, slots=True)
class Structure:
    """One bounded (or linear) part of a nested model.

    Attributes:
        kind: Form of the decay.
        sill: Variance of this part; of `linear`, what the variogram rises by over one range.
        range: Scale `a`, along the major axis, in the unit of the coordinates.
        nu: Smoothness of `matern`: 0.5, 1, 1.5 or 2.5.
        angle: Direction of the major axis in the plane of the first two coordinates, degrees clockwise from the second
            (north).
        ratio: Range across the major axis over range along it, in (0, 1].
        vertical: Range along the third coordinate over range along the major axis.
    """

    kind: Kind
    sill: float
    range: float
    nu: float = 0.5
    angle: float = 0.0
    ratio: float = 1.0
    vertical: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no covariance."""
        if self.kind not in KINDS:
            raise Refusal(f"unknown covariance model {self.kind!r}", "model", f"one of {', '.join(KINDS)}")
        numbers = (self.sill, self.range, self.nu, self.angle, self.ratio, self.vertical)
        if not np.all(np.isfinite(numbers)) or self.sill < 0 or self.range <= 0:
            raise Refusal(f"{self.kind}: sill {self.sill}, range {self.range}", "model", "sill >= 0, range > 0, finite")
        if self.kind == "matern" and self.nu not in NUS:
            raise Refusal(f"matern with nu {self.nu}", "model", f"one of {', '.join(map(str, NUS))}")
        if not 0 < self.ratio <= 1 or self.vertical <= 0:
            raise Refusal(f"anisotropy {self.ratio}, {self.vertical}", "model", "0 < ratio <= 1, vertical > 0")

    @property
    def isotropic(self) -> bool:
        """Whether distance alone counts."""
        return self.ratio == 1 and self.vertical == 1

    @property
    def effective_range(self) -> float:
        """Distance at which the correlation has fallen to 5 % (spherical, cubic, linear: the range)."""
        factors = {"exponential": 2.995732273553991, "gaussian": 1.7308183826022854, "hole": 2.991456433400576}
        matern = {0.5: 2.995732273553991, 1.0: 3.9985223114893604, 1.5: 4.743864518390577, 2.5: 5.918649346310187}
        return self.range * (matern[self.nu] if self.kind == "matern" else factors.get(self.kind, 1.0))

    def covariance(self, h: Floats) -> Floats:
        """Covariance at distances `h` (already those of `stretch` where the structure is anisotropic)."""
        return self.sill * correlation(self.kind, h * (1.0 / self.range), self.nu)

    def stretch(self, points: Floats) -> Floats:
        """Coordinates in which this structure is isotropic with its major range.

        Args:
            points: Coordinates (n, d), d = 2 or 3.
        """
        if self.isotropic:
            return points
        turn = np.deg2rad(self.angle)
        along = points[:, 0] * np.sin(turn) + points[:, 1] * np.cos(turn)
        across = points[:, 0] * np.cos(turn) - points[:, 1] * np.sin(turn)
        rest = [points[:, axis] / self.vertical for axis in range(2, points.shape[1])]
        return np.column_stack([along, across / self.ratio, *rest])


@dataclass(frozen=True, slots=True)
class Model:
    """A nested covariance: structures, and a nugget for what varies within the shortest distance.

    The nugget is micro-scale variance: data are honoured and the variance of an estimate away from data contains it.
    What is error of measurement is not part of the model; it is given to the estimator, datum by datum, and filtered.

    Attributes:
        structures: Parts with a range.
        nugget: Micro-scale variance.
    """

    structures: tuple[Structure, ...]
    nugget: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an empty or negative model."""
        if not np.isfinite(self.nugget) or self.nugget < 0:
            raise Refusal(f"nugget {self.nugget}", "model", "nugget >= 0, finite")
        if self.sill <= 0:
            raise Refusal("a model without variance", "model", "give a nugget or a structure with a sill")

    @property
    def sill(self) -> float:
        """Variance: all sills and the nugget."""
        return self.nugget + sum(part.sill for part in self.structures)

    @property
    def range(self) -> float:
        """Longest effective range of the structures that have a variance; 0 for pure nugget."""
        return max((part.effective_range for part in self.structures if part.sill > 0), default=0.0)

    @property
    def isotropic(self) -> bool:
        """Whether distance alone counts."""
        return all(part.isotropic for part in self.structures)

    @property
    def intrinsic(self) -> bool:
        """Whether the variogram has no sill, so that only estimators with a drift can use it."""
        return any(part.kind == "linear" for part in self.structures)

    def covariance(self, h: npt.ArrayLike) -> Floats:
        """Covariance at distances along the major axis; at 0 it is the sill."""
        distance = np.asarray(h, float)
        total = sum((part.covariance(distance) for part in self.structures), np.zeros_like(distance))
        return np.asarray(total + self.nugget * (distance == 0))

    def variogram(self, h: npt.ArrayLike) -> Floats:
        """Semivariance at distances along the major axis: sill less covariance; 0 at 0."""
        return self.sill - self.covariance(h)

    def between(self, one: Floats, other: Floats) -> Floats:
        """Covariance of every point of `one` (n, d) with every point of `other` (m, d), shape (n, m)."""
        from scipy.spatial.distance import cdist

        total = np.zeros((len(one), len(other)))
        for parts in self.groups():
            distance = cdist(parts[0].stretch(one), parts[0].stretch(other))
            for part in parts:
                total += part.covariance(distance)
        if self.nugget:
            total[cdist(one, other) == 0] += self.nugget
        return total

    def groups(self) -> tuple[tuple[Structure, ...], ...]:
        """The structures, those with one anisotropy together, so that each distance is computed once; never empty."""
        found: dict[tuple[float, ...], list[Structure]] = {}
        for part in self.structures:
            key = (0.0, 1.0, 1.0) if part.isotropic else (part.angle, part.ratio, part.vertical)
            found.setdefault(key, []).append(part)
        return tuple(tuple(parts) for parts in found.values()) or ((Structure("spherical", 0.0, 1.0),),)

    def spanning(self, diameter: float) -> Model:
        """The same variogram, its linear parts written so that they are covariances up to `diameter`.

        A linear variogram has no covariance, but A - b h with A >= b * diameter serves wherever weights add up to one
        (Gneiting, Sasvari and Schlather 2001): estimates and variances do not depend on A.
        """
        return replace(self, structures=tuple(_spanning(part, diameter) for part in self.structures))

    def filtered(self) -> tuple[Model, float]:
        """The model without its nugget, and the nugget, for use as the error of each datum."""
        return replace(self, nugget=0.0), self.nugget

    def scaled(self, factor: float) -> Model:
        """The model with every variance multiplied by `factor`."""
        parts = tuple(replace(part, sill=part.sill * factor) for part in self.structures)
        return Model(parts, self.nugget * factor)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; defaults are left out."""
        return {"nugget": self.nugget, "structures": [_plain(part) for part in self.structures]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Model:
        """Read what `to_dict` writes.

        Raises:
            Refusal: A key or value is not one of a model.
        """
        try:
            parts = tuple(Structure(**part) for part in plain.get("structures", ()))
            return cls(parts, float(plain.get("nugget", 0.0)))
        except (TypeError, ValueError, AttributeError) as error:
            hint = 'for example {"nugget": 0.1, "structures": [{"kind": "exponential", "sill": 1, "range": 50}]}'
            raise Refusal(f"not a covariance model: {error}", "model", hint) from error


def _spanning(part: Structure, diameter: float) -> Structure:
    if part.kind != "linear" or part.range >= 2 * diameter:
        return part
    longer = 2 * diameter
    return replace(part, sill=part.sill * longer / part.range, range=longer)


def _plain(part: Structure) -> dict[str, Any]:
    always = {"kind": part.kind, "sill": part.sill, "range": part.range}
    extras = {"angle": part.angle, "ratio": part.ratio, "vertical": part.vertical}
    usual = {"angle": 0.0, "ratio": 1.0, "vertical": 1.0}
    smooth = {"nu": part.nu} if part.kind == "matern" else {}
    return always | smooth | {name: value for name, value in extras.items() if value != usual[name]}


def single(kind: Kind, sill: float, range_: float, nugget: float = 0.0, **more: float) -> Model:
    """A model of one structure."""
    return Model((Structure(kind, sill, range_, **more),), nugget)
