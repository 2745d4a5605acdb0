"""Checks a whole catalogue, on disk or in memory: every object by itself, then how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from builder.checks.references import check_references
from builder.checks.rules import Subject, check_object, tree_rule
from builder.checks.shapes import covers
from builder.checks.validate import validate
from builder.findings import Finding, Severity, error
from builder.stac.extents import moment
from builder.stac.layout import is_stac, resolve

_STORE = "/.zmetadata"
"""Stands in a folder that is one asset: references as Parquet."""

_DUPLICATE = tree_rule(
    "stac.id-duplicate",
    Severity.ERROR,
    "An Item's id is unique in its Collection, a Collection's id in the catalogue.",
    "one of the records is a copy, or the identifiers need a prefix",
)
_ONE_WAY = tree_rule(
    "stac.link-one-way",
    Severity.ERROR,
    "A link to a child or item is answered by the target's parent link, and the other way round.",
)
_SPACE = tree_rule("stac.extent-space", Severity.ERROR, "The spatial extent of a Collection contains its Items.")
_TIME = tree_rule("stac.extent-time", Severity.ERROR, "The temporal extent of a Collection contains its Items.")
_EMPTY = tree_rule(
    "stac.empty", Severity.NOTE, "A Collection holds something.", "harvest it, or disable its definition"
)


@dataclass(frozen=True, slots=True)
class _Node:
    """What the rules about the tree need to know of one object; small, as there may be 100,000."""

    kind: str
    id: str
    collection: str | None
    parent: str | None
    down: tuple[str, ...]
    bbox: tuple[float, ...] | None
    interval: tuple[str | None, str | None]
    assets: bool


def check_tree(read: Callable[[str], bytes], paths: Iterable[str]) -> Iterator[Finding]:
    """Check a catalogue.

    Args:
        read: Returns the bytes at a path.
        paths: All paths of the catalogue's files, pages and data included, relative to its root.

    Yields:
        Findings about single objects in the order of their paths, then about the tree.
    """
    known = frozenset(paths)
    there = known | {path.removesuffix(_STORE) for path in known if path.endswith(_STORE)}
    nodes: dict[str, _Node] = {}
    for path in sorted(filter(is_stac, known)):
        try:
            stac = orjson.loads(read(path))
        except orjson.JSONDecodeError as trouble:
            yield error("stac.json", path, f"is not JSON: {trouble}")
            continue
        if not isinstance(stac, dict):
            yield error("stac.json", path, "is not a JSON object")
            continue
        yield from validate(stac, path)
        subject = Subject(stac, path, there)
        yield from check_object(subject)
        nodes[path] = _node(subject)
    yield from _check_ids(nodes)
    yield from _check_hierarchy(nodes)
    yield from _check_extents(nodes)
    yield from check_references(read, known)


def _node(subject: Subject) -> _Node:
    stac = subject.stac
    links = [(rel, resolve(subject.path, href)) for rel, href, _ in subject.links()]
    kind = str(stac.get("type"))
    return _Node(
        kind=kind,
        id=str(stac.get("id")),
        collection=next((target for rel, target in links if rel == "collection"), None),
        parent=next((target for rel, target in links if rel == "parent"), None),
        down=tuple(target for rel, target in links if rel in {"child", "item"}),
        bbox=_bbox(stac, kind),
        interval=_interval(subject, kind),
        assets=bool(stac.get("assets")),
    )


def _bbox(stac: Mapping[str, Any], kind: str) -> tuple[float, ...] | None:
    box: Any = stac.get("bbox")
    if kind == "Collection":
        box = _dig(stac, "extent", "spatial", "bbox", 0)
    numbers = isinstance(box, list) and len(box) in {4, 6} and all(isinstance(value, int | float) for value in box)
    if not numbers:
        return None
    half = len(box) // 2
    return (box[0], box[1], box[half], box[half + 1])


def _interval(subject: Subject, kind: str) -> tuple[str | None, str | None]:
    if kind == "Collection":
        span = _dig(subject.stac, "extent", "temporal", "interval", 0)
        start, end = span if isinstance(span, list) and len(span) == 2 else (None, None)
    else:
        said = subject.properties
        instant = said.get("datetime")
        start = said.get("start_datetime", instant)
        end = None if said.get("iaos:ongoing") else said.get("end_datetime", instant)
    return (start if isinstance(start, str) else None, end if isinstance(end, str) else None)


def _dig(value: Any, *steps: str | int) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _check_ids(nodes: Mapping[str, _Node]) -> Iterator[Finding]:
    first: dict[tuple[str, str | None, str], str] = {}
    for path, node in nodes.items():
        if node.kind in {"Feature", "Collection"}:
            place = first.setdefault((node.kind, node.collection, node.id), path)
            if place != path:
                yield _DUPLICATE.found(path, f"has the id {node.id!r} of {place}")


def _check_hierarchy(nodes: Mapping[str, _Node]) -> Iterator[Finding]:
    down = {path: frozenset(node.down) for path, node in nodes.items()}
    for path, node in nodes.items():
        for target in node.down:
            if target in nodes and nodes[target].parent != path:
                yield _ONE_WAY.found(path, f"links down to {target}, whose parent is {nodes[target].parent}")
        if node.parent is not None and path not in down.get(node.parent, ()):
            yield _ONE_WAY.found(path, f"has the parent {node.parent}, which does not link to it")


def _check_extents(nodes: Mapping[str, _Node]) -> Iterator[Finding]:
    for path, node in nodes.items():
        if node.kind == "Collection" and not (node.down or node.assets):
            yield _EMPTY.found(path, "holds no item, child or asset")
        whole = nodes.get(node.collection or "")
        if node.kind == "Feature" and whole is not None:
            yield from _check_extent(path, node, whole)


def _check_extent(path: str, node: _Node, whole: _Node) -> Iterator[Finding]:
    if node.bbox and whole.bbox and not _contains(whole.bbox, node.bbox):
        yield _SPACE.found(path, f"bbox {list(node.bbox)} lies outside {list(whole.bbox)} of its Collection")
    if not _spans(whole.interval, node.interval):
        yield _TIME.found(path, f"interval {node.interval} lies outside {whole.interval} of its Collection")


def _contains(outer: tuple[float, ...], inner: tuple[float, ...]) -> bool:
    west, south, east, north = inner
    if not (outer[1] <= south and north <= outer[3]):
        return False
    if (outer[0], outer[2]) == (-180, 180):
        return True
    crosses = west > east and outer[0] <= outer[2]
    return not crosses and covers(outer[0], outer[2], west) and covers(outer[0], outer[2], east)


def _spans(outer: tuple[str | None, str | None], inner: tuple[str | None, str | None]) -> bool:
    starts = outer[0] is None or (inner[0] is not None and moment(outer[0]) <= moment(inner[0]))
    ends = outer[1] is None or (inner[1] is not None and moment(inner[1]) <= moment(outer[1]))
    return starts and ends
