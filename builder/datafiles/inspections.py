"""What the data files themselves say: fetched once, inspected in a child process, remembered until the file changes."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from builder.datafiles.freshness import freshness_for
from builder.datafiles.inspecting import NOTHING, Unreached
from builder.datafiles.mapservices import MapServices
from builder.datafiles.readings import Files
from builder.datafiles.seen import Seen, read_from, seen_in, tried
from builder.errors import FetchError
from builder.findings import Finding, note, warning
from builder.media import media_type
from builder.memory.state import State, cache_name
from builder.sources.http import HttpGate
from builder.sources.ranges import PartError, RangedFile, Version
from builder.sources.webaccess import WebAccess
from builder.stac.layout import Place

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from builder.dataset import Dataset, Resource
    from builder.definitions.model import CollectionDefinition
    from builder.enrich.inspect import Inspector
    from builder.enrich.inspection import Inspection
    from builder.enrich.inspectors import Inspectors
    from builder.sources.protocol import Record

VERSION = "8"
"""Part of the cache key; raised when inspecting the same file would find something else."""

MAX_BYTES = 2 * 2**30
"""Largest data file that is fetched for inspection."""

NO_REFERENCES = "netcdf.no-references"
NOT_NETCDF = "netcdf.not-netcdf"
"""Code of a page, of login say, in place of a file; where there was one before, it may come back."""
PASSING = frozenset({"netcdf.timeout", "netcdf.killed"})  # of rasters and copies, too; another run may not meet them

GONE = frozenset({404, 410})

GEOTIFF = media_type("x.tif")
WHOLE_BYTES = 8 * 2**20
"""Smaller files are fetched whole, which takes one request and gives the checksum."""
READABLE = frozenset({media_type("x.nc"), "application/x-netcdf", GEOTIFF})
"""Media types of files that can be looked into."""


@dataclass
class Inspections:
    """Inspections of one collection's data files.

    Args:
        definition: The collection.
        state: Where results are remembered.
        inspector: The child processes that open files.
        gate: What remote files are fetched through.
        base: Folder of the definition, for local files.
        base_url: Where the catalogue will stand; references to files that the build copies need it.
        files: What this run has found out about data files.
        recheck: About how many known files are asked for their version; all if not given.
        ahead: Nothing is made of it yet: a host is asked with the first file in order, not with the first to come.
    """

    definition: CollectionDefinition
    state: State
    inspector: Inspector | Inspectors
    gate: HttpGate
    base: Path
    base_url: str | None = None
    files: Files = field(default_factory=Files)
    recheck: int | None = None
    ahead: bool = False

    def __post_init__(self) -> None:
        """Know nothing of hosts yet."""
        self._access = WebAccess(self.state)
        self._services = MapServices(self.state)
        self._freshness = freshness_for(self.recheck, self.state, self.gate, self.definition.id)

    def of(
        self, dataset: Dataset, record: Record, before: Unreached = NOTHING
    ) -> tuple[Inspection | None, tuple[Finding, ...]]:
        """Inspect the dataset's NetCDF or GeoTIFF file, unless this was done for the same record before.

        Args:
            dataset: What names the file.
            record: What the dataset was read from.
            before: What is to be said of the file where it is tried in vain.

        Returns:
            What was found (None where there is no such open file), and findings. Of a file that is tried in vain it is
            what was found before, without references into it if it is another one by now; None where that is nothing.
        """
        resource = readable_resource(dataset)
        if resource is None or not self.definition.policies.references:
            return None, ()
        name = self.name(resource.href, record.sha256)
        if name in self.files.unreached:
            return self._told(self.files.unreached[name], resource)
        known = before._replace(last="" if resource.local else self._last(name, record, before.last))
        data = self.state.read(name) or b""
        remembered = _remembered(data)
        try:
            if remembered is not None:
                seen = seen_in(name, data, resource, remembered)
                if not self.changed(seen):
                    return self._for_pages(remembered, seen)
            found = self._freshness.steady(remembered, self._inspect(resource), resource.href)
        except FetchError as trouble:
            known = known.without(self._unreachable(trouble, resource.href), gone=trouble.status in GONE)
            return self._in_vain(name, record, known, resource)
        data = _adapter().dump_json(found)
        fresh = _adapter().validate_json(data)  # so that the first build sees just what later ones will
        last = _remembered(self.state.read(known.last) or b"")
        if (vain := _in_passing(fresh, last, known)) is not None:
            return self._in_vain(name, record, vain, resource)
        self.state.keep(name, data)
        seen = seen_in(name, data, resource, fresh)
        self._freshness.met(seen)
        return self._for_pages(fresh, seen)

    def _last(self, name: str, record: Record, before: str) -> str:
        """Return what the state calls what was last found in a file; empty where that is nothing."""
        mark = self.state.read(tried(self.definition.id, record.identifier)) or b""
        return name if self.state.file(name) else before or mark.decode(errors="ignore")

    def _in_vain(
        self, name: str, record: Record, one: Unreached, resource: Resource
    ) -> tuple[Inspection | None, tuple[Finding, ...]]:
        """Remember for this run that a file was tried in vain, and for the next ones what was found in it before."""
        self.state.keep(tried(self.definition.id, record.identifier), one.last.encode())
        self.files.unreached[name] = one
        return self._told(one, resource)

    def _told(self, one: Unreached, resource: Resource) -> tuple[Inspection | None, tuple[Finding, ...]]:
        data = self.state.read(one.last) or b""
        before = _remembered(data)
        if before is not None and one.holds:
            found, said = self._for_pages(before, seen_in(one.last, data, resource, before))
            return found, (*said, *one.findings)
        if one.found is not None and (one.found.readable or before is None):
            return one.found, one.findings
        return before and before.past(), one.findings

    def name(self, href: str, digest: str) -> str:
        """Return what the state calls what was found in a file.

        Args:
            href: Its address, as its record has it.
            digest: SHA-256 of the record.
        """
        asked = ("copies", self.address_of("")) if self.definition.policies.copies else ()  # references lead there
        return cache_name("inspections", VERSION, self._address(href), digest, *asked)

    def stands(self, seen: Seen) -> bool:
        """Tell whether what an object was made from besides its record is as it was; partners are asked if need be."""
        try:
            return all(self._same(*one) for one in seen.copies) and (not seen.kept or self._file_stands(seen))
        except (FetchError, FileNotFoundError):
            return False

    def _same(self, local: str, size: int, mtime_ns: int) -> bool:
        facts = (self.base / local).stat()
        return (size, mtime_ns) == (facts.st_size, facts.st_mtime_ns)

    def _file_stands(self, seen: Seen) -> bool:
        kept = self.state.read(seen.kept)
        lost = seen.kept in self.files.unreached or seen.kept in self.files.superseded
        if kept is None or lost or sha256(kept).hexdigest() != seen.found or self.changed(seen):
            return False
        return not seen.reads or self._web(seen.reads) == seen.web

    def found(self, seen: Seen) -> Inspection:
        """Return what was found in a file, of which `stands` was told or that was looked into just now."""
        found = _remembered(self.state.read(seen.kept) or b"")
        assert found is not None
        return found

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset with what its map services draw; they are asked only where data files are."""
        return self._services.told(self.gate, dataset) if self.definition.policies.references else dataset

    def _for_pages(self, found: Inspection, seen: Seen | None) -> tuple[Inspection, tuple[Finding, ...]]:
        """Say whether pages may read the file."""
        if found.references is None or self.ahead:
            return replace(found, seen=seen), found.findings
        web = self._web(read_from(found))
        return replace(found, web=web, seen=seen and seen._replace(web=web)), found.findings

    def _web(self, href: str) -> bool:
        """Tell whether pages may read a file: a copy beside them always, a partner's where its host allows it."""
        own = self.base_url is not None and href.startswith(f"{self.base_url.rstrip('/')}/")
        return own or self._access.allowed(self.gate, href)

    def _address(self, href: str) -> str:
        """Return the public address of a file; that of a copy stays relative where the catalogue's own is unknown."""
        return href if "://" in href else self.address_of(href)

    def changed(self, known: Seen) -> bool:
        """Tell whether a file is another one than when it was looked into; one that cannot be asked for is not.

        Raises:
            FetchError: The file is there no more.
        """
        if known.copy is not None and self.state.file(known.copy) is None:
            return True
        if known.local:
            return known.mtime_ns is None or not self._same(known.local, known.size, known.mtime_ns)
        try:
            return self.definition.policies.recheck and self._freshness.changed(known)
        except FetchError as trouble:
            self.files.unreached[known.kept] = Unreached(known.kept, (self._unreachable(trouble, known.href),))
            raise

    def _unreachable(self, trouble: FetchError, href: str) -> Finding:
        say = warning if self.gate.allows(href) else note  # a catalogue of many hosts need not have files of all
        hint = "; ".join(filter(None, ("no references made for this file", trouble.hint)))
        return say("netcdf.unreachable", trouble.where, trouble.message, hint)

    def _inspect(self, resource: Resource) -> Inspection:
        if resource.local:
            path = self.base / resource.local
            mtime_ns = path.stat().st_mtime_ns  # before it is read: what changes meanwhile is looked into again
            return replace(self._look(path, resource), mtime_ns=mtime_ns)
        hosts, limits, connections = self.gate.hosts, self.gate.limits, self.definition.source.connections
        with (
            tempfile.TemporaryDirectory(prefix="data-", dir=self.state.overlay) as folder,
            HttpGate(hosts, delay_s=0, limits=limits, connections=connections, lane=f"{connections} parts") as parts,
        ):
            parts.until, target = self.gate.until, Path(folder) / "data"
            if GEOTIFF in _kinds(resource):
                return self._look_at_whole(self.gate, target, resource)
            return self._look_at_needed(parts, target, resource)

    def _look_at_needed(self, parts: HttpGate, target: Path, resource: Resource) -> Inspection:
        """Look into a NetCDF file, of a large one only at parts, where the server serves these.

        Args:
            parts: What all but the first request is asked through, without pauses.
            target: Where it may lie meanwhile.
            resource: The file.
        """
        remote = RangedFile.found(self.gate, resource.href)
        if remote is not None and len(remote.head) == remote.version.size:
            target.write_bytes(remote.head)
            return _of_version(self._look(target, resource), remote.version)
        if remote is not None and remote.version.size is not None and remote.version.size > WHOLE_BYTES:
            ranged = replace(remote, gate=parts)
            with target.open("wb") as sparse:
                sparse.truncate(remote.version.size)
            with suppress(PartError):
                address = self._address(resource.href)
                found = self.inspector.inspect_parts(target, address, lambda ranges: ranged.fetch(ranges, target))
                if found.references is not None:
                    return _of_version(found, ranged.version)
            target.unlink()
        return self._look_at_whole(parts, target, resource)

    def _look_at_whole(self, gate: HttpGate, target: Path, resource: Resource) -> Inspection:
        headers = gate.download(resource.href, target, max_bytes=MAX_BYTES).headers
        version = Version(etag=headers.get("etag"), last_modified=headers.get("last-modified"))
        packed = headers.get("content-encoding", "identity")
        return _of_version(self._look(target, resource, "" if packed == "identity" else packed), version)

    def _readable(self, path: Path, found: Inspection) -> Inspection:
        """Have a copy made of a file that references cannot express, where the definition asks for it."""
        if not (self.definition.policies.copies and any(one.code == NO_REFERENCES for one in found.findings)):
            return found
        from builder.enrich.copying import copied

        return copied(path, found, self.state, self.address_of, self.inspector)

    def address_of(self, name: str) -> str:
        """Return the public address of a file that the build puts below the collection's folder."""
        if self.base_url is None:
            return name
        return f"{self.base_url.rstrip('/')}/{Place(self.definition.partner.id, self.definition.id).folder}/{name}"

    def _look(self, path: Path, resource: Resource, packed: str = "") -> Inspection:
        """Look into a whole file, of which no parts can be read where its server packs it."""
        from builder.enrich.raster import inspect_raster

        href = self._address(resource.href)
        if GEOTIFF in _kinds(resource):
            return inspect_raster(path, href)
        found = self.inspector.inspect(path, href, references="://" in href and not packed)
        if packed and found.readable:
            message = f"no references: the server packs it ({packed}), so that no part of it can be read by itself"
            said = warning(NO_REFERENCES, href, message, "ask the data centre to send such files as they are")
            found = replace(found, findings=(*found.findings, said))
        return self._readable(path, found)


@cache
def _adapter() -> TypeAdapter[Inspection]:
    """Return what reads and writes inspections as JSON; to make it takes as long as to make an item."""
    from pydantic import TypeAdapter

    from builder.enrich.inspection import Inspection

    return TypeAdapter(Inspection)


def _remembered(data: bytes) -> Inspection | None:
    """Return what was found before; None where that is nothing, or is damaged."""
    try:
        return _adapter().validate_json(data)
    except ValueError:
        return None


def _in_passing(found: Inspection, last: Inspection | None, known: Unreached) -> Unreached | None:
    """Return what is said of a look that another run may have more of; None where it counts."""
    passing = PASSING | ({NOT_NETCDF} if last is not None and last.readable else set())
    if not any(finding.code in passing for finding in found.findings):
        return None
    holds = known.holds and last is not None and last.size == found.size
    return Unreached(known.last, found.findings, found, holds)


def _of_version(found: Inspection, version: Version) -> Inspection:
    return replace(found, etag=version.etag, last_modified=version.last_modified)


def _kinds(resource: Resource) -> set[str | None]:
    return {resource.media_type, media_type(resource.href.partition("?")[0])}


def readable_resource(dataset: Dataset) -> Resource | None:
    """Return the first open NetCDF or GeoTIFF data file of a dataset, or None."""
    if dataset.access.restricted:
        return None
    for resource in dataset.resources:
        by_file = "data" in resource.roles and resource.service in {None, "httpserver", "http", "file"}
        if by_file and not resource.restricted and READABLE & _kinds(resource):
            return resource
    return None
