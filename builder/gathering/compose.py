"""From one source record to one STAC object with everything that stands beside it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from builder.crosswalks import describe
from builder.crosswalks.process import fallback, fields_of
from builder.datafiles.inspections import readable_resource
from builder.datafiles.mapservices import offers_maps
from builder.enrich.inspection import Copied, Inspection
from builder.errors import IaosError
from builder.explain import explain
from builder.findings import Finding, Severity, error, note
from builder.geometry.footprint import footprint
from builder.merge import merge, only
from builder.overrides import apply_overrides, apply_time_from_name
from builder.references.grouped import by_group
from builder.stac.assets import is_restricted_dataset
from builder.stac.context import ItemContext, Related
from builder.stac.item import build_item, build_record_collection, needs_collection
from builder.stac.layout import item_id

if TYPE_CHECKING:
    from builder.datafiles.inspecting import Inspecting
    from builder.datafiles.readings import Described
    from builder.datafiles.seen import Seen
    from builder.dataset import Dataset
    from builder.definitions.model import CollectionDefinition
    from builder.ledger import Entry
    from builder.sources.protocol import Record

Made = TypeVar("Made")

JSON = "application/json"
PARQUET = "application/vnd.apache.parquet"

NOTHING = Inspection("", 0)
"""What is known of data that were not looked into."""

LISTING_FORMATS = frozenset({"thredds", "file"})
"""Formats that only say that a file exists; what the file itself says of place and time goes before them."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A STAC object and its companions, ready for the tree.

    ``stac`` is an Item, or a Collection where the record cannot be an Item. ``references``,
    ``combine_key`` and ``thumbnail`` (a PNG) come from the data file. ``copies`` maps a path below
    the collection to the local file that belongs there; ``copied`` is a readable copy. ``seen`` tells of the data
    file that had a say; ``fleeting`` that something had, or could have had, of which one cannot tell later
    whether it has changed; ``renamed`` that another record's id stood in the way of its own.
    """

    stac: dict[str, Any]
    context: ItemContext
    record: Record
    explanation: Mapping[str, Any]
    references: bytes | None
    parquet: Mapping[str, str]
    combine_key: str | None
    thumbnail: bytes | None
    copies: Mapping[str, str]
    copied: Copied | None
    seen: Seen | None
    fleeting: bool
    renamed: bool
    findings: tuple[Finding, ...]

    @property
    def is_item(self) -> bool:
        """Whether it is an Item and not a Collection of its own."""
        return str(self.stac["type"]) == "Feature"

    @property
    def path(self) -> str:
        """Where it stands in the catalogue."""
        place = self.context.place
        return place.item(self.context.id) if self.is_item else place.child(self.context.id)


def read(definition: CollectionDefinition, record: Record, inspecting: Inspecting) -> Described:
    """Read a record, complete it from its data file, and apply the maintainer's corrections.

    Raises:
        RecordError: The record cannot be understood.
    """
    dataset = describe(record)
    dataset = replace(dataset, links=tuple(link for link in dataset.links if "://" in link.href))
    dataset = inspecting.served(dataset)
    inspection, findings = inspecting.of(dataset, record)
    dataset = replace(dataset, findings=(*dataset.findings, *findings))
    if inspection is not None:
        dataset = _completed(dataset, inspection, record)
    if record.format == "process":
        dataset = merge(dataset, fallback(record))
    dataset = apply_overrides(dataset, definition)
    return apply_time_from_name(dataset, definition, _file_name(dataset, record)), inspection


def compose(
    definition: CollectionDefinition,
    record: Record,
    described: Described,
    *,
    by_year: bool,
    taken: set[str],
    related: Sequence[Related] = (),
) -> Composed | Finding:
    """Make the STAC object of a record, or say why it has none.

    Args:
        definition: The collection it belongs to.
        record: The record as received.
        described: What the record was read as, by `read`.
        by_year: Whether the collection has year sub-catalogues.
        taken: Ids already given in this collection; the new one is added.
        related: Objects of the catalogue that it was made from, or that were made from it.

    Raises:
        RecordError: The record cannot be understood.
    """
    dataset, inspection = described
    refused = shown(record, dataset, inspection)
    if refused is not None:
        return refused
    where = footprint(dataset.coverage, definition.policies.bbox, where=record.identifier)
    as_collection = needs_collection(dataset, definition.policies.level)
    name = unique_id(stac_id(definition, dataset), record, taken)
    found = _open(inspection or NOTHING, dataset)
    picture = _picture(dataset, found)
    context = ItemContext(
        definition=definition,
        record=record,
        id=name,
        by_year=by_year and not as_collection,
        thumbnail=picture is not None,
        explanation=True,
        extra=fields_of(record),
        related=tuple(related),
        **_beside(found),
    )
    stac, said = (build_record_collection if as_collection else build_item)(dataset, where, context)
    seen = inspection.seen if inspection is not None else None
    return Composed(
        stac=stac,
        context=context,
        record=record,
        explanation=explain(stac, dataset, record, definition.id),
        references=found.references,
        parquet=found.parquet,
        combine_key=found.combine_key,
        thumbnail=picture,
        seen=seen and seen._replace(referenced=found.references is not None),
        fleeting=depends_on_more(definition, dataset) and (seen is None or offers_maps(dataset)),
        renamed=name != stac_id(definition, dataset),
        copied=found.copy,
        copies={unquote(r.href): r.local for r in dataset.resources if r.local and "://" not in r.href},
        findings=(*dataset.findings, *where.findings, *said),
    )


def depends_on_more(definition: CollectionDefinition, dataset: Dataset) -> bool:
    """Tell whether a data file or a map service, which may change without the record, has a say in what is made."""
    return definition.policies.references and (readable_resource(dataset) is not None or offers_maps(dataset))


def _open(found: Inspection, dataset: Dataset) -> Inspection:
    """Leave out the copy of a file that a correction has restricted, and the references into it."""
    closed = found.copy is not None and is_restricted_dataset(dataset)
    return replace(found, copy=None, references=None, parquet={}) if closed else found


def _beside(found: Inspection) -> dict[str, Any]:
    """Return what the surroundings of an item know of its references and of a readable copy."""
    said = {
        "references": found.references is not None,
        "references_media_type": PARQUET if found.parquet else JSON,
        "source": found.source(),
        "groups": tuple(by_group(found.references or b"")),
    }
    if found.copy is None:
        return said
    facts = {"file:size": found.copy.size, "file:checksum": f"1220{found.copy.sha256}", "iaos:copy_of": found.href}
    return said | {"copy": {"name": found.copy.name} | facts}


def _picture(dataset: Dataset, found: Inspection) -> bytes | None:
    """Return the small picture of the data, unless the dataset brings its own into the catalogue."""
    own = any("thumbnail" in file.roles and "://" not in file.href for file in dataset.resources)
    return None if own or found.thumbnail is None else b64decode(found.thumbnail)


def contained(entry: Entry, make: Callable[[], Made], findings: list[Finding]) -> Made | None:
    """Make something of one record; whatever is wrong with the record becomes a finding, and the build goes on.

    Raises:
        OSError: The machine's trouble (a full disk), not the record's.
    """
    try:
        return make()
    except IaosError as trouble:
        findings.append(error(f"record.{trouble.code}", entry.identifier, trouble.message, trouble.hint))
    except OSError:
        raise
    except Exception as trouble:  # noqa: BLE001  (the one place where a single bad record is contained)
        message = f"cannot be built: {type(trouble).__name__}: {trouble}".splitlines()[0][:300]
        findings.append(error("record.unexpected", entry.identifier, message, f"see {entry.url}"))
    return None


def shown(record: Record, dataset: Dataset, inspection: Inspection | None) -> Finding | None:
    """Return why a record has no place in the catalogue; None where it has one."""
    refused = _refused(record, inspection)
    if refused is not None or dataset.status == "published":
        return refused
    reason = {"in-review": "in review with the partner", "withdrawn": "withdrawn by the partner"}[dataset.status]
    return note("record.not-published", record.identifier, f"not shown: {reason}")


def _refused(record: Record, inspection: Inspection | None) -> Finding | None:
    """Return why a file that nothing but its name speaks for must not be offered."""
    if inspection is None or record.format not in LISTING_FORMATS:
        return None
    return next((finding for finding in inspection.findings if finding.severity is Severity.ERROR), None)


def stac_id(definition: CollectionDefinition, dataset: Dataset) -> str:
    """Name a dataset's STAC object; one that becomes a Collection is unique in the whole catalogue."""
    own = needs_collection(dataset, definition.policies.level)
    return item_id(dataset.identifier, prefix=f"{definition.id}-" if own else "")


def unique_id(name: str, record: Record, taken: set[str]) -> str:
    """Return a name, made longer where another record of the collection has it, and add it to those that are taken."""
    if name in taken:
        name = item_id(f"{name} {record.identifier}")
    taken.add(name)
    return name


def _completed(dataset: Dataset, inspection: Inspection, record: Record) -> Dataset:
    """Fill gaps from the file's header; where the record is a mere listing, the file knows place and time better."""
    from builder.enrich.netcdf import dataset_of

    header = dataset_of(inspection, dataset.identifier)
    if inspection.media_type is not None:
        dataset = _with_raster(dataset, inspection, inspection.media_type)
        header = replace(header, projection=inspection.projection)
    if record.format in LISTING_FORMATS:
        dataset = merge(only(header, "coverage.place", "coverage.time", "coverage.vertical"), dataset)
    return _with_grid(merge(dataset, header), inspection)


def _with_raster(dataset: Dataset, found: Inspection, kind: str) -> Dataset:
    """Say more exactly what a file is, e.g. that a GeoTIFF is cloud-optimised, and what its bands hold."""
    inspected = readable_resource(dataset)
    resources = (
        replace(file, media_type=kind, bands=found.bands, packing=found.packing) if file is inspected else file
        for file in dataset.resources
    )
    return replace(dataset, resources=tuple(resources))


def _with_grid(dataset: Dataset, inspection: Inspection) -> Dataset:
    """Outline a projected grid by its own corners: a box around it says too much, most of all at the pole."""
    grid = inspection.projection
    crs = (grid.code or grid.wkt2) if grid is not None else None
    if grid is None or crs is None or grid.bbox is None or dataset.coverage.geometry is not None:
        return dataset
    from builder.geometry.grid import grid_footprint

    west, south, east, north = grid.bbox
    try:
        if grid.shape and grid.transform and (grid.transform[1] or grid.transform[3]):
            outline = grid_footprint((0, grid.shape[1]), (0, grid.shape[0]), crs, grid.transform)
        else:
            outline = grid_footprint((west, east), (south, north), crs)
    except IaosError as trouble:
        said = note("geometry.grid", dataset.identifier, trouble.message, "its box is used instead")
        return replace(dataset, findings=(*dataset.findings, said))
    return replace(dataset, coverage=replace(dataset.coverage, geometry=outline, boxes=()))


def _file_name(dataset: Dataset, record: Record) -> str:
    data = [resource.href for resource in dataset.resources if "data" in resource.roles]
    return (data[0] if data else record.identifier).partition("?")[0].rsplit("/", 1)[-1]
