"""Looks after data files ahead, those of several partners side by side: whether known ones changed, what new ones say.

All of it can be told where an item is made, too; there one file would be waited for after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from builder.admission import Known, admitted, is_due
from builder.crosswalks import describe
from builder.datafiles.inspecting import Unreached
from builder.datafiles.inspections import Inspections, readable_resource
from builder.datafiles.seen import Seen, waiting_in, waits
from builder.enrich.inspectors import Inspectors
from builder.errors import FetchError
from builder.gathering.compose import contained
from builder.gathering.memo import seen_before
from builder.harvest import gate_for
from builder.harvests import SOURCES_AT_ONCE
from builder.ledger import Entry
from builder.processing.night import is_process
from builder.sources.limits import AT_ONCE
from builder.threads import in_threads
from processors.cores import cores

if TYPE_CHECKING:
    from builder.build import Request
    from builder.datafiles.readings import Readings
    from builder.definitions.model import CollectionDefinition
    from builder.memory.state import State
    from builder.progress import Advance
    from builder.sources.protocol import Record

BATCH = 500
"""Records of one collection that are known of at once."""

FILES_AT_ONCE = max(2, min(4, cores()))
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
    taking_part = [one for one in definitions if request.asks(one) and not is_process(one)]
    asked = [one for one in taking_part if one.policies.references]
    for definition in taking_part:
        if not definition.policies.references:
            state.write(_looked(definition.id), b"no")
    limits = request.limits_from_now()
    with Inspectors(FILES_AT_ONCE, timeout_s=request.file_timeout) as inspectors:

        def one(definition: CollectionDefinition, step: Advance) -> None:
            with gate_for(definition, limits=limits) as gate, ThreadPoolExecutor(AT_ONCE) as pool:
                around = (request.collections, request.base_url, readings.files, request.recheck)
                looking = Inspections(definition, state, inspectors, gate, *around, ahead=True)
                records = admitted(_in_turn(state, definition.id), looking, request.new_files)
                stopped = ""
                while some := list(islice(records, BATCH)):
                    reached = pool.map(partial(_look, looking, readings), some)
                    for (known, _), in_turn in zip(some, reached, strict=True):
                        step(f"look into {definition.id}")
                        stopped = stopped or ("" if in_turn else known.entry.identifier)
                state.keep(_stopped(definition.id), stopped.encode())
                state.write(_looked(definition.id), b"yes")

        in_threads(one, asked, SOURCES_AT_ONCE, advance)


def _in_turn(state: State, collection: str) -> Iterator[Known]:
    """Yield the records of a collection, those first that the last run did not come to."""
    first = (state.read(_stopped(collection)) or b"").decode(errors="ignore")
    yield from (known for known in _records(state, collection) if known.entry.identifier >= first)
    if first:
        yield from (known for known in _records(state, collection) if known.entry.identifier < first)


def _records(state: State, collection: str) -> Iterator[Known]:
    """Yield the live records of a collection, but for those that are known to have no file."""
    made = seen_before(state, collection)
    live = (state.entry(collection, line) for line in state.ledger_lines(collection, gone=False))
    both = merge(made, ((entry.identifier, entry) for entry in live), key=itemgetter(0))
    waiting, looked = set(state.kept(waiting_in(collection))), state.read(_looked(collection)) != b"no"
    for _, group in groupby(both, key=itemgetter(0)):
        *before, last = (what for _, what in group)
        seen = [one for one in before if isinstance(one, Seen) and one.kept]
        if isinstance(last, Entry):
            open_question = not looked or (bool(waiting) and waits(collection, last.identifier) in waiting)
            if seen or not before or open_question:
                yield Known(last, seen, shown=bool(before) or open_question)


def _looked(collection: str) -> str:
    """Return by what the state tells whether files were to be looked into when a collection was last built."""
    return f"{collection}/looked"


def _stopped(collection: str) -> str:
    """Return by what the state tells which record of a collection was the first whose turn did not come."""
    return f"{collection}/stopped"


def _look(looking: Inspections, readings: Readings, admitted: tuple[Known, bool]) -> bool:
    """Look into the file of a record, unless it is as it was or has to wait; tell whether its turn came."""
    known, waiting = admitted
    late = looking.gate.late
    waiting = waiting or (late and is_due(known, looking))
    if waiting and not known.shown:
        readings.later.setdefault(looking.definition.id, set()).add(known.entry.identifier)
        return False
    same = [one for one in known.seen if one.kept == looking.name(one.href, known.entry.sha256)]
    with suppress(FetchError, FileNotFoundError):
        if same and not looking.changed(same[-1]):
            return not late

    def look() -> None:
        record = looking.state.record(looking.definition.id, known.entry)
        if _NAMES_A_FILE.search(record.body):
            _look_into(looking, readings, known.seen, record, waiting=waiting)

    contained(known.entry, look, [])
    return not (waiting or late)


def _look_into(
    looking: Inspections, readings: Readings, seen: Sequence[Seen], record: Record, *, waiting: bool
) -> None:
    """Look into the file of a record; where it waits or cannot be had, what was found before goes on to hold."""
    dataset = describe(record)
    resource = readable_resource(dataset)
    if resource is None:
        return
    name, collection = looking.name(resource.href, record.sha256), looking.definition.id
    mark = waits(collection, record.identifier)
    last = seen[-1] if seen else Seen((looking.state.read(mark) or b"").decode())
    as_before = last.href == resource.href and resource.size in {None, last.size}
    before = Unreached(last.kept, holds=as_before and last.kept != name)
    if waiting and not (before.holds and _is_another(looking, last)):
        readings.waiting.setdefault(collection, set()).add(record.identifier)
        looking.files.unreached[name] = before
        looking.state.keep(mark, last.kept.encode())
        return
    looking.of(dataset, record, before)
    if looking.state.file(name) is not None:
        looking.files.superseded.update(one.kept for one in seen if one.kept != name)
        looking.state.drop(mark)


def _is_another(looking: Inspections, known: Seen) -> bool:
    """Tell whether a file is not the one any more in which something was found for an earlier record."""
    try:
        return looking.changed(known)
    except FetchError:
        return True
