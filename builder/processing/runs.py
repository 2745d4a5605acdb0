"""Which runs a definition asks for: the items that its inputs select, alone or by time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from builder.errors import SourceError
from builder.processing.offers import File, Offer
from builder.search.area import box_area
from builder.search.period import interval

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.definitions.processing import ProcessInput
    from processors.protocol import Slot

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_STAMPS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True, slots=True)
class Given:
    """One file as an input of a run.

    Attributes:
        slot: What it is to the processor.
        file: The file.
        offer: The item it belongs to; None for a local file of the definition.
    """

    slot: str
    file: File
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a processor, which becomes one item.

    Attributes:
        id: Identifier of its record.
        inputs: What it reads.
    """

    id: str
    inputs: tuple[Given, ...]


def runs_of(
    definition: CollectionDefinition,
    slots: Sequence[Slot],
    offered: Callable[[str], Sequence[Offer]],
    base: Path,
) -> Iterator[Run]:
    """Yield the runs of a definition whose source is a processor; none where nothing is selected.

    Args:
        definition: The definition.
        slots: What the processor reads.
        offered: Gives the items of a collection.
        base: Folder of the definition.

    Raises:
        SourceError: The definition gives the processor an input that it does not take.
    """
    source: Any = definition.source
    known = {slot.name: slot for slot in slots}
    for name in source.inputs:
        if name not in known:
            hint = f"it takes: {', '.join(known)}"
            raise SourceError(f"`{source.processor}` takes no input `{name}`", where=definition.id, hint=hint)
    main = next((name for name, asked in source.inputs.items() if asked.collection), None)
    beside = [
        one
        for name, asked in source.inputs.items()
        if name != main
        for one in _given(known[name], asked, offered, base)
    ]
    if main is None:
        yield Run(definition.id, tuple(beside))
        return
    for name, group in _groups(definition, select(offered(source.inputs[main].collection), source.inputs[main])):
        own = [one for offer in group for one in files_of(known[main], source.inputs[main].assets, offer)]
        if own:
            yield Run(name, (*own, *beside))


def select(offered: Iterable[Offer], asked: ProcessInput) -> list[Offer]:
    """Return the items that an input asks for, by their start, then by their id."""
    found = [one for one in offered if not asked.items or any(fnmatchcase(one.id, shape) for shape in asked.items)]
    if asked.bbox:
        found = _within(found, asked.bbox)
    if asked.datetime:
        first, last = interval(asked.datetime)
        found = [one for one in found if one.start and one.end and one.start <= last and one.end >= first]
    found.sort(key=lambda one: (one.start or _FIRST, one.id))
    return found[-asked.newest :] if asked.newest else found


def _within(offered: Sequence[Offer], bbox: Sequence[float]) -> list[Offer]:
    placed = [(one, shapely.geometry.shape(one.geometry)) for one in offered if one.geometry]
    shapes = np.empty(len(placed), dtype=np.object_)
    shapes[:] = [shape for _, shape in placed]
    return [one for (one, _), meets in zip(placed, box_area(bbox).meets(shapes), strict=True) if meets]


def _given(slot: Slot, asked: ProcessInput, offered: Callable[[str], Sequence[Offer]], base: Path) -> Iterator[Given]:
    if asked.path:
        path = base / asked.path
        yield Given(slot.name, File(slot.name, path.name, path.name, "", (), path, ""), None)
    for offer in select(offered(asked.collection), asked) if asked.collection else ():
        yield from files_of(slot, asked.assets, offer)


def _groups(definition: CollectionDefinition, found: Sequence[Offer]) -> Iterator[tuple[str, Sequence[Offer]]]:
    source: Any = definition.source
    if source.per == "collection":
        yield definition.id, found
    elif source.per == "item":
        for offer in found:
            yield f"{source.processor}-{offer.id}", [offer]
    else:
        by_time: dict[str, list[Offer]] = {}
        for offer in found:
            if offer.start:
                by_time.setdefault(offer.start.astimezone(UTC).strftime(_STAMPS[source.per]), []).append(offer)
        for stamp, group in by_time.items():
            yield f"{definition.id}-{stamp}", group


def files_of(slot: Slot, patterns: Sequence[str], offer: Offer) -> Iterator[Given]:
    """Return the files of an item that a slot reads: those named, or its data of the type the slot likes best."""
    if patterns:
        chosen = [file for file in offer.files if any(_named(file, pattern) for pattern in patterns)]
    else:
        data = [file for file in offer.files if "data" in file.roles]
        kinds = [kind.partition(";")[0] for kind in slot.media_types]
        by_kind: Mapping[str, list[File]] = {kind: [file for file in data if file.media_type == kind] for kind in kinds}
        chosen = next((files for files in by_kind.values() if files), [])
    return (Given(slot.name, file, offer) for file in chosen)


def _named(file: File, pattern: str) -> bool:
    return fnmatchcase(file.key, pattern) or fnmatchcase(file.name, pattern)
