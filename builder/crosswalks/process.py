"""Reads what a run of a processor left: its lineage, its inputs and its products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from builder.crosswalks.jsontext import Json, objects, read_json, wording
from builder.crosswalks.times import parse_time
from builder.dataset import Dataset, Draft, Resource
from builder.errors import RecordError

if TYPE_CHECKING:
    from builder.sources.protocol import Record

OF_ITEM = frozenset({"geometry", "datetime", "start_datetime", "end_datetime", "notes", "item"})
"""What a product says of the item as a whole; the rest belongs to its asset."""


def describe(record: Record) -> Dataset:
    """Describe the products of a run; their place and time where the products themselves tell it.

    Raises:
        RecordError: The record is none of a run.
    """
    run = read_run(record)
    draft = Draft(record.identifier, source="process", rule="process")
    products = list(objects(run["products"]))
    draft.put("title", next((wording(one, "title") for one in products), ""), "products[0].title")
    draft.put("description", _description(run, products), "process.description")
    said: dict[str, Any] = {}
    for product in reversed(products):
        said |= product["fields"]
    draft.put("coverage.geometry", said.get("geometry"), "products.geometry")
    _put_time(draft, said, "products")
    draft.put("lineage", _lineage(run), "process")
    draft.put("resources", tuple(_resources(run, products)), "products")
    return draft.build()


def fallback(record: Record) -> Dataset:
    """Describe place and time of the inputs of a run: those of its products where these tell nothing."""
    inputs = read_run(record)["around"]
    draft = Draft(record.identifier, source="process", rule="process")
    draft.put("coverage.geometry", inputs.get("geometry"), "around.geometry")
    _put_time(draft, inputs, "around")
    return draft.build()


def fields_of(record: Record) -> dict[str, Any]:
    """Return the properties of an item that say how it was made; none for other records."""
    if record.format != "process":
        return {}
    run = read_run(record)
    process = run["process"]
    said: dict[str, Any] = {}
    for product in reversed(list(objects(run["products"]))):
        said |= product["fields"].get("item", {})
    software = {str(name): str(version) for name, version in process["software"].items()}
    return said | {
        "processing:software": {**software, process["name"]: process["version"]},
        "iaos:process": {
            "name": process["name"],
            "version": process["version"],
            "parameters": run["parameters"],
            "seed": run["seed"],
            "inputs": [{name: one[name] for name in ("slot", "href", "sha256")} for one in run["inputs"]],
        },
    }


def read_run(record: Record) -> Json:
    """Return the content of a record of a run.

    Raises:
        RecordError: It is none.
    """
    run = read_json(record)
    if not isinstance(run, dict) or not {"process", "key", "inputs", "parameters", "products", "around"} <= run.keys():
        raise RecordError("not the record of a run", where=record.identifier)
    return run


def _put_time(draft: Draft, said: Mapping[str, Any], place: str) -> None:
    for field, name in (("coverage.start", "start_datetime"), ("coverage.end", "end_datetime")):
        moment = said.get(name) or said.get("datetime")
        draft.put(field, parse_time(moment) if isinstance(moment, str) else None, f"{place}.{name}")


def _description(run: Json, products: list[Json]) -> str:
    notes = [note for product in products for note in product["fields"].get("notes", ())]
    listed = "".join(f"\n- {note}" for note in dict.fromkeys(notes))
    return str(run["process"]["description"]) + (f"\n\nFound on the way:\n{listed}" if listed else "")


def _lineage(run: Json) -> str:
    process, inputs = run["process"], run["inputs"]
    some = ", ".join(one["href"].rpartition("/")[2] for one in inputs[:3])
    more = f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""
    return f"Made by the processor {process['name']}, version {process['version']}, from {some}{more}."


def _resources(run: Json, products: list[Json]) -> Iterator[Resource]:
    for product in products:
        yield Resource(
            key=product["name"],
            href=f"data/{quote(run['id'])}/{quote(product['name'])}",
            media_type=product["media_type"],
            roles=tuple(product["roles"]),
            title=product["title"],
            size=product["size"],
            checksum=f"sha256:{product['sha256']}",
            local=f"{run['key']}/{product['name']}",
            extra={name: value for name, value in product["fields"].items() if name not in OF_ITEM},
        )
