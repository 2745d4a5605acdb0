"""Checks names and types of an expression before a pixel is read: numbers and conditions never mix."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

from processors.bandmaths.lexer import wrong
from processors.bandmaths.syntax import Choice, Constant, Name, Node, Operation, parse, walk

Type: TypeAlias = Literal["number", "condition"]
ORDERS = frozenset({"<", "<=", ">", ">="})
EQUALS = frozenset({"==", "!="})
LOGIC = frozenset({"and", "or", "not"})


def checked(expression: str, names: Collection[str]) -> Node:
    """Parse an expression and return its tree when every name is known and every type fits.

    Args:
        expression: The text.
        names: Bands and named numbers.

    Raises:
        Refusal: ``EXPR.SYNTAX``, ``EXPR.LIMIT``, ``EXPR.UNKNOWN_BAND`` or ``EXPR.TYPE``, with the column.
    """
    tree = parse(expression)
    for node in walk(tree):
        if isinstance(node, Name) and node.name not in names:
            known = ", ".join(sorted(names))
            raise wrong(f"unknown band '{node.name}' at column {node.column}; known: {known}", "UNKNOWN_BAND")
    type_of(tree)
    return tree


def type_of(node: Node) -> Type:
    """Return what a node is.

    Raises:
        Refusal: ``EXPR.TYPE``: a part is not what its operator needs.
    """
    if isinstance(node, Constant):
        return "condition" if isinstance(node.value, bool) else "number"
    if isinstance(node, Name):
        return "number"
    return _of_choice(node) if isinstance(node, Choice) else _of_operation(node)


def used(tree: Node, bands: Collection[str]) -> tuple[str, ...]:
    """Name the bands an expression reads, sorted."""
    return tuple(sorted({node.name for node in walk(tree) if isinstance(node, Name) and node.name in bands}))


def _of_choice(node: Choice) -> Type:
    if type_of(node.test) != "condition":
        raise wrong(f"'if' at column {node.column} needs a condition", "TYPE", "compare: if x > 0 then …")
    yes, no = type_of(node.yes), type_of(node.no)
    if yes != no:
        said = f"the branches of 'if' at column {node.column} differ: 'then' is a {yes}, 'else' is a {no}"
        raise wrong(said, "TYPE", "give both a number, or both a condition")
    return yes


def _of_operation(node: Operation) -> Type:
    kinds = [type_of(part) for part in node.parts]
    where = f"'{node.symbol}' at column {node.column}"
    if node.symbol in LOGIC:
        if "number" in kinds:
            raise wrong(f"{where} needs conditions", "TYPE", "compare: x > 0")
        return "condition"
    if node.symbol in EQUALS:
        if len(set(kinds)) > 1:
            raise wrong(f"{where} compares a {kinds[0]} with a {kinds[1]}", "TYPE")
        return "condition"
    if "condition" in kinds:
        raise wrong(f"{where} needs numbers", "TYPE", "choose: if … then 1 else 0")
    return "condition" if node.symbol in ORDERS or node.symbol == "isnan" else "number"
