"""Reads the plain subset of YAML 1.2 that definitions are written in, and keeps where everything stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from builder.definitions.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 32
_LONGEST_NUMBER = 40


@dataclass(slots=True)
class Node:
    """A value, where it stands, and the values inside it.

    Attributes:
        line: From 1.
        column: From 1.
        width: Characters it takes on its first line.
        value: Text, number, truth value or None of a scalar.
        children: Values inside a mapping (by key) or a list (by index); None for a scalar.
        keys: Where the keys of a mapping stand.
    """

    line: int
    column: int
    width: int
    value: Any = None
    children: dict[str | int, Node] | None = None
    keys: dict[str, Node] = field(default_factory=dict)
    is_list: bool = False

    def plain(self) -> Any:
        """Return dicts, lists and scalars."""
        if self.children is None:
            return self.value
        if self.is_list:
            return [child.plain() for child in self.children.values()]
        return {key: child.plain() for key, child in self.children.items()}


def read_tree(text: str) -> tuple[Node | None, list[Problem]]:
    """Read one document.

    Refused, each with a problem: anchors, aliases, merge keys, tags, directives, duplicate keys, more
    than one document, values nested deeper than `MAX_DEPTH`, control characters, and broken YAML.
    What is refused but can be understood is read on, so that later mistakes are found too.

    Returns:
        The root, None where the document cannot be read at all; and the problems.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    builder = _TreeBuilder()
    try:
        for event in _events(text):
            if not builder.take(event):
                break
    except ReaderError as trouble:
        line, column = _place(text, trouble.position)
        return None, [*builder.problems, Problem(line, column, "character that YAML does not allow")]
    except MarkedYAMLError as trouble:
        return None, [*builder.problems, _syntax_problem(trouble)]
    except YAMLError as trouble:
        return None, [*builder.problems, Problem(1, 1, f"not YAML: {str(trouble).splitlines()[0]}")]
    return builder.root, builder.problems


def _events(text: str) -> Iterable[Any]:
    from ruamel.yaml import YAML

    events: Iterable[Any] = YAML(typ="safe", pure=True).parse(text)
    return events


@dataclass
class _TreeBuilder:
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    open: list[tuple[Node, Node | None]] = field(default_factory=list)
    """Collections being read, each with the key whose value comes next."""

    def take(self, event: Any) -> bool:
        """Add one event; False ends the reading."""
        match type(event).__name__:
            case "DocumentStartEvent":
                return self._start_document(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                return self._open(event)
            case "MappingEndEvent" | "SequenceEndEvent":
                self.open.pop()
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._say(event, "aliases are not allowed", "write the value out")
                self._add(_node(event))
        return True

    def _start_document(self, event: Any) -> bool:
        if event.version or event.tags:
            self._say(event, "directives are not allowed", "leave out the line that begins with %")
        if self.root is not None:
            self._say(event, "a second document begins here", "write one definition per file")
            return False
        return True

    def _open(self, event: Any) -> bool:
        self._check(event)
        if len(self.open) >= MAX_DEPTH:
            self._say(event, f"nested deeper than {MAX_DEPTH} levels")
            return False
        node = _node(event)
        node.children = {}
        node.is_list = type(event).__name__ == "SequenceStartEvent"
        if self._awaits_key():
            self._say(event, "a key must be text")
            return False
        self._add(node)
        self.open.append((node, None))
        return True

    def _scalar(self, event: Any) -> None:
        self._check(event)
        node = _node(event)
        if any(not (char.isprintable() or char in "\n\t") for char in event.value):
            self._say(event, "control character in text")
        node.value = event.value
        if self._awaits_key():
            if event.value == "<<" and event.implicit[0]:
                self._say(event, "merge keys are not allowed", "write the values out")
        else:
            node.value = _typed(event.value, event.implicit)
            if isinstance(node.value, float) and not math.isfinite(node.value):
                self._say(event, "not a finite number")
        self._add(node)

    def _check(self, event: Any) -> None:
        if event.anchor:
            self._say(event, "anchors are not allowed", "write the value out where it is needed")
        if event.tag:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._say(event, f"tags are not allowed: {tag}", "write plain text, numbers, lists and mappings")

    def _awaits_key(self) -> bool:
        return bool(self.open) and not self.open[-1][0].is_list and self.open[-1][1] is None

    def _add(self, node: Node) -> None:
        if not self.open:
            self.root = self.root or node
            return
        parent, key = self.open[-1]
        children = parent.children if parent.children is not None else {}
        if parent.is_list:
            children[len(children)] = node
        elif key is None:
            self.open[-1] = (parent, node)
        else:
            self.open[-1] = (parent, None)
            name = str(key.value)
            if name in children:
                first = parent.keys[name].line
                self._say_at(key, f"the key `{name}` stands twice", f"it is on line {first} already")
                return
            parent.keys[name] = key
            children[name] = node

    def _say(self, event: Any, message: str, hint: str = "") -> None:
        self._say_at(_node(event), message, hint)

    def _say_at(self, node: Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(node.line, node.column, message, hint, node.width))


def _node(event: Any) -> Node:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Node(start.line + 1, start.column + 1, max(1, width))


@cache
def _machinery() -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True)


def _typed(text: str, implicit: tuple[bool, bool]) -> Any:
    """Read a scalar by the core schema of YAML 1.2 (section 10.3.2); dates stay text."""
    from ruamel.yaml.nodes import ScalarNode

    yaml = _machinery()
    tag = str(yaml.resolver.resolve(ScalarNode, text, implicit))
    if tag.rpartition(":")[2] not in ("null", "bool", "int", "float") or len(text) > _LONGEST_NUMBER:
        return text
    return yaml.constructor.construct_object(ScalarNode(tag, text))


def _syntax_problem(trouble: Any) -> Problem:
    message = " ".join(str(trouble.problem or trouble.context or "cannot be read").split())
    ended = "end of stream" in message or "stream end" in message
    mark = (trouble.context_mark if ended else None) or trouble.problem_mark or trouble.context_mark
    hint = "indent with spaces" if "\\t" in message else ""
    if "mapping values are not allowed" in message:
        hint = "put a text that holds `: ` in quotes, or mend the indentation"
    if mark is None:
        return Problem(1, 1, f"not YAML: {message}", hint)
    return Problem(mark.line + 1, mark.column + 1, f"not YAML: {message}", hint)


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")
