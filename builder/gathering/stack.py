"""What is made of all granules of a collection together: combined references, and a copy with time foremost."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.datafiles.inspections import MAX_BYTES
from builder.datafiles.seen import Seen
from builder.enrich.inspect import ChildLostError
from builder.enrich.joining import Joined, join_apart
from builder.errors import FetchError, SourceError, UnreferenceableError
from builder.findings import Finding, finding_of, note, warning
from builder.gathering.compose import PARQUET
from builder.media import media_type
from builder.memory.sealed import opened, sealed
from builder.stac.layout import Place, relative

if TYPE_CHECKING:
    from builder.datafiles.inspections import Inspections
    from builder.definitions.model import CollectionDefinition
    from builder.gathering.timemajor import Part, TimeMajor
    from builder.memory.state import State
    from builder.spool import Spool
    from builder.tree import Tree

JSON = media_type("x.json")
NETCDF = media_type("x.nc")

Assets = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Granule:
    """One item's references, and what is known of the file they lead into."""

    name: str
    seen: Seen
    references: bytes
    facts: Mapping[str, Any]


@dataclass
class Stack:
    """The granules of one collection, gathered as their items are; what was made of the same before is taken over.

    Args:
        definition: The collection.
        place: Its folder in the catalogue.
        state: Where copies are kept.
        inspecting: What looked into the files.
        base: Folder of the definition, for local files.
        around: What else combined references depend on, as `builder.gathering.memo.Memo.base`.
        spool: Empty list on disk, for names of granules and what their files are known by.
    """

    definition: CollectionDefinition
    place: Place
    state: State
    inspecting: Inspections
    base: Path
    around: bytes
    spool: Spool
    keys: set[str | None] = field(default_factory=set)

    def add(self, names: Sequence[str], seen: Sequence[Sequence[Any] | None]) -> int:
        """Take in items and what their data files are known by; return how many of them have references."""
        known = [(name, Seen(*one)) for name, one in zip(names, seen, strict=True) if one]
        granules = [(name, one) for name, one in known if one.referenced]
        if self.definition.policies.combine:
            self.keys.update(one.combine_key for _, one in granules)
            self.spool.extend((name, tuple(one)) for name, one in granules)
        return len(granules)

    def publish(self, tree: Tree) -> tuple[str | None, Assets, list[Finding]]:
        """Put into the tree what is made of all granules together.

        Returns:
            Media type of the combined references (None where there are none), further assets of the collection,
            and findings.
        """
        name, key = f"{self.definition.id}/combined.json", self._key()
        known = None if self.definition.policies.time_major else opened(key, self.state.read(name))
        with tempfile.TemporaryDirectory(prefix="join-", dir=self.state.overlay) as folder:
            if known is not None and tree.take(known["files"]):
                kind, findings, joined = known["kind"], tuple(map(finding_of, known["findings"])), None
            else:
                kind, findings, joined = self._made_anew(tree, name, key, Path(folder))
            assets, said = self._add_time_major(tree, joined)
        self.spool.close()
        return kind, assets, [*findings, *said]

    def _made_anew(
        self, tree: Tree, name: str, key: str, folder: Path
    ) -> tuple[str | None, tuple[Finding, ...], Joined | None]:
        """Join references, and remember what came of it unless the child was lost, which another night may mend."""
        try:
            joined, findings = self._joined(folder)
        except ChildLostError as lost:
            hint = "the next build tries again; `combine: false` does without"
            return None, (warning(lost.code, self.definition.id, f"not combined: {lost}", hint),), None
        kind, files = (None, {}) if joined is None else self._add_combined(tree, joined)
        if self.spool:
            self.state.write(name, sealed(key, orjson.dumps({"kind": kind, "files": files, "findings": findings})))
        return kind, findings, joined

    def _key(self) -> str:
        """Name all that combined references are made from."""
        digest = sha256(self.around)
        for place in range(len(self.spool)):
            digest.update(self.spool.lines([place]))
        return digest.hexdigest()

    def _granule(self, place: int) -> Granule:
        """Return the granule that was taken in after so many others."""
        name, known = self.spool[place]
        seen = Seen(*known)
        found = self.inspecting.found(seen)
        facts = {key: value for key, value in found.source().items() if key.startswith("iaos:source_")}
        return Granule(name, seen, found.references or b"", facts)

    def _joined(self, folder: Path) -> tuple[Joined | None, tuple[Finding, ...]]:
        """Have the references joined, into files in a folder.

        Raises:
            ChildLostError: The child did not come to its end.
        """
        if len(self.spool) < 2:
            return None, ()
        if len(self.keys) > 1 or None in self.keys:
            message = f"{len(self.spool)} granules do not stack, so there is no combined reference"
            return None, (note("references.not-stacked", self.definition.id, message),)
        return join_apart([(name, self._kept(Seen(*known))) for name, known in self.spool], folder)

    def _kept(self, seen: Seen) -> Path:
        kept = self.state.file(seen.kept)
        assert kept is not None
        return kept

    def _add_combined(self, tree: Tree, joined: Joined) -> tuple[str, dict[str, str]]:
        """Add combined references; return their media type, and path and SHA-256 of each file."""
        path = self.place.combined_references(PARQUET if joined.parquet else JSON)
        if not joined.parquet:
            return JSON, {path: tree.add_file(path, joined.references, JSON)}
        below = {f"{path}/{file.relative_to(joined.parquet).as_posix()}": file for file in _files(joined.parquet)}
        return PARQUET, {path: tree.add_file(path, file, _kind(path)) for path, file in below.items()}

    def _add_time_major(self, tree: Tree, joined: Joined | None) -> tuple[Assets, tuple[Finding, ...]]:
        """Add the copy with all times of a place together, where the definition asks for it."""
        from builder.gathering.timemajor import Keeper

        keeper = Keeper(self.state, self.definition.id)
        if not self.definition.policies.time_major:
            keeper.forget()
            return {}, ()
        if joined is None:
            return {}, (self._without("the granules do not stack"),)
        address = self.inspecting.address_of("")
        if "://" not in address:
            return {}, (self._without("the catalogue's address is not known", "give --base-url"),)
        places = {name: place for place, (name, _) in enumerate(self.spool)}
        parts = [self._part(places[name], length) for name, length in joined.order]
        try:
            made = keeper.of(
                parts,
                next(iter(self.keys)) or "",
                joined.references.read_bytes(),
                lambda name: f"{address}time-major/{name}",
                self.inspecting.inspector,
            )
        except (UnreferenceableError, SourceError) as trouble:
            return {}, (self._without(str(trouble)),)
        return self._assets(tree, made), ()

    def _without(self, reason: str, hint: str = "") -> Finding:
        message = f"no copy with all times of a place together: {reason}"
        return warning("netcdf.no-time-major", self.definition.id, message, hint)

    def _part(self, place: int, length: int) -> Part:
        from builder.gathering.timemajor import Part

        granule = self._granule(place)
        facts = orjson.dumps(dict(granule.facts), option=orjson.OPT_SORT_KEYS)
        return Part(granule.name, sha256(granule.references + facts).hexdigest(), length, lambda: self._file(place))

    @contextmanager
    def _file(self, place: int) -> Iterator[Path]:
        """Give the file of a granule, fetched for as long as it is needed where it is a partner's.

        Raises:
            FetchError: It cannot be had, or is not the file that the references were made of.
        """
        granule = self._granule(place)
        local = self.base / granule.seen.local if granule.seen.local else None
        if granule.seen.copy is not None:
            local = self.state.file(granule.seen.copy)
        if local is not None:
            yield local
            return
        refs = orjson.loads(granule.references)["refs"].values()
        href = next(value[0] for value in refs if isinstance(value, list))
        with tempfile.TemporaryDirectory(prefix="data-", dir=self.state.overlay) as folder:
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


def _add_folder(tree: Tree, folder: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Add files below a folder; return path and SHA-256 of each."""
    below = {f"{folder}/{name}": body for name, body in files.items()}
    return {path: tree.add(path, body, _kind(path)) for path, body in below.items()}


def _kind(path: str) -> str:
    return JSON if path.endswith(".zmetadata") else PARQUET


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
