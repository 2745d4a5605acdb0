"""Cuts a point, a profile, a box, depths and times out of what the catalogue describes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.errors import ReadingError, UnsuitedError
from builder.reading.locate import Source, locate, members
from builder.reading.opening import Opened, opened, told
from builder.reading.query import Query, query

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr

    from builder.reading.axes import Axes
    from builder.reading.cost import Cost
    from builder.reading.selection import NothingThereError, Selection

MAX_MB = 500.0
"""Most megabytes, read or of values, that are cut out unless more is allowed."""

MOST_SAID = 3
"""Of how many sources an error says what they have, where none answers."""


@dataclass(frozen=True)
class Cut:
    """A part of one source, chosen but not read."""

    opened: Opened
    dataset: xr.Dataset
    axes: Axes
    selection: Selection
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    cost: Cost

    @property
    def label(self) -> str:
        """The item, or the address where there is none."""
        return self.opened.source.item or self.opened.source.href


@dataclass(frozen=True)
class Plan:
    """Everything that one call will read, with its price and what has to be said about it.

    ``single`` says that there was one source only, whose shape the answer keeps.
    """

    asked: Query
    cuts: tuple[Cut, ...]
    cost: Cost
    single: bool
    notes: tuple[str, ...] = ()


def extract(
    *sources: Any,
    point: Sequence[float] | str | None = None,
    profile: Sequence[float] | str | None = None,
    box: Sequence[float] | str | None = None,
    depth: Sequence[float | None] | str | None = None,
    time: Sequence[datetime | str | None] | str | None = None,
    variables: Iterable[str] = (),
    within_km: float | None = None,
    group: str | None = None,
    max_mb: float = MAX_MB,
) -> xr.Dataset:
    """Cut a part out of items, collections, reference or NetCDF files, and return it, read, as a Dataset.

    One source keeps its dimensions; of several the answers are put below one another along ``obs``, with the
    variable ``item`` saying where each comes from. Numbers in cells outside of what was asked for are missing; the
    coordinate ``iaos_within`` says which cells lie inside.

    Args:
        sources: As for `builder.reading.opening.open`; a collection without combined references stands for its items.
        point: Longitude and latitude in degrees: all that was measured at the nearest place.
        profile: Likewise, but only what has a depth.
        box: West, south, east, north in degrees; west > east goes across ±180°.
        depth: Least and greatest depth in metres, positive down; None leaves an end open.
        time: First and last instant, as datetimes or ISO 8601 words; ``2018-07`` as the end is the end of July.
        variables: Names or CF standard names; all that fit into one table where not given.
        within_km: How far the nearest place may be.
        group: Group of the file.
        max_mb: Refuse to read, or to hold, more megabytes than this.

    Raises:
        ReadingError: The question makes no sense for these data, nothing answers it, or it would cost too much.
        StaleError: A data file changed after its references were made.
    """
    from builder.reading.cutting import inside

    asked = query(
        point=point, profile=profile, box=box, depth=depth, time=time, variables=variables, within_km=within_km
    )
    planned = plan(sources, asked, group)
    check_limit(planned.cost, max_mb)
    return inside(read(planned))


def plan(sources: Sequence[Any], asked: Query, group: str | None = None) -> Plan:
    """Open sources and choose what answers a question; only coordinates are read.

    Raises:
        ReadingError: As `extract`.
    """
    from builder.reading.cost import Cost
    from builder.reading.selection import NothingThereError

    everything = [member for given in sources for member in members(given)]
    cuts: list[Cut] = []
    unsuited: dict[str, UnsuitedError] = {}
    refused: list[NothingThereError] = []
    for source in everything:
        try:
            cuts.append(_cut(source, asked, group))
        except NothingThereError as trouble:
            refused.append(trouble)
        except UnsuitedError as trouble:
            unsuited[trouble.where] = trouble
    if not cuts:
        raise next(iter(unsuited.values()), None) or _nothing(refused, len(everything))
    notes = [*_left_out(unsuited.values())]
    for cut in cuts:
        notes += _flags(cut)
        if cut.left_out:
            notes.append(f"{cut.label}: left out {', '.join(cut.left_out)}, which do not fit into one table")
        if cut.selection.distance_m is not None:
            notes.append(
                f"{cut.label}: nearest place {cut.selection.longitude:.5f},{cut.selection.latitude:.5f}, "
                f"{cut.selection.distance_m / 1000.0:.3f} km away"
            )
    return Plan(asked, tuple(cuts), sum((cut.cost for cut in cuts), Cost()), len(everything) == 1, tuple(notes))


def _nothing(refused: Sequence[NothingThereError], count: int) -> ReadingError:
    """Return the error of sources none of which has an answer: how many they are, and what the first of them have."""
    from builder.reading.selection import NOTHING, NothingThereError

    if not refused:
        return ReadingError("there is nothing to read")
    if count == 1 or refused[-1].message != NOTHING:
        return refused[-1]
    said = [f"{one.where}: {one.hint}" for one in refused if one.hint]
    more = [f"{len(said) - MOST_SAID} more have others"] if len(said) > MOST_SAID else []
    return NothingThereError(f"{NOTHING}, in any of {count} sources", hint="; ".join(said[:MOST_SAID] + more))


def _left_out(unsuited: Iterable[UnsuitedError]) -> Iterator[str]:
    """Say once for each reason which sources lack what is asked for."""
    reasons: dict[str, list[str]] = {}
    for one in unsuited:
        reasons.setdefault(one.message, []).append(one.where)
    for reason, places in reasons.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        yield f"left out {places[0]}{more}: {reason}"


def _flags(cut: Cut) -> Iterator[str]:
    """Say where values that are flags may stand among measurements."""
    for name in cut.names:
        attributes = cut.dataset.variables[name].attrs
        if "flag_values" in attributes and "units" in attributes and "valid_range" not in attributes:
            yield f"{cut.label}: {name} holds flags among its values: {attributes.get('flag_meanings', 'unnamed')}"


def check_limit(cost: Cost, max_mb: float) -> None:
    """Refuse what is too much.

    Raises:
        ReadingError: More would be read, or held, than allowed.
    """
    if max(cost.read_bytes, cost.value_bytes) > max_mb * 1e6:
        raise ReadingError(
            f"that is {cost}, more than {max_mb:g} MB", hint="ask for less, or allow more with --max-mb or max_mb="
        )


def read(planned: Plan) -> xr.Dataset:
    """Read what was planned.

    Raises:
        ReadingError: A data file cannot be read.
        StaleError: A data file changed after its references were made.
    """
    from builder.reading.table import stacked

    parts = [(cut.label, _read(cut, planned.asked)) for cut in planned.cuts]
    if planned.single:
        return parts[0][1]
    return stacked(parts, str(planned.asked))


def _cut(source: Any, asked: Query, group: str | None) -> Cut:
    """Choose what answers from one source; of a collection and its copy with time foremost, the cheaper is read."""
    from builder.reading.ahead import may_answer
    from builder.reading.reach import reach_of_item
    from builder.reading.selection import NothingThereError

    place = locate(source)
    if not may_answer(place, asked):
        raise NothingThereError(where=place.item, hint=reach_of_item(place))
    cuts = [_cut_of(one, asked, group) for one in (place, place.time_major) if one is not None]
    return min(cuts, key=lambda cut: cut.cost.price)


def _cut_of(place: Source, asked: Query, group: str | None) -> Cut:
    from builder.reading.axes import axes_of
    from builder.reading.cost import cost_of
    from builder.reading.select import select
    from builder.reading.shape import shaped
    from builder.reading.variables import chosen_variables

    one = _dated_or_not(place, group)
    try:
        dataset = shaped(one.dataset)
        axes = axes_of(dataset)
        names, left_out = chosen_variables(dataset, axes, asked, one.groups)
        selection = select(dataset, axes, asked)
    except ReadingError as trouble:
        one.dataset.close()
        trouble.where = trouble.where or one.source.item or one.source.href
        raise
    except RuntimeError as trouble:
        raise told(trouble) from trouble
    cost = cost_of(one, names, selection.kept)
    return Cut(one, dataset, axes, selection, tuple(names), tuple(left_out), cost)


def _dated_or_not(place: Source, group: str | None) -> Opened:
    """Open a source; where a time cannot be a date, as of months since a day, times are the numbers that they are."""
    try:
        return opened(place, group)
    except UnsuitedError as trouble:
        if "decode_times" not in trouble.message:
            raise
        return opened(place, group, decode_times=False)


def _read(cut: Cut, asked: Query) -> xr.Dataset:
    from builder.reading.cutting import cut_out

    try:
        with cut.opened.dataset:
            return cut_out(cut, asked)
    except RuntimeError as trouble:
        raise told(trouble) from trouble
