"""Describes a processor for people, as JSON Schema, as OGC API - Processes document and as WPS 1.0.0 answer."""

from __future__ import annotations

from typing import Any

from lxml import etree

from processors.protocol import JSON, MEDIA_TYPES, Processor

WPS = "http://www.opengis.net/wps/1.0.0"
OWS = "http://www.opengis.net/ows/1.1"
XSD = "https://www.w3.org/TR/xmlschema-2/#"
_KINDS = {"integer": "integer", "number": "double", "boolean": "boolean", "string": "string"}
_SUFFIXES = {
    "tif": MEDIA_TYPES["cog"], "nc": MEDIA_TYPES["netcdf"], "csv": "text/csv", "png": "image/png",
    "svg": "image/svg+xml", "html": "text/html", "json": "application/json",
    "parquet": "application/vnd.apache.parquet", "geojson": "application/geo+json",
}  # fmt: skip


def as_schema(processor: Processor) -> dict[str, JSON]:
    """Return the JSON Schema (2020-12) of the parameters."""
    schema = processor.parameters.model_json_schema()
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


def as_ogc(processor: Processor) -> dict[str, JSON]:
    """Return the process description of OGC API - Processes, Part 1 (OGC 18-062r2, section 7.10)."""
    schema = processor.parameters.model_json_schema()
    defined, required = schema.get("$defs"), set(schema.get("required", ()))
    inputs: dict[str, JSON] = {}
    for slot in processor.inputs:
        files = [{"type": "string", "contentMediaType": kind} for kind in slot.media_types]
        inputs[slot.name] = {
            "title": slot.title,
            "minOccurs": slot.least,
            "maxOccurs": slot.most or "unbounded",
            "schema": files[0] if len(files) == 1 else {"oneOf": files},
        }
    for name, field in schema.get("properties", {}).items():
        inner = {"$defs": defined} if defined else {}
        inputs[name] = {
            "title": field.get("title", name),
            "description": field.get("description", ""),
            "minOccurs": 1 if name in required else 0,
            "maxOccurs": 1,
            "schema": {key: value for key, value in field.items() if key not in {"title", "description"}} | inner,
        }
    return {
        "id": processor.name,
        "version": processor.version,
        "title": processor.title,
        "description": processor.description,
        "jobControlOptions": ["sync-execute", "async-execute"],
        "outputTransmission": ["reference"],
        "inputs": inputs,
        "outputs": {
            name: {"title": title, "schema": {"type": "string", "contentMediaType": _media_type(name)}}
            for name, title in processor.products.items()
        },
    }


def as_wps(processor: Processor) -> bytes:
    """Return a ``ProcessDescriptions`` document of WPS 1.0.0 (OGC 05-007r7, section 9)."""
    root = etree.Element(
        f"{{{WPS}}}ProcessDescriptions",
        {"service": "WPS", "version": "1.0.0", "{http://www.w3.org/XML/1998/namespace}lang": "en"},
        {"wps": WPS, "ows": OWS},
    )
    process = etree.SubElement(root, "ProcessDescription", storeSupported="true", statusSupported="true")
    process.set(f"{{{WPS}}}processVersion", processor.version)
    _named(process, processor.name, processor.title, processor.description)
    inputs = etree.SubElement(process, "DataInputs")
    for slot in processor.inputs:
        most = str(slot.most or 1_000_000)  # WPS 1.0.0 knows no unbounded
        one = etree.SubElement(inputs, "Input", minOccurs=str(slot.least), maxOccurs=most)
        _named(one, slot.name, slot.title)
        _formats(etree.SubElement(one, "ComplexData"), slot.media_types)
    schema = processor.parameters.model_json_schema()
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        one = etree.SubElement(inputs, "Input", minOccurs=str(int(name in required)), maxOccurs="1")
        _named(one, name, field.get("title", name), field.get("description", ""))
        _literal(one, field)
    outputs = etree.SubElement(process, "ProcessOutputs")
    for name, title in processor.products.items():
        one = etree.SubElement(outputs, "Output")
        _named(one, name, title)
        _formats(etree.SubElement(one, "ComplexOutput"), (_media_type(name),))
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _named(parent: etree._Element, name: str, title: str, abstract: str = "") -> None:
    for tag, text in (("Identifier", name), ("Title", title), ("Abstract", abstract)):
        if text:
            etree.SubElement(parent, f"{{{OWS}}}{tag}").text = text


def _formats(parent: etree._Element, media_types: tuple[str, ...]) -> None:
    for tag, kinds in (("Default", media_types[:1]), ("Supported", media_types)):
        group = etree.SubElement(parent, tag)
        for kind in kinds:
            etree.SubElement(etree.SubElement(group, "Format"), "MimeType").text = kind


def _literal(parent: etree._Element, field: dict[str, Any]) -> None:
    literal = etree.SubElement(parent, "LiteralData")
    kinds = [one.get("type") for one in field.get("anyOf", [field])]
    kind = _KINDS.get(next((one for one in kinds if one != "null"), None) or "string", "string")
    etree.SubElement(literal, f"{{{OWS}}}DataType", {f"{{{OWS}}}reference": XSD + kind}).text = kind
    if "enum" in field:
        allowed = etree.SubElement(literal, f"{{{OWS}}}AllowedValues")
        for value in field["enum"]:
            etree.SubElement(allowed, f"{{{OWS}}}Value").text = str(value)
    else:
        etree.SubElement(literal, f"{{{OWS}}}AnyValue")
    if field.get("default") is not None:
        etree.SubElement(literal, "DefaultValue").text = str(field["default"])


def _media_type(name: str) -> str:
    return _SUFFIXES.get(name.rpartition(".")[2], "application/octet-stream")
