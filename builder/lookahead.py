"""Looks after data files ahead, those of several partners side by side: whether known ones changed, what new ones say.

All of it can be told where an item is made, too; there one file would be waited for after the other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from builder.compose import contained
from builder.crosswalks import describe
from builder.enrich.inspectors import Inspectors
from builder.errors import FetchError
from builder.harvest import gate_for
from builder.harvests import SOURCES_AT_ONCE
from builder.inspections import Inspections, readable_resource
from builder.ledger import Entry
from builder.memo import seen_before
from builder.overrides import apply_overrides
from builder.processing.night import is_process
from builder.seen import Seen, tried
from builder.sources.limits import AT_ONCE
from builder.threads import in_threads

if TYPE_CHECKING:
    from builder.build import Request
    from builder.definitions.model import CollectionDefinition
    from builder.progress import Advance
    from builder.readings import Readings
    from builder.state import State

Known: TypeAlias = "tuple[Entry, list[Seen]]"
"""A record, and the data files that what is remembered of it was made from; the latest last."""

BATCH = 500
"""Records of one collection that are known of at once."""

FILES_AT_ONCE = max(2, min(4, len(os.sched_getaffinity(0))))
"""Files that are looked into at the same time; each takes a child process."""

_NAMES_A_FILE = re.compile(rb"netcdf|\.nc|\.cdf|tiff?\b", re.IGNORECASE)
"""What is found in records of files that can be looked into; others need not be read twice."""


def look_ahead(
    definitions: Sequence[CollectionDefinition], request: Request, state: State, readings: Readings, advance: Advance
) -> None:
    """Ask for the versions of known data files, and look into new and changed ones.

    What is found need not be asked for again in this run. Whatever is wrong with a record or its file is told of where
    its item is made.

    Args:
        definitions: All that are shown; of those that take part, the files are looked after.
        request: What is asked for.
        state: What the harvest has left; what is found is kept there.
        readings: Takes the files that cannot be had.
        advance: Counts records, for progress.
    """
    asked = [one for one in definitions if request.asks(one) and one.policies.references and not is_process(one)]
    with Inspectors(FILES_AT_ONCE, timeout_s=request.file_timeout) as inspectors:

        def one(definition: CollectionDefinition, step: Advance) -> None:
            with gate_for(definition) as gate, ThreadPoolExecutor(AT_ONCE) as pool:
                around = (request.collections, request.base_url, readings.unreached, request.recheck)
                looking = Inspections(definition, state, inspectors, gate, *around, ahead=True)
                records = _admitted(_records(state, definition.id), looking, request, readings)
                while some := list(islice(records, BATCH)):
                    for _ in pool.map(partial(_look, looking), some):
                        step(f"look into {definition.id}")

        in_threads(one, asked, SOURCES_AT_ONCE, advance)


def _records(state: State, collection: str) -> Iterator[Known]:
    """Yield the live records of a collection, but for those that are known to have no file."""
    made = seen_before(state, collection)
    live = (state.entry(collection, line) for line in state.ledger_lines(collection, gone=False))
    both = merge(made, ((entry.identifier, entry) for entry in live), key=itemgetter(0))
    for _, group in groupby(both, key=itemgetter(0)):
        *before, last = (what for _, what in group)
        seen = [one for one in before if isinstance(one, Seen) and one.kept]
        if isinstance(last, Entry) and (seen or not before):
            yield last, seen


def _admitted(records: Iterator[Known], looking: Inspections, request: Request, readings: Readings) -> Iterator[Known]:
    """Yield records but those that have to wait for the next run (see `Request.new_files`)."""
    left = request.new_files
    for entry, seen in records:
        if left is None or seen or not _is_new(entry, looking):
            yield entry, seen
        elif left > 0:
            left -= 1
            yield entry, seen
        else:
            readings.later.setdefault(looking.definition.id, set()).add(entry.identifier)


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


def _look(looking: Inspections, known: Known) -> None:
    """Look into the file of a record, unless it is as it was."""
    entry, seen = known
    same = [one for one in seen if one.kept == looking.name(one.href, entry.sha256)]
    with suppress(FetchError, FileNotFoundError):
        if same and not looking.changed(same[-1]):
            return

    def look() -> None:
        record = looking.state.record(looking.definition.id, entry)
        if _NAMES_A_FILE.search(record.body):
            looking.of(describe(record), record)

    contained(entry, look, [])
