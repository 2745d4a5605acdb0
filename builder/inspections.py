"""What the data files themselves say: fetched once, inspected in a child process, remembered until the file changes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from builder.checked import check, checked
from builder.errors import FetchError
from builder.findings import Finding, note, warning
from builder.mapservices import MapServices
from builder.media import media_type
from builder.sources.http import HttpGate
from builder.sources.ranges import RangedFile, Version, version_of
from builder.sources.webaccess import WebAccess
from builder.stac.layout import Place
from builder.state import State, cache_name

if TYPE_CHECKING:
    from builder.dataset import Dataset, Resource
    from builder.definitions.model import CollectionDefinition
    from builder.enrich.inspect import Inspector
    from builder.enrich.inspection import Inspection
    from builder.sources.protocol import Record

VERSION = "5"
"""Part of the cache key; raised when inspecting the same file would find something else."""

MAX_BYTES = 2 * 2**30
"""Largest data file that is fetched for inspection."""

NO_REFERENCES = "netcdf.no-references"

GEOTIFF = media_type("x.tif")
WHOLE_BYTES = 8 * 2**20
"""Smaller files are fetched whole, which takes one request and gives the checksum."""
READABLE = frozenset({media_type("x.nc"), "application/x-netcdf", GEOTIFF})
"""Media types of files that can be looked into."""


class Inspecting(Protocol):
    """Looks into the data file of a dataset."""

    def of(self, dataset: Dataset, record: Record) -> tuple[Inspection | None, tuple[Finding, ...]]:
        """Return what the file says, or None with the reason."""
        ...

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset with what its map services draw."""
        ...


class Blind:
    """Looks into nothing: for records whose files need not be there any more."""

    def of(self, dataset: Dataset, record: Record) -> tuple[None, tuple[Finding, ...]]:
        """Return nothing."""
        del dataset, record
        return None, ()

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset as it is."""
        return dataset


@dataclass
class Inspections:
    """Inspections of one collection's data files.

    Args:
        definition: The collection.
        state: Where results are remembered.
        inspector: The child process that opens files.
        gate: What remote files are fetched through.
        base: Folder of the definition, for local files.
        base_url: Where the catalogue will stand; references to files that the build copies need it.
    """

    definition: CollectionDefinition
    state: State
    inspector: Inspector
    gate: HttpGate
    base: Path
    base_url: str | None = None

    def __post_init__(self) -> None:
        """Know nothing of hosts yet."""
        self._access = WebAccess(self.state)
        self._services = MapServices(self.state)

    def of(self, dataset: Dataset, record: Record) -> tuple[Inspection | None, tuple[Finding, ...]]:
        """Inspect the dataset's NetCDF or GeoTIFF file, unless this was done for the same record before.

        Returns:
            What was found (None where there is no such open file, or it cannot be had), and findings.
        """
        from pydantic import TypeAdapter

        from builder.enrich.inspection import Inspection

        resource = readable_resource(dataset)
        if resource is None or not self.definition.policies.references:
            return None, ()
        asked = ("copies",) if self.definition.policies.copies else ()
        name = cache_name("inspections", VERSION, self._address(resource), record.sha256, *asked)
        remembered = self._recall(name)
        try:
            if remembered is not None and not self._changed(resource, remembered[0]):
                return self._for_pages(*remembered)
            found = self._inspect(resource)
        except FetchError as trouble:
            say = note if trouble.status is None and "not allowed" in trouble.message else warning
            return None, (
                say("netcdf.unreachable", trouble.where, trouble.message, "no references made for this file"),
            )
        data = TypeAdapter(Inspection).dump_json(found)
        if not any(finding.code == "netcdf.timeout" for finding in found.findings):
            self.state.keep(name, data)
        return self._for_pages(*_remembered(data))

    def _recall(self, name: str) -> tuple[Inspection, tuple[Finding, ...]] | None:
        """Return what was found before; None where that is nothing, or is damaged."""
        data = self.state.read(name)
        try:
            return None if data is None else _remembered(data)
        except ValueError:
            return None

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset with what its map services draw; they are asked only where data files are."""
        return self._services.told(self.gate, dataset) if self.definition.policies.references else dataset

    def _for_pages(self, found: Inspection, findings: tuple[Finding, ...]) -> tuple[Inspection, tuple[Finding, ...]]:
        """Say whether pages may read the file: a copy beside them always, a partner's where its host allows it."""
        if found.references is None:
            return found, findings
        href = found.copy.href if found.copy is not None else found.href
        own = self.base_url is not None and href.startswith(f"{self.base_url.rstrip('/')}/")
        return replace(found, web=own or self._access.allowed(self.gate, href)), findings

    def _address(self, resource: Resource) -> str:
        """Return the public address of a file; that of a copy stays relative where the catalogue's own is unknown."""
        return resource.href if "://" in resource.href else self.address_of(resource.href)

    def _changed(self, resource: Resource, known: Inspection) -> bool:
        """Tell whether a file is another one than when it was looked into; one that cannot be asked for is not.

        Raises:
            FetchError: The file is there no more.
        """
        if known.copy is not None and self.state.file(known.copy.kept) is None:
            return True
        then = Version(known.size, known.etag, known.last_modified)
        if resource.local:
            facts = (self.base / resource.local).stat()
            return (known.size, known.mtime_ns) != (facts.st_size, facts.st_mtime_ns)
        if not self.definition.policies.recheck or checked(self.state, resource.href):
            return False
        try:
            changed = then.differs(version_of(self.gate, resource.href))
        except FetchError as trouble:
            if trouble.status in {404, 410}:
                raise
            return False
        if not changed:
            check(self.state, resource.href)
        return changed

    def _inspect(self, resource: Resource) -> Inspection:
        if resource.local:
            path = self.base / resource.local
            return replace(self._readable(path, self._look(path, resource)), mtime_ns=path.stat().st_mtime_ns)
        with tempfile.TemporaryDirectory(prefix="iaos-data-") as folder:
            target = Path(folder) / "data"
            found = self._look_at_parts(target, resource)
            if found is not None and found.references is not None:
                return found
            target.unlink(missing_ok=True)
            headers = self.gate.download(resource.href, target, max_bytes=MAX_BYTES).headers
            whole = self._readable(target, self._look(target, resource))
            return replace(whole, etag=headers.get("etag"), last_modified=headers.get("last-modified"))

    def _look_at_parts(self, target: Path, resource: Resource) -> Inspection | None:
        """Look into a large NetCDF file without fetching it whole, where the server serves parts."""
        if GEOTIFF in _kinds(resource):
            return None
        connections = self.definition.source.connections
        hosts, limits, lane = self.gate.hosts, self.gate.limits, f"{connections} parts"
        with HttpGate(hosts, delay_s=0, limits=limits, connections=connections, lane=lane) as gate:
            remote = RangedFile.found(gate, resource.href)
            if remote is None or not remote.version.size or remote.version.size <= WHOLE_BYTES:
                return None
            with target.open("wb") as sparse:
                sparse.truncate(remote.version.size)
            found = self.inspector.inspect_parts(
                target, self._address(resource), lambda ranges: remote.fetch(ranges, target)
            )
        return replace(found, etag=remote.version.etag, last_modified=remote.version.last_modified)

    def _readable(self, path: Path, found: Inspection) -> Inspection:
        """Have a copy made of a file that references cannot express, where the definition asks for it."""
        if not (self.definition.policies.copies and any(one.code == NO_REFERENCES for one in found.findings)):
            return found
        from builder.enrich.copying import copied

        return copied(path, found, self.state.lasting, self.address_of, self.inspector)

    def address_of(self, name: str) -> str:
        """Return the public address of a file that the build puts below the collection's folder."""
        if self.base_url is None:
            return name
        return f"{self.base_url.rstrip('/')}/{Place(self.definition.partner.id, self.definition.id).folder}/{name}"

    def _look(self, path: Path, resource: Resource) -> Inspection:
        from builder.enrich.raster import inspect_raster

        href = self._address(resource)
        if GEOTIFF in _kinds(resource):
            return inspect_raster(path, href)
        return self.inspector.inspect(path, href, references="://" in href)


def _remembered(data: bytes) -> tuple[Inspection, tuple[Finding, ...]]:
    """Read a result back; fresh ones too, so that the first build sees just what later ones will."""
    from pydantic import TypeAdapter

    from builder.enrich.inspection import Inspection

    found: Inspection = TypeAdapter(Inspection).validate_json(data)
    return found, found.findings


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
