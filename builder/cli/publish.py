"""`iaos publish`: put a built catalogue on a folder or on object storage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click


@click.command("publish")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Show each step; write nothing.")
@click.option("--endpoint", help="Address of an S3-compatible or Azure server, where it is not the provider's own.")
@click.option("--allow-deletions", is_flag=True, help="Publish whatever vanishes, another website included.")
@click.option("--guard", type=click.IntRange(0, 100), default=20, show_default=True, help="Per cent that may vanish.")
@click.option("--grace-data", type=click.FloatRange(0), default=7, show_default=True, help="Days data stay unlinked.")
@click.option("--grace-pages", type=click.FloatRange(0), default=1, show_default=True, help="The same for documents.")
@click.option("--keep", type=click.IntRange(0), default=7, show_default=True, help="Earlier builds to keep.")
@click.option("--fresh-for", type=click.FloatRange(0), default=36, show_default=True, help="Hours to the next build.")
@click.pass_obj
def command(
    quiet: bool,
    /,
    folder: Path,
    target: str,
    dry_run: bool,
    endpoint: str | None,
    allow_deletions: bool,
    guard: int,
    grace_data: float,
    grace_pages: float,
    keep: int,
    fresh_for: float,
) -> int:
    """Publish the catalogue in FOLDER to TARGET (a folder, s3://, gs:// or abfs://).

    Only objects that differ from what the target's manifest names are written; data first, the root
    last. What is no longer part of the catalogue is deleted after a grace time. Credentials come
    from the environment, as for the tools of the provider.
    """
    from builder.progress import progress
    from builder.publish import Policy, cors_findings, publish

    policy = Policy(
        grace_data=timedelta(days=grace_data),
        grace_pages=timedelta(days=grace_pages),
        keep=keep,
        share=guard / 100,
        allow_deletions=allow_deletions,
        fresh_for=timedelta(hours=fresh_for),
    )
    with progress(quiet=quiet) as advance:
        outcome = publish(folder, target, advance, policy=policy, dry_run=dry_run, endpoint=endpoint)
    if quiet:
        return 0
    for line in outcome.lines:
        click.echo(line)
    click.echo(outcome.summary())
    if not dry_run:
        for finding in cors_findings(target, endpoint):
            click.echo(str(finding))
    return 0
