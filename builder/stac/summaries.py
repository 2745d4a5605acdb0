"""What the items of a collection have in common, gathered one item at a time so that none is held."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol

import orjson

from builder.stac.context import Json
from builder.stac.extents import Extents, Interval, moment
from builder.stac.item import year_of

MOST_VALUES = 200
"""Longer summaries say nothing about a collection and are left out."""

MOST_ASSETS = 30
MOST_KEYWORDS = 30
MOST_CONTACTS = 100
MOST_KNOWN = 1000
"""So many different rests are known again; taking one in twice changes nothing but takes time."""

_LISTED = ("platform", "mission", "processing:level", "sci:doi", "license")
_LISTS = ("instruments",)
_NAMED = ("cf:parameter", "providers", "contacts")
_SAID = (*_LISTED, *_LISTS, *_NAMED)
_SHARED = ("title", "type", "roles")


class Entry(NamedTuple):
    """What a link to an item or child needs: its id, its title, and its year (empty for a Collection)."""

    id: str
    title: str
    year: str


class SummaryShare(NamedTuple):
    """What a summary has to know of each object; `rest_of` it is the other half.

    Attributes:
        id: Its id.
        title: Its title.
        year: Of an Item; empty for a Collection.
        box: Its bounding box, if it has one.
        interval: Start and end, as in `Extents.add_intervals`.
        keywords: All of them.
        updated: When it was changed, if that is known.
    """

    id: str
    title: str
    year: str
    box: Sequence[float] | None
    interval: Interval
    keywords: Sequence[str]
    updated: str | None


class Store(Protocol):
    """A list, or what keeps one elsewhere than in memory."""

    def __len__(self) -> int:
        """Count the values."""

    def __getitem__(self, place: int, /) -> Any:
        """Return the value that was added after so many others."""

    def extend(self, values: Iterable[Any], /) -> None:
        """Add values at the end."""


@dataclass
class Summary:
    """Grows with every item (or Collection made from a record) of one collection.

    Attributes:
        entries: The fields of an `Entry` for each of them.
    """

    entries: Store = field(default_factory=list)
    extents: Extents = field(default_factory=Extents)
    updated: str | None = None
    _values: dict[str, dict[str, None]] = field(default_factory=dict)
    _keywords: Counter[str] = field(default_factory=Counter)
    _parameters: dict[str, Json] = field(default_factory=dict)
    _assets: dict[str, Json] = field(default_factory=dict)
    _providers: dict[str, Json] = field(default_factory=dict)
    _contacts: dict[tuple[str, str], Json] = field(default_factory=dict)
    _known: set[bytes] = field(default_factory=set)
    _places: defaultdict[str, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("I")))

    def add(self, stac: Mapping[str, Any]) -> None:
        """Take in an Item, or a Collection that `builder.stac.item.build_record_collection` made."""
        self.add_all([stac])

    def add_all(self, stacs: Sequence[Mapping[str, Any]]) -> None:
        """Take in several of them, which costs less than one at a time."""
        self.take(list(map(share_of, stacs)), list(map(rest_of, stacs)))

    def take(self, shares: Sequence[SummaryShare | Sequence[Any]], rests: Sequence[bytes]) -> None:
        """Take in what `share_of` says of objects, also as JSON has it, and `rest_of`."""
        ids, titles, years, boxes, intervals, keywords, updated = zip(*shares, strict=True)
        for place, year in enumerate(years, len(self.entries)):
            self._places[year].append(place)
        self.entries.extend(zip(ids, titles, years, strict=True))
        self.extents.add_boxes(filter(None, boxes))
        self.extents.add_intervals(intervals)
        self._keywords.update(chain.from_iterable(keywords))
        self.updated = max((stamp for stamp in (self.updated, *updated) if stamp), default=None, key=moment)
        for rest in dict.fromkeys(rests):
            if rest not in self._known:
                self._add_rest(orjson.loads(rest))
                if len(self._known) < MOST_KNOWN:
                    self._known.add(rest)

    @property
    def years(self) -> list[str]:
        """Years of the items, in order."""
        return sorted(filter(None, self._places))

    def entry(self, place: int) -> Entry:
        """Return what a link needs to the one that was taken in after so many others."""
        return Entry(*self.entries[place])

    def of_year(self, year: str) -> list[Entry]:
        """Return what links need to the items of a year, or to the Collections where it is empty."""
        return sorted(map(self.entry, self._places.get(year, ())))

    @property
    def keywords(self) -> list[str]:
        """The commonest keywords, at most `MOST_KEYWORDS`, by number and then alphabet."""
        ranked = sorted(self._keywords.items(), key=lambda pair: (-pair[1], pair[0]))
        return [word for word, _ in ranked[:MOST_KEYWORDS]]

    @property
    def providers(self) -> list[Json]:
        """Organisations named by the items, by name."""
        return [self._providers[name] for name in sorted(self._providers)]

    @property
    def contacts(self) -> list[Json]:
        """People named by the items, by name; none where there are more than `MOST_CONTACTS`."""
        return [self._contacts[key] for key in sorted(self._contacts)] if len(self._contacts) <= MOST_CONTACTS else []

    @property
    def licenses(self) -> list[str]:
        """Licences of the items, in order."""
        return sorted(self._values.get("license", ()))

    @property
    def item_assets(self) -> dict[str, Json]:
        """The asset keys that items have, with what all assets of one key share (STAC asks for two fields)."""
        return {key: self._assets[key] for key in sorted(self._assets) if len(self._assets[key]) > 1}

    @property
    def summaries(self) -> Json:
        """Values of the items worth showing on the collection."""
        named: Json = {key: sorted(values) for key, values in self._values.items() if key != "license"}
        if self._parameters:
            named["cf:parameter"] = [self._parameters[name] for name in sorted(self._parameters)]
        return {key: named[key] for key in sorted(named) if len(named[key]) <= MOST_VALUES}

    def _add_rest(self, rest: Mapping[str, Any]) -> None:
        said = rest["said"]
        for name in _LISTED:
            self._add_values(name, [said[name]] if name in said else ())
        for name in _LISTS:
            self._add_values(name, said.get(name, ()))
        self._add_values("iaos:variables", rest["variables"])
        for parameter in said.get("cf:parameter", ()):
            self._parameters.setdefault(parameter["name"], parameter)
        self._add_people(said)
        self._add_assets(rest["assets"])

    def _add_values(self, name: str, values: Iterable[str]) -> None:
        for value in values:
            known = self._values.setdefault(name, {})
            if len(known) <= MOST_VALUES:
                known[value] = None

    def _add_people(self, said: Mapping[str, Any]) -> None:
        for provider in said.get("providers", ()):
            known = self._providers.setdefault(provider["name"], dict(provider))
            known["roles"] = sorted({*known["roles"], *provider["roles"]})
        for contact in said.get("contacts", ()):
            if len(self._contacts) <= MOST_CONTACTS:
                self._contacts.setdefault((contact["name"], contact.get("organization", "")), contact)

    def _add_assets(self, assets: Sequence[Sequence[Any]]) -> None:
        for key, *shared in assets:
            said = {name: value for name, value in zip(_SHARED, shared, strict=True) if value is not None}
            if key in self._assets:
                known = self._assets[key]
                for name in [name for name in known if known[name] != said.get(name)]:
                    del known[name]
            elif len(self._assets) < MOST_ASSETS:
                self._assets[key] = said


def share_of(stac: Mapping[str, Any]) -> SummaryShare:
    """Return what a summary has to know of each Item, or Collection made from a record."""
    properties = stac.get("properties", stac)
    return SummaryShare(
        stac["id"],
        properties["title"],
        *(_of_item(stac) if stac["type"] == "Feature" else _of_child(stac)),
        properties.get("keywords", ()),
        properties.get("updated"),
    )


def rest_of(stac: Mapping[str, Any]) -> bytes:
    """Return as JSON what many of them have in common, and what counts once."""
    properties = stac.get("properties", stac)
    return orjson.dumps(
        {
            "said": {name: properties[name] for name in _SAID if name in properties},
            "variables": _variables(properties),
            "assets": [(key, *map(asset.get, _SHARED)) for key, asset in stac["assets"].items()],
        }
    )


def _variables(properties: Mapping[str, Any]) -> list[str]:
    return [*properties.get("cube:variables", ()), *[column["name"] for column in properties.get("table:columns", ())]]


def _of_item(item: Mapping[str, Any]) -> tuple[str, Sequence[float] | None, Interval]:
    """Return year, box and interval of an Item."""
    properties = item["properties"]
    instant = properties["datetime"]
    end = None if properties.get("iaos:ongoing") else properties.get("end_datetime", instant)
    return year_of(item), item.get("bbox"), (properties.get("start_datetime", instant), end)


def _of_child(collection: Mapping[str, Any]) -> tuple[str, Sequence[float] | None, Interval]:
    """Return the same of a Collection, which has no year."""
    extent = collection["extent"]
    box = None if collection.get("iaos:unlocated") else extent["spatial"]["bbox"][0]
    return "", box, tuple(extent["temporal"]["interval"][0])
