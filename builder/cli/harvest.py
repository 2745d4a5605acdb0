"""`iaos harvest`: ask the partners and remember their records; the catalogue is built from them later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import options


@click.command("harvest")
@click.argument("only", nargs=-1, metavar="[COLLECTION]...")
@options.collections
@options.state
@options.sample
@options.full
@options.confirm
@options.within
@click.option("--failed", is_flag=True, help="Only what failed or was refused last time.")
@click.pass_obj
def command(quiet: bool, /, failed: bool, **asked: Any) -> int:
    """Harvest COLLECTIONs (all that are enabled if none is named) into the state; `iaos build --no-harvest` shows them.

    Exit status: 0 done, 1 something was left out, 2 wrong use or definition,
    3 a source failed and its last good state was kept.
    """
    from builder.build import Request
    from builder.harvests import harvest_only
    from builder.progress import progress

    if failed and asked["full"]:
        raise click.UsageError("--failed and --full contradict each other")
    with progress(quiet=quiet) as advance:
        run = harvest_only(Request(out=Path(), **asked), advance, failed=failed)
    for line in run.changes_text():
        click.echo(line)
    if not quiet:
        click.echo(run.harvest_summary())
    return run.exit_status
