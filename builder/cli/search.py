"""`iaos search`: find items in a built catalogue, in a folder or on a web server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.index.regions import REGIONS, box_text

if TYPE_CHECKING:
    from builder.search import ItemSearch

FORMATS = ("table", "ids", "items", "ndjson")


@click.command("search")
@click.argument("catalogue", default="catalog")
@click.option("--bbox", help="W,S,E,N in degrees; W > E crosses the antimeridian.")
@click.option("--region", type=click.Choice(sorted(REGIONS)), help="A named box, as on the search page.")
@click.option("--intersects", help="GeoJSON geometry, or the name of a file that holds one.")
@click.option("--datetime", "when", help="Such as 2019, 2019-05/2019-06 or ../2019-05-01T12:00:00Z.")
@click.option("--ids", help="Ids of items, with commas between.")
@click.option("-c", "--collections", help="Ids of collections, with commas between.")
@click.option("--query", multiple=True, help="Such as platform=Oden or iaos:cells>=100; may be repeated.")
@click.option("--filter", "condition", help="CQL2 as JSON.")
@click.option("--sortby", help="Such as -datetime,+id.")
@click.option("--page", help="What an address of the search page asks, such as 'q=ice&bbox=170,70,-170,80'.")
@click.option("--max-items", type=click.IntRange(min=1), help="Most items to show.")
@click.option("--matched", is_flag=True, help="Only count what answers.")
@click.option(
    "--output",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="A list to read, ids, one FeatureCollection, or one item per line.",
)
def command(
    catalogue: str,
    when: str | None,
    condition: str | None,
    matched: bool,
    output: str,
    page: str | None,
    region: str | None,
    **asked: Any,
) -> int:
    """Find the items of CATALOGUE (folder or address) for which all that is asked holds."""
    from builder.search import Client

    if region is not None:
        if asked["bbox"]:
            raise click.UsageError("--region is a box: give it or --bbox")
        asked["bbox"] = box_text(region)
    if page is not None:
        given = {"datetime": when, "filter": condition, **asked, "bbox": None if region else asked["bbox"]}
        others = [name for name, value in given.items() if value and name != "max_items"]
        if others:
            from builder.search.asked import CONDITIONS

            raise click.UsageError(
                f"--page asks for itself, by {', '.join(CONDITIONS)}: leave out {', '.join(sorted(others))}"
            )
        return _as_page(catalogue, page, region, matched=matched, most=asked["max_items"])
    text = asked["intersects"]
    if text and not text.lstrip().startswith("{"):
        asked["intersects"] = _read(Path(text))
    search = Client.open(catalogue).search(datetime=when, filter=condition, **asked | {"query": list(asked["query"])})
    for line in [str(search.matched())] if matched else _lines(search, output):
        click.echo(line)
    for note in _notes(search):
        click.echo(note, err=True)
    return 0


def _notes(search: ItemSearch) -> Iterator[str]:
    for name, near in search.unknown().items():
        hint = f"did you mean {' or '.join(near)}?" if near else "the items of a collection show those there are"
        yield f"note: no table of items has the property {name}: {hint}"


def _as_page(catalogue: str, address: str, region: str | None, *, matched: bool, most: int | None) -> int:
    """Answer by the index of the search page: ids, or their number."""
    from contextlib import closing
    from dataclasses import replace
    from itertools import islice

    from builder.search.asked import CONDITIONS, asked_of, not_conditions
    from builder.search.page import Index
    from builder.search.places import files_of

    asked = asked_of(address)
    if region is not None:
        if asked.box is not None:
            raise click.UsageError("--region is a box, and the address has one")
        asked = replace(asked, box=asked_of(f"bbox={box_text(region)}").box)
    if odd := not_conditions(address):
        known = ", ".join(CONDITIONS)
        click.echo(f"note: not asked for {', '.join(odd)}, which the search page does not know ({known})", err=True)
    with closing(Index(files_of(catalogue))) as index:
        if matched:
            click.echo(int(index.rows(asked).sum()))
        else:
            for _, name in islice(index.ids(asked), most):
                click.echo(name)
    return 0


def _read(file: Path) -> str:
    from builder.errors import UsageError

    try:
        return file.read_text("utf-8")
    except OSError as trouble:
        raise UsageError(f"cannot be read: {trouble.strerror}", where=str(file), hint="give GeoJSON") from trouble


def _lines(search: ItemSearch, output: str) -> Iterator[str]:
    import orjson

    if output == "items":
        yield orjson.dumps(search.item_collection_as_dict(), option=orjson.OPT_INDENT_2).decode()
        return
    if output == "ids":
        yield from search.ids()
        return
    for item in search.items_as_dicts():
        yield orjson.dumps(item).decode() if output == "ndjson" else _line(item)


def _line(item: dict[str, Any]) -> str:
    said = item["properties"]
    when = str(said["datetime"] or f"{said.get('start_datetime') or '..'}/{said.get('end_datetime') or '..'}")
    box = ",".join(f"{number:g}" for number in item.get("bbox") or ())
    return f"{item['collection']:24} {item['id']:32} {when:42} {box:32} {said.get('title', '')}".rstrip()
