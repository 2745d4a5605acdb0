"""`iaos publish`: put a built catalogue on a folder or on object storage."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("publish")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Say what would be written and deleted; write nothing.")
@click.option("--endpoint", help="Address of an S3-compatible server, where it is not AWS.")
@click.pass_obj
def command(quiet: bool, /, folder: Path, target: str, dry_run: bool, endpoint: str | None) -> int:
    """Publish the catalogue in FOLDER to TARGET (file:///… or s3://bucket/prefix).

    Only files that differ from what the target's manifest names are written; data first, the root
    last, deletions at the end. Credentials come from the environment, as for the AWS tools.
    """
    from builder.progress import progress
    from builder.publish import publish

    with progress(quiet=quiet) as advance:
        outcome = publish(folder, target, advance, dry_run=dry_run, endpoint=endpoint)
    if not quiet:
        click.echo(outcome.summary())
    return 0
