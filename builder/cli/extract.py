"""`iaos extract`: cut a point, a profile or a box out of data, as a table or NetCDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("extract")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--point", metavar="LON,LAT", help="All that was measured at the nearest place.")
@click.option("--profile", metavar="LON,LAT", help="Likewise, but only what has a depth.")
@click.option("--box", metavar="W,S,E,N", help="All within these degrees; W > E goes across ±180°.")
@click.option("--depth", metavar="FROM:TO", help="Metres, positive down; either end may be left out.")
@click.option("--time", metavar="FROM/TO", help="ISO 8601, such as 2018-07/2018-08; either end may be left out.")
@click.option("--variable", "variables", multiple=True, help="Name or CF standard name; may be given again.")
@click.option("--within", "within_km", type=click.FloatRange(min=0), help="Farthest the nearest place may be, km.")
@click.option("--group", help="Group of the file.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help=".csv, .nc or .parquet; else CSV here."
)
@click.option("--max-mb", type=click.FloatRange(min=0), default=500.0, show_default=True, help="Refuse to read more.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and read only coordinates.")
@click.pass_obj
def command(
    quiet: bool,
    /,
    sources: tuple[str, ...],
    group: str | None,
    output: Path | None,
    max_mb: float,
    dry_run: bool,
    **asked: Any,
) -> int:
    """Cut a place, depths and times out of SOURCE: an item, a collection, references or a NetCDF file."""
    from builder.reading.extract import check_limit, plan, read
    from builder.reading.outputs import check_target, csv_parts, write
    from builder.reading.query import query
    from builder.reading.table import is_missing

    check_target(output)
    planned = plan(sources, query(**asked), group)
    if dry_run:
        click.echo(str(planned.cost))
    if not quiet:
        for note in planned.notes:
            click.echo(note, err=True)
    if dry_run:
        return 0
    check_limit(planned.cost, max_mb)
    part = read(planned)
    if not quiet and is_missing(part):
        click.echo("all values that were asked for are missing", err=True)
    if output is None:
        for text in csv_parts(part):
            click.echo(text, nl=False)
        return 0
    write(part, output)
    if not quiet:
        click.echo(f"{output}: {planned.cost}", err=True)
    return 0
