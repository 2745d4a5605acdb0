"""`iaos explain`: where each value of an item comes from."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli import options


@click.command("explain")
@click.argument("item")
@options.out
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
def command(item: str, out: Path, as_json: bool) -> int:
    """Name for each STAC field of ITEM (its id, or its JSON file) the source record, the place in it and the rule."""
    import orjson

    from builder.explain import find_explanation

    explanation = find_explanation(out, item)
    if as_json:
        click.echo(orjson.dumps(explanation, option=orjson.OPT_INDENT_2).decode())
        return 0
    record = explanation["record"]
    click.echo(f"{explanation['item']}  from  {record['url'] or record['format']}")
    click.echo(f"record {record['identifier']} ({record['format']}, sha256 {record['sha256'][:12]}…)")
    width = max((len(row["field"]) for row in explanation["fields"]), default=0)
    for row in explanation["fields"]:
        click.echo(f"  {row['field']:{width}}  {row['source']}: {row['place']}  [{row['rule']}]")
    return 0
