"""Bands of frequency: single bins, decidecades by DFT and by IEC 61260-1 filters, hybrid millidecades."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10, pi, sin
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats: TypeAlias = npt.NDArray[np.float64]
LOWEST_DECIDECADE = 25.0
_TURN = 2638
"""Millidecade (434.51 Hz) at which hybrid bands stop being 1 Hz wide (Martin et al. 2021a)."""


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Bands in ascending order.

    Attributes:
        lower: Lower edges, Hz.
        centre: Nominal frequencies, Hz.
        upper: Upper edges, Hz.
    """

    lower: Floats
    centre: Floats
    upper: Floats

    @property
    def width(self) -> Floats:
        """Widths, Hz."""
        return self.upper - self.lower

    def within(self, lowest: float, highest: float) -> Bands:
        """Return the bands whose centre is not below ``lowest`` and whose upper edge is not above ``highest``, Hz.

        Raises:
            Refusal: There is none.
        """
        kept = (self.centre >= lowest * (1 - 1e-9)) & (self.upper <= highest * (1 + 1e-9))
        if not kept.any():
            raise Refusal(f"no band lies between {lowest:g} and {highest:g} Hz", "lcut_hz", "widen lcut_hz to hcut_hz")
        return Bands(self.lower[kept], self.centre[kept], self.upper[kept])


def bins(rate: float, length: int) -> Bands:
    """Return the bins of a DFT of ``length`` samples: k rate/length, each half a bin to either side."""
    step = rate / length
    centre: Floats = np.arange(length // 2 + 1, dtype=np.float64) * np.float64(step)
    return Bands(centre - step / 2, centre, centre + step / 2)


def decidecades(highest: float) -> Bands:
    """Return decidecades, 1000·10^(n/10) Hz between their edges at ∓1/20 decade, from 1 Hz (IEC 61260-1, ISO 18405)."""
    number = np.arange(-30, floor(10 * log10(highest / 1000)) + 1)
    tenths = np.power(10.0, 3 + (number + np.array([[-0.5], [0.0], [0.5]])) / 10)
    return Bands(tenths[0], tenths[1], tenths[2])


def hybrid_millidecades(nyquist: float) -> Bands:
    """Return bands 1 Hz wide up to 433.5 Hz and a thousandth of a decade wide above (Martin et al. 2021a, MANTA).

    The last band ends at ``nyquist`` Hz. Bands of 1 Hz are named by their integer, others by their geometric centre.
    """
    whole = np.arange(-0.5, min(434.0, nyquist))
    tenths = 10 ** (np.arange(_TURN, ceil(1000 * log10(nyquist))) / 1000) if nyquist > 434 else np.empty(0)
    edges = np.unique(np.concatenate([whole, tenths[tenths < nyquist * (1 - 1e-12)], [nyquist]]))
    lower, upper = edges[:-1], edges[1:]
    centre = np.where(upper < 434, (lower + upper) / 2, np.sqrt(np.abs(lower * upper)))
    return Bands(lower, centre, upper)


def shares(bands: Bands, rate: float, length: int) -> csr_array:
    """Return how much of each DFT bin lies in each band, shape (bands, length // 2 + 1)."""
    step = rate / length
    most = length // 2
    first = np.clip(np.floor(bands.lower / step + 0.5), 0, most).astype(int)
    last = np.clip(np.ceil(bands.upper / step - 0.5), 0, most).astype(int)
    rows = np.repeat(np.arange(first.size), last - first + 1)
    starts = np.repeat(np.cumsum(last - first + 1) - (last - first + 1), last - first + 1)
    columns = np.arange(rows.size) - starts + first[rows]
    low = np.maximum(bands.lower[rows] / step, columns - 0.5)
    high = np.minimum(bands.upper[rows] / step, columns + 0.5)
    return _matrix(np.clip(high - low, 0, 1), rows, columns, (first.size, most + 1))


def class_1_filters(bands: Bands, rate: float, length: int) -> csr_array:
    """Return the power response of sixth-order Butterworth band filters at DFT bins, shape (bands, length // 2 + 1).

    |H|² = 1/(1 + (Q (f/fm - fm/f))⁶) meets IEC 61260-1 class 1; Q is that of the band edges, raised by
    (π/6)/sin(π/6) so that white noise keeps its level (ANSI S1.11, effective bandwidth).
    """
    frequency = np.arange(length // 2 + 1) * rate / length
    quality = (pi / 6) / sin(pi / 6) / (10**0.05 - 10**-0.05)
    with np.errstate(divide="ignore"):
        ratio = frequency / bands.centre[:, None]
        response = 1 / (1 + (quality * (ratio - 1 / ratio)) ** 6)
    rows, columns = np.nonzero(response > 1e-15)
    return _matrix(response[rows, columns], rows, columns, response.shape)


def _matrix(values: Floats, rows: Any, columns: Any, shape: tuple[int, int]) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((values, (rows, columns)), shape=shape)
