"""`iaos check`: read the collection definitions and name every mistake."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli import options


@click.command("check")
@options.collections
@click.pass_obj
def command(quiet: bool, /, collections: Path) -> int:
    """Read all collection definitions; print each mistake as file:line:column with the offending line."""
    from builder.definitions.load import load_all
    from builder.processing.check import process_mistakes

    definitions, mistakes = load_all(collections, process_mistakes)
    for mistake in mistakes:
        for problem in mistake.problems():
            click.echo(problem, err=True)
    if not quiet:
        on = sum(definition.enabled for definition in definitions)
        click.echo(f"{len(definitions)} definitions read, {on} enabled, {len(mistakes)} with mistakes")
    return 2 if mistakes else 0
