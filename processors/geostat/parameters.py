"""What a user may choose of the processor `geostat`, with defaults that suit ship data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from processors.geostat.lattice import MOST_NODES
from processors.geostat.reading import GOOD_FLAGS
from processors.protocol import Parameters

Term: TypeAlias = Literal["x", "y", "x2", "xy", "y2", "time", "annual", "external"]
Validation: TypeAlias = Literal["auto", "vessel-day", "blocks", "loo", "none"]


class Anisotropy(Parameters):
    """An ellipse of ranges."""

    angle: float = Field(ge=-180, le=360, description="Direction of the longest range, degrees clockwise from north.")
    ratio: float = Field(gt=0, le=1, description="Shortest range over longest.")


class GeostatParameters(Parameters):
    """How observations become a map with its uncertainty."""

    variable: str = Field("TEMP", min_length=1, description="Name of the variable, or its CF standard name.")
    second: str | None = Field(
        None, description="A second variable of the same samples, such as PSAL: for correlation and water masses."
    )
    depth: tuple[float, ...] | None = Field(
        None, description="Depth of the map, m: interpolated between levels. A list gives a map for each."
    )
    bench: tuple[float, float] | None = Field(
        None, description="Or the mean from one depth down to another, m: each level weighs as its thickness."
    )
    time: str | None = Field(None, description="Period of the observations: 2003-09/2003-11, 2003, 2003-09-17/...")
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="West, south, east, north of the observations, degrees."
    )
    flags: tuple[int, ...] = Field(GOOD_FLAGS, min_length=1, description="Quality flags whose values are used.")
    grid: str = Field(
        "auto", description="EPSG:3995/10km, or west,south,east,north@0.1 in degrees; by default about 200 cells long."
    )
    most_nodes: int = Field(MOST_NODES, gt=0, description="A grid with more cells is refused.")
    mask: Literal["land", "none"] = Field(
        "land", description="Leave out cells on land (Natural Earth, north of 40°), unless a file `mask` is given."
    )
    target_time: str = Field(
        "centre", description="Time of the map: centre, a date, or one map for each month, season or year."
    )
    transform: Literal["auto", "none", "normal-score", "log"] = Field(
        "auto", description="Scale on which values are about normal; auto looks at their skewness."
    )
    decluster_km: Literal["auto"] | float = Field(
        "auto",
        description="Side of the cells whose values share one weight in histogram and mean; auto: one observation "
        "each if they were spread evenly; 0: all weigh the same.",
    )
    drift: Literal["auto"] | tuple[Term, ...] = Field(
        "auto", description="Trend: terms among x, y, x2, xy, y2, time, annual, external; auto tries those of time."
    )
    day_km: Literal["auto"] | float = Field(
        "auto", description="Kilometres that a day counts as in the model; 0 leaves time out of it, auto fits it."
    )
    metric: Literal["auto", "laea", "chord", "crs"] = Field(
        "auto", description="Distances: in an equal-area plane about the data, as chords, or in the plane of the grid."
    )
    model: Literal["auto"] | Mapping[str, Any] = Field(
        "auto",
        description='Covariance: {"nugget": 0.1, "structures": [{"kind": "exponential", "sill": 1, "range": 50}]}, km.',
    )
    anisotropy: Literal["auto"] | bool | Anisotropy = Field(
        "auto", description='Ranges by direction: auto tries, false has none, or {"angle": 30, "ratio": 0.5}.'
    )
    nugget_is_error: bool = Field(True, description="Whether the nugget is error of measurement, which is filtered.")
    obs_error: float = Field(0.0, ge=0, description="Known standard error of an observation, in its unit.")
    merge_km: Literal["auto"] | float = Field(
        "auto", description="Average repeats within a day and this distance; auto: 5 km, or half a cell if less."
    )
    neighbours: Literal["all"] | int = Field(32, description="Observations an estimate is made from, 8 to 256, or all.")
    sectors: Literal["auto", "none", "quadrants", "octants"] = Field(
        "auto", description="Take as many neighbours from each sector; auto: octants where most lie on one side."
    )
    max_distance: Literal["auto"] | float = Field(
        "auto", description="Observations further away are not used, km; auto: 0.6 of the grid's diagonal or 3 ranges."
    )
    block: tuple[float, float] | None = Field(None, description="Width and height of the mean that is mapped, km.")
    realisations: int = Field(100, ge=0, le=5000, description="Simulated fields, for what is said of whole regions.")
    thresholds: tuple[float, ...] = Field((), description="Values whose exceedance is mapped.")
    quantiles: tuple[float, ...] = Field((0.05, 0.5, 0.95), description="Quantiles that are mapped.")
    cv: Validation = Field(
        "auto", description="Groups left out in validation: vessel-day, blocks of places, or loo for single values."
    )
    calibrate: bool = Field(False, description="Scale standard errors so that validation finds them right.")
    seed: int = Field(42, ge=0, description="Seed of the random numbers.")
    report: bool = Field(True, description="Draw figures, and write the report with them.")
    block_km: float | None = Field(None, gt=0, description="Also write means on a coarse mesh of this cell size, km.")
    regular_days: float | None = Field(None, gt=0, description="Also write means in steps of this many days.")
    regular_m: float | None = Field(None, gt=0, description="Also write profiles interpolated to steps of this depth.")
    water_masses: int = Field(0, ge=0, le=12, description="Also sort samples into this many classes by both variables.")

    @field_validator("depth", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float | str) else value

    @field_validator("depth")
    @classmethod
    def _below(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and (not value or any(not 0 <= one <= 12_000 for one in value)):
            raise ValueError("depths lie between 0 and 12000 m")
        return value and tuple(sorted(set(value)))

    @field_validator("bench")
    @classmethod
    def _downwards(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 <= value[0] < value[1]:
            raise ValueError("a bench goes from one depth down to a greater one")
        return value

    @field_validator("quantiles")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < one < 1 for one in value):
            raise ValueError("quantiles lie between 0 and 1")
        return tuple(sorted(set(value)))

    @field_validator("neighbours")
    @classmethod
    def _enough(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 8 <= value <= 256:
            raise ValueError("neighbours are 8 to 256, or all")
        return value

    @field_validator("day_km", "merge_km", "max_distance", "decluster_km")
    @classmethod
    def _not_negative(cls, value: float | str) -> float | str:
        if isinstance(value, float) and not 0 <= value < float("inf"):
            raise ValueError("a distance is not negative")
        return value

    @field_validator("block")
    @classmethod
    def _sides(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and min(value) <= 0:
            raise ValueError("a block has a width and a height")
        return value

    @model_validator(mode="after")
    def _agree(self) -> GeostatParameters:
        if self.depth is not None and self.bench is not None:
            raise ValueError("give `depth` or `bench`, not both")
        if self.water_masses and (self.water_masses < 2 or self.second is None):
            raise ValueError("`water_masses` needs two classes or more, and `second`")
        return self
