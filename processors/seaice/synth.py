"""Simulates Sentinel-1 EW scenes of ice and water for tests, training and demonstration: none is an observation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from processors.seaice.annotation import Annotation
from processors.seaice.backscatter import KINDS, Season
from processors.seaice.calibration import Calibration
from processors.seaice.flight import INTERVAL, annotate, fly_over
from processors.seaice.noise import Noise
from processors.seaice.packing import Identity, manifest_xml
from processors.seaice.radiometry import SCALINGS, Singles, Tables, apply, spread
from processors.seaice.scenery import Scenery, Weather, draw_scenery, strip
from processors.seaice.sensor import LINES, PEAKS, SAMPLES, Drawn, Window, calibration_of, looks_of, noise_of
from processors.seaice.speckle import BLOCK, Speckle
from processors.seaice.writing import annotation_xml, calibration_xml, noise_xml

VERSIONS = ("002.84", "002.91", "003.10", "003.31", "003.52", "003.61")
ODDS = (0.1, 0.15, 0.2, 0.2, 0.2, 0.15)
OLD = "002.90"
"""The first version that annotates noise along lines."""


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """What is asked of a simulated scene; all else is drawn from the seed.

    Attributes:
        seed: Decides everything that is drawn.
        lines: Lines; a full scene has 10,708.
        samples: Samples; a full scene has 10,487, and all five sub-swaths.
        first_line: Where the part begins in a full scene; its upper edge is staggered up to line 422.
        first_sample: Where the part begins across; sub-swaths begin at 0, 3112, 5013, 7084 and 8959.
        season: ``winter`` or ``melt``; drawn where None.
        vertical: VV and VH, not HH and HV.
        ipf: Version of the processor, such as ``003.31``; drawn where None. Before 2.90 noise has the old format.
        ascending: Direction of flight; drawn where None.
        place: Longitude and latitude of the middle; drawn around Fram Strait and Svalbard where None.
        ice: Part of the scene that ice covers; drawn where None.
        constant_db: Backscatter at co and cross polarisation that is the same everywhere: no ice, no water.
        faithful_noise: Whether true noise is the annotated one; else it differs from it in each sub-swath.
    """

    seed: int
    lines: int = LINES
    samples: int = SAMPLES
    first_line: int = 0
    first_sample: int = 0
    season: Season | None = None
    vertical: bool = False
    ipf: str | None = None
    ascending: bool | None = None
    place: tuple[float, float] | None = None
    ice: float | None = None
    constant_db: tuple[float, float] | None = None
    faithful_noise: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What was drawn for a scene.

    Attributes:
        identity: Name, times and versions.
        weather: Season, wind, share of ice.
        radar: Noise of the co- and the cross-polarised channel.
        looks: Equivalent number of looks of the first sub-swath and of the others.
    """

    identity: Identity
    weather: Weather
    radar: tuple[Drawn, Drawn]
    looks: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A scene that was written.

    Attributes:
        safe: Folder of the SAFE.
        truth: GeoTIFF beside it, uint8: 0 no data, 1 water, 2 and up the kinds of ice.
        plan: What was drawn; also written beside it as JSON.
    """

    safe: Path
    truth: Path
    plan: Plan


def simulate(spec: SceneSpec, folder: Path) -> Simulated:
    """Write a SAFE, its truth (``<name>_truth.tif``) and what was drawn (``<name>_truth.json``) into a folder.

    The same specification gives the same bytes.
    """
    window = Window(spec.first_line, spec.first_sample, spec.lines, spec.samples)
    plan, annotation = _plan(spec, window)
    identity = plan.identity
    safe = folder / f"{identity.name}.SAFE"
    for name in ("annotation/calibration", "measurement"):
        (safe / name).mkdir(parents=True, exist_ok=True)
    middle = annotation.points.incidence[annotation.points.incidence.shape[0] // 2]
    incidence = np.interp(np.arange(spec.samples), annotation.points.pixel[0], middle)
    calibration = calibration_of(window, incidence)
    noises = [noise_of(window, radar, peaks, calibration) for radar, peaks in zip(plan.radar, PEAKS, strict=True)]
    for polarisation, noise in zip(identity.polarisations, noises, strict=True):
        _write_xml(safe, identity, replace(annotation, polarisation=polarisation), calibration, noise)
    truth = folder / f"{identity.name}_truth.tif"
    _Radar(spec, plan, window, incidence, calibration, noises).expose(safe, truth, annotation)
    (safe / "manifest.safe").write_bytes(manifest_xml(safe, identity))
    told = {"specification": asdict(spec), "drawn": asdict(plan), "classes": classes_of(plan.weather.season)}
    text = json.dumps(told, indent=1, sort_keys=True, default=str)
    (folder / f"{identity.name}_truth.json").write_text(text + "\n", "utf-8")
    return Simulated(safe, truth, plan)


def classes_of(season: Season) -> dict[int, str]:
    """Return the classes of a truth: number → meaning."""
    return {0: "no data", 1: "water"} | {number: kind.name for number, kind in enumerate(KINDS[season], 2)}


def _plan(spec: SceneSpec, window: Window) -> tuple[Plan, Annotation]:
    rng = np.random.default_rng([spec.seed, 0])
    season: Season = "winter" if rng.random() < 0.5 else "melt"
    season = spec.season or season
    day = rng.integers(0, 90) + (335 if season == "winter" else 182)
    start = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(
        days=int(day), microseconds=int(rng.integers(0, 86_400_000_000))
    )
    ascending = bool(rng.random() < 0.5)
    ascending = ascending if spec.ascending is None else spec.ascending
    place = (float(rng.uniform(-20, 40)), float(rng.uniform(76, 83)))
    ipf = str(rng.choice(VERSIONS, p=ODDS))
    weather = _weather(rng, spec, season)
    ipf = spec.ipf or ipf
    radar = (_drawn(rng, spec, ipf, cross=False), _drawn(rng, spec, ipf, cross=True))
    looks = (float(rng.uniform(13, 17)), float(rng.uniform(10.2, 11.2)))
    pair = ("VV", "VH") if spec.vertical else ("HH", "HV")
    longitude, latitude = spec.place or place
    flight = fly_over(longitude, latitude, ascending, window)
    annotation = annotate(flight, window, "S1A", pair[0], start)
    stop = start + timedelta(microseconds=round((spec.lines - 1) * INTERVAL * 1e6))
    orbit, datatake = 30_000 + spec.seed % 30_000, 0x40000 + spec.seed % 0x40000
    points = annotation.points
    ends = ((0, 0), (0, -1), (-1, -1), (-1, 0))
    corners = tuple((float(points.longitude[at]), float(points.latitude[at])) for at in ends)
    identity = Identity("S1A", pair, start, stop, orbit, datatake, ascending, ipf, corners)
    return Plan(identity, weather, radar, looks), annotation


def _weather(rng: np.random.Generator, spec: SceneSpec, season: Season) -> Weather:
    wind, direction, ice = rng.uniform(3, 14), rng.uniform(0, 360), rng.uniform(0.35, 0.65)
    jitter = tuple((float(co), float(cross)) for co, cross in rng.normal(0, 0.7, (len(KINDS[season]) + 1, 2)))
    return Weather(
        season, float(wind), float(direction), float(ice if spec.ice is None else spec.ice), jitter, spec.vertical
    )


def _drawn(rng: np.random.Generator, spec: SceneSpec, ipf: str, cross: bool) -> Drawn:
    """Draw annotated noise, and how true noise differs from it: around what was published for this version."""
    whole, more = rng.uniform(-1, 1), (0.0 if cross else rng.uniform(0.7, 1.9))
    level = tuple(float(whole + more + one) for one in rng.normal(0, 0.2, 5))
    phases = tuple(float(one) for one in rng.random(5))
    spreads = np.array([0.06, 0.03, 0.03, 0.03, 0.03]) if cross else np.full(5, 0.02)
    known = SCALINGS["S1A"] if cross and "003.10" <= ipf < "003.40" else ((1.0,) * 5, (0.0,) * 5)
    scale = np.array(known[0]) + rng.normal(0, 1, 5) * (spreads / 3 if known[0][0] != 1 else spreads)
    offset = np.array(known[1]) + rng.normal(0, 1, 5) * (5e-6 if cross else 0.0)
    if spec.faithful_noise:
        scale, offset = np.ones(5), np.zeros(5)
    return Drawn(level, phases, tuple(map(float, scale)), tuple(map(float, offset)))


def _write_xml(safe: Path, identity: Identity, found: Annotation, calibration: Calibration, noise: Noise) -> None:
    old = identity.ipf < OLD
    files = {
        "Product": annotation_xml(found, identity),
        "Calibration": calibration_xml(calibration, found, identity),
        "Noise": noise_xml(_averaged(noise) if old else noise, found, identity, old),
    }
    for kind, content in files.items():
        (safe / identity.path(kind, found.polarisation)).write_bytes(content)


def _averaged(noise: Noise) -> Noise:
    """Return noise across that holds the mean factor along: all that the old format can tell."""
    mean = float(np.mean(np.concatenate([one.factor for one in noise.azimuth_vectors])))
    return replace(noise, range_vectors=tuple(replace(one, noise=one.noise * mean) for one in noise.range_vectors))


class _Radar:
    """Turns backscatter into digital numbers, strip by strip."""

    def __init__(
        self,
        spec: SceneSpec,
        plan: Plan,
        window: Window,
        incidence: npt.NDArray[np.float64],
        calibration: Calibration,
        noises: list[Noise],
    ) -> None:
        self.spec, self.plan, self.incidence = spec, plan, incidence
        rng = np.random.default_rng([spec.seed, 1])
        shape = (spec.lines, spec.samples)
        self.scenery: Scenery | None = None if spec.constant_db else draw_scenery(rng, plan.weather, shape)
        self.tables: list[Tables] = [spread(calibration, noise, spec.samples) for noise in noises]
        looks = looks_of(window, *plan.looks)
        self.speckle = [Speckle((spec.seed, 2 + number), looks) for number in range(2)]

    def expose(self, safe: Path, truth: Path, annotation: Annotation) -> None:
        """Write both measurements and the truth."""
        import rasterio

        identity = self.plan.identity
        paths = [safe / identity.path("Measurement", one) for one in identity.polarisations]
        with (
            rasterio.open(paths[0], "w", **self._profile(annotation)) as co,
            rasterio.open(paths[1], "w", **self._profile(annotation)) as cross,
            rasterio.open(truth, "w", **self._profile(annotation) | {"dtype": "uint8", "compress": "deflate"}) as mask,
        ):
            for first in range(0, self.spec.lines, BLOCK):
                window = ((first, min(first + BLOCK, self.spec.lines)), (0, self.spec.samples))
                classes, fields = self._fields(*window[0])
                for number, image in enumerate((co, cross)):
                    numbers = self._numbers(number, first, fields[number])
                    classes[numbers == 0] = 0
                    image.write(numbers, 1, window=window)
                mask.write(classes, 1, window=window)

    def _profile(self, annotation: Annotation) -> dict[str, object]:
        from rasterio.control import GroundControlPoint

        points = annotation.points
        places = np.stack([points.line + 0.5, points.pixel + 0.5, points.longitude, points.latitude], -1).reshape(-1, 4)
        gcps = [GroundControlPoint(*map(float, one), z=0.0) for one in places]
        size = {"height": self.spec.lines, "width": self.spec.samples, "count": 1, "dtype": "uint16"}
        return {"driver": "GTiff", "gcps": gcps, "crs": "EPSG:4326", **size}

    def _fields(self, first: int, last: int) -> tuple[npt.NDArray[np.uint8], tuple[Singles, Singles]]:
        if self.scenery is None:
            assert self.spec.constant_db is not None
            shape = (last - first, self.spec.samples)
            co, cross = (np.full(shape, 10 ** (level / 10), np.float32) for level in self.spec.constant_db)
            return np.ones(shape, np.uint8), (co, cross)
        classes, co, cross = strip(self.scenery, first, last, self.incidence)
        return classes, (co, cross)

    def _numbers(self, number: int, first: int, field: Singles) -> npt.NDArray[np.uint16]:
        """Return digital numbers: the root of the power of signal and true noise with speckle; 0 outside sub-swaths."""
        drawn = self.plan.radar[number]
        ones = np.ones(field.shape, np.uint16)
        unit, true = apply(self.tables[number], ones, first, "none", (drawn.scale, drawn.offset))
        power = np.maximum(field + true, 0) / unit * self.speckle[number].block(first // BLOCK)[: field.shape[0]]
        return np.where(np.isfinite(power), np.clip(np.rint(np.sqrt(power)), 1, 65_535), 0).astype(np.uint16)
