"""Levels of sines, noise and real recordings beside analytic values, MANTA, pypam, PAMGuide and scipy.signal.welch."""

from __future__ import annotations

import json
from math import log10

import numpy as np
import pytest
import scipy.signal
import soundfile

from processors.acoustics.bands import bins, decidecades, hybrid_millidecades, shares
from processors.acoustics.spectra import noise_bandwidth, window_of
from processors.errors import Refusal
from tests.acoustic import PAMGUIDE_TEST, START, levels, listen, noise, sine, sound, wifar

ACOUSTICS = "science/acoustics"
TRAP = f"{ACOUSTICS}/soundtrap/67416073.210610033655"
END_TO_END = {"type": "EE", "Si": -172.8}
QUIET = 10 * log10(0.5**2 / 2)
"""Mean square of a sine of ±0.5, dB."""


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    return sound(tmp_path_factory.mktemp("tone") / "sine.wav", sine(), subtype="FLOAT")


@pytest.fixture(scope="module")
def white(tmp_path_factory):
    return sound(tmp_path_factory.mktemp("white") / "white.wav", noise(seed=3))


def table(path):
    values = np.genfromtxt(path, delimiter=",")
    return values[0, 1:], values[1:, 0], values[1:, 1:]


@pytest.mark.parametrize(("precision", "digits"), [("float32", 1e-4), ("float64", 3e-6)])
def test_a_sine_reads_its_level_at_its_own_frequency(tone, tmp_path, precision, digits):
    """Design C6.1; the levels are stored as float32, whose step at 200 dB is 1.5e-5."""
    chosen = {"calibration": PAMGUIDE_TEST, "timestamp": START, "precision": precision}
    expected = QUIET + 200 + 20 * log10(2)
    spectrum = levels(tone, tmp_path, analysis="PowerSpec", **chosen)
    peak = spectrum.power_spectrum[0].argmax().item()
    assert spectrum.frequency[peak] == 1000
    assert spectrum.power_spectrum[0, peak] == pytest.approx(expected, abs=max(digits, 8e-6))
    density = levels(tone, tmp_path, analysis="PSD", **chosen)
    assert density.psd[0, peak] == pytest.approx(expected - 10 * log10(1.5), abs=max(digits, 8e-6))
    assert levels(tone, tmp_path, analysis="Broadband", **chosen).spl[0] == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx(196.9897, abs=1e-4)


def test_white_noise_reads_its_density_broadband_and_band_levels(white, tmp_path):
    """Design C6.2 and 4: uniform noise of ±0.5 has the mean square 1/12; here one minute, 119 segments."""
    chosen = {"calibration": PAMGUIDE_TEST, "timestamp": START}
    density = levels(white, tmp_path, analysis="PSD", **chosen)
    mean = 10 * np.log10(np.mean(10 ** (density.psd[0].values[1:-1] / 10)))
    assert mean == pytest.approx(151.427, abs=3 * 4.343 / np.sqrt(119 * 0.52 * 24_000))
    assert density.spl[0] == pytest.approx(195.228, abs=0.02)
    for analysis in ("TOLf", "TOL"):
        bands = levels(white, tmp_path, analysis=analysis, **chosen)
        assert bands.frequency.size == 30
        assert bands.frequency[[0, -1]].values == pytest.approx([25.119, 19_952.6], rel=1e-4)
        at = bands.band_level.sel(frequency=1000.0, method="nearest")[0]
        assert at == pytest.approx(175.058, abs=3 * 4.343 / np.sqrt(119 * 0.52 * 231))


def test_parseval(tmp_path):
    """Design C6.3: with a rectangular window and no overlap the density adds up to the mean square."""
    values = noise(seconds=2)
    path = sound(tmp_path / "a.wav", values, subtype="DOUBLE")
    chosen = {"window": "Rectangular", "overlap": 0, "timestamp": START, "precision": "float64"}
    made = levels(path, tmp_path, analysis="PSD", **chosen)
    assert made.spl[0] == pytest.approx(10 * log10(np.mean(values**2)), abs=1e-6)
    assert np.sum(10 ** (made.psd[0].values / 10)) == pytest.approx(np.mean(values**2), rel=1e-6)


def test_bands_share_what_lies_on_their_edges():
    """Design C6.5: a tone on a band edge is divided, and nothing is lost but half the bin at Nyquist."""
    rate, length = 48_000.0, 48_000
    total = shares(hybrid_millidecades(rate / 2), rate, length).sum(axis=0)
    assert total[:-1] == pytest.approx(1, abs=1e-9)
    assert total[-1] == pytest.approx(0.5)
    bands = decidecades(rate / 2)
    edge = round(bands.upper[20])
    column = shares(bands, rate, length)[:, [edge]].toarray()
    assert column.sum() == pytest.approx(1, abs=1e-9)
    assert (column > 0).sum() == 2


def test_hybrid_millidecades_are_those_of_manta(shared_data):
    """Design C6.6."""
    folder = shared_data / ACOUSTICS / "manta"
    edges = np.genfromtxt(folder / "mdec_bands_test.csv", delimiter=",")
    ours = hybrid_millidecades(256_000)
    assert ours.lower.size == len(edges) == 3206
    assert ours.lower == pytest.approx(edges[:, 0], abs=5e-5)
    assert ours.upper == pytest.approx(edges[:, 2], abs=5e-5)
    spectrum = np.genfromtxt(folder / "spectra.csv")
    powers = shares(ours, 512_000, 512_000) @ spectrum
    theirs = np.genfromtxt(folder / "mdec_power_test.csv", delimiter=",", skip_header=1)[:, 1]
    assert np.abs(10 * np.log10(powers / theirs)).max() < 1e-5
    assert [hybrid_millidecades(rate / 2).lower.size for rate in (8000, 48_000)] == [1400, 2178]


@pytest.mark.parametrize(
    ("window", "bandwidth"),
    [
        ("Hann", 1.5),
        ("Hamming", 1.36283),
        ("Blackman", 1.72676),
        ("Rectangular", 1),
        ("BlackmanHarris", 2.0044),
        ("FlatTop", 3.7702),
    ],
)  # Harris (1978), Heinzel et al. (2002), design C3
def test_each_window_has_its_noise_bandwidth_and_none_changes_a_level(tmp_path, window, bandwidth):
    theirs = {"Rectangular": "boxcar"}.get(window, window.lower())
    assert window_of(window, 8000) == pytest.approx(scipy.signal.get_window(theirs, 8000), abs=1e-12)
    assert noise_bandwidth(window_of(window, 8000)) == pytest.approx(bandwidth, abs=1e-4)
    tone = sound(tmp_path / "tone.wav", sine(8000, 3), 8000, "FLOAT")
    made = levels(tone, tmp_path, analysis="PowerSpec", window=window, timestamp=START)
    assert made.power_spectrum[0].max() == pytest.approx(QUIET, abs=1e-4)
    density = levels(tone, tmp_path, analysis="PSD", window=window, timestamp=START)
    assert density.psd[0].max() == pytest.approx(QUIET - 10 * log10(bandwidth), abs=2e-4)


def test_a_low_cut_leaves_bands_where_they_are(tone, tmp_path):
    """Design C6.7: PAMGuide shows a tone of 1 kHz in the band of 1585 Hz when lcut is 500."""
    made = levels(tone, tmp_path, analysis="TOLf", lcut_hz=500, timestamp=START)
    assert made.frequency[0].item() == pytest.approx(501.19, abs=0.01)
    assert made.frequency[made.band_level[0].argmax()].item() == pytest.approx(1000)
    high = levels(tone, tmp_path, analysis="PSD", hcut_hz=2000, lcut_hz=1500, timestamp=START)
    assert high.frequency[[0, -1]].values == pytest.approx([1500, 2000])
    assert high.spl[0] < -60  # the tone is outside


def test_a_real_recording_beside_pypam_and_welch(shared_data, tmp_path):
    """Design C6.14: 1e-4 dB from scipy's Welch; the published table lies within 0.0022 dB of it (expected.json)."""
    path = shared_data / f"{TRAP}.flac"
    ours = levels(path, tmp_path, analysis="HMB", calibration=END_TO_END)
    values, rate = soundfile.read(path)
    published = path.with_name(f"pypam_snapshot_{path.stem}_hybrid_millidecade_psd_dB.csv")
    theirs = np.genfromtxt(published, delimiter=",", skip_header=1)[:, 1:]
    assert list(ours.effort.values) == [5, 60, 60, 60, 60, 55]
    for minute in range(3):
        begin = 40_000 + minute * 480_000
        _, density = scipy.signal.welch(values[begin : begin + 480_000], rate, "hann", 8000, detrend=False)
        level = 10 * np.log10(shares(hybrid_millidecades(4000), rate, 8000) @ density / hybrid_millidecades(4000).width)
        assert ours.psd[minute + 1].values[:-1] == pytest.approx(level[:-1] + 172.8, abs=1e-4)  # the last is half a bin
        assert ours.psd[minute + 1].values[:400] == pytest.approx(theirs[minute][:400], abs=0.0022)


def test_pamguide_corrected(shared_data, tmp_path):
    """Its labels are one bin too high, its bands one bin too low, band levels 1.761 dB too high."""
    path = shared_data / f"{TRAP}.wav"
    chosen = {"calibration": END_TO_END, "average_s": 0}
    stem = shared_data / ACOUSTICS / "soundtrap" / f"pamguide_{path.stem}"
    values = np.genfromtxt(f"{stem}_Broadband.csv", delimiter=",")[1:, 1]
    correction = 10 * log10(1.5)
    ours = levels(path, tmp_path, analysis="PSD", **chosen)
    once = 10 ** (ours.psd[1:, 0].values / 10)  # theirs counts the power at 0 Hz twice
    assert ours.spl[1:].values == pytest.approx(10 * np.log10(10 ** (values / 10) / 1.5 - once), abs=0.005)
    labels, _, theirs = table(f"{stem}_TOL.csv")
    bands = levels(path, tmp_path, analysis="TOLf", **chosen)
    assert bands.frequency.values == pytest.approx(labels[: bands.frequency.size], rel=1e-9)
    difference = bands.band_level.values - (theirs[:, : bands.frequency.size] - correction)
    assert np.abs(np.median(difference, axis=0)).max() < 0.63  # one bin, expected.json
    labels, _, theirs = table(f"{stem}_PowerSpec_welch60.csv")
    density = levels(path, tmp_path, analysis="PowerSpec", **chosen)
    first = 10 * np.log10(np.mean(10 ** (density.power_spectrum.values[:60] / 10), axis=0))
    assert first[1 : labels.size] == pytest.approx(theirs[0, 1:], abs=0.01)


def test_a_wifar_file_is_calibrated_and_dated(tmp_path):
    """Design C1, C2, C6.8 and 11, by the header's formula: p = counts (2.5/2^23)/10^((-168+120)/20)/10^(12/20)."""
    counts = np.full(39_063, 2**20, np.int32)
    counts[::2] *= -1
    path = wifar(tmp_path / "rcv_238064010.nc", counts)
    calibration = {"type": "TS", "Mh": -168, "G": 12, "vADC": 2.5}
    chosen = {"calibration": calibration, "sample_units": "counts", "bits": 24}
    pressure = 2**20 * (2.5 / 2**23) / 10 ** ((-168 + 120) / 20) / 10 ** (12 / 20)
    assert pressure == pytest.approx(19.7176, abs=3e-4)
    product = listen(path, tmp_path, analysis="Waveform", average_s=1, **chosen)["levels.nc"]
    made = levels(path, tmp_path, analysis="Waveform", average_s=1, **chosen)
    assert made.pressure_highest[0] / 1e6 == pytest.approx(pressure, rel=1e-6)
    assert made.pressure_lowest[0] == -made.pressure_highest[0]
    assert made.spl[0] == pytest.approx(20 * log10(pressure * 1e6), abs=1e-4)
    assert str(made.time[0].values).startswith("2014-08-26T06:40:10")
    assert any("julian" in note for note in product.properties["notes"])
    spectrum = levels(path, tmp_path, analysis="PSD", average_s=0, **chosen)
    assert spectrum.frequency[1].item() == 3906.25 / 3906
    assert spectrum.sensitivity[0] == pytest.approx(-163.9588, abs=1e-4)


def test_a_scaling_applied_twice_is_noticed(tmp_path):
    """The published levels of WIFAR, -20.1 dB re 1 µPa, came so; they are 138.474 dB too low."""
    rng = np.random.default_rng(1)
    counts = np.round(rng.normal(0, 2**23 * 10 ** ((116.6 - 163.9588) / 20), 39_062)).astype(np.int32)
    path = wifar(tmp_path / "rcv_238064010.nc", counts.astype(np.float64) / 2**23)
    chosen = {"analysis": "Broadband", "calibration": {"type": "TS", "Mh": -168, "G": 12, "vADC": 2.5}, "bits": 24}
    assert levels(path, tmp_path, sample_units="fullscale", **chosen).spl[0] == pytest.approx(116.6, abs=0.1)
    with pytest.raises(Refusal, match=r"-21\.\d dB re 1 µPa.*applied twice"):
        levels(path, tmp_path, sample_units="counts", **chosen)
    anyway = levels(path, tmp_path, sample_units="counts", allow_implausible=True, **chosen)
    assert anyway.spl[0] == pytest.approx(116.6 - 138.474, abs=0.1)


def test_published_wifar_levels_become_plausible(shared_data):
    """Design C6.12: +138.474 dB for the scaling, -1.761 dB for the window."""
    published = json.loads((shared_data / ACOUSTICS / "expected.json").read_text())["wifar"]["published_console"]
    right = [published[name] + 20 * log10(2**23) - 10 * log10(1.5) for name in ("rms_db", "median_db", "mode_db")]
    assert right == pytest.approx([116.6, 116.1, 116.0], abs=0.05)


def test_bins_of_a_rate_that_is_no_integer():
    axis = bins(3906.25, round(3906.25))
    assert axis.centre[[1, -1]] == pytest.approx([3906.25 / 3906, 1953.125])
