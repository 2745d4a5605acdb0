"""Cokriging of two variables with a linear model of coregionalisation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from processors.errors import Refusal
from processors.geostat.data import checked
from processors.geostat.models import Floats, Model
from processors.geostat.unique import MOST, single_thread
from processors.geostat.variogram import cross


@dataclass(frozen=True, slots=True)
class Coregionalisation:
    """Two variables with the same structures.

    Attributes:
        one: Model of the first variable.
        other: Model of the second, of the same structures with sills of its own.
        cross: Cross-sills: of the nugget, then of each structure; negative where the variables are opposed.

    Raises:
        Refusal: Structures that differ, or a cross-sill that the two sills do not allow.
    """

    one: Model
    other: Model
    cross: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no covariance of two variables (Goulard and Voltz 1992)."""
        shapes = [tuple(replace(part, sill=1.0) for part in model.structures) for model in (self.one, self.other)]
        if shapes[0] != shapes[1] or len(self.cross) != 1 + len(shapes[0]):
            raise Refusal("two variables of different structures", "model", "give both the same kinds and ranges")
        sills = [[model.nugget, *(part.sill for part in model.structures)] for model in (self.one, self.other)]
        if np.any(np.square(self.cross) > np.prod(sills, axis=0) * (1 + 1e-9)):
            raise Refusal("a cross-sill beyond its two sills", "model", "at most the root of their product")

    def between(self, one: Floats, other: Floats) -> Floats:
        """Cross-covariance of points (n, d) and (m, d)."""
        total = np.zeros((len(one), len(other)))
        for sill, part in zip(self.cross[1:], self.one.structures, strict=True):
            total += sill * Model((replace(part, sill=1.0),)).between(one, other)
        return total + self.cross[0] * Model((), 1.0).between(one, other)


@dataclass(frozen=True, slots=True)
class CoEstimate:
    """Estimates of two variables at m targets.

    Attributes:
        value: (m, 2).
        variance: (m, 2).
        covariance: Covariance of the two errors (m,).
    """

    value: Floats
    variance: Floats
    covariance: Floats


def fit_coregionalisation(points: Floats, one: Floats, other: Floats, edges: Floats, model: Model) -> Coregionalisation:
    """Fit the sills of given structures to both variograms and the cross-variogram, weights N/h^2.

    Matrices of sills are fitted in turn, each projected on those that are no less than zero, until none changes
    (Goulard and Voltz 1992, Mathematical Geology 24).

    Args:
        points: Coordinates at which both are known (n, d).
        one: First variable (n,).
        other: Second variable (n,).
        edges: Edges of the classes of distance.
        model: Structures whose kinds and ranges are used; its sills are not.
    """
    found = [cross(points, a, b, edges) for a, b in ((one, one), (one, other), (other, other))]
    h, weights = found[0].lags, found[0].pairs / np.maximum(found[0].lags, 1e-300) ** 2
    gamma = np.stack([found[0].gamma, found[1].gamma, found[1].gamma, found[2].gamma], axis=1).reshape(-1, 2, 2)
    units = [Model((replace(part, sill=1.0),)).variogram(h) for part in model.structures]
    rises = np.stack([np.ones_like(h), *units])
    sills = np.zeros((len(rises), 2, 2))
    for _ in range(2000):
        before = sills.copy()
        for number, rise in enumerate(rises):
            rest = gamma - np.einsum("sh,svw->hvw", np.delete(rises, number, 0), np.delete(sills, number, 0))
            values, vectors = np.linalg.eigh(np.einsum("h,h,hvw->vw", weights, rise, rest) / (weights @ rise**2))
            sills[number] = (vectors * np.maximum(values, 0.0)) @ vectors.T
        if np.abs(sills - before).max() <= 1e-10 * np.abs(gamma).max():
            break
    models = [
        Model(
            tuple(replace(part, sill=float(sill)) for part, sill in zip(model.structures, own[1:], strict=True)), own[0]
        )
        for own in (np.maximum(sills[:, axis, axis], 0.0).tolist() for axis in (0, 1))
    ]
    return Coregionalisation(models[0], models[1], tuple(sills[:, 0, 1].tolist()))


def cokrige(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], targets: Floats, model: Coregionalisation
) -> CoEstimate:
    """Ordinary cokriging from all data of two variables, each as points and values, each with a mean of its own.

    The variables need not be known at the same places (Chiles and Delfiner 2012, section 5.4).

    Raises:
        Refusal: Data that `Kriging` would refuse, more than 10,000 of them, or a singular system.
    """
    points, values, _ = checked(*one, 0.0)
    places, others, _ = checked(*other, 0.0)
    n, m = len(points), len(points) + len(places)
    if m > MOST:
        raise Refusal(f"{m} data in one system", "points", f"at most {MOST}")
    system, right = np.zeros((m + 2, m + 2)), np.zeros((m + 2, 2, len(targets)))
    system[:n, :n], system[n:m, n:m] = model.one.between(points, points), model.other.between(places, places)
    system[:n, n:m] = model.between(points, places)
    system[n:m, :n] = system[:n, n:m].T
    system[:n, m] = system[m, :n] = system[n:m, m + 1] = system[m + 1, n:m] = 1.0
    right[:n, 0], right[n:m, 0] = model.one.between(points, targets), model.between(places, targets)
    right[:n, 1], right[n:m, 1] = model.between(points, targets), model.other.between(places, targets)
    right[m, 0] = right[m + 1, 1] = 1.0
    with single_thread():
        if np.linalg.cond(system) > 1e14:
            raise Refusal("the covariance of the data is singular", "points", "merge data that lie close together")
        weights = np.linalg.solve(system, right.reshape(m + 2, -1)).reshape(right.shape)
    value = np.einsum("nvt,n->tv", weights[:m], np.concatenate([values, others]))
    explained = np.einsum("nvt,nwt->tvw", weights, right)
    sills = np.array([model.one.sill, model.other.sill])
    variance = np.maximum(sills - np.einsum("tvv->tv", explained), 0.0)
    return CoEstimate(value, variance, sum(model.cross) - explained[:, 0, 1])
