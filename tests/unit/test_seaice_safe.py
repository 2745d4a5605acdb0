"""Products in every layout, and each way a product can be wrong: one code for each."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint as Gcp

from processors.errors import Refusal
from processors.seaice.radiometry import sigma0
from processors.seaice.safe import open_safe
from processors.seaice.synth import SceneSpec, simulate
from tests.sentinel import REAL

ASKED = SceneSpec(11, lines=270, samples=420, first_sample=2900, first_line=2000, ipf="003.31", season="winter")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulate(ASKED, tmp_path_factory.mktemp("safe")).safe


@pytest.fixture
def safe(made, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(made, tmp_path / made.name)


def one(safe, pattern):
    (path,) = safe.rglob(pattern)
    return path


def edit(safe, pattern, old, new):
    """Change the text of a file, and its checksum in the manifest too."""
    path = one(safe, pattern)
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode()))
    if path.name != "manifest.safe":
        seal(safe, path)


def seal(safe, path):
    manifest = (safe / "manifest.safe").read_text()
    href = path.relative_to(safe).as_posix()
    head, tail = manifest.split(f'href="./{href}"')
    before, after = tail.split("</checksum>", 1)
    before = before.rsplit(">", 1)[0] + ">" + hashlib.md5(path.read_bytes()).hexdigest()
    start, size = head.rsplit('size="', 1)
    head = f'{start}size="{path.stat().st_size}"{size.split(chr(34), 1)[1]}'
    (safe / "manifest.safe").write_text(f'{head}href="./{href}"{before}</checksum>{after}')


def refusal(path):
    with pytest.raises(Refusal) as refused:
        open_safe(path)
    return refused.value


def numbers(scene):
    return [sigma0(scene, polarisation, slice(None)) for polarisation in scene.polarisations]


def test_a_product_says_what_it_is(made):
    scene = open_safe(made)
    assert (scene.polarisations, scene.co, scene.cross) == (("HH", "HV"), "HH", "HV")
    assert (scene.platform, scene.ipf, scene.shape, scene.flags) == ("S1A", 3.31, (270, 420), ())
    assert made.name.startswith(scene.name)
    assert len(scene.files) == 8
    assert scene.manifest.orbit_pass in {"ascending", "descending"}
    assert all(76 < latitude < 84 for _, latitude in scene.manifest.footprint)


def test_folder_manifest_zip_and_cloud_layout_give_the_same_numbers(made, tmp_path):
    expected = numbers(open_safe(made))
    archive = tmp_path / "product.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(made.rglob("*")):
            file.write(path, path.relative_to(made.parent))
    cloud = tmp_path / "cloud"
    for path in (path for path in made.rglob("*") if path.is_file()):
        stem = path.stem
        for polarisation in ("hh", "hv"):
            if f"-grd-{polarisation}-" in stem:
                kind = stem.split("s1a-")[0]
                stem = f"{kind}ew-{polarisation}"
        target = cloud / path.relative_to(made).parent / f"{stem}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for place in (archive, cloud, made / "manifest.safe"):
        scene = open_safe(place)
        assert scene.name == open_safe(made).name
        for found, wanted in zip(numbers(scene), expected, strict=True):
            assert [part.tobytes() for part in found] == [part.tobytes() for part in wanted]


def test_a_measurement_written_anew_by_a_cloud_archive_is_flagged(safe):
    for polarisation in ("hh", "hv"):
        path = one(safe, f"measurement/*-{polarisation}-*.tiff")
        with rasterio.open(path) as image:
            profile = image.profile | {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
            values = image.read()
        path.unlink()
        with rasterio.open(path.with_name(f"ew-{polarisation}.tiff"), "w", **profile) as image:
            image.write(values)
    scene = open_safe(safe)
    assert scene.flags == ("MEASUREMENT_REWRITTEN",)
    np.testing.assert_array_equal(scene.read_dn("HV", slice(None)), values[0])


def test_a_scene_travels_between_processes(made):
    scene = open_safe(made)
    copy = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(copy.read_dn("HH", slice(5, 9)), scene.read_dn("HH", slice(5, 9)))


def test_vertical_polarisations_are_read(tmp_path):
    scene = open_safe(simulate(replace(ASKED, vertical=True), tmp_path).safe)
    assert scene.polarisations == ("VV", "VH")
    assert "1SDV" in scene.name
    assert np.nanmean(numbers(scene)[0][0]) > np.nanmean(numbers(scene)[1][0])


def test_old_noise_gives_the_same_numbers_as_new_noise_of_the_same_values(safe, tmp_path):
    """Design A9.3: factors along lines are then 1."""
    path = one(safe, "noise-*-hv-*.xml")
    text = path.read_text()
    head, factors = text.split("<noiseAzimuthVectorList>")
    for block in factors.split("<noiseAzimuthLut>")[1:]:
        lut = block.split("<")[0]
        text = text.replace(lut, " ".join("1.0" for _ in lut.split()))
    path.write_text(text)
    seal(safe, path)
    expected = sigma0(open_safe(safe), "HV", slice(None))
    old = head.replace("noiseRangeVector", "noiseVector").replace("noiseRangeLut", "noiseLut") + "</noise>"
    path.write_text(old)
    seal(safe, path)
    found = sigma0(open_safe(safe), "HV", slice(None))
    assert [part.tobytes() for part in found] == [part.tobytes() for part in expected]


@pytest.mark.parametrize(
    ("version", "flags"),
    [
        ("002.36", ("NOISE_UNQUALIFIED",)),
        ("002.43", ("NOISE_DOUBTFUL",)),
        ("002.53", ("NOISE_DOUBTFUL",)),
        ("002.60", ()),
    ],
)
def test_noise_of_old_processors_is_flagged(safe, version, flags):
    edit(safe, "manifest.safe", 'version="003.31"', f'version="{version}"')
    assert open_safe(safe).flags == flags


def test_noise_that_was_removed_is_not_removed_again(safe):
    raw = sigma0(open_safe(safe), "HV", slice(None), "none")
    for polarisation in ("hh", "hv"):
        name = f"annotation/s1a-ew-grd-{polarisation}-*.xml"
        edit(safe, name, "Performed>false<", "Performed>true<")
    scene = open_safe(safe)
    assert scene.flags == ("NOISE_ALREADY_REMOVED",)
    assert sigma0(scene, "HV", slice(None))[0].tobytes() == raw[0].tobytes()


def test_published_scaling_is_applied_to_the_versions_it_holds_for(safe):
    esa, scaled = (sigma0(open_safe(safe), "HV", slice(None), rule) for rule in ("esa", "scaled"))
    expected = np.float64(esa[1][:, 150]) * 0.98660 + 1.2128e-4  # EW1 of S1A, IPF 3.1 to 3.3 (Park et al. 2018)
    np.testing.assert_allclose(scaled[1][:, 150], expected, rtol=1e-6)
    assert sigma0(open_safe(safe), "HH", slice(None), "scaled")[0].tobytes() == numbers(open_safe(safe))[0][0].tobytes()
    edit(safe, "manifest.safe", 'version="003.31"', 'version="003.52"')
    assert sigma0(open_safe(safe), "HV", slice(None), "scaled")[0].tobytes() == esa[0].tobytes()


def truncate(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def drop_polarisation(safe):
    one(safe, "measurement/*-hv-*.tiff").unlink()


def empty(safe):
    one(safe, "measurement/*-hv-*.tiff").write_bytes(b"")


def flip(safe):
    path = one(safe, "calibration-*-hh-*.xml")
    path.write_bytes(path.read_bytes().replace(b"1.", b"2.", 1))


DAMAGES = {
    "no manifest": ("S1.NOT_A_SAFE", lambda safe: (safe / "manifest.safe").unlink()),
    "manifest cut": ("S1.NOT_A_SAFE", lambda safe: truncate(safe / "manifest.safe", 0.7)),
    "no version": ("S1.NOT_A_SAFE", lambda safe: edit(safe, "manifest.safe", "Sentinel-1 IPF", "other")),
    "another mode": ("S1.UNSUPPORTED_PRODUCT", lambda safe: edit(safe, "manifest.safe", ":mode>EW<", ":mode>IW<")),
    "complex product": ("S1.UNSUPPORTED_PRODUCT", lambda safe: edit(safe, "manifest.safe", "Type>GRD<", "Type>SLC<")),
    "one polarisation": (
        "S1.UNSUPPORTED_PRODUCT",
        lambda safe: edit(safe, "manifest.safe", "Polarisation>HV<", "Polarisation>HH<"),
    ),
    "high resolution": (
        "S1.UNSUPPORTED_PRODUCT",
        lambda safe: edit(safe, "annotation/s1a*-hh-*.xml", "PixelSpacing>4.0", "PixelSpacing>2.5"),
    ),
    "measurement missing": ("S1.MISSING_FILE", drop_polarisation),
    "address outside": (
        "S1.MISSING_FILE",
        lambda safe: edit(safe, "manifest.safe", "./measurement/s1a-ew-grd-hh", "./../measurement/s1a-ew-grd-hh"),
    ),
    "calibration changed": ("S1.CHECKSUM", flip),
    "measurement empty": ("S1.TIFF_EMPTY", empty),
    "measurement cut": ("S1.TIFF_TRUNCATED", lambda safe: truncate(one(safe, "measurement/*-hv-*.tiff"), 0.5)),
    "size differs": (
        "S1.SIZE_MISMATCH",
        lambda safe: edit(safe, "annotation/s1a*-hv-*.xml", "Lines>270<", "Lines>271<"),
    ),
    "no noise": ("S1.NOISE_SCHEMA", lambda safe: edit(safe, "noise-*-hv-*.xml", "RangeVector", "OtherVector")),
    "noise not numbers": ("S1.NOISE_SCHEMA", lambda safe: edit(safe, "noise-*-hv-*.xml", "Lut>1.", "Lut>x.")),
    "no orbit": ("S1.ANNOTATION", lambda safe: edit(safe, "annotation/s1a*-hh-*.xml", "orbit>", "path>")),
    "no points": ("S1.ANNOTATION", lambda safe: edit(safe, "annotation/s1a*-hh-*.xml", "GridPoint>", "Point>")),
    "bad time": ("S1.ANNOTATION", lambda safe: edit(safe, "annotation/s1a*-hh-*.xml", "UtcTime>2", "UtcTime>x")),
    "no calibration": (
        "S1.ANNOTATION",
        lambda safe: edit(safe, "calibration-*-hh-*.xml", "calibrationVector>", "vector>"),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_refused_by_its_code(safe, name):
    code, damage = DAMAGES[name]
    damage(safe)
    refused = refusal(safe)
    assert refused.code == code
    assert str(safe.parent) not in str(refused)
    assert "\n" not in str(refused)


def test_a_cut_measurement_names_the_line(safe):
    path = one(safe, "measurement/*-hv-*.tiff")
    lines = path.stat().st_size / 2 / (420 * 2)
    truncate(path, 0.5)
    refused = refusal(safe)
    assert refused.code == "S1.TIFF_TRUNCATED"
    assert int(refused.message.split("line ")[1].split()[0]) == pytest.approx(lines, abs=12)


def test_a_cut_measurement_that_the_manifest_believes_is_found_when_read(safe):
    path = one(safe, "measurement/*-hv-*.tiff")
    truncate(path, 0.5)
    seal(safe, path)
    scene = open_safe(safe)
    scene.read_dn("HV", slice(0, 50))
    with pytest.raises(Refusal) as refused:
        scene.read_dn("HV", slice(50, 270))
    assert refused.value.code == "S1.TIFF_TRUNCATED"


def test_what_is_no_product_is_refused(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("ice")
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.SAFE/manifest.safe", "<a/>")
        file.writestr("b.SAFE/manifest.safe", "<a/>")
    for path in (text, archive, tmp_path, tmp_path / "nowhere"):
        assert refusal(path).code == "S1.NOT_A_SAFE"


def test_a_damaged_archive_is_refused(made, tmp_path):
    archive = tmp_path / "product.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(made.rglob("*")):
            file.write(path, path.relative_to(made.parent))
    content = bytearray(archive.read_bytes())
    at = content.find(b"<calibrationVector>")
    content[at + 400] ^= 1
    archive.write_bytes(content)
    assert refusal(archive).code == "S1.CHECKSUM"


def test_entities_of_xml_are_not_expanded(safe):
    manifest = (safe / "manifest.safe").read_text()
    bomb = "<!DOCTYPE a [" + "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9)) + '<!ENTITY e0 "EW">]>'
    start = manifest.index("<xfdu:XFDU")
    text = manifest[:start] + bomb + manifest[start:].replace(":mode>EW<", ":mode>&e9;<")
    (safe / "manifest.safe").write_text(text)
    assert refusal(safe).code in {"S1.NOT_A_SAFE", "S1.UNSUPPORTED_PRODUCT"}


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """The real product in the layout of a cloud archive, without its measurements, as it was recorded."""
    copy = tmp_path_factory.mktemp("real") / "S1A_EW"
    shutil.copytree(shared_data / REAL, copy, copy_function=shutil.copyfile)
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    return copy


def test_a_real_product_without_its_measurements_is_refused(real):
    assert refusal(real).code == "S1.MISSING_FILE"
    (real / "measurement").mkdir(exist_ok=True)
    for name in ("ew-hh.tiff", "ew-hv.tiff"):
        (real / "measurement" / name).write_bytes(b"")
    assert refusal(real).code == "S1.TIFF_EMPTY"


def test_a_real_product_is_read_as_its_archive_describes_it(real):
    """Its pixels are not public here: all are 0 in this stand-in, so that only noise and description are checked."""
    (real / "measurement").mkdir(exist_ok=True)
    profile = {"driver": "GTiff", "height": 10_708, "width": 10_487, "count": 1, "dtype": "uint16", "SPARSE_OK": "TRUE"}
    for name in ("ew-hh.tiff", "ew-hv.tiff"):
        with rasterio.open(real / "measurement" / name, "w", crs="EPSG:4326", gcps=[Gcp(0, 0, 100, 80)], **profile):
            assert name
    scene = open_safe(real)
    told = json.loads((real / "productInfo.json").read_text())
    assert scene.name == told["id"].rsplit("_", 1)[0]
    assert scene.platform == told["missionId"]
    assert scene.manifest.orbit == told["absoluteOrbitNumber"]
    assert scene.manifest.datatake == told["missionDataTakeId"]
    assert f"{scene.manifest.start:%Y-%m-%dT%H:%M:%S}" == told["startTime"]
    assert (scene.ipf, scene.manifest.orbit_pass, scene.manifest.relative_orbit) == (3.52, "descending", 20)
    assert scene.flags == ("MEASUREMENT_REWRITTEN", "INTERFERENCE_UNKNOWN")  # one report was not recorded
    values, nesz = sigma0(scene, "HV", slice(5000, 5002))
    assert np.isnan(values).all()
    assert 10 * np.log10(nesz[0, 6500]) == pytest.approx(-30.8755, abs=1e-4)  # expected.json
