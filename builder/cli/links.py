"""`iaos links`: ask whether what a built catalogue leads to is still there."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli import options


@click.command("links")
@options.collections
@options.out
@options.state
@click.option(
    "--most", type=click.IntRange(min=1), default=2000, show_default=True, help="Ask for at most so many addresses."
)
@click.option("--report", type=options.FOLDER, help="Folder for links.json and links.md; state folder if not given.")
@click.pass_obj
def command(quiet: bool, /, collections: Path, out: Path, state: Path, most: int, report: Path | None) -> int:
    """Ask for the files, pages, services and sources that the built catalogue leads to, oldest answer first.

    What is missed on three separate days is dead; who refuses or is slow is unknown. The next build
    shows it on the status page. Exit status 1 only if something is dead.
    """
    from builder.build import load_enabled
    from builder.checks.asking import check_links
    from builder.progress import progress
    from builder.tree import write_atomic

    with progress(quiet=quiet) as advance:
        told = check_links(load_enabled(collections), out, state, advance, most=most)
    folder = report or state
    write_atomic(folder / "links.json", told.to_json())
    write_atomic(folder / "links.md", told.to_markdown().encode())
    for finding in told.findings:
        click.echo(str(finding))
    if not quiet:
        click.echo(told.summary())
    return told.exit_status
