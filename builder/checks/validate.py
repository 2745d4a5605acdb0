"""Validates STAC objects against vendored JSON Schemas, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any

import orjson

from builder.errors import IaosError
from builder.findings import Finding, error

CORE = {
    "Feature": "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json",
    "Collection": "https://schemas.stacspec.org/v1.1.0/collection-spec/json-schema/collection.json",
    "Catalog": "https://schemas.stacspec.org/v1.1.0/catalog-spec/json-schema/catalog.json",
}
"""Value of ``type`` → schema of STAC 1.1."""

_MOST_ERRORS = 20
_LONGEST_MESSAGE = 300


def validate(stac: Mapping[str, Any], where: str = "") -> list[Finding]:
    """Validate an Item, Collection or Catalog against STAC 1.1 and every extension it declares.

    Args:
        stac: The object as JSON types.
        where: Its path, for the findings; its id where empty.

    Returns:
        Nothing for a valid object, else at most 20 findings with code ``stac.schema`` (a value
        contradicts a schema), ``stac.unknown-extension`` (no schema is vendored for it) or
        ``stac.type`` (it is none of the three).
    """
    where = where or str(stac.get("id", ""))
    core = CORE.get(str(stac.get("type")))
    if core is None:
        return [error("stac.type", where, f"/type: {stac.get('type')!r} is not Feature, Collection or Catalog")]
    declared = stac.get("stac_extensions") or []
    uris = [core, *declared] if isinstance(declared, list) else [core]
    if all(isinstance(uri, str) for uri in uris) and _all_of(*uris).is_valid(stac):
        return []
    return list(islice(dict.fromkeys(_validate(stac, where, uris)), _MOST_ERRORS))


def _validate(stac: Mapping[str, Any], where: str, uris: list[Any]) -> Iterator[Finding]:
    for uri in uris:
        if not isinstance(uri, str) or not is_vendored(uri):
            yield error(
                "stac.unknown-extension",
                where,
                f"/stac_extensions: no schema is vendored for {uri!r}",
                "add it to builder/checks/schemas or remove the extension",
            )
            continue
        for problem in _validator(uri).iter_errors(stac):
            yield error("stac.schema", where, _line(problem, uri))


def is_vendored(uri: str) -> bool:
    """Tell whether the schema at an address is among the vendored ones."""
    return _path(uri) is not None


def vendored(uri: str) -> dict[str, Any]:
    """Return a vendored schema.

    Raises:
        IaosError: There is none at that address.
    """
    path = _path(uri)
    if path is None:
        raise IaosError("the schema is not vendored", where=uri)
    schema: dict[str, Any] = orjson.loads(path.read_bytes())
    return schema


@lru_cache(256)
def _path(uri: str) -> Any:
    address = uri.partition("#")[0]
    parts = address.removeprefix("https://").split("/")
    if not address.startswith("https://") or not all(parts) or ".." in parts:
        return None
    path = files("builder.checks").joinpath("schemas", *parts)
    return path if path.is_file() else None


@lru_cache(256)
def _all_of(*uris: str) -> Any:
    """Compile schemas into one that walks an object once; it refuses all where one of them is not vendored."""
    import jsonschema_rs

    schema = {"allOf": [{"$ref": uri} for uri in uris]} if all(map(is_vendored, uris)) else False
    return jsonschema_rs.Draft7Validator(schema, retriever=vendored, validate_formats=True)


@cache
def _validator(uri: str) -> Any:
    """Compile a schema once; a reference to anything not vendored is refused, never fetched."""
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator(vendored(uri), retriever=vendored, validate_formats=True)


def _line(problem: Any, uri: str) -> str:
    """Return one line: JSON pointer, what is wrong, and the schema that says so."""
    deepest = _deepest(problem)
    pointer = "/" + "/".join(str(step) for step in deepest.instance_path)
    message = " ".join(str(deepest.message).split())[:_LONGEST_MESSAGE]
    name = (
        uri.removeprefix("https://stac-extensions.github.io/").removesuffix("/schema.json").rsplit("/json-schema/")[-1]
    )
    return f"{pointer}: {message} ({name})"


def _deepest(problem: Any) -> Any:
    """Return the error that explains a failed choice: the one in the branch meant for this kind of object."""
    branches = [list(branch) for branch in getattr(problem.kind, "context", None) or []]
    meant = [branch for branch in branches if branch and not any(_is_kind(entry) for entry in branch)] or branches
    candidates = [_deepest(entry) for branch in meant for entry in branch]
    return max([problem, *candidates], key=lambda entry: len(list(entry.instance_path)))


def _is_kind(problem: Any) -> bool:
    return list(problem.instance_path) == ["type"]
