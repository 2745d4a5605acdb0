"""`iaos serve`: look at a built catalogue in a browser, with Range and CORS as on object storage."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("serve")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="catalog")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port on 127.0.0.1; 0 chooses one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine on which it listens.")
@click.option(
    "--processes/--no-processes",
    default=None,
    help="Also run processors at /ogc (OGC API - Processes) and /wps; by default if the extra `serve` is installed.",
)
@click.option("--engine", default="threads", show_default=True, help="Where processors work, see `iaos process run`.")
@click.pass_obj
def command(quiet: bool, /, folder: Path, port: int, host: str, processes: bool | None, engine: str) -> int:
    """Serve FOLDER on 127.0.0.1 until interrupted; anyone who reaches it may run the processors."""
    from importlib.util import find_spec

    from builder.serve import serve

    live = find_spec("pywps") is not None if processes is None else processes
    with serve(folder, port, host=host, engine=engine if live else None) as server:
        if not quiet:
            click.echo(f"serving {folder} at {server.url} (stop with Ctrl-C)")
            if live:
                click.echo(f"processes: {server.url}ogc/processes and {server.url}wps")
        server.wait()
    return 0
