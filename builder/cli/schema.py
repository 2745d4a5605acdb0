"""`iaos schema`: the JSON Schema by which editors complete collection definitions."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli import options


@click.command("schema")
@options.collections
@click.option("--write", is_flag=True, help="Write schema.json into the definitions' folder.")
@click.option("--check", is_flag=True, help="Fail if schema.json there is not current.")
def command(collections: Path, write: bool, check: bool) -> int:
    """Print the JSON Schema of collection definitions."""
    from builder.definitions.schema import schema_bytes
    from builder.tree import write_atomic

    file = collections / "schema.json"
    wanted = schema_bytes()
    if write:
        write_atomic(file, wanted)
    elif check:
        if not file.is_file() or file.read_bytes() != wanted:
            click.echo(f"{file} is not current; run `iaos schema --write`", err=True)
            return 1
    else:
        click.echo(wanted.decode(), nl=False)
    return 0
