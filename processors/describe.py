"""Describes a processor for people, as JSON Schema and as OGC API - Processes document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from processors.openapi import openapi_schema
from processors.protocol import JSON, MEDIA_TYPES, Processor, Slot

if TYPE_CHECKING:
    from pydantic import BaseModel

JOBS = ["sync-execute", "async-execute"]
_SUFFIXES = {
    "tif": MEDIA_TYPES["cog"], "nc": MEDIA_TYPES["netcdf"], "csv": "text/csv", "png": "image/png",
    "svg": "image/svg+xml", "html": "text/html", "json": "application/json",
    "parquet": "application/vnd.apache.parquet", "geojson": "application/geo+json",
}  # fmt: skip


@cache
def schema_of(parameters: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model of parameters; all who ask share it and leave it as it is."""
    return parameters.model_json_schema()


def as_schema(processor: Processor) -> dict[str, JSON]:
    """Return the JSON Schema (2020-12) of the parameters."""
    schema = schema_of(processor.parameters)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def as_text(processor: Processor) -> str:
    """Return inputs, parameters with their defaults, and products, for reading in a terminal."""
    lines = [f"{processor.name} {processor.version}: {processor.title}", "", processor.description, "", "Inputs"]
    for slot in processor.inputs:
        count = f"{slot.least}" if slot.most == slot.least else f"{slot.least} to {slot.most or 'any number'}"
        lines.append(f"  {slot.name}  {slot.title} ({count})")
    lines += ["", "Parameters"]
    for name, field in processor.parameters.model_fields.items():
        default = "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
        lines.append(f"  {name}  {field.description or ''} [{default}]")
    lines += ["", "Products", *(f"  {name}  {title}" for name, title in processor.products.items())]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as descriptions show it.

    Attributes:
        name: Its name.
        title: A title made of it.
        description: What it means.
        required: Whether it must be given.
        default: Its default; None where there is none.
        choices: All it may be; empty where that is open.
        kind: JSON type: ``string`` for what is no plain value.
        plain: Whether it is one number, truth value or text.
        schema: Its JSON Schema.
        examples: Values that the author of the processor gives as examples.
    """

    name: str
    title: str
    description: str
    required: bool
    default: JSON
    choices: tuple[JSON, ...]
    kind: str
    plain: bool
    schema: dict[str, JSON]
    examples: tuple[JSON, ...]


def slots_of(processor: Processor) -> dict[str, Slot]:
    """Return the inputs by the names that documents give them: ``_file`` is added where a parameter has the same."""
    taken = processor.parameters.model_fields
    return {f"{slot.name}_file" if slot.name in taken else slot.name: slot for slot in processor.inputs}


def parameters_of(processor: Processor) -> Iterator[Parameter]:
    """Yield the parameters of a processor in their order."""
    schema = schema_of(processor.parameters)
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        options = [_resolved(one, schema) for one in field.get("anyOf", [field])]
        yield _parameter(name, field, [one for one in options if one.get("type") != "null"], required)


def _parameter(name: str, field: dict[str, Any], options: list[dict[str, Any]], required: set[str]) -> Parameter:
    """Make a parameter of its schema and the alternatives in it."""
    only = options[0] if len(options) == 1 else {}
    plain = only.get("type") in {"integer", "number", "boolean", "string"}
    return Parameter(
        name,
        field.get("title", name),
        field.get("description", ""),
        name in required,
        field.get("default"),
        tuple(only.get("enum", ())),
        str(only["type"]) if plain else "string",
        plain,
        field,
        tuple(field.get("examples", ())),
    )


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref", "")
    found: dict[str, Any] = schema.get("$defs", {}).get(reference.rpartition("/")[2], field) if reference else field
    return found


def as_ogc(processor: Processor, *, served: bool = False) -> dict[str, JSON]:
    """Return the process description of OGC API - Processes, Part 1 (OGC 18-062r2, section 7.10).

    Args:
        processor: The processor.
        served: Whether somebody answers who runs it, and so how jobs are controlled.
    """
    schema = schema_of(processor.parameters)
    required = set(schema.get("required", ()))
    inputs: dict[str, JSON] = {}
    for identifier, slot in slots_of(processor).items():
        files = [{"type": "string", "contentMediaType": kind} for kind in slot.media_types]
        inputs[identifier] = {
            "title": slot.title,
            "minOccurs": slot.least,
            "maxOccurs": slot.most or "unbounded",
            "schema": files[0] if len(files) == 1 else {"oneOf": files},
        }
    for name, field in schema.get("properties", {}).items():
        inputs[name] = {
            "title": field.get("title", name),
            "description": field.get("description", ""),
            "minOccurs": 1 if name in required else 0,
            "maxOccurs": 1,
            "schema": openapi_schema(
                {key: value for key, value in field.items() if key not in {"title", "description"}},
                schema.get("$defs", {}),
            ),
        }
    return {
        "id": processor.name,
        "version": processor.version,
        "title": processor.title,
        "description": processor.description,
        **({"jobControlOptions": JOBS, "outputTransmission": ["reference"]} if served else {}),
        "inputs": inputs,
        "outputs": {
            name: {"title": title, "schema": {"type": "string", "contentMediaType": media_type_of(name)}}
            for name, title in processor.products.items()
        },
    }


def media_type_of(name: str) -> str:
    """Return the media type of a product by its name or pattern."""
    return _SUFFIXES.get(name.rpartition(".")[2], "application/octet-stream")
