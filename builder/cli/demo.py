"""`iaos demo`: the whole job on invented partners, without a network."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from builder.cli import options


@click.command("demo")
@click.option("--out", type=options.FOLDER, help="Folder to build into; a temporary one if not given.")
@click.option("--no-serve", is_flag=True, help="Only build.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of the website; 0 chooses one."
)
@click.option(
    "--partner-port",
    type=click.IntRange(0, 65535),
    default=8470,
    show_default=True,
    help="Port of the invented partners; part of the addresses in the catalogue.",
)
@click.pass_obj
def command(quiet: bool, /, out: Path | None, no_serve: bool, port: int, partner_port: int) -> int:
    """Start invented partners on 127.0.0.1, harvest them, build catalogue and website, and serve the result."""
    from builder.demo import running_demo
    from builder.progress import progress
    from builder.serve import serve

    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iaos-catalogue-")))
        with progress(quiet=quiet) as advance:
            run = stack.enter_context(running_demo(folder, advance, partner_port))
        if not quiet:
            click.echo(run.summary())
        if no_serve:
            return run.exit_status
        server = stack.enter_context(serve(folder, port))
        click.echo(f"website:  {server.url}\ncatalog:  {server.url}catalog.json\nStop with Ctrl-C.")
        server.wait()
    return 0
