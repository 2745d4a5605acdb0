"""Reads dimensions and variables of an NcML header by the CF conventions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from builder.crosswalks.values import one_line
from builder.crosswalks.xmltext import every
from builder.dataset import Dimension, Variable

if TYPE_CHECKING:
    from lxml import etree

Kind = Literal["x", "y", "z", "temporal", "other"]

SERVER_GROUPS = ("CFMetadata", "NCISOMetadata", "THREDDSMetadata")
"""Groups that a THREDDS server adds to a header; they hold no data."""

_STANDARD_NAME = re.compile(r"[a-z][a-z0-9_]{2,200}( [a-z_]+)?", re.ASCII)
_ESCAPED = re.compile(r"(?:\\+[0-3][0-7]{2})+", re.ASCII)
_NOTHING = {"", "none", "void", "n/a", "na", "nil", "nan", "null", "-", "unknown", "unspecified", "not available"}
_AXES: dict[str, Kind] = {"x": "x", "y": "y", "z": "z", "t": "temporal"}
_NAMED: dict[str, Kind] = {
    "longitude": "x", "projection_x_coordinate": "x", "grid_longitude": "x", "lon": "x", "x": "x", "rlon": "x",
    "latitude": "y", "projection_y_coordinate": "y", "grid_latitude": "y", "lat": "y", "y": "y", "rlat": "y",
    "depth": "z", "altitude": "z", "height": "z", "air_pressure": "z", "level": "z", "time": "temporal",
}  # fmt: skip


def unescaped(text: str) -> str:
    r"""Return a text with the octal escapes of DAP servers resolved: ``H\\303\\245kon`` is ``Håkon``."""

    def bytes_of(found: re.Match[str]) -> str:
        data = bytes(int(code, 8) for code in re.findall(r"[0-3][0-7]{2}", found[0]))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return found[0]

    return _ESCAPED.sub(bytes_of, text)


def attributes_of(element: etree._Element) -> dict[str, str]:
    """Return the attributes of an NcML element that say anything, by name, as text."""
    found: dict[str, str] = {}
    for node in every(element, "attribute"):
        value = unescaped(node.get("value") or node.text or "").strip()
        if value.lower() not in _NOTHING and node.get("name"):
            found.setdefault(node.get("name", ""), value)
    return found


def standard_name_of(attributes: Mapping[str, str]) -> str | None:
    """Return the CF standard name where it has the form of one (CF conventions 1.11, section 3.3)."""
    name = attributes.get("standard_name", "").strip()
    return name if _STANDARD_NAME.fullmatch(name) and ("_" in name or len(name) < 20) else None


def variables_of(root: etree._Element) -> tuple[Variable, ...]:
    """Return the variables of a header and of its groups (``group/name``), in the order of the file."""
    nodes = list(_with_groups(root, "variable"))
    helpers = _helpers({name: attributes_of(node) for name, node in nodes})
    known = {name for name, _ in _with_groups(root, "dimension")}
    return tuple(_variable(name, node, helpers, known) for name, node in nodes)


def dimensions_of(root: etree._Element) -> tuple[Dimension, ...]:
    """Return the dimensions of a header with what their coordinate variables say of them.

    Lengths of texts are left out; those of groups are named with them (``group/name``).
    """
    nodes = dict(_with_groups(root, "dimension"))
    variables = dict(_with_groups(root, "variable"))
    shapes = {name: _shape_in(name, node, nodes) for name, node in variables.items()}
    letters = {shape[-1] for name, shape in shapes.items() if variables[name].get("type") == "char" and shape}
    used = {part for name, shape in shapes.items() if variables[name].get("type") != "char" for part in shape}
    hidden = letters - used
    along = {name: [variables[one] for one, shape in shapes.items() if shape == [name]] for name in nodes}
    return tuple(
        _dimension(name, node, variables.get(name), along[name]) for name, node in nodes.items() if name not in hidden
    )


def _dimension(
    name: str, node: etree._Element, own: etree._Element | None, along: Sequence[etree._Element]
) -> Dimension:
    """Describe a dimension by the variable of its name, else by the first along it that is known as a coordinate."""
    length = node.get("length", "")
    axis = own if own is not None else next(filter(_is_coordinate, along), None)
    said = {} if axis is None else attributes_of(axis)
    kind = kind_of(name if axis is None else axis.get("name", name), said)
    size = int(length) if length.isdecimal() and len(length) < 19 else None
    return Dimension(name=name, type=kind, size=size, unit=one_line(said.get("units")) or None)


def kind_of(name: str, attributes: Mapping[str, str]) -> Kind:
    """Tell what a coordinate measures, by axis, standard name, units and name, in this order."""
    axis, units = attributes.get("axis", "").lower(), attributes.get("units", "").lower()
    if axis in _AXES:
        return _AXES[axis]
    if attributes.get("standard_name", "") in _NAMED:
        return _NAMED[attributes["standard_name"]]
    if " since " in units:
        return "temporal"
    if re.match(r"degrees?_?(north|n)$", units):
        return "y"
    if re.match(r"degrees?_?(east|e)$", units):
        return "x"
    return "z" if "positive" in attributes else _NAMED.get(name.lower(), "other")


def _with_groups(element: etree._Element, tag: str, prefix: str = "") -> Iterator[tuple[str, etree._Element]]:
    for node in every(element, tag):
        if node.get("name"):
            yield prefix + node.get("name", ""), node
    for group in every(element, "group"):
        if group.get("name") not in SERVER_GROUPS:
            yield from _with_groups(group, tag, f"{prefix}{group.get('name')}/")


def _shape_in(name: str, node: etree._Element, known: Collection[str]) -> list[str]:
    """Return the dimensions of a variable, each by its full name."""
    return [_nearest(part, name, known) for part in _shape(node)]


def _nearest(part: str, name: str, known: Collection[str]) -> str:
    """Return the full name of what a variable calls so: that of the nearest group around it that has it."""
    folders = name.split("/")[:-1]
    places = ["/".join([*folders[:depth], part]) for depth in range(len(folders), -1, -1)]
    return next((place for place in places if place in known), part)


def _variable(name: str, node: etree._Element, helpers: set[str], known: Collection[str]) -> Variable:
    said = attributes_of(node)
    shape = _shape(node)
    return Variable(
        name=name,
        description=one_line(said.get("long_name")) or None,
        standard_name=standard_name_of(said),
        unit=one_line(said.get("units")) or None,
        dimensions=tuple(part for part in _shape_in(name, node, known) if not part.isdecimal()),
        data_type=node.get("type"),
        auxiliary=name in helpers or node.get("name") in shape or not shape,
    )


def _helpers(variables: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Name the variables that serve others: coordinates, bounds, flags, grid mappings."""
    names: set[str] = set()
    for name, said in variables.items():
        words = " ".join(said.get(key, "") for key in ("coordinates", "bounds", "grid_mapping")).split()
        names.update(_nearest(word.rpartition("/")[2], name, variables) for word in words)
        located = standard_name_of(said) in {"time", "latitude", "longitude"} or "grid_mapping_name" in said
        flag = "flag_meanings" in said and "scale_factor" not in said
        if located or flag or " since " in said.get("units", ""):
            names.add(name)
    return names


def _is_coordinate(node: etree._Element) -> bool:
    said = attributes_of(node)
    return "axis" in said or kind_of("", said) != "other"


def _shape(node: etree._Element) -> list[str]:
    return (node.get("shape") or "").split()
