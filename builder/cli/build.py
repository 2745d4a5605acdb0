"""`iaos build`: harvest the partners and bring the catalogue up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import options


@click.command("build")
@options.request
@click.option(
    "--report",
    type=options.FOLDER,
    help="Folder for report.json, report.md and junit.xml; the state folder if not given.",
)
@click.option(
    "--engine",
    default="threads",
    show_default=True,
    metavar="KIND",
    help="Where processors work: inline, threads, processes, dask, or tcp://HOST:PORT of a Dask scheduler.",
)
@click.pass_obj
def command(quiet: bool, /, report: Path | None, **asked: Any) -> int:
    """Harvest COLLECTIONs (all that are enabled if none is named) and bring the catalogue up to date.

    Exit status: 0 done, 1 something was left out (see the report), 2 wrong use or definition,
    3 a source failed and its last good state was kept.
    """
    from builder.build import Request, build
    from builder.junit import junit
    from builder.progress import progress
    from builder.tree import write_atomic

    request = Request(**asked)
    with progress(quiet=quiet) as advance:
        run = build(request, advance)
    folder = report or request.state
    write_atomic(folder / "report.json", run.to_json())
    write_atomic(folder / "report.md", run.to_markdown().encode())
    write_atomic(folder / "junit.xml", junit(run))
    if not quiet:
        click.echo(run.summary())
        click.echo(f"report: {folder / 'report.md'}")
    return run.exit_status
