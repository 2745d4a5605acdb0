"""Puts the parts of a time bin together again: one row of powers with the seconds of sound that made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from processors.acoustics.deployment import Chunk, Framing
from processors.acoustics.spectra import Part, Plan
from processors.acoustics.timestamps import SECOND

Floats = npt.NDArray[np.float64]
PARTIAL, CLIPPING = 1, 2
"""Bits of a row's quality."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One time bin, or one segment.

    Attributes:
        start: Nanoseconds since 1970.
        end: Nanoseconds since 1970.
        effort: Seconds of sound that were analysed.
        powers: Mean over segments, re reference², shape (bands,).
        broadband: Mean power, re reference².
        low: Smallest sample, as stored.
        high: Largest sample, as stored.
        clipped: Share of samples at full scale.
        offset: Mean of the samples, as stored.
        quality: Bits `PARTIAL` (not all of the bin was recorded) and `CLIPPING`.
    """

    start: int
    end: int
    effort: float
    powers: Floats
    broadband: float
    low: float
    high: float
    clipped: float
    offset: float
    quality: int


def count_rows(chunks: Iterable[Chunk], framing: Framing) -> int:
    """Return how many rows chunks will give."""
    chunks = list(chunks)
    return len({chunk.start for chunk in chunks}) if framing.bin_ns else sum(chunk.segments for chunk in chunks)


def rows_of(parts: Iterable[Part], plan: Plan, framing: Framing) -> Iterator[Row]:
    """Yield a row for each bin (for each segment where there are no bins) from parts in order of time."""
    if not framing.bin_ns:
        for part in parts:
            yield from _each(part, plan, framing)
        return
    together: list[Part] = []
    for part in parts:
        if together and part.chunk.start != together[0].chunk.start:
            yield _joined(together, plan, framing)
            together = []
        together.append(part)
    if together:
        yield _joined(together, plan, framing)


def _each(part: Part, plan: Plan, framing: Framing) -> Iterator[Row]:
    seconds = framing.length / float(plan.rate)
    for number, (powers, broadband) in enumerate(zip(part.powers, part.broadband, strict=True)):
        start = part.chunk.start + int(number * framing.hop * SECOND / plan.rate)
        quality = CLIPPING if part.clipped else 0
        yield Row(
            start, start + int(framing.length * SECOND / plan.rate), seconds, powers, float(broadband),
            part.low, part.high, part.clipped, part.offset, quality,
        )  # fmt: skip


def _joined(parts: list[Part], plan: Plan, framing: Framing) -> Row:
    segments = sum(part.chunk.segments for part in parts)
    sizes = np.array([part.chunk.last - part.chunk.first for part in parts])
    shared = sum(
        max(0, before.chunk.last - after.chunk.first)
        for before, after in pairwise(parts)
        if before.chunk.span == after.chunk.span
    )
    effort = float((sizes.sum() - shared) / plan.rate)
    clipped = float(np.average([part.clipped for part in parts], weights=sizes))
    start = parts[0].chunk.start
    whole = framing.bin_ns / SECOND - framing.length / float(plan.rate)
    return Row(
        start,
        start + framing.bin_ns,
        effort,
        sum((part.powers[0] for part in parts[1:]), parts[0].powers[0]) / segments,
        sum(float(part.broadband[0]) for part in parts) / segments,
        min(part.low for part in parts),
        max(part.high for part in parts),
        clipped,
        float(np.average([part.offset for part in parts], weights=sizes)),
        (PARTIAL if effort < whole else 0) | (CLIPPING if clipped else 0),
    )
