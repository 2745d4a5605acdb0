"""One dataset as a STAC Item or, where it has no time or is a series of its own, as a Collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.dataset import Dataset
from builder.definitions.model import Level
from builder.findings import Finding, note
from builder.stac.assets import build_assets
from builder.stac.context import Footprint, ItemContext, Json
from builder.stac.cube import cf_parameters
from builder.stac.extensions import STAC_VERSION, declared
from builder.stac.layout import relative
from builder.stac.links import JSON, inward, link, outward, structural, unique
from builder.stac.properties import describe, license_id, located, times
from builder.stac.serialize import ordered, plain
from builder.stac.tidy import tidy

GLOBE = [-180.0, -90.0, 180.0, 90.0]


def needs_collection(dataset: Dataset, level: Level = "auto") -> bool:
    """Tell whether a record becomes a Collection of its own instead of an Item.

    Without any time it cannot be an Item, whatever the definition's ``policies.level`` says.
    """
    if dataset.coverage.start is None and dataset.coverage.end is None:
        return True
    return level == "collection" or (level == "auto" and dataset.level == "collection")


def year_of(item: Mapping[str, Any]) -> str:
    """Return the year of an Item, four digits: that of its time or of the start of its interval."""
    properties = item["properties"]
    return str(properties["datetime"] or properties["start_datetime"])[:4]


def build_item(dataset: Dataset, footprint: Footprint, context: ItemContext) -> tuple[Json, list[Finding]]:
    """Make the STAC Item of a dataset that has a time.

    Args:
        dataset: What the record says.
        footprint: Where it is, repaired.
        context: Its collection, record, id and the files beside it.

    Returns:
        The Item as JSON types, and findings about values that had to be left out.
    """
    findings: list[Finding] = []
    dataset = tidy(dataset)
    path = context.place.item(context.id)
    item = _described(dataset, footprint, context, findings)
    assets, services, left_out = build_assets(dataset, context, path)
    collection = context.definition
    item |= {"collection": collection.id, "assets": assets}
    _name_parameters(item, dataset)
    folder = context.place
    parent = folder.year(year_of(item)) if context.by_year else folder.collection_json
    title = f"{collection.title} {year_of(item)}" if context.by_year else collection.title
    item["links"] = unique(
        [
            *structural(path, parent, title),
            link("collection", relative(path, folder.collection_json), JSON, collection.title),
            *inward(path, context),
            *outward(dataset, context, findings),
            *services,
        ]
    )
    return _finished(item), findings + left_out


def build_record_collection(dataset: Dataset, footprint: Footprint, context: ItemContext) -> tuple[Json, list[Finding]]:
    """Make the STAC Collection of a record that cannot be an Item; it stands in a folder of its own.

    Where the place is unknown its extent is the globe, as STAC demands one, and
    ``iaos:unlocated`` says so.

    Args:
        dataset: What the record says.
        footprint: Where it is, repaired.
        context: Its collection, record, id and the files beside it.

    Returns:
        The Collection as JSON types, and findings about values that had to be left out.
    """
    findings: list[Finding] = []
    dataset = tidy(dataset)
    path = context.place.child(context.id)
    described = _described(dataset, footprint, context, findings)
    said = described["properties"]
    moment = said.pop("datetime", None)
    span = [said.pop("start_datetime", moment), said.pop("end_datetime", None if said.get("iaos:ongoing") else moment)]
    assets, services, left_out = build_assets(dataset, context, path)
    if span == [None, None]:
        findings.append(
            note("stac.no-time", context.record.identifier, "has no time, so it is a Collection instead of an Item")
        )
    collection: Json = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": context.id,
        "extent": {
            "spatial": {"bbox": [list(footprint.bbox or GLOBE)]},
            "temporal": {"interval": [span]},
        },
        "assets": assets,
        "links": unique(
            [
                *structural(path, context.place.collection_json, context.definition.title),
                *inward(path, context),
                *outward(dataset, context, findings),
                *services,
            ]
        ),
    }
    collection["summaries"] = _summaries(said)
    collection |= said | {"description": said.get("description") or said["title"]}
    collection["license"] = license_id(said["license"])
    return _finished(collection), findings + left_out


def _summaries(said: Json) -> Json:
    """Take out the fields for which their extensions have no place on a Collection itself, as summaries."""
    named = {name: [said.pop(name)] for name in sorted(said) if name.startswith("processing:")}
    return named | ({"cf:parameter": said.pop("cf:parameter")} if "cf:parameter" in said else {})


def _described(dataset: Dataset, footprint: Footprint, context: ItemContext, findings: list[Finding]) -> Json:
    import pystac

    item = pystac.Item(
        id=context.id,
        geometry=dict(footprint.geometry) if footprint.geometry else None,
        bbox=list(footprint.bbox) if footprint.geometry and footprint.bbox else None,
        datetime=None,
        properties={"start_datetime": None, "end_datetime": None},
    )
    item.properties = {}  # a record's Collection may have no time, which an Item may not
    describe(item, dataset, context, findings)
    described = item.to_dict(include_self_link=False, transform_hrefs=False)
    del described["properties"]["datetime"]
    time = times(dataset, context.record.identifier, findings)
    described["properties"] = time | located(footprint) | described["properties"]
    return described


def _name_parameters(item: Json, dataset: Dataset) -> None:
    """Put the CF parameters on the data asset too: the CF extension 0.2 wants them on an asset."""
    parameters = cf_parameters(dataset)
    data = next((asset for asset in item["assets"].values() if "data" in asset.get("roles", ())), None)
    if parameters and data is not None:
        data["cf:parameter"] = parameters
    elif parameters:
        del item["properties"]["cf:parameter"]


def _finished(stac: Json) -> Json:
    if not stac.get("summaries", True):
        del stac["summaries"]
    stac["stac_extensions"] = declared(stac)
    return ordered(plain(stac))
