"""Checks of a built catalogue: vendored JSON Schemas and the rules of the house, without a network."""

from __future__ import annotations

from pathlib import Path

from builder.findings import Finding
from builder.stac.layout import is_stac


def check_folder(folder: Path) -> tuple[int, list[Finding]]:
    """Check the catalogue in a folder.

    Returns:
        How many STAC objects there are, and what was found.
    """
    from builder.checks.tree import check_tree

    paths = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    findings = list(check_tree(lambda path: (folder / path).read_bytes(), paths))
    return sum(map(is_stac, paths)), findings
