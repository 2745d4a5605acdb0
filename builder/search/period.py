"""When a search looks: the forms of time that pystac-client takes, as one closed interval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from builder.definitions.periods import period_of
from builder.errors import UsageError

Moment: TypeAlias = date | str | None
Period: TypeAlias = tuple[datetime, datetime]

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_REST_OF_SECOND = timedelta(microseconds=999_999)


def interval(when: Moment | Sequence[Moment]) -> Period:
    """Return first and last instant of ``2019``, ``2019-05/2019-06``, ``../2019-05-01T12:00:00Z``, a datetime or two.

    A date is the whole day.

    Raises:
        UsageError: It is no time, or ends before it starts.
    """
    if when is None or isinstance(when, date):
        when = [when]
    ends: Sequence[Moment] = when.split("/") if isinstance(when, str) else when
    if len(ends) not in {1, 2}:
        raise UsageError(f"datetime {when!r} is neither one time nor two")
    start, end = _instants(ends[0])[0], _instants(ends[-1])[1]
    if start > end:
        raise UsageError(f"datetime {when!r} ends before it starts")
    return start, end


def _instants(moment: Moment) -> Period:
    if moment in {None, "", ".."}:
        return FIRST, LAST
    if isinstance(moment, datetime):
        whole = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        return whole, whole
    try:
        start, end = period_of(str(moment))
    except ValueError as trouble:
        raise UsageError(f"datetime {moment!r} {trouble}") from trouble
    return start, end if start == end else end + _REST_OF_SECOND
