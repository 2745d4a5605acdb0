"""The processing services in the catalogue: a page for each, and its descriptions in the languages of OGC."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from builder.findings import Finding, warning
from builder.media import media_type
from builder.pages.facts import Value
from builder.pages.markup import plain, rich
from builder.pages.processes import Made, ProcessView, Taken
from builder.processing.draft import draft_of

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.pages.render import Renderer
    from processors.protocol import Processor

FOLDER = "processes"
LIST = f"{FOLDER}/index.json"
"""All services, as OGC API - Processes lists them."""
RELATION = "http://www.opengis.net/def/rel/ogc/1.0/processes"
SELF = {"rel": "self", "type": "application/json"}


def process_files(
    definitions: Sequence[CollectionDefinition], renderer: Renderer
) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Return the files of all services that are installed, and findings about plug-ins that are broken.

    Args:
        definitions: Those of the catalogue, some of which a service makes.
        renderer: Makes pages.
    """
    from processors.registry import find_processors

    found = find_processors()
    views = [_view(processor, definitions) for processor in found.processors.values()]
    files = [(f"{FOLDER}/index.html", renderer.processes(views))]
    listed = [_listed(processor) for processor in found.processors.values()]
    files.append((LIST, _json({"processes": listed, "links": [SELF | {"href": "./index.json"}]})))
    for processor, view in zip(found.processors.values(), views, strict=True):
        files.append((f"{FOLDER}/{processor.name}.html", renderer.process(view)))
        files += _documents(processor)
    return files, [warning("process.broken", "plug-ins", line, "repair or uninstall it") for line in found.broken]


def path_of(processor: str) -> str:
    """Return the path of the description of a service."""
    return f"{FOLDER}/{processor}.json"


def _documents(processor: Processor) -> Iterator[tuple[str, bytes]]:
    from processors.describe import as_ogc, as_schema
    from processors.describewps import as_wps

    stem = f"{FOLDER}/{processor.name}"
    yield path_of(processor.name), _json(as_ogc(processor) | {"links": _links(processor.name)})
    yield f"{stem}.schema.json", _json(as_schema(processor))
    yield f"{stem}.wps-1.0.0.xml", as_wps(processor, "1.0.0")
    yield f"{stem}.wps-2.0.xml", as_wps(processor, "2.0")


def _listed(processor: Processor) -> dict[str, Any]:
    """Return what a list says of a service (OGC 18-062r2, section 7.9)."""
    about = {"id": processor.name, "version": processor.version, "title": processor.title}
    own = {"rel": "self", "href": f"./{processor.name}.json", "type": "application/json", "title": processor.title}
    return about | {"description": processor.description, "links": [own]}


def _links(name: str) -> list[dict[str, str]]:
    described = {"rel": "describedby", "href": f"./{name}.schema.json", "type": "application/schema+json"}
    page = {"rel": "alternate", "href": f"./{name}.html", "type": "text/html"}
    return [SELF | {"href": f"./{name}.json"}, page, described]


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _view(processor: Processor, definitions: Sequence[CollectionDefinition]) -> ProcessView:
    from processors.describe import Parameter, parameters_of

    def taken(one: Parameter) -> Taken:
        """Say one parameter in words."""
        kind = " · ".join(map(str, one.choices)) or (one.kind if one.plain else "JSON")
        default = "" if one.default is None else json.dumps(one.default, ensure_ascii=False)
        return Taken(one.name, rich(one.description), kind, default, one.required)

    name = processor.name
    return ProcessView(
        name,
        processor.version,
        processor.title,
        rich(processor.description),
        plain(processor.description, 160),
        tuple(Taken(s.name, rich(s.title), ", ".join(s.media_types), "", s.least > 0) for s in processor.inputs),
        tuple(map(taken, parameters_of(processor))),
        tuple(Made(product, title) for product, title in processor.products.items()),
        _command(processor),
        draft_of(processor),
        tuple(_made_by(name, definitions)),
        (
            Value("OGC API – Processes", f"./{name}.json"),
            Value("WPS 1.0.0", f"./{name}.wps-1.0.0.xml"),
            Value("WPS 2.0", f"./{name}.wps-2.0.xml"),
            Value("JSON Schema", f"./{name}.schema.json"),
        ),
    )


def _made_by(name: str, definitions: Sequence[CollectionDefinition]) -> Iterator[Value]:
    for one in definitions:
        source: Any = one.source
        if source.type == "process" and source.processor == name:
            yield Value(one.title, f"../{one.partner.id}/{one.id}/index.html")


def _command(processor: Processor) -> str:
    """Return an example with all that must be given."""
    from processors.describe import parameters_of

    words = ["iaos", "process", "run", processor.name]
    for number, slot in enumerate(slot for slot in processor.inputs if slot.least):
        words.append(f"{slot.name}=FILE" if number else "FILE")
    for one in parameters_of(processor):
        if one.required:
            value = next(iter((*one.examples, *one.choices)), one.kind.upper())
            words += ["--param", f"{one.name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join([*words, "--out", "products"])


def media_type_of(path: str) -> str:
    """Return the media type of a file of a service."""
    return "application/schema+json" if path.endswith(".schema.json") else media_type(path)
