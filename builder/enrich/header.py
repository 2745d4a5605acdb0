"""Writes the header of a NetCDF file as NcML: dimensions, variables, attributes and groups, no values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lxml import etree

NCML = "http://www.unidata.ucar.edu/namespaces/netcdf/ncml-2.2"

_TYPES = {
    "i1": "byte", "u1": "ubyte", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint",
    "i8": "long", "u8": "ulong", "f4": "float", "f8": "double", "S1": "char",
}  # fmt: skip
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MAX_VALUES = 1000


def ncml_of(path: Path, href: str) -> bytes:
    """Return the NcML 2.2 document of a file; the same file always gives the same bytes.

    Args:
        path: The local file; it does not appear in the result.
        href: Public address, written as ``location``.

    Raises:
        OSError: netCDF-C cannot open the file.
    """
    import netCDF4

    with netCDF4.Dataset(path) as file:
        root = etree.Element(f"{{{NCML}}}netcdf", {"location": _clean(href)}, {None: NCML})  # type: ignore[dict-item]
        _fill(root, file)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _fill(element: etree._Element, group: Any) -> None:
    for name, dimension in group.dimensions.items():
        child = _child(element, "dimension", name=name, length=str(dimension.size))
        if dimension.isunlimited():
            child.set("isUnlimited", "true")
    _attributes(element, group)
    for name, variable in group.variables.items():
        child = _child(element, "variable", name=name, shape=" ".join(variable.dimensions), type=_type(variable.dtype))
        _attributes(child, variable)
    for name, inner in group.groups.items():
        _fill(_child(element, "group", name=name), inner)


def _attributes(element: etree._Element, owner: Any) -> None:
    import numpy as np

    for name in owner.ncattrs():
        value = owner.getncattr(name)
        if isinstance(value, str):
            _child(element, "attribute", name=name, value=value)
        elif isinstance(value, list):
            _child(element, "attribute", name=name, value="|".join(map(str, value)), separator="|")
        else:
            numbers = np.atleast_1d(np.asarray(value)).ravel()[:MAX_VALUES]
            _child(
                element, "attribute", name=name, type=_type(numbers.dtype), value=" ".join(map(str, numbers.tolist()))
            )


def _type(dtype: Any) -> str:
    return "String" if dtype is str else _TYPES.get(getattr(dtype, "str", "")[1:], "opaque")


def _child(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NCML}}}{tag}", {key: _clean(value) for key, value in attributes.items()})


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold (section 2.2, production Char)."""
    return _FORBIDDEN.sub("", text)
