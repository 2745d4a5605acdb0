"""Deployments, formats, parameters and products of the acoustics processor: each choice changes an outcome."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
import scipy.signal
import soundfile
import xarray as xr

from builder.cli import main
from processors.acoustics.calibration import calibrate
from processors.acoustics.statistics import density_of, exposure_level, statistics_of
from processors.acoustics.synth import SENSITIVITY, Deployment, write_deployment
from processors.acoustics.timestamps import from_name, from_variable, iso
from processors.errors import Refusal
from tests.acoustic import START, levels, listen, sound, wifar

RATE = 2000


def hiss(seconds, seed=3, rate=RATE):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """150 s of noise with a tone of 100 Hz in the second minute, from 03:36:30."""
    values = hiss(150)
    values[RATE * 30 : RATE * 90] += 0.3 * np.sin(2 * np.pi * 100 * np.arange(RATE * 60) / RATE)
    return sound(tmp_path_factory.mktemp("rec") / "station_20210610_033630.wav", values, RATE)


def test_bins_begin_at_full_minutes_and_tell_their_effort(recording, tmp_path):
    made = levels(recording, tmp_path, analysis="Broadband")
    assert [str(time)[11:19] for time in made.time.values] == ["03:36:00", "03:37:00", "03:38:00"]
    assert list(made.effort.values) == [30, 60, 60]
    assert list(made.quality_flag.values) == [1, 0, 0]
    values, rate = soundfile.read(recording)
    frequency, density = scipy.signal.welch(values[30 * rate : 90 * rate], rate, "hann", rate, detrend=False)
    assert made.spl[1] == pytest.approx(10 * np.log10(density.sum() * frequency[1]), abs=1e-3)


def test_a_split_recording_is_one_recording(recording, tmp_path):
    values, rate = soundfile.read(recording, dtype="int16")
    whole = levels(recording, tmp_path, analysis="PSD")
    cut = 77_777  # 38.8885 s after the start
    first = sound(tmp_path / "x_20210610_033630_000000.wav", values[:cut], rate)
    second = sound(tmp_path / "x_20210610_033708_888500.wav", values[cut:], rate)
    parts = levels([second, first], tmp_path, analysis="PSD", timestamp="%Y%m%d_%H%M%S_%f", join_s=0.0001)
    assert np.array_equal(parts.psd, whole.psd)
    assert parts.comment == "no gaps, clipping or other findings"


def test_gaps_are_known_and_overlaps_refused(recording, tmp_path):
    values, rate = soundfile.read(recording, dtype="int16")
    first = sound(tmp_path / "a_20210610_033600.wav", values[: 40 * rate], rate)
    second = sound(tmp_path / "a_20210610_033650.wav", values[40 * rate : 60 * rate], rate)
    made = levels([first, second], tmp_path, analysis="Broadband", overlap=0)
    assert made.comment == "gap of 10 s from 2021-06-10T03:36:40Z"
    assert list(made.effort.values) == [50, 10]
    joined = levels([first, second], tmp_path, analysis="Broadband", join_s=10, overlap=0)
    assert list(joined.effort.values) == [60]
    early = sound(tmp_path / "a_20210610_033630.wav", values[:rate], rate)
    with pytest.raises(Refusal, match=r"begins 10.000 s before a_20210610_033600.wav ends"):
        levels([first, early], tmp_path, analysis="Broadband")
    other = sound(tmp_path / "a_20210610_043630.wav", values[:rate], rate + 1)
    with pytest.raises(Refusal, match="another sample rate"):
        levels([first, other], tmp_path, analysis="Broadband")


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "rf64"])
@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_16"])
def test_formats_hold_the_same_samples(tmp_path, suffix, subtype):
    values = np.round(hiss(3) * 2**15) / 2**15
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, values, RATE, subtype=subtype, format="RF64" if suffix == "rf64" else None)
    made = levels(path, tmp_path, analysis="PSD", timestamp=START, precision="float64")
    _, density = scipy.signal.welch(values, RATE, "hann", RATE, detrend=False)
    assert made.psd[0].values == pytest.approx(10 * np.log10(density), abs=1e-5)


def test_the_noise_floor_of_24_bits_needs_float64(tmp_path):
    tone = np.sin(2 * np.pi * 100 * np.arange(RATE * 4) / RATE) * 0.99
    path = sound(tmp_path / "a.wav", tone, RATE, "PCM_24")
    auto, single = (
        levels(path, tmp_path, analysis="PSD", timestamp=START, precision=one) for one in ("auto", "float32")
    )
    assert auto.psd[0, 500:].max() < single.psd[0, 500:].max()


CHOICES = [
    ({"window_s": 0.5}, lambda one: one.frequency.size == 501),
    ({"overlap": 0.0}, lambda one: True),
    ({"window": "Hamming"}, lambda one: True),
    ({"remove_dc": True}, lambda one: True),
    ({"average_s": 30}, lambda one: one.time.size == 5),
    ({"average_s": 0}, lambda one: one.time.size == 299),
    ({"lcut_hz": 200}, lambda one: one.frequency[0] == 200),
    ({"hcut_hz": 500}, lambda one: one.frequency[-1] == 500),
    ({"timestamp": "2000-01-01T00:00:00+01:00"}, lambda one: str(one.time[0].values).startswith("1999-12-31T23:00")),
    ({"percentiles": (10, 90)}, lambda one: one.percentile.size == 2),
    ({"calibration": {"type": "EE", "Si": -150}}, lambda one: "1 µPa²/Hz" in one.psd.long_name),
    ({"calibration": {"type": "EE", "Si": -60}, "environment": "air"}, lambda one: "20 µPa²/Hz" in one.psd.long_name),
    ({"precision": "float64"}, lambda one: True),
    ({"latitude": 79, "longitude": 3, "depth_m": 40}, lambda one: one.geospatial_bounds == "POINT (79.0 3.0)"),
    ({"about": {"platform": "UI1"}}, lambda one: one.platform == "UI1"),
]


@pytest.mark.parametrize(("choice", "holds"), CHOICES, ids=lambda one: "-".join(one) if isinstance(one, dict) else "")
def test_each_parameter_changes_an_outcome(recording, tmp_path, choice, holds):
    usual, other = (levels(recording, tmp_path, analysis="PSD", **one) for one in ({}, choice))
    assert holds(other)
    assert (
        not other.drop_attrs(deep=False).identical(usual.drop_attrs(deep=False))
        or other.attrs.keys() != usual.attrs.keys()
    )


def test_remove_dc_and_channel(tmp_path):
    steady = np.stack([hiss(3) + 0.5, hiss(3) / 10], axis=1)
    path = sound(tmp_path / "a.wav", steady, RATE)
    product = listen(path, tmp_path, analysis="Broadband", timestamp=START)["levels.nc"]
    assert any("offset" in note for note in product.properties["notes"])
    with_dc, without, second = (
        levels(path, tmp_path, analysis="Broadband", timestamp=START, **one).spl[0]
        for one in ({}, {"remove_dc": True}, {"channel": 1})
    )
    assert with_dc == pytest.approx(10 * np.log10(0.26), abs=0.05)
    assert without == pytest.approx(-20, abs=0.2)
    assert second == pytest.approx(-40, abs=0.2)
    with pytest.raises(Refusal, match="has no channel 2"):
        levels(path, tmp_path, analysis="Broadband", timestamp=START, channel=2)


def test_clipping_is_told(tmp_path):
    path = sound(tmp_path / "a.wav", np.clip(hiss(3) * 20, -1, 1), RATE)
    made = listen(path, tmp_path, analysis="Broadband", timestamp=START)["levels.nc"]
    assert any("clipped" in note for note in made.properties["notes"])


def test_calibrations(tmp_path):
    from pydantic import TypeAdapter

    from processors.acoustics.calibration import Form

    def of(form, units=None, environment="water", curve=None):
        return calibrate(TypeAdapter(Form).validate_python(form), units, environment, curve)

    technical = {"type": "TS", "Mh": -168, "G": 12, "vADC": 2.5}
    assert of(technical).sensitivity == pytest.approx(-163.9588, abs=1e-4)  # expected.json, wifar
    assert of(technical, "volt").sensitivity == -156
    assert of(technical, environment="air").sensitivity == pytest.approx(-283.9588, abs=1e-4)
    assert of({"type": "RC", "Si": -3, "Mh": -170}).sensitivity == -173
    assert calibrate("none", "pascal", "water", None).sensitivity == -120
    (tmp_path / "curve.csv").write_text("frequency,sensitivity\n10,-170\n20,-180\n")
    curve = of({"type": "TS", "G": 10}, curve=tmp_path / "curve.csv")
    assert list(curve.at([5, 10, 15, 20, 99])) == [-160, -160, -165, -170, -170]
    assert curve.note(100) == "the sensitivity curve covers 10 to 20 Hz; its ends were taken beyond"
    for wrong, units, says in (({"type": "TS"}, None, "needs `Mh`"), ({"type": "EE", "Si": 1}, "volt", "end-to-end"),
                               (technical, "pascal", "calibrated already")):  # fmt: skip
        with pytest.raises(Refusal, match=says):
            of(wrong, units)


def test_a_curve_of_noaa_changes_levels_by_itself(shared_data, recording, tmp_path):
    curve = shared_data / "science/acoustics/calibration/NRS11_H5R6_sensitivity_hms5kHz.nc"
    chosen = {"analysis": "PSD", "calibration": {"type": "TS", "G": 0, "vADC": 2.5}}
    made = levels(recording, tmp_path, curve=curve, **chosen)
    technical = {"type": "TS", "Mh": 0, "G": 0, "vADC": 2.5}
    flat = levels(recording, tmp_path, analysis="PSD", calibration=technical, allow_implausible=True)
    with xr.open_dataset(curve) as told:
        expected = np.interp(made.frequency, told.frequency, told.sensitivity)
    assert (flat.psd - made.psd)[0].values == pytest.approx(expected, abs=1e-3)


def test_times():
    assert iso(from_name("67416073.210610033655.flac", None)) == "2021-06-10T03:36:55Z"
    assert iso(from_name("AMAR_20140826T064010Z.wav", None)) == "2014-08-26T06:40:10Z"
    assert iso(from_name("rcv_14238064010.nc", "%y%j%H%M%S")) == "2014-08-26T06:40:10Z"
    start, note = from_variable(20587210, "seconds since 2013-12-31, 00:00:00 UTC", "julian", "f")
    assert iso(start) == "2014-08-26T06:40:10Z"  # expected.json, wifar
    assert note
    for name, pattern, says in (
        ("a.wav", None, "tells no time"),
        ("a.wav", "%H%M", "no year"),
        ("a.wav", "%Y%m", "pattern"),
    ):
        with pytest.raises(Refusal, match=says):
            from_name(name, pattern)


def test_statistics_beside_numpy():
    values = np.random.default_rng(2).normal(100, 5, (500, 7))
    found = statistics_of(values, (5, 50, 95))
    assert found.percentiles == pytest.approx(np.quantile(values, (0.05, 0.5, 0.95), axis=0))
    assert found.rms == pytest.approx(10 * np.log10((10 ** (values / 10)).mean(axis=0)))
    density, centres = density_of(values)
    assert density.sum(axis=0) * 0.1 == pytest.approx(np.ones(7))
    first, _ = np.histogram(values[:, 0], np.append(centres - 0.05, centres[-1] + 0.05))
    assert density[:, 0] * 50 == pytest.approx(first)
    assert exposure_level(np.array([1e10]), np.array([60.0])) == pytest.approx(100 + 10 * np.log10(60))


def test_products_are_the_same_on_each_engine_and_references_open(recording, tmp_path):
    made = [
        listen(recording, tmp_path, kind, analysis="TOLf", plot=plot, csv=True)
        for kind, plot in (("inline", "Both"), ("threads", "Both"), ("processes", "none"))
    ]
    names = [
        "levels.nc",
        "levels.json",
        "levels.csv",
        "spectrogram.png",
        "spectrogram.svg",
        "statistics.png",
        "statistics.svg",
    ]
    assert list(made[0]) == names
    kept = [{name: one.path.read_bytes() for name, one in products.items()} for products in made]
    assert kept[0] == kept[1]
    assert kept[0]["levels.csv"] == kept[2]["levels.csv"]
    with xr.open_dataset(made[2]["levels.nc"].path) as processes, xr.open_dataset(made[0]["levels.nc"].path) as inline:
        assert processes.equals(inline)  # the lineage tells another `plot`
    rows = np.genfromtxt(made[0]["levels.csv"].path, delimiter=",")
    with xr.open_dataset(made[0]["levels.nc"].path) as file:
        assert rows[1:, 1:] == pytest.approx(file.band_level.values, rel=1e-6)
        assert rows[0, 0] == 2223  # PAMGuide: relative times, water, not calibrated, TOL
        with contextlib.chdir(made[0]["levels.json"].path.parent):
            opened = xr.open_dataset("levels.json", engine="kerchunk").load()
        assert np.array_equal(opened.band_level, file.band_level)
    assert b"<image" in made[0]["spectrogram.svg"].path.read_bytes()


def test_a_deployment_of_many_files_on_dask_gives_the_local_bytes(tmp_path):
    """Work travels as samples, not as paths, so that workers need no file; gaps and bins stay where they are."""
    paths = write_deployment(tmp_path, Deployment(hours=6, minutes=2, gap=3))
    chosen = {"analysis": "HMB", "average_s": 60, "calibration": {"type": "EE", "Si": SENSITIVITY}, "window_s": 1}
    made = [listen(paths, tmp_path, kind, **chosen) for kind in ("inline", "dask")]
    local, spread = ({name: one.path.read_bytes() for name, one in products.items()} for products in made)
    assert set(local) == {"levels.nc", "levels.json"}
    assert local == spread
    with xr.open_dataset(made[1]["levels.nc"].path, decode_timedelta=False) as levels:
        assert levels.sizes["time"] == 10


@pytest.mark.parametrize(
    ("choice", "names"),
    [({"plot": "Time"}, ["series.png", "series.svg"]), ({"plot": "Stats"}, ["distribution.png", "distribution.svg"])],
)
def test_plots_without_frequency(recording, tmp_path, choice, names):
    made = listen(recording, tmp_path, analysis="Broadband", **choice)
    assert list(made)[2:] == names


def test_the_axis_of_frequency(recording, tmp_path):
    log, linear = (
        listen(recording, tmp_path, analysis="PSD", plot="Time", freq_scale=one) for one in ("log", "linear")
    )
    assert log["spectrogram.png"].path.read_bytes() != linear["spectrogram.png"].path.read_bytes()


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"hcut_hz": 1500}, "above half the sample rate"),
        ({"window_s": 200}, "no recording is as long"),
        ({"sample_units": "counts"}, "in full scale"),
        ({"lcut_hz": 900, "hcut_hz": 800}, "is not below"),
    ],
)
def test_what_cannot_be_is_refused(recording, tmp_path, choice, says):
    with pytest.raises(Refusal, match=says):
        listen(recording, tmp_path, analysis="PSD", **choice)


def test_netcdf_must_tell_its_units(tmp_path):
    path = wifar(tmp_path / "a.nc", np.arange(8000, dtype=np.int32))
    with pytest.raises(Refusal, match="give `sample_units`"):
        listen(path, tmp_path, analysis="PSD")
    with pytest.raises(Refusal, match="give `bits`"):
        listen(path, tmp_path, analysis="PSD", sample_units="counts")


def test_the_command_line(recording, tmp_path, capsys):
    calibration = 'calibration={"type": "EE", "Si": -150}'
    out = tmp_path / "out"
    given = ("--param", "analysis=HMB", "--param", calibration, "--param", "plot=none", "--param", "percentiles=[50]")
    with pytest.raises(SystemExit) as ended:
        main(["process", "run", "pam", str(recording), *given, "--out", str(out)])
    assert not ended.value.code
    told = json.loads((out / "lineage.json").read_bytes())
    assert told["products"][0]["unit"] == "dB re 1 µPa²/Hz"
    assert told["lineage"]["parameters"]["calibration"]["Si"] == -150
    with pytest.raises(SystemExit):
        main(["process", "run", "pam", str(recording), "--param", "analysis=Loud", "--out", str(out)])
    assert "input should be 'PSD'" in capsys.readouterr().err
