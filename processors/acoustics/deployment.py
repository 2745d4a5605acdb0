"""Orders the files of a deployment by time, knows its gaps, and cuts it into segments and time bins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np

from processors.acoustics.recordings import Reader, Recording, Samples
from processors.acoustics.timestamps import SECOND, iso
from processors.errors import Refusal

MOST_GAPS = 10
"""Of more gaps than these only number and lengths are told."""
CHUNK_S = 60
"""About how many seconds of sound a batch holds."""


@dataclass(frozen=True, slots=True)
class Span:
    """Recordings that follow each other without a gap.

    Attributes:
        recordings: In order of time.
        offsets: Sample of the span at which each begins; one more for its end.
    """

    recordings: tuple[Recording, ...]
    offsets: tuple[int, ...]

    @property
    def start(self) -> int:
        """Time of the first sample, nanoseconds since 1970."""
        return self.recordings[0].start

    def time(self, sample: int) -> int:
        """Return the time of a sample, nanoseconds since 1970."""
        return self.start + int(sample * SECOND / self.recordings[0].rate)

    def read(self, reader: Reader, first: int, last: int) -> Samples:
        """Return samples ``first`` up to ``last`` of the span."""
        parts = []
        at = first
        while at < last:
            which = bisect_right(self.offsets, at) - 1
            begin, end = self.offsets[which], min(last, self.offsets[which + 1])
            parts.append(reader.read(self.recordings[which], at - begin, end - begin))
            at = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Framing:
    """How samples are cut.

    Attributes:
        length: Samples of a segment.
        hop: Samples from one segment to the next.
        bin_ns: Length of a time bin, nanoseconds; 0 where each segment stands for itself.
    """

    length: int
    hop: int
    bin_ns: int

    @property
    def overlap(self) -> int:
        """Samples that two neighbouring segments share."""
        return max(0, self.length - self.hop)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Segments that lie in one time bin.

    Attributes:
        span: Number of the span.
        first: First sample, in the span.
        last: Sample after the last.
        segments: How many segments.
        start: Start of the bin (of the first segment where there are no bins), nanoseconds since 1970.
    """

    span: int
    first: int
    last: int
    segments: int
    start: int


def spans_of(recordings: Sequence[Recording], join_s: float) -> tuple[Span, ...]:
    """Order recordings by time and join those that follow each other.

    Args:
        recordings: In any order; one sample rate and one kind of samples.
        join_s: Largest difference, seconds, between the end of what came before and a start that still counts as
            none. It is counted from the start of the span, so that it does not add up.

    Raises:
        Refusal: Rates or kinds differ, or recordings overlap.
    """
    ordered = sorted(recordings, key=lambda one: (one.start, one.name))
    for one in ordered:
        for what, ours, first in (
            ("sample rate", one.rate, ordered[0].rate),
            ("sample type", (one.dtype, one.bits), (ordered[0].dtype, ordered[0].bits)),
        ):
            if ours != first:
                raise Refusal(f"has another {what} than {ordered[0].name}", one.name, "process them apart")
    spans: list[Span] = []
    for one in ordered:
        behind = one.start - spans[-1].time(spans[-1].offsets[-1]) if spans else 0
        if spans and behind < -join_s * SECOND:
            last = spans[-1].recordings[-1].name
            raise Refusal(f"begins {-behind / SECOND:.3f} s before {last} ends", one.name, "correct `timestamp`")
        if spans and behind <= join_s * SECOND:
            span = spans[-1]
            spans[-1] = Span((*span.recordings, one), (*span.offsets, span.offsets[-1] + one.frames))
        else:
            spans.append(Span((one,), (0, one.frames)))
    return tuple(spans)


def gaps_of(spans: Sequence[Span]) -> list[str]:
    """Say where nothing was recorded; of many gaps, as a duty cycle makes them, how many and how long they are."""
    ends = [one.time(one.offsets[-1]) for one, _ in pairwise(spans)]
    gaps = [(end, (other.start - end) / SECOND) for end, (_, other) in zip(ends, pairwise(spans), strict=True)]
    if len(gaps) <= MOST_GAPS:
        return [f"gap of {length:g} s from {iso(end)}" for end, length in gaps]
    shortest, longest = min(length for _, length in gaps), max(length for _, length in gaps)
    how_long = f"{shortest:g} s" if shortest == longest else f"{shortest:g} to {longest:g} s"
    return [f"{len(gaps)} gaps of {how_long}, the first from {iso(gaps[0][0])}, the last from {iso(gaps[-1][0])}"]


def chunks_of(spans: Sequence[Span], framing: Framing) -> Iterator[Chunk]:
    """Cut spans into chunks of about a minute, in order of time; no segment crosses a gap or the edge of a bin.

    Bins are counted from 1970-01-01T00:00:00Z, so bins of a minute begin at full minutes.
    """
    for number, span in enumerate(spans):
        for start, first, last in _pieces(span, framing):
            many = (last - first - framing.length) // framing.hop + 1
            each = max(1, ceil(CHUNK_S * span.recordings[0].rate / framing.hop))
            for done in range(0, max(many, 0), each):
                segments = min(each, many - done)
                begin = first + done * framing.hop
                end = begin + (segments - 1) * framing.hop + framing.length
                yield Chunk(number, begin, end, segments, span.time(begin) if start is None else start)


def _pieces(span: Span, framing: Framing) -> Iterator[tuple[int | None, int, int]]:
    """Yield the bins a span lies in: start of the bin, first sample, sample after the last."""
    end = span.offsets[-1]
    if not framing.bin_ns:
        yield None, 0, end
        return
    rate, first = span.recordings[0].rate, 0
    start = span.start // framing.bin_ns * framing.bin_ns
    while first < end:
        last = min(end, ceil(Fraction(start + framing.bin_ns - span.start, SECOND) * rate))
        yield start, first, last
        start, first = start + framing.bin_ns, last
