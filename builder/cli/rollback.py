"""`iaos rollback`: show an earlier build again, from bytes the target kept."""

from __future__ import annotations

import click


@click.command("rollback")
@click.argument("target")
@click.argument("build", type=int, required=False)
@click.option("--dry-run", is_flag=True, help="Show each step; write nothing.")
@click.option("--endpoint", help="Address of an S3-compatible server, where it is not AWS.")
@click.pass_obj
def command(quiet: bool, /, target: str, build: int | None, dry_run: bool, endpoint: str | None) -> int:
    """Bring BUILD back at TARGET; list what is kept if none is named.

    The next `iaos publish` shows the newest catalogue again: stop the nightly run until the
    mistake is mended.
    """
    from builder.progress import progress
    from builder.publish import builds, rollback

    if build is None:
        for line in builds(target, endpoint):
            click.echo(line)
        return 0
    with progress(quiet=quiet) as advance:
        outcome = rollback(target, build, advance, dry_run=dry_run, endpoint=endpoint)
    if not quiet:
        for line in outcome.lines:
            click.echo(line)
        click.echo(outcome.summary())
    return 0
