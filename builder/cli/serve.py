"""`iaos serve`: look at a built catalogue in a browser, with Range and CORS as on object storage."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("serve")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="catalog")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port on 127.0.0.1; 0 chooses one."
)
@click.pass_obj
def command(quiet: bool, /, folder: Path, port: int) -> int:
    """Serve FOLDER on 127.0.0.1 until interrupted."""
    from builder.serve import serve

    with serve(folder, port) as server:
        if not quiet:
            click.echo(f"serving {folder} at {server.url} (stop with Ctrl-C)")
        server.wait()
    return 0
