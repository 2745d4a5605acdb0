"""The offline demo: invented partners, harvested, built and served like real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import Request, build
from builder.demo.partners import PORT, partners

if TYPE_CHECKING:
    from builder.progress import Advance
    from builder.report import RunReport


def write_definitions(folder: Path, url: str) -> None:
    """Write the demo's collection definitions, pointing at the partners' address."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in files("builder.demo").joinpath("collections").iterdir():
        if entry.name.endswith(".yaml"):
            text = entry.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{PORT}", url)
            (folder / entry.name).write_text(text, encoding="utf-8")


@contextmanager
def running_demo(out: Path, advance: Advance, port: int = PORT) -> Iterator[RunReport]:
    """Build the demo catalogue into ``out``; the partners keep running while the block runs.

    Two runs on the same port write the same bytes.
    """
    with tempfile.TemporaryDirectory(prefix="iaos-demo-") as name:
        scratch = Path(name)
        with partners(scratch / "partners", port) as url:
            write_definitions(scratch / "collections", url)
            request = Request(collections=scratch / "collections", out=out, state=scratch / "state")
            yield build(request, advance)
