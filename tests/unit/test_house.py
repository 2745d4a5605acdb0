"""The budget of the house: sizes, docstrings, exceptions, and folders that hold no Python."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for top in ("builder", "processors") for path in (ROOT / top).rglob("*.py"))
DECISIONS = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case)
"""McCabe's decision points (1976): an except clause is one, the try around it and boolean operators are none."""
BRANCHES = (*DECISIONS, ast.Try, ast.BoolOp)
"""The strict count, for the limit that no function may pass."""


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def own_nodes(function):
    found, stack = [], list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(node))
    return found


def size(function):
    return function.end_lineno - function.lineno + 1


def count(function, kinds):
    return sum(isinstance(node, kinds) for node in own_nodes(function))


PARSED = {path.relative_to(ROOT): ast.parse(path.read_text("utf-8")) for path in MODULES}
FUNCTIONS = [(f"{path}:{f.lineno} {f.name}", f) for path, tree in PARSED.items() for f in functions(tree)]


@pytest.mark.parametrize("path", PARSED, ids=str)
def test_module_is_small_and_says_what_it_is_for(path):
    text = (ROOT / path).read_text("utf-8")
    assert text.count("\n") <= 350
    assert ast.get_docstring(PARSED[path])


def test_functions_are_short_and_straight():
    assert [name for name, f in FUNCTIONS if size(f) > 60] == []
    assert [name for name, f in FUNCTIONS if count(f, BRANCHES) > 12] == []
    assert statistics.quantiles([size(f) for _, f in FUNCTIONS], n=20)[-1] <= 35
    assert statistics.quantiles([count(f, DECISIONS) for _, f in FUNCTIONS], n=20)[-1] <= 7


def test_public_things_are_documented():
    bare = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in PARSED.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []


def test_broad_exceptions_only_where_the_design_names_them():
    broad = [
        f"{path}:{node.lineno}"
        for path, tree in PARSED.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) <= 3, broad  # one bad record when harvesting, one when building, one plug-in


def test_no_swallowed_exception_and_no_print():
    wrong = []
    for path, tree in PARSED.items():
        for node in ast.walk(tree):
            silent = isinstance(node, ast.ExceptHandler) and all(isinstance(step, ast.Pass) for step in node.body)
            printed = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            if silent or printed:
                wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_only_the_clock_reads_the_clock():
    readers = [
        f"{path}:{node.lineno}"
        for path, tree in PARSED.items()
        if path.name != "clock.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and ast.unparse(node) != "clock.now"
    ]
    assert readers == []


@pytest.mark.parametrize("folder", ["collections", "site", "catalog"])
def test_data_folders_hold_no_python(folder):
    assert [str(path) for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts] == []
