"""The search for the parameters of a form that make the data most likely."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from processors.errors import Refusal
from processors.geostat.forms import Candidate, aicc
from processors.geostat.likelihood import Exact, Likelihood, Sample, Vecchia, scaled
from processors.geostat.models import Floats, Model

EXACT = 400
"""Most data of which the exact likelihood is computed."""
TERMS = 4000
"""Terms of Vecchia's likelihood by which forms are compared."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A model as a vector of unbounded numbers.

    They are the logarithms of the ranges, of the sills and the nugget over the first sill, of the total sill where it
    is not profiled out, and of the factor of the third coordinate where that is free.

    Attributes:
        model: Form, its numbers without meaning.
        free_sill: Whether the total sill is profiled out, so that it is none of the numbers.
        free_third: Whether the factor of the third coordinate is one of the numbers.
    """

    model: Model
    free_sill: bool
    free_third: bool

    def pack(self, model: Model, third: float) -> Floats:
        """The vector of a model."""
        tiny = 1e-3 * model.sill
        sills = np.array([max(part.sill, tiny) for part in model.structures])
        ranges = np.log([part.range for part in model.structures])
        nugget = np.log(max(model.nugget, tiny) / sills[0])
        total = [] if self.free_sill else [np.log(model.sill)]
        return np.array([*ranges, *np.log(sills[1:] / sills[0]), nugget, *total, *([np.log(third)] * self.free_third)])

    def unpack(self, vector: Floats, third: float) -> tuple[Model, float]:
        """The model of a vector, of sill 1 where that is profiled out, and the factor of the third coordinate."""
        count = len(self.model.structures)
        relative = np.exp([0.0, *vector[count : 2 * count]])
        total = 1.0 if self.free_sill else float(np.exp(vector[2 * count]))
        relative *= total / relative.sum()
        structures = tuple(
            replace(part, sill=float(sill), range=float(range_))
            for part, sill, range_ in zip(self.model.structures, relative, np.exp(vector[:count]), strict=False)
        )
        return Model(structures, float(relative[-1])), float(np.exp(vector[-1])) if self.free_third else third

    def bounds(self, sample: Sample, longest: float, third: float) -> list[tuple[float, float]]:
        """Bounds of each number."""
        count, spread = len(self.model.structures), float(np.log(np.var(sample.values) or 1.0))
        total = [] if self.free_sill else [(spread - 8, spread + 8)]
        factors = [(np.log(third) - 7, np.log(third) + 4)] * self.free_third
        ranges = [(np.log(longest * 1e-5), np.log(longest))] * count
        return [*ranges, *([(-9.0, 9.0)] * (count - 1)), (-12.0, 9.0), *total, *factors]


class Search:
    """Maximises the likelihood of forms on one sample.

    Args:
        sample: The data.
        third: Factor of the third coordinate; None to fit it.
        seed: Of the order in Vecchia's likelihood.
    """

    def __init__(self, sample: Sample, third: float | None, seed: int) -> None:
        if third is None and sample.points.shape[1] < 3:
            raise Refusal("a free third coordinate of points that have two", "third", "add time or depth")
        extent = np.ptp(sample.points, axis=0)
        guess = float(np.linalg.norm(extent[:2]) / extent[2]) if third is None and extent[2] > 0 else 1.0
        self.sample, self.seed, self.free_third = sample, seed, third is None
        self.third = guess if third is None else third
        self.exact = len(sample.points) <= EXACT

    def placed(self) -> Floats:
        """The points in the metric in which the search begins."""
        return scaled(self.sample.points, self.third)

    @property
    def longest(self) -> float:
        """Longest range that is fitted: twice the diagonal of the data."""
        return 2 * float(np.linalg.norm(np.ptp(self.placed(), axis=0)))

    def refine(self, start: Candidate) -> Candidate:
        """Maximise the likelihood of a form from its least-squares fit, for many data by a part of the terms."""
        if self.exact:
            return self._maximise(start, self.third, Exact(self.sample))
        return self._maximise(start, self.third, Vecchia(self.sample, 16, TERMS, self.third, self.seed))

    def finish(self, best: Candidate) -> Candidate:
        """Maximise again by all terms, their neighbours chosen in the metric found."""
        if self.exact:
            return best
        neighbours = 16 if len(self.sample.points) <= 20_000 else 10
        return self._maximise(best, best.third, Vecchia(self.sample, neighbours, None, best.third, self.seed))

    def _maximise(self, start: Candidate, third: float, likelihood: Likelihood) -> Candidate:
        from scipy.optimize import minimize

        shape = Shape(start.model, free_sill=not self.sample.error.any(), free_third=self.free_third)
        bounds = shape.bounds(self.sample, self.longest, third)

        def cost(vector: Floats) -> float:
            return -likelihood(*shape.unpack(vector, third), free_sill=shape.free_sill)[0]

        begin = shape.pack(start.model, third)
        if self.free_third:
            trials = [np.append(begin[:-1], begin[-1] + step) for step in (0.0, -1.0, -2.0, -4.0)]
            begin = min(trials, key=cost)
        options = {"xatol": 5e-3, "fatol": 1e-3, "maxfev": 70 * len(begin), "initial_simplex": simplex(begin, bounds)}
        found = minimize(cost, simplex(begin, bounds)[0], method="Nelder-Mead", bounds=bounds, options=options)
        model, factor = shape.unpack(found.x, third)
        value, sill = likelihood(model, factor, free_sill=shape.free_sill)
        count = len(found.x) + shape.free_sill + self.sample.drift.shape[1]
        score = aicc(-2 * value, count, len(self.sample.values))
        return replace(start, model=model.scaled(sill), likelihood=value, aicc=score, third=factor)


def simplex(begin: Floats, bounds: list[tuple[float, float]]) -> Floats:
    """First simplex of Nelder and Mead's method: a step of 0.7 along each axis, away from the nearer bound."""
    low, high = np.transpose(bounds)
    first = np.clip(begin, low, high)
    steps = np.where(first + 0.7 <= high, 0.7, -0.7)
    return np.vstack([first, first + np.diag(steps)])
