"""Which data files a run looks into, where it may look into so many only; the others wait for the next runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from builder.crosswalks import describe
from builder.datafiles.inspections import readable_resource
from builder.datafiles.seen import tried
from builder.gathering.compose import contained
from builder.overrides import apply_overrides

if TYPE_CHECKING:
    from builder.datafiles.inspections import Inspections
    from builder.datafiles.seen import Seen
    from builder.ledger import Entry


class Known(NamedTuple):
    """A record that may have a data file.

    Attributes:
        entry: The record.
        seen: The data files that what is remembered of it was made from; the latest last.
        shown: Whether it is shown already, with its file or without.
    """

    entry: Entry
    seen: list[Seen]
    shown: bool


def admitted(records: Iterable[Known], looking: Inspections, most: int | None) -> Iterator[tuple[Known, bool]]:
    """Yield records, each with whether its file has to wait.

    Args:
        records: Those of one collection that may have files.
        looking: Looks into them.
        most: So many new files may be looked into, and as many again for records that have changed; all if None.
    """
    if most is None:
        yield from ((known, False) for known in records)
        return
    new = again = most
    for known in records:
        if not is_due(known, looking):
            yield known, False
        elif known.shown:
            yield known, again <= 0
            again -= 1
        else:
            yield known, new <= 0
            new -= 1


def is_due(known: Known, looking: Inspections) -> bool:
    """Tell whether the file of a record is to be fetched, as far as can be told without asking the partner."""
    if not known.seen:
        return _is_new(known.entry, looking)
    last = known.seen[-1]
    return not last.local and looking.state.file(looking.name(last.href, known.entry.sha256)) is None


def _is_new(entry: Entry, looking: Inspections) -> bool:
    """Tell whether a record is to be shown and has a file at the partner that no run has tried to look into."""
    name = looking.definition.id

    def told() -> bool:
        record = looking.state.record(name, entry)
        dataset = describe(record)
        resource = readable_resource(dataset)
        if resource is None or resource.local or apply_overrides(dataset, looking.definition).status != "published":
            return False
        known = (looking.name(resource.href, record.sha256), tried(name, entry.identifier))
        return not any(map(looking.state.file, known))

    return bool(contained(entry, told, []))
