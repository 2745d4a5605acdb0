"""The synthetic deployment holds what it says: a gap, cracks, a ship when it passes, seals at night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from processors.acoustics.synth import SENSITIVITY, Deployment, write_deployment
from tests.acoustic import levels

SHORT = Deployment(hours=4, ship=2.5, gap=1)


def test_the_ship_and_the_gap_are_heard_and_a_seed_repeats(tmp_path):
    paths = write_deployment(tmp_path, SHORT)
    assert [path.name[11:20] for path in paths] == ["20180420T", "20180420T", "20180420T"]
    made = levels(paths, tmp_path, analysis="TOLf", calibration={"type": "EE", "Si": SENSITIVITY}, average_s=60)
    assert made.time.size == 180
    assert "gap of 3600 s from 2018-04-20T01:00:00Z" in made.comment
    loudest = made.time[made.spl.argmax()].values
    assert abs(loudest - np.datetime64("2018-04-20T02:30")) < np.timedelta64(5, "m")
    quiet = made.band_level[:40].min("time").sel(frequency=100, method="nearest")
    assert abs(quiet - (75 + 10 * np.log10(23))) < 3  # 75 dB re 1 µPa²/Hz in a decidecade 23 Hz wide
    (tmp_path / "again").mkdir()
    again = write_deployment(tmp_path / "again", SHORT)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    other = write_deployment(tmp_path / "again", replace(SHORT, seed=2))
    assert other[0].read_bytes() != paths[0].read_bytes()
