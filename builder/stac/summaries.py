"""What the items of a collection have in common, gathered one item at a time so that none is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from builder.stac.context import Json
from builder.stac.extents import Extents
from builder.stac.item import year_of

MOST_VALUES = 200
"""Longer summaries say nothing about a collection and are left out."""

MOST_ASSETS = 30
MOST_KEYWORDS = 30
MOST_CONTACTS = 100

_LISTED = ("platform", "mission", "processing:level", "sci:doi", "license")
_LISTS = ("instruments",)
_SHARED = ("title", "type", "roles")


class Entry(NamedTuple):
    """What a link to an item or child needs: its id, its title, and its year (empty for a Collection)."""

    id: str
    title: str
    year: str


@dataclass
class Summary:
    """Grows with every item (or Collection made from a record) of one collection."""

    entries: list[Entry] = field(default_factory=list)
    children: list[Entry] = field(default_factory=list)
    extents: Extents = field(default_factory=Extents)
    updated: str | None = None
    _values: dict[str, dict[str, None]] = field(default_factory=dict)
    _keywords: Counter[str] = field(default_factory=Counter)
    _parameters: dict[str, Json] = field(default_factory=dict)
    _assets: dict[str, Json] = field(default_factory=dict)
    _providers: dict[str, Json] = field(default_factory=dict)
    _contacts: dict[tuple[str, str], Json] = field(default_factory=dict)

    def add(self, stac: Mapping[str, Any]) -> None:
        """Take in an Item, or a Collection that `builder.stac.item.build_record_collection` made."""
        if stac["type"] == "Feature":
            self._add_item(stac)
        else:
            self._add_child(stac)
        properties = stac.get("properties", stac)
        self._add_values(properties)
        self._add_people(properties)
        self._add_assets(stac["assets"])
        updated = properties.get("updated")
        if updated:
            self.updated = max(self.updated or updated, updated)

    @property
    def years(self) -> list[str]:
        """Years of the items, in order."""
        return sorted({entry.year for entry in self.entries})

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

    def _add_item(self, item: Mapping[str, Any]) -> None:
        properties = item["properties"]
        self.entries.append(Entry(item["id"], properties["title"], year_of(item)))
        if "bbox" in item:
            self.extents.add_box(item["bbox"])
        instant = properties["datetime"]
        self.extents.add_interval(
            properties.get("start_datetime", instant),
            None if properties.get("iaos:ongoing") else properties.get("end_datetime", instant),
        )

    def _add_child(self, collection: Mapping[str, Any]) -> None:
        self.children.append(Entry(collection["id"], collection["title"], ""))
        if not collection.get("iaos:unlocated"):
            self.extents.add_box(collection["extent"]["spatial"]["bbox"][0])
        self.extents.add_interval(*collection["extent"]["temporal"]["interval"][0])

    def _add_values(self, properties: Mapping[str, Any]) -> None:
        for name in _LISTED:
            if name in properties:
                self._note(name, (properties[name],))
        for name in _LISTS:
            self._note(name, properties.get(name, ()))
        self._note("iaos:variables", properties.get("cube:variables", ()))
        self._note("iaos:variables", (column["name"] for column in properties.get("table:columns", ())))
        self._keywords.update(properties.get("keywords", ()))
        for parameter in properties.get("cf:parameter", ()):
            self._parameters.setdefault(parameter["name"], parameter)

    def _note(self, name: str, values: Iterable[str]) -> None:
        for value in values:
            known = self._values.setdefault(name, {})
            if len(known) <= MOST_VALUES:
                known[value] = None

    def _add_people(self, properties: Mapping[str, Any]) -> None:
        for provider in properties.get("providers", ()):
            known = self._providers.setdefault(provider["name"], dict(provider))
            known["roles"] = sorted({*known["roles"], *provider["roles"]})
        for contact in properties.get("contacts", ()):
            if len(self._contacts) <= MOST_CONTACTS:
                self._contacts.setdefault((contact["name"], contact.get("organization", "")), contact)

    def _add_assets(self, assets: Mapping[str, Json]) -> None:
        for key, asset in assets.items():
            shared: Json = {name: asset[name] for name in _SHARED if name in asset}
            if key in self._assets:
                known = self._assets[key]
                for name in [name for name in known if known[name] != shared.get(name)]:
                    del known[name]
            elif len(self._assets) < MOST_ASSETS:
                self._assets[key] = shared
