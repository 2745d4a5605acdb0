"""THREDDS catalogues over the demo's data files."""

from __future__ import annotations

from pathlib import Path

from builder.demo.templates import template


def catalogue(root: Path, path: str) -> bytes | None:
    """Render the catalogue at a path below ``/thredds/``, or None where there is none.

    Args:
        root: Folder whose sub-folders hold the files.
        path: For example ``catalog.xml`` or ``ctd/catalog.xml``.
    """
    page = template("catalog.xml")
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    if path == "catalog.xml":
        return page.render(title="Demo data server (synthetic)", folders=folders).encode()
    folder = path.removesuffix("/catalog.xml")
    if folder not in folders:
        return None
    served = [file for file in sorted((root / folder).iterdir()) if file.suffix in {".nc", ".flac", ".tif", ".zip"}]
    files = [{"name": file.name, "size": file.stat().st_size} for file in served]
    return page.render(title=folder, folder=folder, folders=[], files=files).encode()
