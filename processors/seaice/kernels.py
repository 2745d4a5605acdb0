"""Compiled loops over pixels; importing this module compiles nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

Loop: TypeAlias = Callable[..., Any]


@cache
def calibrate() -> Loop:
    """Return the loop that gives sigma nought and its noise equivalent; see `_calibrate`."""
    from numba import njit

    loop: Loop = njit(cache=True, nogil=True)(_calibrate)
    return loop


def _calibrate(  # pragma: no cover  (runs compiled)
    dn: Any, sigma: Any, noise: Any, along: Any, scaling: Any, sigma0: Any, nesz: Any
) -> None:
    """Fill sigma0 = (DN² - η) / A² and nesz = η / A².

    Args:
        dn: Digital numbers, shape (lines, samples).
        sigma: A of vectors, shape (vectors, samples); for each line those below and above, and the latter's weight.
        noise: The same for noise across, DN².
        along: Factor of each line.
        scaling: Scale and offset of η, and 1 where it is subtracted or 0.
        sigma0: Filled where DN is not 0.
        nesz: Filled.
    """
    gain, a_low, a_high, a_weight = sigma
    across, n_low, n_high, n_weight = noise
    scale, offset, subtract = scaling
    for line in range(dn.shape[0]):
        al, ah, aw = a_low[line], a_high[line], a_weight[line]
        nl, nh, nw, factor = n_low[line], n_high[line], n_weight[line], along[line]
        for sample in range(dn.shape[1]):
            a = gain[al, sample] * (1.0 - aw) + gain[ah, sample] * aw
            inverse = 1.0 / (a * a)
            eta = (across[nl, sample] * (1.0 - nw) + across[nh, sample] * nw) * factor
            equivalent = scale * (eta * inverse) + offset
            nesz[line, sample] = equivalent
            if dn[line, sample] != 0:
                number = float(dn[line, sample])
                sigma0[line, sample] = number * number * inverse - subtract * equivalent
