"""What may be asked of `s1-ice` beside its maps (a box, backscatter in dB), and what it tells of noise and ice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import rasterio
import scipy.ndimage
from pyproj import Transformer
from shapely.geometry import box, shape

from processors.cache import ProductCache
from processors.engine import open_engine
from processors.errors import Refusal
from processors.icestats.areas import cell_areas
from processors.polarframe import north_at, scale_of
from processors.protocol import Input, Lineage
from processors.run import execute, resolve
from processors.seaice import artefact
from processors.seaice import processor as module
from processors.seaice.artefact import SHIPPED, SUMS, find_model, load_model
from processors.seaice.geolocation import Geolocation
from processors.seaice.interference import Span, read_interference
from processors.seaice.mapping import Judged, flags_of
from processors.seaice.markup import parse
from processors.seaice.postprocess import call_classes
from processors.seaice.processor import processor
from processors.seaice.radiometry import border_quality, border_sums, contrasts, incidence_angle, sigma0, swath_numbers
from processors.seaice.safe import open_safe
from processors.seaice.synth import SceneSpec, simulate
from processors.seaice.warp import Warp
from tests.sentinel import REAL, real_annotation

SPEC = SceneSpec(7, lines=600, samples=2600, first_line=600, first_sample=2600, place=(20.0, 79.0), season="winter")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A scene of three sub-swaths at Nordaustlandet, with land in it."""
    return simulate(SPEC, tmp_path_factory.mktemp("scene"))


def run(safe, folder, engine="inline", **parameters):
    """Run the processor on a SAFE and return its products by what their names end with."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"scene": [Input.of(safe / "manifest.safe")]}
    with open_engine(engine, folder, workers=2) as opened:
        made = execute(processor, inputs, resolve(processor, {"figures": False} | parameters), opened)
    name = open_safe(safe).name
    return {one.name.removeprefix(f"{name}_"): one for one in made}


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory):
    return run(scene.safe, tmp_path_factory.mktemp("whole"), write_sigma0=True)


def read(product):
    """Values, and longitude and latitude of each cell's centre."""
    with rasterio.open(product.path) as file:
        values, place, crs = file.read(1), file.transform, file.crs
    rows, columns = np.indices(values.shape)
    x, y = place @ (columns + 0.5, rows + 0.5)
    return values, place, *Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)


def within(lon, lat, west, south, east, north, margin=0.0):
    """Tell which places lie in a box; a margin in degrees of latitude is taken off."""
    aside = margin / np.cos(np.radians(lat))
    across = np.mod(lon - west, 360.0)
    return (
        (across > aside)
        & (across < np.mod(east - west, 360.0) - aside)
        & (lat > south + margin)
        & (lat < north - margin)
    )


def part_of(whole, place, shape):
    """The window of a whole map that a part of it shows."""
    complete, origin, *_ = read(whole)
    column, row = ~origin @ (place.c, place.f)
    assert column == round(column)
    assert row == round(row)
    found = complete[round(row) : round(row) + shape[0], round(column) : round(column) + shape[1]]
    assert found.shape == shape
    return found


@pytest.mark.parametrize("ending", ["iceclass.tif", "iceprob.tif", "flags.tif"])
@pytest.mark.parametrize("more", [{}, {"smooth_cells": 3.0, "min_component_cells": 20}])
def test_a_box_holds_what_the_whole_map_shows_there(scene, whole, tmp_path, ending, more):
    asked = (18.2, 78.95, 21.0, 79.12)
    made = run(scene.safe, tmp_path, bbox=asked, **more)
    full = whole if not more else run(scene.safe, tmp_path / "full", **more)
    values, place, lon, lat = read(made[ending])
    there = part_of(full[ending], place, values.shape)
    assert values.size < read(full[ending])[0].size / 2
    sure = within(lon, lat, *asked, margin=1e-4)
    assert sure.sum() > 3000
    assert np.array_equal(values[sure], there[sure])
    outside = ~within(lon, lat, *asked, margin=-1e-4)
    assert outside.any()
    assert set(np.unique(values[outside])) == {{"iceclass.tif": 0, "iceprob.tif": 255, "flags.tif": 1}[ending]}


def test_a_box_has_its_own_areas_and_outline(scene, whole, tmp_path):
    asked = (18.2, 78.95, 21.0, 79.12)
    made = run(scene.safe, tmp_path, bbox=asked)
    told, before = (json.loads(one["stats.json"].path.read_text()) for one in (made, whole))
    classes, place, *_ = read(made["iceclass.tif"])
    areas = cell_areas("EPSG:3413", place[:6], classes.shape)
    assert told["ice_km2"] == pytest.approx(areas[classes == 2].sum(), abs=1e-3)
    assert told["valid_km2"] < before["valid_km2"] / 2
    outline = shape(made["iceclass.tif"].properties["geometry"])
    full = shape(whole["iceclass.tif"].properties["geometry"])
    assert outline.is_valid
    assert outline.symmetric_difference(full.intersection(box(*asked))).area < 0.02 * outline.area


@pytest.mark.parametrize(
    ("place", "asked", "parts"),
    [
        ((180.0, 79.0), (179.0, 78.9, -178.9, 79.2), 2),
        ((-40.0, 88.0), (-180.0, 87.2, 180.0, 90.0), 1),
    ],
)
def test_a_box_may_cross_the_antimeridian_or_hold_the_pole(tmp_path, place, asked, parts):
    made = simulate(SceneSpec(3, lines=500, samples=1600, first_line=600, first_sample=8800, place=place), tmp_path)
    classes, _, lon, lat = read(run(made.safe, tmp_path / "out", bbox=asked)["iceclass.tif"])
    complete, _, there, north = read(run(made.safe, tmp_path / "whole")["iceclass.tif"])
    assert (classes > 0).sum() > 500
    if parts == 2:
        assert within(lon, lat, *asked, margin=-1e-4)[classes > 0].all()
        expected = within(there, north, *asked) & (complete > 0)
    else:
        assert (lat[classes > 0] > 87.1999).all()
        expected = (north > 87.2) & (complete > 0)
    assert abs((classes > 0).sum() - expected.sum()) <= 0.002 * expected.sum() + 3
    outline = shape(run(made.safe, tmp_path / "again", bbox=asked)["iceclass.tif"].properties["geometry"])
    assert outline.is_valid
    assert len(getattr(outline, "geoms", [outline])) == parts


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ((100.0, 60.0, 110.0, 65.0), "GRID.NO_OVERLAP"),
        ((0.0, 80.0, 10.0, 70.0), "STATS.REGION"),
        ((10.0, 70.0, 10.0, 80.0), "STATS.REGION"),
    ],
)
def test_a_box_that_cannot_be_is_refused(scene, tmp_path, asked, code):
    with pytest.raises(Refusal) as trouble:
        run(scene.safe, tmp_path, bbox=asked)
    assert trouble.value.code == code
    assert trouble.value.where == "bbox"  # as the user wrote it
    assert "polygon" not in trouble.value.hint


@pytest.mark.parametrize("polarisation", ["HH", "HV"])
def test_backscatter_is_that_of_the_pixels_around(scene, whole, polarisation):
    """Means of two by two pixels, taken between their centres by scipy at the places of the map's cells."""
    product = whole[f"sigma0_{polarisation.lower()}.tif"]
    opened = open_safe(scene.safe)
    with rasterio.open(product.path) as file:
        assert file.scales == (0.01,)
        assert file.units == ("dB",)
        assert file.nodata == -32768
        assert file.transform.a == 80
        steps, place = file.read(1), file.transform
    fields = product.properties["raster:bands"][0]
    assert (fields["unit"], fields["scale"], fields["nodata"], fields["spatial_resolution"]) == ("dB", 0.01, -32768, 80)
    statistics = product.properties["bands"][0]["statistics"]
    assert statistics["mean"] == pytest.approx(0.01 * steps[steps != -32768].mean(), abs=1e-6)
    values, nesz = sigma0(opened, polarisation, slice(None))
    values, nesz = (one.astype(float).reshape(300, 2, 1300, 2).mean(axis=(1, 3)) for one in (values, nesz))
    rows, columns = np.indices(steps.shape)
    line, sample = Geolocation.of(opened.annotation).inverse(*(place @ (columns + 0.5, rows + 0.5)))
    at = np.stack([(line - 0.5) / 2, (sample - 0.5) / 2])
    inner = (at[0] > 1) & (at[0] < 298) & (at[1] > 1) & (at[1] < 1298)
    linear, noise = (scipy.ndimage.map_coordinates(one, at[:, inner], order=1) for one in (values, nesz))
    expected = 10 * np.log10(np.maximum(linear, 0.1 * noise))
    assert np.abs(0.01 * steps[inner] - expected).max() < 0.05
    assert np.sqrt(np.mean((0.01 * steps[inner] - expected) ** 2)) < 0.005
    assert (steps[np.isnan(line)] == -32768).all()
    with rasterio.open(product.path, overview_level=0) as file:
        half = file.read(1)
    squares = steps[: steps.shape[0] // 2 * 2, : steps.shape[1] // 2 * 2].reshape(steps.shape[0] // 2, 2, -1, 2)
    full = (squares != -32768).all(axis=(1, 3))
    power = 1000 * np.log10((10 ** (squares / 1000)).mean(axis=(1, 3)))
    assert full.sum() > 1000
    assert np.abs(half[: full.shape[0], : full.shape[1]] - power)[full].max() <= 0.5 + 1e-6  # not of decibels


def test_backscatter_is_written_where_it_is_asked_for_and_in_the_box(scene, whole, tmp_path):
    made = run(scene.safe, tmp_path / "a")
    assert not [name for name in made if "sigma0" in name]
    cut = run(scene.safe, tmp_path / "b", write_sigma0=True, bbox=(19.0, 78.95, 20.0, 79.1), engine="threads")
    steps, place, lon, lat = read(cut["sigma0_hv.tif"])
    there = part_of(whole["sigma0_hv.tif"], place, steps.shape)
    sure = within(lon, lat, 19.0, 78.95, 20.0, 79.1, margin=1e-4)
    assert sure.sum() > 5000
    assert np.array_equal(steps[sure], there[sure])
    assert (steps[~within(lon, lat, 19.0, 78.95, 20.0, 79.1, margin=-1e-4)] == -32768).all()
    raw = run(scene.safe, tmp_path / "c", write_sigma0=True, noise="none")
    assert read(raw["sigma0_hv.tif"])[0].mean() > read(whole["sigma0_hv.tif"])[0].mean()


@pytest.mark.parametrize("start", [0, 1, 9])
@pytest.mark.parametrize(("resolution", "cell"), [(80.0, 2), (200.0, 5), (1000.0, 5)])
def test_a_part_of_a_map_is_that_part_of_the_whole_map(scene, start, resolution, cell):
    """Wherever the part begins, to the last bit: its nodes are those of the whole."""
    geolocation = Geolocation.of(open_safe(scene.safe).annotation)
    target = geolocation.target(resolution)
    size = min(90, target.shape[0] - start, target.shape[1] - 2 * start)
    assert size > 9
    part = replace(
        target,
        west=target.west + 2 * start * resolution,
        north=target.north - start * resolution,
        shape=(size, size),
    )
    source = np.random.default_rng(1).normal(size=(600 // cell, 2600 // cell))
    whole, own = (
        Warp.onto(geolocation, one).take(source, slice(None), "bilinear", cell=cell) for one in (target, part)
    )
    there = whole[start : start + size, 2 * start : 2 * start + size]
    assert np.array_equal(own, there, equal_nan=True)
    below = Warp.onto(geolocation, part).take(source, slice(5, 9), "bilinear", cell=cell)
    assert np.array_equal(below, there[5:9], equal_nan=True)


def test_a_box_tells_noise_borders_and_incidence_of_what_lies_in_it(scene, whole, tmp_path):
    """A box of few samples: figures of its own pixels, found by their places, not of all samples of its lines."""
    asked = (18.3, 78.76, 19.2, 78.92)
    made = run(scene.safe, tmp_path, bbox=asked)
    told, before = (json.loads(one["stats.json"].path.read_text()) for one in (made, whole))
    opened = open_safe(scene.safe)
    place = Geolocation.of(opened.annotation)
    line, sample = np.indices((600, 2600))
    inside = within(*place.lonlat(line, sample), *asked)
    assert 0.02 < inside.mean() < 0.3
    for name in ("HH", "HV"):
        nesz = sigma0(opened, name, slice(None))[1]
        assert told["nesz_median_db"][name] == pytest.approx(10 * np.log10(np.nanmedian(nesz[inside])), abs=0.06)
    angle = incidence_angle(opened, slice(None))
    assert told["incidence_mean_deg"] == pytest.approx(angle[inside].mean(), abs=0.03)
    assert abs(told["incidence_mean_deg"] - before["incidence_mean_deg"]) > 0.3
    item = made["iceclass.tif"].properties["item"]
    assert item["view:incidence_angle"] == told["incidence_mean_deg"]
    with rasterio.open(made["iceclass.tif"].path) as file:
        assert float(file.tags()["INCIDENCE_ANGLE"]) == told["incidence_mean_deg"]
    values = np.where(inside, sigma0(opened, "HV", slice(None))[0], np.nan)
    quality = contrasts([border_sums(opened, slice(0, 600), values)])
    assert 0 < len(quality) < len(before["border_quality"])
    assert told["border_quality"] == {f"EW{a}-EW{b}": pytest.approx(how, abs=0.02) for (a, b), how in quality.items()}


def test_concentration_is_ice_per_sea_of_each_cell(whole):
    """Cell by cell over the pixels of the map; extent and marginal zone follow from their definition."""
    told = json.loads(whole["stats.json"].path.read_text())
    classes, place, *_ = read(whole["iceclass.tif"])
    areas = cell_areas("EPSG:3413", place[:6], classes.shape)
    rows, columns = np.indices(classes.shape)
    x, y = place @ (columns + 0.5, rows + 0.5)
    grid = told["grid"]
    west, north = grid["transform"][2], grid["transform"][5]
    assert west % 10_000 == north % 10_000 == 0
    whole_cells = cell_areas("EPSG:3413", tuple(grid["transform"]), tuple(grid["shape"]))
    extent = ice_area = marginal = 0.0
    seen = 0
    for row, line in enumerate(told["concentration"]):
        for column, found in enumerate(line):
            here = (np.floor((x - west) / 1e4) == column) & (np.floor((north - y) / 1e4) == row)
            valid, ice, land = (areas[here & np.isin(classes, kinds)].sum() for kinds in ((1, 2), (2,), (3,)))
            sea = whole_cells[row, column] - land
            assert told["coverage"][row][column] == pytest.approx(valid / sea, abs=1e-4)
            if valid == 0 or valid < 0.5 * sea:
                assert found is None
                continue
            seen += 1
            assert found == pytest.approx(ice / valid, abs=1e-4)
            ice_area += ice / valid * sea
            extent += sea if ice / valid >= 0.15 else 0
            marginal += sea if 0.15 <= ice / valid < 0.8 else 0
    assert seen > 5
    covered = np.array(told["coverage"])
    assert ((covered > 0) & (covered < 0.5)).any()
    assert (covered > 0.999).any()
    assert told["extent_km2"] == pytest.approx(extent, abs=1e-3)
    assert told["ice_area_km2"] == pytest.approx(ice_area, abs=1e-3)
    assert told["marginal_km2"] == pytest.approx(marginal, abs=1e-3)
    edge = shape(told["edge"]["geometry"])
    assert (told["edge"]["length_km"] > 0) is (not edge.is_empty)


def test_noise_and_borders_are_told(scene, whole):
    told = json.loads(whole["stats.json"].path.read_text())
    opened = open_safe(scene.safe)
    for name in ("HH", "HV"):
        nesz = sigma0(opened, name, slice(None))[1]
        assert told["nesz_median_db"][name] == pytest.approx(10 * np.log10(np.nanmedian(nesz)), abs=0.05)
    quality = border_quality(opened, "HV")
    assert told["border_quality"] == {f"EW{a}-EW{b}": pytest.approx(how, abs=1e-3) for (a, b), how in quality.items()}
    assert len(quality) == 2


RFI = """<?xml version="1.0"?><rfi><rfiMitigationApplied>None</rfiMitigationApplied>
<rfiDetectionFromNoiseReportList>{noises}</rfiDetectionFromNoiseReportList>
<rfiBurstReportList>{bursts}</rfiBurstReportList></rfi>"""
NOISE = (
    "<rfiDetectionFromNoiseReport><swath>{}</swath><noiseSensingTime>{}</noiseSensingTime><rfiDetected>{}</rfiDetected>"
    "</rfiDetectionFromNoiseReport>"
)
BURST = "<rfiBurstReport><swath>{}</swath><azimuthTime>{}</azimuthTime>{}</rfiBurstReport>"
LINES = "<timeDomainRfiReport><percentageAffectedLines>{}</percentageAffectedLines></timeDomainRfiReport>"
BLOCKS = (
    "<frequencyDomainRfiBurstReport><isolatedRfiReport><percentageAffectedLines>0</percentageAffectedLines>"
    "</isolatedRfiReport><percentageBlocksPersistentRfi>{}</percentageBlocksPersistentRfi></frequencyDomainRfiBurstReport>"
)


def disturbed(safe, folder, text):
    """Copy a SAFE and add a file of radio interference at HV to it and to its manifest."""
    import hashlib

    copy = shutil.copytree(safe, folder / "copy.SAFE")
    name = "annotation/rfi/rfi-hv.xml"
    (copy / "annotation/rfi").mkdir()
    (copy / name).write_text(text)
    manifest = copy / "manifest.safe"
    known = manifest.read_text()
    entry = (
        f'<dataObject ID="rfihv" repID="s1Level1RfiSchema"><byteStream size="{len(text)}"><fileLocation '
        f'locatorType="URL" href="./{name}"/><checksum checksumName="MD5">{hashlib.md5(text.encode()).hexdigest()}'
        "</checksum></byteStream></dataObject>"
    )
    pointer = '<metadataObject ID="rfihvAnnotation"><dataObjectPointer dataObjectID="rfihv"/></metadataObject>'
    known = known.replace("</dataObjectSection>", entry + "</dataObjectSection>")
    known = known.replace("</metadataSection>", pointer + "</metadataSection>")
    known = known.replace("noisehvAnnotation ", "noisehvAnnotation rfihvAnnotation ")
    manifest.write_text(known)
    return copy


def test_interference_is_marked_where_it_was_found(scene, tmp_path):
    first = open_safe(scene.safe).start
    times = [f"{np.datetime64(first.replace(tzinfo=None)) + np.timedelta64(step, 's')}" for step in (0, 1, 2, 3)]
    bursts = [
        BURST.format("EW2", times[0], ""),
        BURST.format("EW2", times[1], LINES.format("12.5")),
        BURST.format("EW2", times[2], LINES.format("0.0")),
        BURST.format("EW3", times[0], BLOCKS.format("0")),
        BURST.format("EW3", times[2], BLOCKS.format("25.0")),
    ]
    noises = [NOISE.format("EW1", times[0], "false"), NOISE.format("EW1", times[3], "false")]
    copy = disturbed(scene.safe, tmp_path, RFI.format(bursts="".join(bursts), noises="".join(noises)))
    opened = open_safe(copy)
    assert opened.channels["HV"].interference == (Span(2, 1.0, 2.0), Span(3, 2.0, 4.0))
    assert "annotation/rfi/rfi-hv.xml" in dict(opened.files)
    flags, place, *_ = read(run(copy, tmp_path / "out")["flags.tif"])
    rows, columns = np.indices(flags.shape)
    line, sample = Geolocation.of(opened.annotation).inverse(*(place @ (columns + 0.5, rows + 0.5)))
    swaths = swath_numbers(opened, slice(None))
    known = np.isfinite(line) & (flags & 1 == 0)
    line, sample = np.where(known, line, 0), np.where(known, sample, 0)
    rows, columns = (np.clip(np.rint(one).astype(int), 0, most - 1) for one, most in ((line, 600), (sample, 2600)))
    swath, time = swaths[rows, columns], line * opened.annotation.line_interval
    expected = ((swath == 2) & (time >= 1) & (time < 2)) | ((swath == 3) & (time >= 2) & (time < 4))
    agree = (flags[known] & 64 > 0) == expected[known]
    assert expected[known].sum() > 500
    assert agree.mean() > 0.98  # cells of 200 m lie across borders of sub-swaths and of bursts
    (copy / "annotation/rfi/rfi-hv.xml").unlink()
    assert "INTERFERENCE_UNKNOWN" in open_safe(copy).flags


def test_a_measurement_of_noise_may_find_interference():
    text = RFI.format(bursts="", noises=NOISE.format("EW4", "2021-01-01T00:00:01", "true"))
    from datetime import UTC, datetime

    root = parse(text.encode(), "rfi.xml", "S1.ANNOTATION")
    assert read_interference(root, datetime(2021, 1, 1, tzinfo=UTC)) == (Span(4, -np.inf, np.inf),)


def test_a_report_that_is_alone_marks_all_lines_of_its_sub_swath(scene, tmp_path):
    first = open_safe(scene.safe).start.replace(tzinfo=None)
    text = RFI.format(bursts="", noises=NOISE.format("EW3", f"{np.datetime64(first) + np.timedelta64(1, 's')}", "true"))
    flags, place, *_ = read(run(disturbed(scene.safe, tmp_path, text), tmp_path / "out")["flags.tif"])
    opened = open_safe(scene.safe)
    rows, columns = np.indices(flags.shape)
    line, sample = Geolocation.of(opened.annotation).inverse(*(place @ (columns + 0.5, rows + 0.5)))
    known = np.isfinite(line) & (flags & 1 == 0)
    line, sample = np.where(known, line, 0), np.where(known, sample, 0)
    swaths = swath_numbers(opened, slice(None))
    at = (np.clip(np.rint(one).astype(int), 0, most - 1) for one, most in ((line, 600), (sample, 2600)))
    expected = known & (swaths[tuple(at)] == 3)
    assert (expected & (line < 150)).any()  # before the report's own time
    assert (expected & (line > 450)).any()
    assert ((flags & 64 > 0) == expected)[known].mean() > 0.98


def test_a_real_report_without_interference_marks_nothing(shared_data):
    path = shared_data / REAL / "annotation/rfi/rfi-ew-hh.xml"
    origin = real_annotation(shared_data).first_line
    assert read_interference(parse(path.read_bytes(), path.name, "S1.ANNOTATION"), origin) == ()
    text = path.read_text().replace("<rfiDetected>false", "<rfiDetected>true", 1)
    (span,) = read_interference(parse(text.encode(), path.name, "S1.ANNOTATION"), origin)
    assert (span.swath, span.start, span.stop) == pytest.approx((1, 0.193, 4.397), abs=0.001)


def test_places_beyond_the_annotation_are_marked(scene):
    """Ground-range polynomials that begin after the first second leave the lines before it to extrapolation."""
    opened = open_safe(scene.safe)
    model = load_model(find_model("ice-water-quadlogit"))
    known = np.full((120, 520), 0.9, np.float32)
    called = call_classes(known, threshold=0.5, smooth_cells=0, least_cells=0)
    judged = Judged(known, known, np.stack([known, known]), {}, np.ones(known.shape, bool))
    assert not (flags_of(opened, model, judged, called, poor_noise=False) & 64).any()
    ground = opened.annotation.ground_range
    later = replace(ground, time=ground.time[2:], origin=ground.origin[2:], coefficients=ground.coefficients[2:])
    channels = {}
    for name, one in opened.channels.items():
        channels[name] = replace(one, annotation=replace(one.annotation, ground_range=later))
    flags = flags_of(replace(opened, channels=channels), model, judged, called, poor_noise=False)
    beyond = (np.arange(120) * 5 + 2) * opened.annotation.line_interval < later.time[0]
    assert beyond.any()
    assert np.array_equal((flags & 64 > 0).all(axis=1), beyond)
    assert np.array_equal((flags & 64 > 0).any(axis=1), beyond)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A copy of the shipped models, in which the processor looks."""
    folder = shutil.copytree(SHIPPED, tmp_path / "models")
    monkeypatch.setattr(module, "find_model", partial(artefact.find_model, folder=folder))
    return folder


def test_another_shipped_model_is_another_run(scene, models, tmp_path):
    """Equal inputs, parameters and versions: what was remembered of the model before is not given for the new one."""
    inputs = {"scene": [Input.of(scene.safe / "manifest.safe")]}
    parameters = resolve(processor, {"figures": False, "resolution_m": 1000})
    cache = ProductCache(tmp_path / "cache")

    def tags():
        with open_engine("inline", tmp_path) as engine:
            made = execute(processor, inputs, parameters, engine, cache)
        with rasterio.open(made[0].path) as file:
            return file.tags()["MODEL_SHA256"], made[0].lineage

    old, lineage = tags()
    assert tags()[1].key == lineage.key
    ((name, digest),) = lineage.to_dict()["materials"].items()
    assert (name.partition("@")[0], digest) == ("ice-water-quadlogit", old)
    path = find_model("ice-water-quadlogit", models)
    said = json.loads(path.read_text())
    said["parameters"]["intercept"] += 0.5
    model = artefact._model(said, "")
    (path.parent / SUMS).unlink()
    artefact.save_model(model, models, {})
    new, other = tags()
    assert new != old
    assert other.key != lineage.key


def test_a_model_of_ones_own_is_an_input_and_not_counted_twice(scene, models):
    inputs = {"scene": [Input.of(scene.safe / "manifest.safe")], "model": [Input.of(find_model("ice-water-quadlogit"))]}
    assert not Lineage.of(processor, inputs, resolve(processor, {})).materials
    unknown = Lineage.of(processor, {"scene": inputs["scene"]}, resolve(processor, {"model": "nobody"}))
    assert not unknown.materials


def test_the_scale_is_true_and_the_arrow_points_to_the_pole():
    """At 60° north EPSG:3413 draws 8 % too large an area: 100 km are some 104 km on the map."""
    x, y = Transformer.from_crs(4326, 3413, always_xy=True).transform(-45.0, 60.0)
    frame = (x / 1000 - 26, y / 1000 - 26, x / 1000 + 494, y / 1000 + 494)
    length, drawn = scale_of("EPSG:3413", frame)
    assert length == 100
    k = Transformer.from_crs(4326, 3413, always_xy=True)
    here, there = np.array(k.transform(-45.0, 59.99)), np.array(k.transform(-45.0, 60.01))
    true = 0.02 * 111_412.0  # m: a degree of a meridian at 60° is 111.412 km long (WGS 84)
    assert drawn / length == pytest.approx(1.04, abs=0.01)
    assert drawn / length == pytest.approx(float(np.hypot(*(there - here))) / true, rel=0.01)
    for lon in (-45.0, 30.0, 170.0):
        place = np.array(k.transform(lon, 82.0))
        assert np.allclose(north_at("EPSG:3413", *place), -place / np.hypot(*place), atol=1e-6)


def test_the_command_takes_a_box_and_writes_backscatter(scene, tmp_path):
    from builder.cli import main

    more = ["--param", "bbox=[19, 78.95, 20, 79.1]", "--param", "write_sigma0=true", "--param", "figures=false"]
    with pytest.raises(SystemExit) as ended:
        main(["-q", "process", "run", "s1-ice", str(scene.safe), "--out", str(tmp_path), *more])
    assert not ended.value.code
    assert len(list(tmp_path.glob("*_sigma0_h[hv].tif"))) == 2
    told = json.loads((tmp_path / "lineage.json").read_text())["lineage"]
    assert told["parameters"]["bbox"] == [19, 78.95, 20, 79.1]
    assert list(told["materials"]) == [f"ice-water-quadlogit@{find_model('ice-water-quadlogit').parent.name}"]


def test_the_example_of_a_model_is_one_that_is_shipped():
    described = type(resolve(processor, {})).model_fields["model"].description
    named = described.rsplit(" ", 1)[1].removesuffix(".")
    assert named == f"ice-water-quadlogit@{find_model('ice-water-quadlogit').parent.name}"
    assert find_model(named).is_file()
