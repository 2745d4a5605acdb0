"""`iaos process`: what processing services there are, what they take, and running one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
FORMS = ("text", "json-schema", "ogc", "wps", "wps2")


@click.group("process")
def command() -> None:
    """List, describe and run processing services."""


@command.command("list")
def list_() -> int:
    """Name every processor, and every plug-in that is broken."""
    from processors.registry import find_processors

    found = find_processors()
    width = max(map(len, found.processors), default=0)
    for name, processor in found.processors.items():
        click.echo(f"{name:{width}}  {processor.version:>4}  {processor.title}")
    for line in found.broken:
        click.echo(f"warning: {line}", err=True)
    return 1 if found.broken else 0


@command.command("describe")
@click.argument("name")
@click.option("--as", "form", type=click.Choice(FORMS), default="text", show_default=True, help="Form of the answer.")
def describe(name: str, form: str) -> int:
    """Say what the processor NAME takes and makes: for people, as JSON Schema, or as OGC documents (WPS 1.0.0, 2.0)."""
    from builder.process import description

    click.echo(description(name, form), nl=False)
    return 0


@command.command("run")
@click.argument("name")
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--params", "file", type=EXISTING, help="YAML or JSON file of parameters; --param goes before.")
@click.option("--out", type=FOLDER, default="products", show_default=True, help="Folder of the products.")
@click.option("--engine", default="threads", show_default=True, help="inline, threads, processes, dask or tcp://HOST.")
@click.option("--workers", type=click.IntRange(min=1), help="How many workers; as many as processors by default.")
@click.option("--cache", type=FOLDER, help="Folder that remembers products by content.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the lineage, and make nothing.")
@click.pass_obj
def run(quiet: bool, /, name: str, inputs: tuple[str, ...], given: tuple[str, ...], **options: Any) -> int:
    """Run the processor NAME on files, addresses or STAC items (ITEM.json#asset), with SLOT= before it if need be."""
    import orjson

    from builder.process import Job, run_job
    from builder.progress import progress

    job = Job(name, inputs, given, **options)
    with progress(quiet=quiet) as advance:
        made = run_job(job, advance)
    if isinstance(made, dict):
        click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())
        return 0
    for path in made:
        click.echo(str(path))
    return 0
