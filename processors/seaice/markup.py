"""Reads and writes the XML files of a SAFE: numbers, texts and times, refusing what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from lxml import etree

from processors.errors import Refusal

Floats: TypeAlias = npt.NDArray[np.float64]
Content: TypeAlias = "str | Sequence[tuple[str, Content]]"


class Node:
    """One element of an XML file, without name spaces.

    Args:
        element: The element.
        where: Name of the file, for messages.
        code: Code of refusals.
    """

    __slots__ = ("_element", "code", "where")

    def __init__(self, element: etree._Element, where: str, code: str) -> None:
        self._element = element
        self.where = where
        self.code = code

    def each(self, path: str) -> Iterator[Node]:
        """Yield the elements at a path of local names: ``//`` first looks at any depth, ``.`` is the element itself."""
        for element in self._found(path):
            yield Node(element, self.where, self.code)

    def one(self, path: str) -> Node:
        """Return the first element at a path.

        Raises:
            Refusal: There is none.
        """
        for element in self._found(path):
            return Node(element, self.where, self.code)
        raise self.refusal(f"has no `{path}`")

    def attribute(self, name: str) -> str:
        """Return an attribute; empty where it is missing."""
        return str(self._element.get(name, ""))

    def text(self, path: str, default: str | None = None) -> str:
        """Return the text at a path.

        Raises:
            Refusal: There is none, and no default.
        """
        for element in self._found(path):
            return (element.text or "").strip()
        if default is None:
            raise self.refusal(f"has no `{path}`")
        return default

    def number(self, path: str) -> float:
        """Return the number at a path; see `numbers`."""
        return float(self.numbers(path, 1)[0])

    def whole(self, path: str) -> int:
        """Return the whole number at a path; see `numbers`."""
        return int(self.number(path))

    def numbers(self, path: str, count: int | None = None) -> Floats:
        """Return all finite numbers at a path.

        Raises:
            Refusal: There are none, something else, or not as many as expected.
        """
        words = self.text(path).split()
        try:
            found = np.array(words, np.float64)
        except ValueError:
            raise self.refusal(f"`{path}` is not made of numbers") from None
        if found.size == 0 or (count is not None and found.size != count) or not np.isfinite(found).all():
            raise self.refusal(f"`{path}` holds {found.size} numbers, not {count or 'one or more finite ones'}")
        return found

    def parsed(self, text: str) -> float:
        """Return the number that a text is.

        Raises:
            Refusal: It is none, or not finite.
        """
        try:
            value = float(text)
        except ValueError:
            raise self.refusal(f"{text!r} is no number") from None
        if not isfinite(value):
            raise self.refusal(f"{text!r} is no finite number")
        return value

    def time(self, path: str) -> datetime:
        """Return the time at a path, in UTC.

        Raises:
            Refusal: There is none.
        """
        text = self.text(path)
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise self.refusal(f"`{path}` is no time: {text!r}") from None

    def refusal(self, message: str) -> Refusal:
        """Return a refusal that names the file."""
        return Refusal(message, self.where, "fetch the product again", self.code)

    def _found(self, path: str) -> Iterator[etree._Element]:
        if path == ".":
            yield self._element
            return
        anywhere = path.startswith("//")
        steps = path.removeprefix("//").split("/")
        query = "/".join(f"{{*}}{step}" for step in steps)
        yield from self._element.iterfind(f".//{query}" if anywhere else query)


def parse(content: bytes, where: str, code: str) -> Node:
    """Parse a file; entities are not expanded and nothing is fetched.

    Raises:
        Refusal: It is not XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as trouble:
        raise Refusal(f"is not XML: {str(trouble).splitlines()[0]}", where, "fetch the product again", code) from None
    return Node(root, where, code)


def seconds(when: datetime, origin: datetime) -> float:
    """Return seconds from one time to another, exact to the microsecond."""
    return (when - origin).total_seconds()


def utc(when: datetime) -> str:
    """Write a time as SAFE does."""
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}"


def element(name: str, content: Content) -> etree._Element:
    """Make an element of text, or of named contents."""
    made = etree.Element(name)
    fill(made, content)
    return made


def fill(parent: etree._Element, content: Content) -> None:
    """Put text, or named contents, into an element."""
    if isinstance(content, str):
        parent.text = content
        return
    for name, inner in content:
        fill(add(parent, name), inner)


def add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    """Append an empty element; a prefix stands for a name space of the document."""
    prefix, _, local = name.rpartition(":")
    return etree.SubElement(parent, f"{{{parent.nsmap[prefix]}}}{local}" if prefix else local, attributes)


def to_bytes(root: etree._Element) -> bytes:
    """Write a document, indented."""
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
