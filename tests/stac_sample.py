"""A small catalogue in memory: every kind of object and every extension the builder writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from builder.dataset import (
    Access,
    Column,
    Concepts,
    Coverage,
    Dataset,
    Dimension,
    License,
    Link,
    Party,
    Projection,
    Publication,
    Resource,
    Variable,
)
from builder.definitions.model import CollectionDefinition
from builder.sources.protocol import Record
from builder.stac.collection import (
    build_collection,
    build_partner_catalog,
    build_root_catalog,
    build_year_catalog,
)
from builder.stac.context import ItemContext
from builder.stac.item import build_item, build_record_collection, needs_collection
from builder.stac.layout import Place, page_of, partner_catalog
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary


@dataclass(frozen=True)
class Shape:
    """Stands where the footprint of a dataset will."""

    geometry: Any = None
    bbox: Any = None


def point(lon: float, lat: float) -> Shape:
    return Shape({"type": "Point", "coordinates": [lon, lat]}, [lon, lat, lon, lat])


SERVER = "https://thredds.example.org"

DEFINITION = CollectionDefinition.model_validate(
    {
        "id": "ctd",
        "title": "CTD profiles of the Fram Strait",
        "description": "Temperature and salinity.",
        "partner": {"id": "imr", "name": "Institute of Marine Research", "url": "https://www.example.org"},
        "license": "CC-BY-4.0",
        "license_url": "https://creativecommons.org/licenses/by/4.0/",
        "doi": "10.1594/PANGAEA.900000",
        "citation": "Institute of Marine Research (2020): CTD profiles.",
        "source": {"type": "thredds", "url": "https://thredds.example.org/catalog.xml"},
    }
)

FULL = Dataset(
    "ctd_2020.nc",
    title="CTD 2020",
    description="Profiles of **one** cruise.",
    coverage=Coverage(
        start=datetime(2020, 7, 1, tzinfo=UTC),
        end=datetime(2020, 8, 1, 12, 30, tzinfo=UTC),
        vertical=(-2500.0, 0.0, "m"),
        original_temporal="summer 2020",
    ),
    created=datetime(2020, 9, 1, tzinfo=UTC),
    updated=datetime(2021, 1, 1, tzinfo=UTC),
    published=datetime(2020, 10, 1, tzinfo=UTC),
    license=License("CC-BY-4.0", "Attribution", "https://creativecommons.org/licenses/by/4.0/"),
    parties=(
        Party("Ada Nordahl", ("author",), "Nansen Center", "ada@example.org", "https://people.example.org/ada"),
        Party("Institute of Marine Research", ("publisher",), url="https://www.example.org"),
    ),
    keywords=("salinity", "temperature", "salinity"),
    themes=(Concepts("https://gcmd.earthdata.nasa.gov/kms", ("OCEANS", "SALINITY")),),
    doi="https://doi.org/10.1594/PANGAEA.902845",
    citation="Nordahl, A. (2020): CTD 2020.",
    publications=(Publication("10.5194/os-15-1-2019", "A paper."),),
    dimensions=(
        Dimension("time", "temporal", 12, ("2020-07-01T00:00:00Z", "2020-08-01T12:30:00Z")),
        Dimension("x", "x", 10, (-20.0, 10.0), "m", 3413),
        Dimension("y", "y", 10),
        Dimension("depth", "z", 100, (-2500.0, 0.0), "m"),
        Dimension("station", "other", 12),
    ),
    variables=(
        Variable("TEMP", "Temperature", "sea_water_temperature", "degC", ("time", "depth"), "float32"),
        Variable("TEMP_QC", None, None, None, ("time", "depth"), "int8", auxiliary=True),
    ),
    columns=(Column("Depth water [m]", "Depth", "m", "CTD", "number"),),
    row_count=1200,
    projection=Projection("EPSG:3413", shape=(10, 10), bbox=(0.0, 0.0, 1000.0, 1000.0)),
    platform="RV Polarstern",
    instruments=("CTD",),
    processing_level="L2",
    lineage="Calibrated.",
    version="1.0",
    language="en",
    resources=(
        Resource(
            "data",
            "https://thredds.example.org/fileServer/ctd 2020.nc",
            "application/netcdf",
            size=59_000_000,
            checksum="sha256:" + "ab" * 32,
            service="httpserver",
        ),
        Resource("opendap", "https://thredds.example.org/dodsC/ctd_2020.nc", service="opendap"),
        Resource(
            "wms", "https://thredds.example.org/wms/ctd_2020.nc?service=WMS&request=GetCapabilities", service="wms"
        ),
        Resource("ncss", "https://thredds.example.org/ncss/ctd_2020.nc", service="ncss"),
        Resource("metadata-iso", "https://thredds.example.org/iso/ctd_2020.nc", "application/xml", ("metadata",)),
    ),
    links=(Link("via", "https://thredds.example.org/catalog.html?dataset=ctd_2020.nc", "text/html", "Landing page"),),
)

INSTANT = Dataset(
    "buoy",
    title="Buoy across the date line",
    coverage=Coverage(start=datetime(2021, 1, 1, tzinfo=UTC), end=datetime(2021, 1, 1, tzinfo=UTC)),
    resources=(Resource("data", "https://thredds.example.org/buoy.csv", "text/csv", size=10),),
)
ONGOING = replace(
    INSTANT, identifier="mooring", title="Mooring", coverage=Coverage(start=datetime(2019, 5, 1, tzinfo=UTC))
)
TIMELESS = replace(INSTANT, identifier="planned", title="Planned activity", coverage=Coverage())
RESTRICTED = replace(
    FULL,
    identifier="closed",
    title="Closed",
    access=Access(restricted=True, statement="Registered users only."),
    links=(),
)
SHAPES = {
    "ctd_2020.nc": Shape(
        {"type": "Polygon", "coordinates": [[[-20, 76], [10, 76], [10, 80], [-20, 80], [-20, 76]]]}, [-20, 76, 10, 80]
    ),
    "closed": point(10, 78.5),
    "buoy": point(-15, 77.0),
    "mooring": point(5, 79.0),
    "planned": Shape(),
}
DATASETS = (FULL, INSTANT, ONGOING, TIMELESS, RESTRICTED)


def record(identifier: str) -> Record:
    return Record(identifier, "thredds", b"<dataset/>", "application/xml", "https://thredds.example.org/catalog.xml")


def context(dataset: Dataset, **changes: Any) -> ItemContext:
    made = ItemContext(
        DEFINITION,
        record(dataset.identifier),
        dataset.identifier.removesuffix(".nc"),
        references=True,
        explanation=True,
    )
    return replace(made, **changes)


def objects(by_year: bool = False) -> dict[str, dict[str, Any]]:
    """Path → STAC object of the whole sample."""
    place, summary, built = Place("imr", "ctd"), Summary(), {}
    for dataset in DATASETS:
        around = context(dataset, by_year=by_year, references=dataset is FULL)
        if needs_collection(dataset):
            built[place.child(around.id)], _ = build_record_collection(dataset, SHAPES[dataset.identifier], around)
            summary.add(built[place.child(around.id)])
        else:
            built[place.item(around.id)], _ = build_item(dataset, SHAPES[dataset.identifier], around)
            summary.add(built[place.item(around.id)])
    built[place.collection_json] = build_collection(DEFINITION, summary, by_year=by_year, references="application/json")
    for year in summary.years if by_year else ():
        built[place.year(year)] = build_year_catalog(DEFINITION, summary, year)
    built[partner_catalog("imr")] = build_partner_catalog(DEFINITION.partner, [DEFINITION])
    built["catalog.json"] = build_root_catalog([DEFINITION.partner])
    return built


def tree(by_year: bool = False) -> dict[str, bytes]:
    """Path → bytes of the whole sample, with stand-ins for pages and side files."""
    built = objects(by_year)
    files = {path: to_bytes(stac) for path, stac in built.items()}
    for path, stac in built.items():
        files[page_of(path)] = b"<!doctype html>"
        for asset in stac.get("assets", {}).values():
            if "://" not in asset["href"]:
                folder = path.rpartition("/")[0]
                name = asset["href"].removeprefix("./")
                body = b'{"version":1,"refs":{}}' if "references" in name else b"{}"
                files[f"{folder.rpartition('/')[0]}/{name[3:]}" if name.startswith("../") else f"{folder}/{name}"] = (
                    body
                )
    return files
