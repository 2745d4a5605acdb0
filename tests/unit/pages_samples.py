"""STAC documents the page tests render: shapes as the STAC specification and its extensions have them."""

from __future__ import annotations

from typing import Any

from builder.pages.render import Entry
from builder.pages.status import SourceStatus

GCMD = "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords"
CATALOG = {
    "type": "Catalog",
    "stac_version": "1.1.0",
    "id": "iaos",
    "title": "iAOS",
    "description": "Arctic observations.",
    "links": [],
}
IMR = {
    "type": "Catalog",
    "id": "imr",
    "title": "Institute of Marine Research",
    "description": "Physical and biological observations in the Nordic and Barents Seas.",
    "links": [{"rel": "about", "href": "https://www.hi.no/en", "type": "text/html"}],
}
AWI = {"type": "Catalog", "id": "awi", "title": "Alfred Wegener Institute", "description": "PANGAEA.", "links": []}
NERSC = {"type": "Catalog", "id": "nersc", "title": "Nansen Center", "description": "Sea ice.", "links": []}


def collection(name: str, title: str, box: list[float], start: str, end: str | None, **more: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": f"{title}, harvested every night. See the [partner](https://example.org/about).",
        "license": "CC-BY-4.0",
        "keywords": ["ocean", "Arctic"],
        "providers": [
            {"name": "Institute of Marine Research", "roles": ["producer", "host"], "url": "https://www.hi.no"}
        ],
        "extent": {"spatial": {"bbox": [box]}, "temporal": {"interval": [[start, end]]}},
        "links": [
            {"rel": "describedby", "href": "./datapackage.json", "type": "application/json", "title": "Data Package"}
        ],
    } | more


CTD_COLLECTION = collection(
    "ctd",
    "CTD profiles, IMR research vessels",
    [-5.0, 62.0, 55.0, 81.0],
    "1995-01-01T00:00:00Z",
    None,
    assets={
        "references": {
            "href": "./references.json",
            "type": "application/json",
            "title": "Combined kerchunk references",
            "roles": ["references", "index"],
        }
    },
    themes=[{"scheme": GCMD, "concepts": [{"id": "OCEANS"}, {"id": "BIOSPHERE"}]}],
)
TABLE_COLLECTION = collection(
    "events", "Samples of the Arctic expeditions", [-180, 60, 180, 90], "2007-08-01T00:00:00Z", "2015-10-01T00:00:00Z"
)
ICE_COLLECTION = collection(
    "seaice",
    "Sea-ice concentration, daily grids",
    [-180, 31, 180, 90],
    "2018-01-01T00:00:00Z",
    None,
    themes=[
        {"scheme": "https://example.org/other", "concepts": [{"id": "OCEANS"}]},
        {"scheme": GCMD, "concepts": [{"id": "CRYOSPHERE"}]},
    ],
)

CTD: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "58jh-ctd-2003",
    "collection": "ctd",
    "geometry": {"type": "MultiPoint", "coordinates": [[15.5 + i * 0.7, 72 + (i % 9) * 0.5] for i in range(40)]},
    "bbox": [15.5, 72.0, 42.8, 76.0],
    "properties": {
        "title": "CTD profiles of R/V Johan Hjort, 2003",
        "description": "Temperature and salinity profiles from a **CTD** lowered from the ship.\n\nDepth is an index, "
        "not metres; see `PRESSURE`.",
        "datetime": None,
        "start_datetime": "2003-01-17T06:20:00Z",
        "end_datetime": "2003-12-02T23:59:59Z",
        "license": "CC-BY-4.0",
        "language": {"code": "en"},
        "keywords": ["temperature", "salinity", "CTD", "Barents Sea"],
        "platform": "Johan Hjort",
        "instruments": ["Sea-Bird SBE 911plus"],
        "processing:level": "L2",
        "updated": "2016-03-04T09:10:11Z",
        "iaos:vertical": {"minimum": -3700.0, "maximum": 0.0, "unit": "m"},
        "providers": [
            {"name": "Institute of Marine Research", "roles": ["producer", "host"], "url": "https://www.hi.no"}
        ],
        "contacts": [
            {
                "name": "Norwegian Marine Data Centre",
                "roles": ["pointOfContact"],
                "emails": [{"value": "data@example.org"}],
            }
        ],
        "cube:dimensions": {
            "TIME": {
                "type": "temporal",
                "extent": ["2003-01-17T06:20:00Z", "2003-12-02T11:00:00Z"],
                "iaos:size": 756,
            },
            "DEPTH": {"type": "spatial", "axis": "z", "extent": [0, 3700], "unit": "m", "iaos:size": 3700},
        },
        "cube:variables": {
            "LATITUDE": {"type": "auxiliary", "dimensions": ["TIME"], "unit": "degrees_north"},
            "TEMP": {
                "type": "data",
                "dimensions": ["TIME", "DEPTH"],
                "unit": "degree_Celsius",
                "description": "Sea water temperature",
                "cf:standard_name": "sea_water_temperature",
            },
            "PSAL": {
                "type": "data",
                "dimensions": ["TIME", "DEPTH"],
                "unit": "1",
                "description": "Practical salinity",
                "cf:standard_name": "sea_water_practical_salinity",
            },
        },
        "iaos:source": {
            "protocol": "thredds",
            "endpoint": "https://opendap.example.org/thredds/catalog.xml",
            "identifier": "physics/point/yearly/58JH_CTD_2003.nc",
            "format": "thredds",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "warnings": ["valid_range is in packed counts and was ignored"],
        },
    },
    "assets": {
        "data": {
            "href": "https://opendap.example.org/thredds/fileServer/physics/58JH_CTD_2003.nc",
            "type": "application/netcdf",
            "title": "58JH_CTD_2003.nc",
            "roles": ["data"],
            "file:size": 24196000,
            "file:checksum": "1220" + "ab" * 32,
        },
        "opendap": {
            "href": "https://opendap.example.org/thredds/dodsC/physics/58JH_CTD_2003.nc",
            "type": "application/x-netcdf",
            "title": "OPeNDAP",
            "roles": ["data"],
        },
        "references": {
            "href": "./references/58jh-ctd-2003.json",
            "type": "application/json",
            "title": "Kerchunk references",
            "roles": ["references", "index"],
        },
        "source-record": {
            "href": "./records/58jh-ctd-2003.xml.txt",
            "type": "application/xml",
            "title": "Source record, byte for byte",
            "roles": ["metadata"],
        },
    },
    "links": [{"rel": "via", "href": "https://opendap.example.org/thredds/catalog.html", "type": "text/html"}],
}
TABLE: dict[str, Any] = {
    "type": "Feature",
    "id": "pangaea-902845",
    "collection": "events",
    "geometry": {"type": "Point", "coordinates": [-19.4833, 74.9167]},
    "bbox": [-19.4833, 74.9167, -19.4833, 74.9167],
    "properties": {
        "title": "Physical oceanography and benthos samples from the Greenland Sea",
        "description": "Samples taken with a box corer.",
        "datetime": "2009-07-14T12:10:05Z",
        "license": "CC-BY-4.0",
        "sci:doi": "10.1594/PANGAEA.902845",
        "sci:publications": [{"doi": "10.1000/paper", "citation": "A paper about it"}],
        "version": "2",
        "published": "2019-06-20T00:00:00Z",
        "contacts": [
            {"name": "Muster, Erika", "roles": ["author"], "identifier": "https://orcid.org/0000-0002-1825-0097"},
            {"name": "Núñez & Søn, Árni", "roles": ["author", "principalInvestigator"]},
        ],
        "table:columns": [
            {"name": "Depth water", "unit": "m", "description": "Depth, water", "method": "CTD"},
            {"name": "Temp", "unit": "°C", "description": "Water temperature"},
        ],
        "table:row_count": 1204,
    },
    "assets": {
        "data": {
            "href": "https://doi.pangaea.de/10.1594/PANGAEA.902845?format=textfile",
            "type": "text/tab-separated-values",
            "title": "Data as text",
            "roles": ["data"],
        }
    },
    "links": [{"rel": "cite-as", "href": "https://doi.org/10.1594/PANGAEA.902845"}],
}
ICE: dict[str, Any] = {
    "type": "Feature",
    "id": "ice-conc-20180801",
    "collection": "seaice",
    "geometry": {
        "type": "Polygon",
        "coordinates": [
            [
                [-180, 64.0],
                [-135, 57.8],
                [-90, 64.0],
                [-45, 52.2],
                [0, 64.0],
                [45, 57.8],
                [90, 64.0],
                [135, 52.2],
                [180, 64.0],
                [180, 90],
                [-180, 90],
                [-180, 64.0],
            ]
        ],
    },
    "bbox": [-180, 52.2, 180, 90],
    "properties": {
        "title": "Sea-ice concentration, 1 August 2018",
        "datetime": "2018-08-01T00:00:00Z",
        "proj:code": "EPSG:3413",
        "proj:shape": [1216, 896],
        "license": "other",
        "iaos:license": "Free for research; cite the source.",
    },
    "assets": {
        "data": {
            "href": "./data/ice-conc-20180801.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"],
            "file:size": 4404019,
        },
        "data-2": {
            "href": "./data/ice-conc-20180801.csv",
            "type": "text/csv",
            "title": "Ice extent",
            "roles": ["data"],
        },
    },
    "links": [],
}
CRUISE: dict[str, Any] = {
    "type": "Feature",
    "id": "pangaea-901709",
    "collection": "events",
    "geometry": {
        "type": "MultiLineString",
        "coordinates": [
            [[30.0, 70.0], [60, 80], [100, 85.0], [150.0, 86.0], [180.0, 84.0]],
            [[-180.0, 84.0], [-150.0, 79.0], [-116.2, 71.5]],
        ],
    },
    "bbox": [30.0, 70.0, -116.2, 86.0],
    "properties": {
        "title": "Underway measurements from Tromsø to Tuktoyaktuk",
        "start_datetime": "2007-08-01T10:00:00Z",
        "end_datetime": "2007-10-07T08:30:00Z",
        "datetime": None,
        "iaos:restricted": True,
        "auth:schemes": {"login": {"type": "login", "description": "Access rights needed"}},
    },
    "assets": {
        "data": {
            "href": "https://doi.pangaea.de/10.1594/PANGAEA.901709?format=zip",
            "type": "application/zip",
            "roles": ["data"],
            "auth:refs": ["login"],
        }
    },
    "links": [{"rel": "cite-as", "href": "https://doi.org/10.1594/PANGAEA.901709"}],
}
NOWHERE: dict[str, Any] = {
    "type": "Feature",
    "id": "planned-activity",
    "collection": "events",
    "geometry": None,
    "properties": {
        "title": "Čáhppesguoika ja Ŋámmojohka: plánejuvvon doaibma",
        "language": {"code": "se"},
        "datetime": None,
        "iaos:original_temporal": "summer 2008",
        "iaos:unlocated": True,
    },
    "assets": {},
    "links": [],
}
EXPLAIN = {
    "item": "58jh-ctd-2003",
    "collection": "ctd",
    "record": {"identifier": "x", "format": "thredds", "url": "https://opendap.example.org/thredds/catalog.xml"},
    "fields": [
        {"field": "geometry", "source": "file", "place": "LATITUDE, LONGITUDE", "rule": "acdd"},
        {"field": "properties.title", "source": "catalog.xml", "place": "dataset/@name", "rule": "thredds"},
    ],
}
CHANGES = [
    {
        "date": "2026-11-24T02:10:00Z",
        "action": "add",
        "title": "CTD 2003",
        "href": "imr/ctd/58jh-ctd-2003.html",
        "reason": "new record",
    },
    {"date": "2026-11-23T02:10:00Z", "action": "replace", "title": "Samples", "href": "awi/events/pangaea-902845.html"},
    {
        "date": "2026-11-23T02:10:00Z",
        "action": "withdraw",
        "title": "Old grid",
        "href": None,
        "reason": "withdrawn by the partner",
    },
]
SHELVES = [
    (IMR, CTD_COLLECTION, [CTD]),
    (AWI, TABLE_COLLECTION, [TABLE, CRUISE, NOWHERE]),
    (NERSC, ICE_COLLECTION, [ICE]),
]
ENTRIES = [Entry(shelf, partner, len(items), [item["geometry"] for item in items]) for partner, shelf, items in SHELVES]

SOURCES = [
    SourceStatus(
        "CTD profiles", "imr/ctd/index.html", "IMR", "thredds", 3, "2024-03-01", 0, "", {"2024-03-01": "ok"}
    ),
    SourceStatus(
        "Sea ice", "nersc/seaice/index.html", "NERSC", "ckan", 0, None, 2, "HTTP status 404",
        {"2024-02-28": "failed", "2024-03-01": "failed"},
    ),
]  # fmt: skip
