"""What is made of all granules of a collection together: combined references, and a copy with time foremost."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.compose import PARQUET
from builder.errors import FetchError, SourceError, UnreferenceableError
from builder.findings import Finding, note, warning
from builder.inspections import MAX_BYTES, Inspections
from builder.media import media_type
from builder.stac.layout import Place, relative

if TYPE_CHECKING:
    from builder.compose import Composed
    from builder.definitions.model import CollectionDefinition
    from builder.enrich.combine import Joined
    from builder.inspections import Inspecting
    from builder.state import State
    from builder.timemajor import Part, TimeMajor
    from builder.tree import Tree

JSON = media_type("x.json")
NETCDF = media_type("x.nc")

Assets = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Granule:
    """One item's references, what is known of the file they lead into, and where that lies if it is here."""

    name: str
    key: str | None
    references: bytes
    facts: Mapping[str, Any]
    local: Path | None


@dataclass
class Stack:
    """The granules of one collection, gathered one by one.

    Args:
        definition: The collection.
        place: Its folder in the catalogue.
        state: Where copies are kept.
        inspecting: What looked into the files.
        base: Folder of the definition, for local files.
    """

    definition: CollectionDefinition
    place: Place
    state: State
    inspecting: Inspecting
    base: Path
    granules: list[Granule] = field(default_factory=list)

    def add(self, composed: Composed) -> None:
        """Take in an item that has references."""
        local = self.base / composed.local if composed.local else None
        if composed.copied is not None:
            local = self.state.file(composed.copied.kept)
        said = composed.stac["assets"]["references"]
        facts = {key: value for key, value in said.items() if key.startswith("iaos:source_")}
        assert composed.references is not None
        self.granules.append(Granule(composed.context.id, composed.combine_key, composed.references, facts, local))

    def publish(self, tree: Tree) -> tuple[str | None, Assets, list[Finding]]:
        """Put into the tree what is made of all granules together.

        Returns:
            Media type of the combined references (None where there are none), further assets of the collection,
            and findings.
        """
        joined, findings = self._joined()
        kind = None if joined is None else self._add_combined(tree, joined.body)
        assets, said = self._add_time_major(tree, joined)
        return kind, assets, [*findings, *said]

    def _joined(self) -> tuple[Joined | None, tuple[Finding, ...]]:
        if not self.definition.policies.combine or len(self.granules) < 2:
            return None, ()
        keys = {granule.key for granule in self.granules}
        if len(keys) > 1 or None in keys:
            message = f"{len(self.granules)} granules do not stack, so there is no combined reference"
            return None, (note("references.not-stacked", self.definition.id, message),)
        from builder.enrich.combine import combine_in_order

        return combine_in_order([(granule.name, granule.references) for granule in self.granules])

    def _add_combined(self, tree: Tree, data: bytes) -> str:
        from builder.references.encode import PARQUET_ABOVE
        from builder.references.gathered import parquet_of

        refs = orjson.loads(data)["refs"]
        if len(refs) <= PARQUET_ABOVE:
            tree.add(self.place.combined_references(JSON), data, JSON)
            return JSON
        _add_folder(tree, self.place.combined_references(PARQUET), parquet_of(refs))
        return PARQUET

    def _add_time_major(self, tree: Tree, joined: Joined | None) -> tuple[Assets, tuple[Finding, ...]]:
        """Add the copy with all times of a place together, where the definition asks for it."""
        from builder.timemajor import Keeper

        keeper = Keeper(self.state, self.definition.id)
        if not self.definition.policies.time_major:
            keeper.forget()
            return {}, ()
        if joined is None or not isinstance(self.inspecting, Inspections):
            return {}, (self._without("the granules do not stack"),)
        address = self.inspecting.address_of("")
        if "://" not in address:
            return {}, (self._without("the catalogue's address is not known", "give --base-url"),)
        named = {granule.name: granule for granule in self.granules}
        parts = [self._part(named[name], length) for name, length in joined.order]
        try:
            made = keeper.of(
                parts,
                self.granules[0].key or "",
                joined.body,
                lambda name: f"{address}time-major/{name}",
                self.inspecting.inspector,
            )
        except (UnreferenceableError, SourceError) as trouble:
            return {}, (self._without(str(trouble)),)
        return self._assets(tree, made), ()

    def _without(self, reason: str, hint: str = "") -> Finding:
        message = f"no copy with all times of a place together: {reason}"
        return warning("netcdf.no-time-major", self.definition.id, message, hint)

    def _part(self, granule: Granule, length: int) -> Part:
        from builder.timemajor import Part

        facts = orjson.dumps(dict(granule.facts), option=orjson.OPT_SORT_KEYS)
        return Part(granule.name, sha256(granule.references + facts).hexdigest(), length, lambda: self._file(granule))

    @contextmanager
    def _file(self, granule: Granule) -> Iterator[Path]:
        """Give the file of a granule, fetched for as long as it is needed where it is a partner's.

        Raises:
            FetchError: It cannot be had, or is not the file that the references were made of.
        """
        if granule.local is not None:
            yield granule.local
            return
        assert isinstance(self.inspecting, Inspections)
        refs = orjson.loads(granule.references)["refs"].values()
        href = next(value[0] for value in refs if isinstance(value, list))
        with tempfile.TemporaryDirectory(prefix="iaos-data-") as folder:
            got = self.inspecting.gate.download(href, Path(folder) / "data", max_bytes=MAX_BYTES)
            facts = {"size": got.size, "etag": got.headers.get("etag"), "sha256": got.sha256}
            for name, value in facts.items():
                if value is not None and granule.facts.get(f"iaos:source_{name}", value) != value:
                    raise FetchError(f"the file changed while the build ran ({name})", where=href)
            yield got.path

    def _assets(self, tree: Tree, made: TimeMajor) -> Assets:
        """Add the file and references into it to the tree, and describe both."""
        file = self.place.time_major(made.name)
        tree.add_file(file, made.path, NETCDF)
        kind = PARQUET if made.seen.parquet else JSON
        references = self.place.time_major(f"references.{'parquet' if made.seen.parquet else 'json'}")
        if made.seen.parquet:
            _add_folder(tree, references, {name: b64decode(text) for name, text in made.seen.parquet.items()})
        else:
            tree.add(references, made.seen.references or b"", JSON)
        here = self.place.collection_json
        return {
            "time-major": {
                "href": relative(here, file),
                "type": NETCDF,
                "title": "All times of a place together",
                "description": "The same values to the bit as in the items' files, chunked long in time.",
                "roles": ["data", "time-major"],
                "file:size": made.seen.size,
                "file:checksum": f"1220{made.sha256}",
            },
            "time-major-references": {
                "href": relative(here, references),
                "type": kind,
                "title": "Kerchunk references of all times of a place together",
                "roles": ["time-major-references", "index"],
                **replace(made.seen, web=True).source(),
            },
        }


def _add_folder(tree: Tree, folder: str, files: Mapping[str, bytes]) -> None:
    for name, body in files.items():
        tree.add(f"{folder}/{name}", body, JSON if name == ".zmetadata" else PARQUET)
