"""Reads where radio interference was found in a scene, which processors since version 3.40 annotate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from processors.seaice.markup import Node, seconds

CODE = "S1.ANNOTATION"
AFFECTED = (
    "timeDomainRfiReport/percentageAffectedLines",
    "frequencyDomainRfiBurstReport/isolatedRfiReport/percentageAffectedLines",
    "frequencyDomainRfiBurstReport/percentageBlocksPersistentRfi",
)
"""Shares of a burst, percent; one above 0 tells interference (Sentinel-1 product specification, 3.40 and later)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of a sub-swath with interference.

    Attributes:
        swath: Number of the sub-swath.
        start: Seconds from the first line; may be infinite.
        stop: Seconds from the first line; may be infinite.
    """

    swath: int
    start: float
    stop: float


def read_interference(root: Node, origin: datetime) -> tuple[Span, ...]:
    """Read the bursts and the measurements of noise in which interference was found, mitigated or not.

    Each holds from its own time to that of the next one of its sub-swath; the last as long as they usually do. One
    that is alone in its sub-swath tells all lines of it.

    Raises:
        Refusal: A report has no sub-swath or no time.
    """
    bursts = list(_reports(root.each("rfiBurstReportList/rfiBurstReport"), "azimuthTime", origin))
    noises = list(
        _reports(root.each("rfiDetectionFromNoiseReportList/rfiDetectionFromNoiseReport"), "noiseSensingTime", origin)
    )
    return (*_spans(bursts), *_spans(noises))


def _reports(nodes: Iterator[Node], when: str, origin: datetime) -> Iterator[tuple[int, float, bool]]:
    for node in nodes:
        swath = node.text("swath")
        if not swath[-1:].isdigit():
            raise node.refusal(f"`{swath}` names no sub-swath")
        shares = (node.text(path, "0") for path in AFFECTED)
        found = node.text("rfiDetected", "false") == "true" or any(node.parsed(one) > 0 for one in shares)
        yield int(swath[-1]), seconds(node.time(when), origin), found


def _spans(reports: list[tuple[int, float, bool]]) -> Iterator[Span]:
    for swath in sorted({one[0] for one in reports}):
        own = sorted(one[1:] for one in reports if one[0] == swath)
        times = [time for time, _ in own]
        usual = float(np.median(np.diff(times))) if len(times) > 1 else np.inf
        if len(own) == 1:
            own = [(-np.inf, own[0][1])]
        for (start, found), stop in zip(own, [*times[1:], times[-1] + usual], strict=True):
            if found:
                yield Span(swath, start, stop)
