"""The facts of a dataset as labelled values: when, where, with what, under which terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from markupsafe import escape

from builder.pages.markup import safe_href
from builder.pages.values import (
    Json,
    Time,
    bbox,
    bbox_words,
    instant,
    interval,
    items,
    links,
    mapping,
    mappings,
    number,
    properties,
    text,
    texts,
    whole,
)
from builder.spheres import SCHEME, Sphere, among


class Value(NamedTuple):
    """Words, where they lead to, and what they mean to a machine.

    Attributes:
        words: What is shown.
        href: A safe address.
        iso: The instant, for ``<time datetime>``.
        code: Whether it is an identifier and is shown in the fixed-width face.
    """

    words: str
    href: str | None = None
    iso: str | None = None
    code: bool = False

    def __html__(self) -> str:
        """Return it as HTML; templates show it as ``{{ value }}``."""
        if self.iso:
            return Time(self.iso, self.words).__html__()
        words = escape(self.words)
        if self.href:
            return f'<a href="{escape(self.href)}">{words}</a>'
        return f"<code>{words}</code>" if self.code else words


class Fact(NamedTuple):
    """A row of the facts: the key of its label in the messages (``fact.<key>``) and its values."""

    key: str
    values: tuple[Value, ...]


def when(stac: Json) -> tuple[Value, ...]:
    """Return the instant, or start and end, of an Item or Collection; ``…`` stands for an open side."""
    begin, finish = interval(*_sides(stac))
    if begin is None and finish is None:
        original = text(properties(stac).get("iaos:original_temporal"))
        return (Value(original),) if original else ()
    if begin == finish and begin is not None:
        return (_moment(begin),)
    return tuple(_moment(side) if side else Value("…") for side in (begin, finish))


def _sides(stac: Json) -> tuple[object, object]:
    fields = properties(stac)
    if "extent" in stac and "properties" not in stac:
        spans = items(mapping(mapping(stac["extent"]).get("temporal")).get("interval"))
        first = items(spans[0]) if spans else ()
        return (first[0], first[1]) if len(first) == 2 else (None, None)
    start, end = fields.get("start_datetime"), fields.get("end_datetime")
    if start is not None or end is not None:
        return start, end
    moment = fields.get("datetime")
    return moment, None if fields.get("iaos:ongoing") is True else moment


def _moment(time: Time) -> Value:
    return Value(time.words, iso=time.iso)


def where(stac: Json) -> str | None:
    """Return the extent in words; None where it is the globe for want of a place."""
    if stac.get("iaos:unlocated"):
        return None
    box = bbox(stac.get("bbox"))
    if box is None:
        boxes = items(mapping(mapping(stac.get("extent")).get("spatial")).get("bbox"))
        box = bbox(boxes[0]) if boxes else None
    if box is None and mapping(stac.get("geometry")).get("type") == "Point":
        position = items(mapping(stac["geometry"]).get("coordinates"))[:2]
        box = bbox([*position, *position])
    return bbox_words(box) if box else None


def license_of(stac: Json) -> Value | None:
    """Return the licence with a link to its text; SPDX identifiers link to their page."""
    fields = properties(stac)
    code = text(fields.get("license"))
    link = next(iter(links(stac, "license")), None)
    href = safe_href(link.get("href")) if link else None
    if code is None or code in {"other", "proprietary", "various"}:
        words = text(fields.get("iaos:license")) or (text(link.get("title")) if link else None) or href
        return Value(words, href) if words else None
    return Value(code, href or safe_href(f"https://spdx.org/licenses/{code}.html"))


def doi_of(stac: Json) -> str | None:
    """Return the DOI without its resolver."""
    doi = text(properties(stac).get("sci:doi"))
    if doi is None:
        return None
    doi = doi.removeprefix("https://doi.org/").removeprefix("http://dx.doi.org/").removeprefix("doi:")
    return doi if doi.startswith("10.") and "/" in doi else None


def doi_href(doi: str) -> str | None:
    """Return the address at the DOI resolver."""
    return safe_href(f"https://doi.org/{doi}")


def _words(field: str) -> Callable[[Json], tuple[Value, ...]]:
    return lambda stac: tuple(map(Value, texts(properties(stac).get(field))))


def _time(field: str) -> Callable[[Json], tuple[Value, ...]]:
    def read(stac: Json) -> tuple[Value, ...]:
        moment = instant(properties(stac).get(field))
        return (_moment(moment),) if moment else ()

    return read


def _place(stac: Json) -> tuple[Value, ...]:
    words = where(stac)
    return (Value(words),) if words else ()


def _vertical(stac: Json) -> tuple[Value, ...]:
    said = mapping(properties(stac).get("iaos:vertical"))
    low, high, unit = number(said.get("minimum")), number(said.get("maximum")), text(said.get("unit")) or "m"
    if low is None or high is None:
        return ()
    words = f"{low:,g}" if low == high else f"{low:,g} … {high:,g}"
    return (Value(f"{words} {unit}".replace("-", "\u2212")),)


def _grid(stac: Json) -> Iterator[Value]:
    fields = properties(stac)
    code = text(fields.get("proj:code"))
    if code:
        yield Value(code, code=True)
    shape = [whole(entry) for entry in items(fields.get("proj:shape"))]
    if len(shape) == 2 and None not in shape:
        yield Value(f"{shape[0]:,} × {shape[1]:,}")


def _doi(stac: Json) -> tuple[Value, ...]:
    doi = doi_of(stac)
    return (Value(doi, doi_href(doi)),) if doi else ()


def _license(stac: Json) -> tuple[Value, ...]:
    found = license_of(stac)
    return (found,) if found else ()


def _publications(stac: Json) -> Iterator[Value]:
    for publication in mappings(properties(stac).get("sci:publications")):
        doi, citation = text(publication.get("doi")), text(publication.get("citation"))
        if doi or citation:
            yield Value(citation or doi or "", doi_href(doi) if doi else None)


ROWS: tuple[tuple[str, Callable[[Json], Iterable[Value]]], ...] = (
    ("when", when),
    ("where", _place),
    ("vertical", _vertical),
    ("platform", _words("platform")),
    ("instruments", _words("instruments")),
    ("mission", _words("mission")),
    ("level", _words("processing:level")),
    ("grid", _grid),
    ("license", _license),
    ("doi", _doi),
    ("version", _words("version")),
    ("publications", _publications),
    ("lineage", _words("processing:lineage")),
    ("published", _time("published")),
    ("created", _time("created")),
    ("updated", _time("updated")),
)


def facts(stac: Json) -> tuple[Fact, ...]:
    """Return the facts that an Item or Collection has, in the order in which they are shown."""
    return tuple([Fact(key, values) for key, read in ROWS if (values := tuple(read(stac)))])


def spheres_of(collection: Json) -> list[Sphere]:
    """Return the spheres that the themes of a Collection name."""
    themes = [theme for theme in mappings(collection.get("themes")) if theme.get("scheme") == SCHEME]
    return among([concept.get("id") for theme in themes for concept in mappings(theme.get("concepts"))])
