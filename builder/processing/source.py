"""A processor as a source: each run gives one record, made anew only where its inputs or parameters have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import shapely

from builder.errors import IaosError, SourceError
from builder.findings import Finding, note
from builder.processing.child import Child, RunError
from builder.processing.runs import Given, Run, runs_of
from builder.report import WOULD_RUN
from builder.sources.protocol import Ask, Record, refused
from builder.stac.layout import item_id
from builder.stac.properties import stamp
from processors.errors import Refusal
from processors.protocol import Input, Lineage
from processors.registry import find_processor
from processors.run import check_inputs, resolve

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.processing.files import Files
    from builder.processing.offers import Offer
    from processors.cache import ProductCache
    from processors.protocol import Parameters, Processor, Product

MOST_SHAPES = 100
"""Of more inputs than these the place is their common box."""


@dataclass
class ProcessAdapter:
    """Reads a definition whose source is a processor.

    Args:
        definition: The definition.
        offered: Gives the items of a collection.
        files: Knows versions and digests of input files.
        cache: Products of earlier runs.
        child: Runs the processor.
        base: Folder of the definition.
        before: Gives the record that a run left last time, by its identifier.
        refusals: Runs that were refused, by the key of their lineage: not tried again.
        dry: Run nothing, only say what would be run.
    """

    definition: CollectionDefinition
    offered: Callable[[str], Sequence[Offer]]
    files: Files
    cache: ProductCache
    child: Child
    base: Path
    before: Callable[[str], Mapping[str, Any] | None]
    refusals: dict[str, list[str]]
    dry: bool = False
    complete: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    met: dict[str, list[str]] = field(default_factory=dict)
    bookmark: None = None
    total: None = None

    def named(self, identifiers: Sequence[str]) -> Iterator[Record]:
        """Yield nothing: a scan meets every run."""
        del identifiers
        yield from ()

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield a record per run; one that fails is refused, and what it made before stays.

        Raises:
            SourceError: There is no such processor or collection, or a parameter or input is none of its.
        """
        del ask
        self.complete, self.counts = False, dict.fromkeys(("runs", "made", "kept"), 0)
        source: Any = self.definition.source
        try:
            processor = find_processor(source.processor)
            parameters = resolve(processor, source.parameters)
        except Refusal as refusal:
            raise SourceError(refusal.message, where=self.definition.id, hint=refusal.hint) from refusal
        for run in runs_of(self.definition, processor.inputs, self.offered, self.base):
            self.counts["runs"] += 1
            yield self._record(run, processor, parameters)
        self.complete = True

    def _record(self, run: Run, processor: Processor, parameters: Parameters) -> Record | Finding:
        versions = [(given, self.files.version(given)) for given in run.inputs]
        try:
            lineage = self._known(versions, processor, parameters)
            products = self.cache.find(lineage) if lineage else None
            if self.dry and products is None:
                return self._would(run, processor)
            if lineage is None or products is None:
                lineage, products = self._made(versions, processor, parameters)
            else:
                self.counts["kept"] += 1
        except (IaosError, Refusal) as trouble:
            where = f"{trouble.where}: " if trouble.where and trouble.where != processor.name else ""
            hint = trouble.hint or "what it made before is kept"
            return refused(_code_of(trouble), run.id, where + trouble.message, hint)
        return self._told(run, processor, lineage, products)

    def _known(
        self, versions: Sequence[tuple[Given, str]], processor: Processor, parameters: Parameters
    ) -> Lineage | None:
        """Return the lineage of a run if the digests of all its inputs are known without reading them.

        Raises:
            Refusal: There are too few or too many inputs.
            RunError: The run was refused before.
        """
        inputs: dict[str, list[Input]] = {}
        for given, version in versions:
            digest = self.files.digest(version)
            inputs.setdefault(given.slot, []).append(Input(given.file.href, Path(), digest or ""))
        check_inputs(processor, inputs)
        if not all(one.sha256 for listed in inputs.values() for one in listed):
            return None
        lineage = Lineage.of(processor, inputs, parameters)
        if lineage.key in self.refusals:
            self.met[lineage.key] = self.refusals[lineage.key]
            message, hint, *code = self.refusals[lineage.key]
            again = RunError(message, where=processor.name, hint=hint)
            again.refusal = "".join(code)
            raise again
        return lineage

    def _made(
        self, versions: Sequence[tuple[Given, str]], processor: Processor, parameters: Parameters
    ) -> tuple[Lineage, tuple[Product, ...]]:
        source: Any = self.definition.source
        with self.files.opened(versions) as inputs:
            lineage = Lineage.of(processor, inputs, parameters)
            products = self.cache.find(lineage)
            if products is not None:
                self.counts["kept"] += 1
                return lineage, products
            try:
                self.child.run(processor.name, source.parameters, inputs)
            except RunError as trouble:
                if trouble.lasting:
                    self.met[lineage.key] = [trouble.message, trouble.hint, trouble.refusal]
                raise
        products = self.cache.find(lineage)
        if products is None:
            raise RunError("its products are damaged", where=processor.name, hint="build again")
        self.counts["made"] += 1
        return lineage, products

    def _would(self, run: Run, processor: Processor) -> Record | Finding:
        before = self.before(run.id)
        count = f"{len(run.inputs)} input" + "s" * (len(run.inputs) != 1)
        said = note(WOULD_RUN, run.id, f"`{processor.name}` would run on {count}", "`iaos build` runs it")
        return said if before is None else _as_record(run.id, before)

    def _told(self, run: Run, processor: Processor, lineage: Lineage, products: Sequence[Product]) -> Record:
        before = self.before(run.id) or {}
        inputs = [_input(given, digest) for given, (_, _, digest) in zip(_ordered(run), lineage.inputs, strict=True)]
        software = before["process"]["software"] if before.get("key") == lineage.key else None
        return record_of(run.id, processor, lineage, products, inputs, _around(run), software)


def _code_of(trouble: IaosError | Refusal) -> str:
    """Return what programs know a failed run by: the code that the processor gave its refusal, where it gave one."""
    own = trouble.refusal if isinstance(trouble, RunError) else trouble.code if isinstance(trouble, Refusal) else ""
    return own or f"process.{trouble.code if isinstance(trouble, IaosError) else RunError.code}"


def record_of(
    identifier: str,
    processor: Processor,
    lineage: Lineage,
    products: Sequence[Product],
    inputs: Sequence[Mapping[str, str]],
    around: Mapping[str, Any],
    software: Mapping[str, str] | None = None,
) -> Record:
    """Make the record of a run, which `builder.crosswalks.process` reads.

    Args:
        identifier: Its identifier.
        processor: What was run.
        lineage: What decided the bytes of the products.
        products: What was made.
        inputs: Slot, address and digest of each input, and the item it belongs to.
        around: Place and time of the inputs, as GeoJSON geometry and ISO 8601 times.
        software: Who made the products, where that was not this program.
    """
    content = {
        "id": item_id(identifier),
        "key": lineage.key,
        "process": {
            "name": processor.name,
            "version": processor.version,
            "title": processor.title,
            "description": processor.description,
            "software": dict(software or lineage.software),
        },
        "parameters": dict(lineage.parameters),
        "seed": lineage.seed,
        "inputs": list(inputs),
        "around": dict(around),
        "products": list(map(_product, products)),
    }
    return _as_record(identifier, content)


def _product(product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "title": product.title,
        "media_type": product.media_type,
        "roles": list(product.roles),
        "size": product.path.stat().st_size,
        "sha256": Input.of(product.path).sha256,
        "fields": dict(product.properties),
    }


def _ordered(run: Run) -> list[Given]:
    """Return the inputs in the order in which a lineage lists them: by slot, then as given."""
    return sorted(run.inputs, key=lambda given: given.slot)


def _as_record(identifier: str, content: Mapping[str, Any]) -> Record:
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    return Record(identifier, "process", body + b"\n", "application/json", "")


def _input(given: Given, digest: str) -> dict[str, Any]:
    told = {"slot": given.slot, "href": given.file.href, "sha256": digest}
    offer = given.offer
    if offer is None:
        return told
    return told | {
        "collection": offer.collection,
        "record": offer.identifier,
        "item": offer.path,
        "title": offer.title,
    }


def _around(run: Run) -> dict[str, Any]:
    """Return place and time of all inputs together."""
    found = {given.offer.path: given.offer for given in run.inputs if given.offer}.values()
    starts, ends = [one.start for one in found if one.start], [one.end for one in found if one.end]
    time = {"start_datetime": stamp(min(starts)), "end_datetime": stamp(max(ends))} if starts and ends else {}
    shapes = [shapely.geometry.shape(one.geometry) for one in found if one.geometry]
    if not shapes:
        return time
    whole = shapely.union_all(shapes) if len(shapes) <= MOST_SHAPES else shapely.union_all([s.envelope for s in shapes])
    return {"geometry": orjson.loads(shapely.to_geojson(whole)), **time}
