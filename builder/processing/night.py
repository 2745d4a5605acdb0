"""The processors' part of a night: after the harvest, before the catalogue is put together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.datafiles.inspections import Inspections
from builder.enrich.inspect import Inspector
from builder.errors import SourceError, UsageError
from builder.harvest import Harvest, gate_for, harvest
from builder.processing.child import Child
from builder.processing.documents import path_of
from builder.processing.files import Files
from builder.processing.offers import Offer, offers
from builder.processing.remembered import Remembered
from builder.stac.context import Related
from builder.stac.layout import Place
from builder.stac.links import DERIVATION, DERIVED_FROM

if TYPE_CHECKING:
    from builder.build import Request
    from builder.datafiles.readings import Readings
    from builder.definitions.model import CollectionDefinition
    from builder.memory.state import State
    from builder.progress import Advance
    from builder.sources.http import HttpGate

PRODUCTS = "products"
MEMORY = "runs.json"
MOST_LINKS = 100
"""Of more inputs from one collection than these a product links to the collection instead."""

Relations = Mapping[str, Mapping[str, Sequence[Related]]]
"""Collection, then identifier of a record → what its item was made from, and what was made from it."""


def is_process(definition: CollectionDefinition) -> bool:
    """Tell whether a collection is made by a processor."""
    return definition.source.type == "process"


def base_of(definition: CollectionDefinition, request: Request, state: State) -> Path:
    """Return the folder against which the local files of a collection are resolved."""
    return products_folder(state) if is_process(definition) else request.collections


def products_folder(state: State) -> Path:
    """Return the folder of products; they are kept at once, whatever becomes of a run."""
    return state.folder / PRODUCTS


def process_all(
    definitions: Sequence[CollectionDefinition],
    request: Request,
    state: State,
    advance: Advance,
    readings: Readings,
    *,
    dry: bool,
) -> tuple[dict[str, Harvest], Relations]:
    """Run the processors that definitions name, each after those whose products it reads.

    A processor that fails keeps its last good products; the others go on.

    Args:
        definitions: All that are shown, the sources of inputs among them; those that are off run no processor.
        request: What is asked for.
        state: What the harvest has left.
        advance: Counts runs, for progress.
        readings: Takes the descriptions of records that are looked at, for those who come after.
        dry: Run nothing, only say what would be run.

    Returns:
        What happened to each collection, and how items and products hang together.
    """
    if not any(map(is_process, definitions)):
        return {}, {}
    with Inspector(timeout_s=request.file_timeout) as inspector:
        night = _Night({one.id: one for one in definitions}, request, state, inspector, advance, readings, dry)
        harvests = {}
        for definition, looped in _in_order(definitions):
            if not request.no_harvest and (definition.id in request.only if request.only else definition.enabled):
                harvests[definition.id] = night.process(definition, looped=looped)
        return harvests, night.relations()


def prune(state: State) -> None:
    """Remove products that no record names any more, and what killed runs left behind."""
    folder = products_folder(state)
    if folder.is_dir():
        collections = [ledger.parent.name for ledger in state.folder.glob("*/ledger.ndjson")]
        named = {run["key"] for collection in collections for _, run in _runs(collection, state)}
        for kept in folder.iterdir():
            if kept.name not in named:
                shutil.rmtree(kept, ignore_errors=True)


@dataclass
class _Night:
    """One night of all processors."""

    definitions: Mapping[str, CollectionDefinition]
    request: Request
    state: State
    inspector: Inspector
    advance: Advance
    readings: Readings
    dry: bool
    known: dict[str, list[Offer]] = field(default_factory=dict)

    def process(self, definition: CollectionDefinition, *, looped: bool) -> Harvest:
        """Run a processor on all that its definition selects, and compare with what it made before."""
        from builder.harvests import Sample
        from builder.processing.source import ProcessAdapter
        from processors.cache import ProductCache

        memory = _remembered(definition.id, self.state)
        runs = dict(_runs(definition.id, self.state))
        cache = products_folder(self.state)
        child = Child(cache, self.request.engine, definition.source.deadline_s)
        with self._files(memory.get("sha256", {})) as files:
            adapter = ProcessAdapter(
                definition, self._looped if looped else self.offered, files, ProductCache(cache), child,
                self.request.collections, runs.get, {} if self.request.full else memory.get("refused", {}), self.dry,
            )  # fmt: skip
            source = adapter if self.request.sample is None else Sample(adapter, self.request.sample)
            seen = lambda: self.advance(definition.id)  # noqa: E731
            confirmed = definition.id in self.request.confirm
            done = harvest(definition, source, self.state, seen, confirmed=confirmed)
            if adapter.complete:
                _remember(definition.id, self.state, {"refused": adapter.met, "sha256": files.met})
        self.known.pop(definition.id, None)
        return done

    def offered(self, collection: str) -> list[Offer]:
        """Return the items of a collection.

        Raises:
            SourceError: It takes no part in this build.
        """
        if collection not in self.definitions:
            hint = "check the name, and that it is enabled"
            raise SourceError(f"no collection `{collection}` takes part", where="inputs", hint=hint)
        if collection not in self.known:
            definition = self.definitions[collection]
            base = base_of(definition, self.request, self.state)
            with gate_for(definition, limits=self.request.limits_from_now()) as gate:
                whole = (self.request.base_url, self.readings.files, self.request.recheck)
                looking = Inspections(definition, self.state, self.inspector, gate, base, *whole)
                with Remembered(self.state, definition, base) as remembered:
                    found = offers(definition, self.state, looking, base, self.readings, remembered)
                    self.known[collection] = list(found)
        return self.known[collection]

    def _looped(self, collection: str) -> list[Offer]:
        message = f"it would be made from its own products, by way of `{collection}`"
        raise SourceError(message, where="inputs", hint="take the loop out of the definitions")

    @contextmanager
    def _files(self, known: dict[str, str]) -> Iterator[Files]:
        files = Files(self._gate, known, lambda name: self.definitions[name].policies.recheck, self.state.overlay)
        try:
            yield files
        finally:
            files.close()

    def _gate(self, collection: str) -> HttpGate:
        return gate_for(self.definitions[collection], limits=self.request.limits_from_now())

    def relations(self) -> dict[str, dict[str, list[Related]]]:
        """Return the links between items and products, both ways."""
        from processors.registry import find_processors

        installed = find_processors().processors
        found: dict[str, dict[str, list[Related]]] = {}
        for definition in filter(is_process, self.definitions.values()):
            runs = dict(_runs(definition.id, self.state))
            for offer in (one for one in self.offered(definition.id) if one.identifier in runs):
                product = Related(DERIVATION, offer.path, offer.title)
                own = found.setdefault(definition.id, {}).setdefault(offer.identifier, [])
                own += self._sources(runs[offer.identifier]["inputs"])
                if runs[offer.identifier]["process"]["name"] in installed:
                    process = runs[offer.identifier]["process"]
                    own.append(Related("about", path_of(process["name"]), process["title"]))
                for one in runs[offer.identifier]["inputs"]:
                    if one.get("collection") in self.definitions:
                        back = found.setdefault(one["collection"], {}).setdefault(one["record"], [])
                        back += [product] if product not in back else []
        return {name: {key: sorted(links) for key, links in inner.items()} for name, inner in found.items()}

    def _sources(self, inputs: Sequence[Mapping[str, Any]]) -> Iterator[Related]:
        by_collection: dict[str, dict[str, str]] = {}
        for one in inputs:
            if one.get("collection") in self.definitions:
                by_collection.setdefault(one["collection"], {})[one["item"]] = one["title"]
        for name, items in sorted(by_collection.items()):
            definition = self.definitions[name]
            if len(items) > MOST_LINKS:
                yield Related(DERIVED_FROM, Place(definition.partner.id, name).collection_json, definition.title)
            else:
                yield from (Related(DERIVED_FROM, path, title) for path, title in sorted(items.items()))


def _in_order(definitions: Sequence[CollectionDefinition]) -> Iterator[tuple[CollectionDefinition, bool]]:
    """Yield the definitions of processors, each after those it reads from, with whether it is part of a loop."""
    waiting = {one.id: one for one in definitions if is_process(one)}
    while waiting:
        ready = [one for one in waiting.values() if not _reads(one) & waiting.keys()]
        for one in ready or list(waiting.values()):
            yield waiting.pop(one.id), not ready


def _reads(definition: CollectionDefinition) -> set[str]:
    source: Any = definition.source
    return {one.collection for one in source.inputs.values() if one.collection}


def _runs(collection: str, state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is known of the runs that made a collection; one whose record is damaged is as none."""
    for entry in state.entries(collection):
        if entry.format == "process":
            with suppress(UsageError):
                yield entry.identifier, orjson.loads(state.record(collection, entry).body)


def _remembered(collection: str, state: State) -> dict[str, Any]:
    """Return what is known of inputs and refusals; nothing where it is damaged, so that all is looked at anew."""
    try:
        found = orjson.loads(state.read(f"{collection}/{MEMORY}") or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _remember(collection: str, state: State, memory: Mapping[str, Any]) -> None:
    state.write(f"{collection}/{MEMORY}", orjson.dumps(memory, option=orjson.OPT_SORT_KEYS))
