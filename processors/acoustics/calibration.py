"""Turns full scale into pressure: sensitivities as in PAMGuide, curves over frequency, and levels that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from processors.acoustics.recordings import Units
from processors.errors import Refusal

Floats: TypeAlias = npt.NDArray[np.float64]
Environment: TypeAlias = Literal["water", "air"]
QUIETEST, LOUDEST = 30.0, 220.0
"""Broadband levels, dB re 1 µPa, outside which a median under water is taken for a mistake."""


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TechnicalSpecification(_Form):
    """S = Mh + G + 20 log10(1/vADC): hydrophone, gain and converter (Merchant et al. 2015)."""

    type: Literal["TS"]
    Mh: float | None = Field(None, description="Sensitivity of the hydrophone, dB re 1 V/µPa (air: dB re 1 V/Pa).")
    G: float = Field(0.0, description="Gain before the converter, dB.")
    vADC: float = Field(1.0, gt=0, description="Voltage of the converter from zero to peak, V.")  # noqa: N815


class EndToEnd(_Form):
    """S = Si: the whole chain was calibrated."""

    type: Literal["EE"]
    Si: float | None = Field(None, description="Sensitivity of the chain, dB re full scale/µPa.")


class Recorder(_Form):
    """S = Si + Mh: a calibrated recorder and the hydrophone on it."""

    type: Literal["RC"]
    Si: float = Field(description="Sensitivity of the recorder, dB re full scale/V.")
    Mh: float | None = Field(None, description="Sensitivity of the hydrophone, dB re 1 V/µPa (air: dB re 1 V/Pa).")


Form: TypeAlias = Annotated[TechnicalSpecification | EndToEnd | Recorder, Field(discriminator="type")]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes levels of full scale.

    Attributes:
        sensitivity: S in dB: level = 10 log10(power / reference²) - S.
        curve: Frequencies in Hz and what is added to S there, dB; None where S is the same everywhere.
        reference: Reference pressure in µPa; 0 for levels relative to full scale or to 1 V.
        unit: What levels are relative to.
    """

    sensitivity: float
    curve: tuple[tuple[float, ...], tuple[float, ...]] | None
    reference: float
    unit: str

    def at(self, frequency: npt.ArrayLike) -> Floats:
        """Return S, dB, at frequencies in Hz: linear between those of the curve, the nearest beyond its ends."""
        frequency = np.asarray(frequency, np.float64)
        if self.curve is None:
            return np.full(frequency.shape, self.sensitivity)
        found: Floats = self.sensitivity + np.interp(frequency, *self.curve)
        return found

    def power(self, frequency: npt.ArrayLike) -> Floats:
        """Return what turns power re full scale into power re reference²: its level is 10 log10 of it."""
        factor: Floats = 10 ** (-self.at(frequency) / 10) / (self.reference or 1.0) ** 2
        return factor

    def note(self, highest: float) -> str | None:
        """Say where the curve does not reach from 0 to ``highest`` Hz."""
        if self.curve is None or (self.curve[0][0] <= 1.0 and self.curve[0][-1] >= highest):
            return None
        low, high = self.curve[0][0], self.curve[0][-1]
        return f"the sensitivity curve covers {low:g} to {high:g} Hz; its ends were taken beyond"


def calibrate(
    form: Form | Literal["none"], units: Units | None, environment: Environment, curve: Path | None
) -> Calibration:
    """Combine what is known of a chain.

    Args:
        form: How the chain was calibrated.
        units: What samples are; full scale where None.
        environment: Decides the reference pressure: 1 µPa in water, 20 µPa in air.
        curve: File of a frequency-dependent sensitivity, which stands for ``Mh`` (``Si`` of end-to-end calibrations).

    Raises:
        Refusal: Something is missing, or said twice.
    """
    if form == "none":
        if curve is not None:
            raise Refusal("a curve alone does not calibrate", "calibration", "give its `type`: TS, EE or RC")
        if units in {"pascal", "micropascal"}:
            return _absolute(-120.0 if units == "pascal" else 0.0, None, environment)
        return Calibration(0.0, None, 0.0, "1 V" if units == "volt" else "full scale")
    if units in {"pascal", "micropascal"}:
        raise Refusal(
            f"samples in {units} are calibrated already", "calibration", "leave it out, or correct `sample_units`"
        )
    knee = 0.0 if curve is not None else _sensor(form)
    if environment == "air" and not isinstance(form, EndToEnd):
        knee -= 120.0
    return _absolute(_chain(form, units) + knee, _read_curve(curve) if curve else None, environment)


def check_levels(broadband: Floats, calibration: Calibration, *, allow: bool) -> None:
    """Refuse levels that no place under water has.

    Raises:
        Refusal: The median is outside what can be, as when samples were scaled twice.
    """
    median = float(np.median(broadband)) if broadband.size else 100.0
    if allow or calibration.reference != 1.0 or QUIETEST <= median <= LOUDEST:
        return
    hint = "scaling by the bits was probably applied twice: correct `sample_units` or `calibration`"
    if median > LOUDEST:
        hint = "scaling was probably left out: correct `sample_units`, `bits` or `calibration`"
    raise Refusal(
        f"the median broadband level is {median:.1f} dB re 1 µPa, which cannot be", "levels",
        f"{hint}; `allow_implausible=true` if it is so",
    )  # fmt: skip


def _absolute(
    sensitivity: float, curve: tuple[tuple[float, ...], tuple[float, ...]] | None, environment: Environment
) -> Calibration:
    water = environment == "water"
    return Calibration(sensitivity, curve, 1.0 if water else 20.0, "1 µPa" if water else "20 µPa")


def _sensor(form: TechnicalSpecification | EndToEnd | Recorder) -> float:
    """Return what a curve may stand for."""
    name = "Si" if isinstance(form, EndToEnd) else "Mh"
    value = form.Si if isinstance(form, EndToEnd) else form.Mh
    if value is None:
        raise Refusal(f"{form.type} needs `{name}`", "calibration", f"give `{name}`, or a curve as input `curve`")
    return value


def _chain(form: TechnicalSpecification | EndToEnd | Recorder, units: Units | None) -> float:
    """Return what comes after the sensor: full scale (or volts) per volt, dB."""
    volts = units == "volt"
    if isinstance(form, TechnicalSpecification):
        return form.G - (0.0 if volts else 20 * log10(form.vADC))
    if isinstance(form, EndToEnd):
        if volts:
            raise Refusal("an end-to-end calibration is for full scale", "sample_units", "give counts or fullscale")
        return 0.0
    return 0.0 if volts else form.Si


def _read_curve(path: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read frequencies and sensitivities: two columns of a CSV file, or ``frequency`` and ``sensitivity`` of NetCDF."""
    with path.open("rb") as file:
        start = file.read(4)
    if start[:3] == b"CDF" or start == b"\x89HDF":
        import netCDF4

        with netCDF4.Dataset(path) as opened:
            if not {"frequency", "sensitivity"} <= set(opened.variables):
                raise Refusal("has no `frequency` and `sensitivity`", path.name, "name the variables so")
            pairs = np.stack(
                [np.ma.filled(opened[name][:].astype(float), np.nan) for name in ("frequency", "sensitivity")]
            )
    else:
        try:
            pairs = np.genfromtxt(path, delimiter=",", comments="#", usecols=(0, 1)).T
        except ValueError:
            raise Refusal("is no table of two columns", path.name, "write frequency in Hz, sensitivity in dB") from None
        pairs = pairs[:, ~np.isnan(pairs).any(axis=0)] if pairs.ndim == 2 else np.empty((2, 0))
    if pairs.shape[1] < 2 or not np.isfinite(pairs).all() or (np.diff(pairs[0]) <= 0).any():
        raise Refusal("is no curve of ascending frequencies", path.name, "write frequency in Hz, sensitivity in dB")
    frequency, sensitivity = (tuple(float(value) for value in row) for row in pairs)
    return frequency, sensitivity
