"""`iaos new`: draft a collection definition by asking a partner's server what it is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("new")
@click.option("--from", "url", metavar="URL", help="Address of the partner's server.")
@click.option("--processor", metavar="NAME", help="Instead: processor that makes the collection from others.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; printed if not given."
)
@click.pass_obj
def command(quiet: bool, /, url: str | None, processor: str | None, output: Path | None) -> int:
    """Probe a server (OAI-PMH, CKAN, THREDDS, STAC or a file listing), or ask a processor, and write a draft."""
    from builder.definitions.scaffold import draft, slug
    from builder.errors import UsageError
    from builder.processing.draft import draft_process
    from builder.sources.http import HttpGate, origin_of
    from builder.tree import write_atomic

    if (url is None) == (processor is None):
        raise UsageError("needs either --from or --processor", hint="see `iaos new --help`")

    if output and output.exists():
        raise UsageError("the file exists already", where=str(output), hint="choose another name")
    name = slug(output.stem) if output else ""
    if url is None:
        text = draft_process(str(processor), name)
    else:
        with HttpGate([origin_of(url)]) as gate:
            text = draft(url, gate, name)
    if output is None:
        click.echo(text, nl=False)
        return 0
    write_atomic(output, text.encode())
    if not quiet:
        click.echo(f"draft written to {output}; fill in what is marked, then run `iaos check`")
    return 0
